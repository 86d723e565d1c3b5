"""Rows of a table: what is said of them, and what is refused before training."""

import numpy as np
import polars as pl
import pytest

from deepfit.data.split import split
from deepfit.data.table_encoding import learn_columns
from deepfit.data.table_rows import read_rows
from deepfit.data.targets import guess_goal
from deepfit.errors import DataError

GENERATOR = np.random.default_rng(0)
COUNT = 400


def prices(**columns: object) -> dict:
    generator = np.random.default_rng(0)
    return {
        "rooms": generator.integers(1, 9, COUNT),
        "area": generator.normal(size=COUNT),
        "street": generator.choice(["a", "b", "c"], COUNT),
        "price": generator.normal(size=COUNT),
        **columns,
    }


def error(source: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read_rows(source, **options)
    return str(caught.value)


def concerns(source: object, kind: str, goal: str = "regression", **options: object) -> list[str]:
    rows = read_rows(source, target="price", goal=goal, **options)
    return [concern.message for concern in rows.concerns() if concern.kind == kind]


def test_taking_rows_of_taken_rows_gives_those_of_the_table():
    rows = read_rows(prices(), target="price", goal="regression")
    index = GENERATOR.permutation(COUNT)[:50]
    taken = rows.take(index).take(np.array([3, 1, 1]))
    np.testing.assert_array_equal(taken.column("area"), prices()["area"][index[[3, 1, 1]]])
    assert taken.frame is rows.frame


def test_a_mask_takes_the_rows_where_it_is_true():
    rows = read_rows(prices(), target="price", goal="regression")
    mask = prices()["rooms"] > 4
    np.testing.assert_array_equal(rows.take(mask).target(), prices()["price"][mask])


def test_an_unknown_column_is_named_with_a_suggestion():
    with pytest.raises(DataError, match=r"no column 'romms'. Did you mean 'rooms'"):
        read_rows(prices()).column("romms")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [(["b", "a"], "U"), ([True, False], "b"), ([3, 1], "i"), ([3.0, 1.0], "i"), (["x", "x"], "U")],
)
def test_labels_keep_the_type_of_their_values(values, dtype):
    rows = read_rows({"x": [1.5, 2.5], "y": values}, target="y", goal="classification")
    assert rows.target().dtype.kind == dtype
    assert rows.target().tolist() == values


def test_rows_without_a_target_are_left_out_and_counted():
    price = prices()["price"].copy()
    price[[3, 5]] = np.nan
    rows = read_rows(prices(price=price), target="price", goal="regression")
    assert len(rows) == COUNT - 2
    assert rows.where(3) == "row 4"
    assert any("2 of 400 rows have no 'price'" in concern.message for concern in rows.concerns())


def test_at_predict_rows_without_a_target_stay():
    learned = learn_columns(read_rows(prices(), target="price", goal="regression"))
    source = {name: values[:3] for name, values in prices().items()} | {"price": [1.0, None, 2.0]}
    rows = read_rows(source, target="price", goal="regression", columns=learned)
    assert len(rows) == 3
    assert rows.target() is None
    assert rows.labelled().target().tolist() == [1.0, 2.0]


def test_the_target_is_no_input():
    assert read_rows(prices(), target="price", goal="regression").inputs() == ["rooms", "area", "street"]


def test_a_column_that_only_says_how_to_split_is_no_input():
    assert (
        "street" not in read_rows(prices(), target="price", goal="regression", split="group:street").inputs()
    )
    assert "street" in read_rows(prices(), target="price", goal="regression", split="time:street").inputs()


# What is refused.


def test_a_misspelt_target_is_named_with_a_suggestion():
    assert "no column 'pirce' to predict. Did you mean 'price'" in error(
        prices(), target="pirce", goal="regression"
    )


def test_a_target_missing_in_every_row_is_an_error():
    assert "'price' is missing in every row (all 400)" in error(
        prices(price=[None] * COUNT), target="price", goal="regression"
    )


@pytest.mark.parametrize("column", ["area", "price"])
def test_an_infinite_number_is_named(column, tmp_path):
    frame = pl.DataFrame(prices())
    values = frame[column].to_numpy().copy()
    values[10] = -np.inf
    path = tmp_path / "a.csv"
    frame.with_columns(pl.Series(column, values)).write_csv(path)
    message = error(path, target="price", goal="regression")
    assert message.startswith(f"a.csv, row 12, column '{column}': received an infinite number (-inf)")


def test_a_number_with_many_values_is_no_class():
    message = error(prices(), target="price", goal="classification")
    assert "a number with 400 different values" in message
    assert "--task tabular-regression" in message


def test_words_are_no_amount(tmp_path):
    pl.DataFrame(prices()).write_csv(tmp_path / "a.csv")
    message = error(tmp_path / "a.csv", target="street", goal="regression")
    assert message.startswith("a.csv, row 2, column 'street': expected a number to predict, received '")
    assert "--task tabular-classification" in message


def test_a_table_without_an_input_says_why_each_column_is_none():
    source = {"row": list(range(COUNT)), "same": [1] * COUNT, "price": prices()["price"]}
    with pytest.raises(DataError) as caught:
        split(
            read_rows(source, target="price", goal="regression"),
            "auto",
            test_fraction=0.2,
            valid_fraction=0.2,
            seed=0,
        )
    message = str(caught.value)
    assert "'row' is identifier (counts the rows from 0 to 399)" in message
    assert "'same' is constant" in message


def test_a_column_missing_at_predict_is_named_with_a_suggestion():
    learned = learn_columns(read_rows(prices(), target="price", goal="regression"))
    source = {("Rooms" if name == "rooms" else name): values for name, values in prices().items()}
    message = error(source, target="price", goal="regression", columns=learned)
    assert "no column 'rooms', which the model was trained with. Did you mean 'Rooms'" in message


def test_a_word_in_a_column_of_numbers_at_predict_is_named(tmp_path):
    learned = learn_columns(read_rows(prices(), target="price", goal="regression"))
    (tmp_path / "new.csv").write_text("rooms,area,street\n1,2.5,a\n2,large,b\n")
    message = error(tmp_path / "new.csv", target="price", goal="regression", columns=learned)
    assert message.startswith("new.csv, row 3, column 'area': expected a number, received 'large'")
    assert "row 1, column 'area'" in error(
        {"rooms": [1, 2], "area": ["1", "large"], "street": ["a", "b"]}, goal="regression", columns=learned
    )


def test_a_word_in_a_column_that_the_model_does_not_use_is_no_mistake_at_predict(tmp_path):
    learned = learn_columns(read_rows(prices(), target="price", goal="regression"))
    other = ["1"] * 99 + ["large"]
    new = pl.DataFrame({name: values[:100] for name, values in prices().items()}).with_columns(
        other=pl.Series(other)
    )
    new.write_csv(tmp_path / "new.csv")
    assert len(read_rows(tmp_path / "new.csv", target="price", goal="regression", columns=learned)) == 100


def test_a_pair_names_its_target_itself():
    rows = read_rows((np.array([[1.5], [2.5]]), np.array([1.0, 2.0])), goal="regression")
    assert rows.target().tolist() == [1.0, 2.0]
    assert guess_goal((np.array([[1.5], [2.5]]), np.array(["a", "b"])), None)[0] == "classification"


# What a careful reader would say.


def test_an_exact_copy_of_the_target_is_said():
    assert (
        "it is the target, or a multiple of it" in concerns(prices(copy=prices()["price"] * 2 + 1), "leak")[0]
    )


def test_a_column_that_bends_the_target_is_said():
    assert "R2 0.99" in concerns(prices(bent=np.exp(2 * prices()["price"])), "leak")[0]


def test_a_column_that_separates_two_classes_is_said():
    label = np.where(prices()["price"] > 0, "yes", "no")
    told = concerns(
        prices(price=label, telling=np.where(label == "yes", 3.0, 5.0) + prices()["area"] / 10),
        "leak",
        "classification",
    )
    assert len(told) == 1
    assert "'telling' alone predicts 'price'" in told[0]
    assert "ROC AUC" in told[0]


def test_a_category_that_names_one_of_many_classes_is_said():
    label = GENERATOR.choice(["a", "b", "c"], COUNT)
    assert (
        "balanced accuracy 1.000"
        in concerns(prices(price=label, code=np.char.add(label, "x")), "leak", "classification")[0]
    )


def test_strong_but_honest_columns_are_not_called_leaks():
    strong = prices()["price"] + 0.3 * prices()["area"]
    assert concerns(prices(strong=strong), "leak") == []


@pytest.mark.parametrize(
    ("kind", "column", "values"),
    [
        ("identifier", "row", list(range(COUNT))),
        ("constant", "same", [1] * COUNT),
        ("missing", "rare", [1.5, 2.5, None, None, None] * 80),
        ("time", "day", [f"2020-{1 + n % 12:02d}-01" for n in range(COUNT)]),
        ("text", "note", [f"the {n} of a long story" for n in range(COUNT)]),
    ],
)
def test_a_column_worth_a_word_gets_one_that_names_it(kind, column, values):
    told = concerns(prices(**{column: values}), kind)
    assert len(told) == 1
    assert f"'{column}'" in told[0]


def test_the_time_column_is_given_with_the_split_that_fits_it():
    assert (
        "--split time:day"
        in concerns(prices(day=[f"2020-{1 + n % 12:02d}-01" for n in range(COUNT)]), "time")[0]
    )


def test_repeated_rows_are_counted_with_those_that_contradict():
    source = {name: np.concatenate([values, values[:7]]) for name, values in prices().items()}
    source["price"][-1] += 1
    told = concerns(source, "duplicates")
    assert told[0].startswith("7 of 407 rows repeat the inputs of another row")
    assert "1 of them with another 'price'" in told[0]


def test_a_rare_class_is_said():
    label = ["no"] * (COUNT - 5) + ["yes"] * 5
    assert (
        "the class 'yes' has 5 rows (1.25%)"
        in concerns(prices(price=label), "imbalance", "classification")[0]
    )


# Fingerprints.


def test_fingerprints_do_not_depend_on_the_target_an_identifier_or_the_order_of_columns():
    base = read_rows(prices(), target="price", goal="regression").fingerprints()
    turned = dict(reversed(prices(price=np.zeros(COUNT) + np.arange(COUNT), row=list(range(COUNT))).items()))
    np.testing.assert_array_equal(base, read_rows(turned, target="price", goal="regression").fingerprints())


def test_fingerprints_differ_where_a_value_does():
    base = read_rows(prices(), target="price", goal="regression").fingerprints()
    for column, value in {
        "rooms": 99,
        "area": 0.1,
        "street": "b" if prices()["street"][4] != "b" else "c",
    }.items():
        changed = prices()
        changed[column][4] = value
        other = read_rows(changed, target="price", goal="regression").fingerprints()
        assert np.flatnonzero(base != other).tolist() == [4]


def test_fingerprints_are_the_same_in_single_precision_and_from_a_file(tmp_path):
    base = read_rows(prices(), target="price", goal="regression").fingerprints()
    single = read_rows(
        prices(area=prices()["area"].astype(np.float32)), target="price", goal="regression"
    ).fingerprints()
    pl.DataFrame(prices()).write_csv(tmp_path / "a.csv")
    written = read_rows(tmp_path / "a.csv", target="price", goal="regression").fingerprints()
    np.testing.assert_array_equal(base, single)
    np.testing.assert_array_equal(base, written)


@pytest.mark.parametrize(
    ("values", "goal", "reason"),
    [
        ([1.5, 2.5] * 50, "regression", "number with 2 different"),
        (list(range(100)), "regression", "number with 100 different"),
        ([0, 1] * 50, "classification", "whole number with only 2"),
        (["a", "b"] * 50, "classification", "words, 2 different"),
        ([True, False] * 50, "classification", "yes or no"),
    ],
)
def test_the_goal_follows_from_the_targets_values(values, goal, reason, tmp_path):
    pl.DataFrame({"x": [0.5] * 100, "y": values}).write_csv(tmp_path / "a.csv")
    found = guess_goal(tmp_path / "a.csv", "y")
    assert found[0] == goal
    assert reason in found[1]


def test_what_is_no_table_has_no_goal(tmp_path):
    assert guess_goal(tmp_path, "y") is None
    assert guess_goal({"x": [1]}, None) is None
