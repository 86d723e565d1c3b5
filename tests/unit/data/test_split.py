"""Splits: disjoint, seeded, and honest about classes, groups and time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfit.data.split import parse_split, split
from deepfit.data.table_rows import read_rows
from deepfit.errors import DataError, OptionError

COUNT = 200


def table(count: int = COUNT, **columns: object) -> dict:
    generator = np.random.default_rng(1)
    return {
        "place": np.arange(count) * 1.0,
        "x": generator.normal(size=count),
        "patient": generator.integers(0, 25, count),
        "y": generator.normal(size=count),
        **columns,
    }


def cut(
    source: object, how: str = "auto", *, goal: str = "regression", seed: int = 0, **options: object
) -> dict[str, np.ndarray]:
    rows = read_rows(source, target="y", goal=goal, split=how, kinds={"place": "number"})
    parts = split(rows, how, **{"test_fraction": 0.2, "valid_fraction": 0.25, "seed": seed, **options})
    return {
        name: getattr(parts, name).column("place").astype(int)
        for name in ("train", "valid", "test")
        if getattr(parts, name) is not None
    }


def error(*arguments: object, kind: type = DataError, **options: object) -> str:
    with pytest.raises(kind) as caught:
        cut(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("how", ["auto", "random", "group:patient", "time:x"])
def test_every_row_is_in_exactly_one_part_of_the_size_asked_for(how):
    parts = cut(table(), how)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(COUNT))
    slack = 8 if how.startswith("group") else 0
    assert abs(len(parts["test"]) - 40) <= slack
    assert abs(len(parts["valid"]) - 40) <= slack


@pytest.mark.parametrize("how", ["random", "group:patient"])
def test_the_same_seed_gives_the_same_split_and_another_seed_another(how):
    one, same, other = cut(table(), how), cut(table(), how), cut(table(), how, seed=1)
    for name in one:
        np.testing.assert_array_equal(one[name], same[name])
    assert set(one["test"].tolist()) != set(other["test"].tolist())


def test_another_validation_share_leaves_the_test_rows_as_they_are():
    np.testing.assert_array_equal(cut(table())["test"], cut(table(), valid_fraction=0.1)["test"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(2, 30), min_size=2, max_size=6), st.floats(0.05, 0.6), st.floats(0.05, 0.6))
def test_a_stratified_split_keeps_every_class_in_training_and_its_share_in_the_others(counts, test, valid):
    labels = np.repeat([f"class {n}" for n in range(len(counts))], counts)
    total = len(labels)
    parts = cut(
        table(total, y=labels), "stratified", goal="classification", test_fraction=test, valid_fraction=valid
    )
    assert set(labels[parts["train"]]) == set(labels)
    for place, count in enumerate(counts):
        held_out = (labels[parts["test"]] == f"class {place}").sum()
        assert abs(held_out - min(count - 1, count * len(parts["test"]) / total)) < 2


def test_a_random_split_leaves_every_class_a_row_to_train_on():
    labels = np.array(["often"] * 96 + ["seldom"] * 2 + ["rare"] * 2)
    for seed in range(20):
        parts = cut(table(100, y=labels), "random", goal="classification", seed=seed, test_fraction=0.5)
        assert set(labels[parts["train"]]) == set(labels)


def test_no_group_is_on_two_sides():
    source = table()
    groups = [set(source["patient"][index]) for index in cut(source, "group:patient").values()]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


def test_the_latest_rows_are_the_test_and_those_before_them_validation():
    days = [f"2020-{1 + n % 12:02d}-{1 + n % 28:02d}" for n in range(COUNT)]
    parts = {
        name: sorted(days[row] for row in rows) for name, rows in cut(table(day=days), "time:day").items()
    }
    assert parts["train"][-1] < parts["valid"][0] <= parts["valid"][-1] < parts["test"][0]


def test_rows_of_the_same_time_are_on_the_same_side():
    times = np.repeat(np.arange(10), 20)
    parts = [set(times[rows]) for rows in cut(table(when=times), "time:when", test_fraction=0.27).values()]
    assert sum(len(part) for part in parts) == 10


def test_a_column_says_the_part_in_any_usual_word():
    words = np.array(["Train", "training", "val", "dev", "TEST"] * 40)
    parts = cut(table(part=words), "column:part")
    assert {name: set(words[rows]) for name, rows in parts.items()} == {
        "train": {"Train", "training"},
        "valid": {"val", "dev"},
        "test": {"TEST"},
    }


def test_a_part_that_the_column_does_not_name_is_drawn_from_training():
    words = np.array(["train", "test"] * 100)
    parts = cut(table(part=words), "column:part")
    assert set(words[parts["test"]]) == {"test"}
    assert len(parts["valid"]) == 25
    assert set(words[parts["valid"]]) == {"train"}


def test_rows_given_for_the_test_are_taken_whole_and_none_are_held_out():
    test = read_rows(table(30), target="y", goal="regression")
    parts = cut(table(), test=test)
    assert len(parts["test"]) == 30
    assert len(parts["train"]) + len(parts["valid"]) == COUNT


def test_a_share_of_nothing_holds_no_test_out():
    assert "test" not in cut(table(), test_fraction=0.0)


@pytest.mark.parametrize(("rows", "needed"), [(1, 3), (2, 3)])
def test_too_few_rows_say_how_many_are_needed(rows, needed):
    source = {"place": np.arange(rows) * 1.0, "y": np.arange(rows) * 1.0}
    message = error(source)
    assert f"At least {needed} are needed" in message or "in every row" in message


def test_three_rows_are_enough():
    parts = cut({"place": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 3.0]})
    assert sorted(len(rows) for rows in parts.values()) == [1, 1, 1]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("randm", "no way to split called 'randm'. Did you mean 'random'"),
        ("group", "group takes a column after it, as in group:COLUMN"),
        ("random:x", "random takes no column after it"),
    ],
)
def test_a_way_to_split_that_does_not_exist_is_an_error(how, message):
    with pytest.raises(OptionError) as caught:
        parse_split(how)
    assert message in str(caught.value)


def test_stratified_needs_classes():
    assert "--split random" in error(table(), "stratified", kind=OptionError)


def test_a_column_to_split_by_that_does_not_exist_is_named():
    assert "no column 'patent'. Did you mean 'patient'" in error(table(), "group:patent")


def test_a_word_that_is_no_part_is_named():
    words = ["train", "test", "maybe", "valid"] * 50
    assert "row 2, column 'part': expected train, valid or test, received 'maybe'" in error(
        table(part=words), "column:part"
    )


def test_too_few_groups_say_how_many_are_needed():
    assert "has 2 groups" in error(table(patient=[1, 2] * 100), "group:patient")


def test_a_row_without_a_time_is_named():
    times = np.arange(COUNT) * 1.0
    times[7] = np.nan
    assert "row 7, column 'when': the time is missing" in error(table(when=times), "time:when")


def test_words_are_no_time():
    assert "holds words" in error(table(when=["soon", "late"] * 100), "time:when")


def test_a_target_that_never_changes_is_an_error():
    assert "the target 'y' is 3.0 in every row" in error(table(y=[3.0] * COUNT))
    assert "the target 'y' is 'a' in every row" in error(table(y=["a"] * COUNT), goal="classification")


def test_a_class_of_one_row_is_named_with_its_row(tmp_path):
    import polars as pl

    labels = ["a", "b"] * 100
    labels[9] = "lonely"
    pl.DataFrame(table(y=labels)).write_csv(tmp_path / "a.csv")
    message = error(tmp_path / "a.csv", goal="classification")
    assert message.startswith("a.csv, row 11: the target 'y' has the class 'lonely' in one row only")


def test_a_class_that_is_only_in_the_held_out_part_is_an_error():
    labels = np.array(["early"] * 100 + ["middle"] * 90 + ["late"] * 10)
    assert "no training row is of the class 'late'" in error(
        table(y=labels), "time:place", goal="classification"
    )


def test_asking_for_held_out_rows_where_there_are_none_is_refused():
    rows = read_rows(table(), target="y", goal="regression")
    parts = split(rows, "auto", test_fraction=0.2, valid_fraction=0.2, seed=0)
    assert parts.held_out is parts.test
    without = split(rows, "auto", test_fraction=0.0, valid_fraction=0.2, seed=0)
    with pytest.raises(ValueError, match="nothing is held out"):
        _ = without.held_out
