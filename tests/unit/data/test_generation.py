"""Rows to be made: reading, cells and back in the types of the data, conditions, chance of a row's own."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from scipy import stats

from deepfit.data import row_chance
from deepfit.data.conditions import Conditions, by_share, conditioned, parse_prompt
from deepfit.data.generation_encoding import (
    MOST_SHOWN,
    cells_of,
    decode_cells,
    encode_rows,
    json_rows,
    learn_generation,
    named_columns,
)
from deepfit.data.generation_rows import read_generation_rows
from deepfit.errors import DataError, OptionError

HOW = {"facts": None, "missing": "", "kinds": "", "split": "auto"}


def frame(count=200):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, count).astype(float)
    age[::9] = np.nan
    return pl.DataFrame(
        {
            "id": [f"c{row:05}" for row in range(count)],
            "age": pl.Series(age).fill_nan(None).cast(pl.Int64),
            "income": np.round(rng.lognormal(7, 1, count), 2),
            "job": [None if row % 20 == 0 else ["fixed", "free"][row % 2] for row in range(count)],
            "smoker": rng.random(count) < 0.3,
            "since": np.datetime64("2020-01-01") + rng.integers(0, 900, count),
            "country": ["de"] * count,
        }
    )


def read(source, target=None, **how):
    return read_generation_rows(source, target=target, **{**HOW, **how})


@pytest.fixture(scope="module")
def learned():
    rows = read(frame())
    return rows, learn_generation(rows, 0)


def test_rows_come_back_from_choices_and_offsets_in_the_types_of_the_data(learned):
    rows, facts = learned
    batch = encode_rows(rows, facts)
    made = named_columns(decode_cells({**batch, "chance": np.full(len(rows), 0.5)}, facts), facts)
    given = frame()
    assert list(made) == ["age", "income", "job", "smoker", "since", "country"]
    for name in ("age", "job", "smoker", "country"):
        assert made[name].tolist() == given[name].to_list(), name
    assert made["smoker"].dtype == bool
    assert made["since"].astype("datetime64[D]").tolist() == given["since"].to_list()
    assert (np.abs(made["income"] / given["income"].to_numpy() - 1) < 0.02).mean() > 0.97
    assert (made["income"] == np.round(made["income"], 2)).all()


def test_facts_are_plain_json_and_rows_are_json_with_null_where_a_cell_is_missing(learned):
    rows, facts = learned
    again = json.loads(json.dumps(facts))
    np.testing.assert_array_equal(cells_of(rows, facts), cells_of(rows, again))
    first = json.loads(json_rows(cells_of(rows, facts)[:1], facts)[0])
    assert first["age"] is None
    assert first["job"] is None
    assert first["since"].startswith("20")
    assert first["country"] == "de"


def test_identifiers_are_left_out_and_constants_kept_and_both_are_said(learned):
    rows, facts = learned
    assert facts["constants"] == {"country": "de"}
    assert list(facts["unused"]) == ["id"]
    said = {concern.where: concern.message for concern in rows.concerns()}
    assert "left out of the made rows" in said["id"]
    assert "made as it is" in said["country"]


def test_rare_words_share_a_choice_and_come_back_as_often_as_they_were():
    words = [f"w{min(row % 97, 96)}" for row in range(4000)]
    rows = read({"word": words, "x": np.arange(4000) % 7 * 1.5})
    facts = learn_generation(rows, 0)
    assert facts["columns"][0]["size"] == MOST_SHOWN + 1
    count = 5000
    batch = {
        "choices": np.tile([MOST_SHOWN, 0], (count, 1)),
        "offsets": np.zeros((count, facts["num_offsets"])),
        "chance": (np.arange(count) + 0.5) / count,
    }
    codes, counts = np.unique(decode_cells(batch, facts)[:, 0], return_counts=True)
    assert codes.tolist() == list(range(MOST_SHOWN, 97))
    assert counts.max() - counts.min() <= 5


def test_too_few_rows_no_usable_column_and_a_target_that_is_not_there_are_refused():
    with pytest.raises(DataError, match=r"received 10 rows.*at least 50"):
        read(frame(10))
    with pytest.raises(DataError, match="no column is left to learn from"):
        read(frame().select("id", "country"))
    with pytest.raises(DataError, match=r"no column 'incme' to predict. Did you mean 'income'"):
        read(frame(), target="incme")
    with pytest.raises(DataError, match="the target 'country' is constant"):
        read(frame(), target="country")
    many = {"word": [f"w{row % 60}" for row in range(600)], "x": np.arange(600) % 5}
    with pytest.raises(DataError, match="has 60 classes"):
        learn_generation(read(many, target="word"), 0)


def test_rows_without_the_target_are_left_out_and_counted():
    rows = read(frame(), target="job")
    assert len(rows) == 190
    assert any("10 of 200 rows have no 'job'" in concern.message for concern in rows.concerns())
    assert set(rows.target().tolist()) == {"fixed", "free"}


def test_without_a_target_the_columns_that_hang_together_are_judged():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    source = {
        "noise": rng.normal(size=300),
        "x": x,
        "y": x + rng.normal(0, 0.1, 300),
        "more": rng.normal(size=300),
    }
    judged = learn_generation(read(source), 0)["judged"]
    assert [each["column"] for each in judged[:2]] == [1, 2]


def test_chance_of_a_row_is_uniform_or_normal_and_its_own():
    rows = np.random.default_rng(0).integers(0, 2**63, 4000).astype(np.uint64)
    uniform, normal = row_chance.uniform(rows, 3, 7), row_chance.normal(rows, 3, 7)
    assert stats.kstest(uniform.ravel(), "uniform").pvalue > 0.01
    assert stats.kstest(normal.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(normal.T) - np.eye(3)).max() < 0.06
    np.testing.assert_array_equal(row_chance.normal(rows[5:9], 3, 7), normal[5:9])
    assert (row_chance.uniform(rows, 3, 8) != uniform).mean() > 0.99


def test_counted_rows_get_chances_without_a_pattern():
    uniform = row_chance.uniform(np.arange(5000, dtype=np.uint64), 2, 0)
    assert stats.kstest(uniform[:, 0], "uniform").pvalue > 0.01
    assert abs(np.corrcoef(uniform[:-1, 0], uniform[1:, 0])[0, 1]) < 0.05


def test_conditions_name_rows_that_meet_them_and_rare_words_more_often_than_they_are():
    choices = np.stack([np.repeat([0, 1, 2], [900, 90, 10]), np.tile([0, 1], 500)], axis=1)
    drawn = Conditions(choices, [3, 2], [0, 1])
    place, row = drawn.draw(np.random.default_rng(0).random((30_000, 3)))
    first = place < 3
    assert abs(first.mean() - 0.5) < 0.02
    assert (choices[row[first], 0] == place[first]).all()
    assert (choices[row[~first], 1] == place[~first] - 3).all()
    wanted = np.log1p([900, 90, 10])
    np.testing.assert_allclose(np.bincount(place[first]) / first.sum(), wanted / wanted.sum(), atol=0.015)
    assert len(np.unique(row[first & (place == 2)])) == 10


def test_a_table_without_categories_has_no_conditions():
    place, row = Conditions(np.zeros((50, 1), int), [4], []).draw(np.random.default_rng(0).random((100, 3)))
    assert (place == -1).all()
    assert row.max() < 50


def test_new_rows_are_conditioned_as_often_as_training_has_it(learned):
    _, facts = learned
    place = by_share(np.random.default_rng(0).random((20_000, 2)), facts)
    column = conditioned(facts)[0]
    start = sum(facts["sizes"][:column])
    shares = np.array(facts["columns"][column]["shares"])
    within = place[(place >= start) & (place < start + len(shares))] - start
    np.testing.assert_allclose(np.bincount(within) / len(within), shares, atol=0.02)


def test_prompts_are_conditions_of_categories_and_others_are_refused_with_what_there_is(learned):
    _, facts = learned
    assert parse_prompt("job = fixed", facts)[1] == facts["columns"][2]["values"].index("fixed")
    assert parse_prompt("smoker=True", facts)[0] == 3
    for prompt, said in {
        "fixed": "expected a condition COLUMN=VALUE",
        "age=30": "'age' is a number or a date; conditions are of categories: job, smoker",
        "jbo=fixed": "no column 'jbo'. Did you mean 'job'",
        "job=fixd": "no training row has job=fixd. Did you mean 'fixed'",
    }.items():
        with pytest.raises(OptionError, match=said):
            parse_prompt(prompt, facts)


def test_a_network_sees_the_numbers_themselves_scaled_and_missing_ones_at_the_mean(learned):
    import torch

    from deepfit import catalog

    kind = catalog.find("tabular-generation")
    rows, facts = learned
    net = kind(kind.Options()).build(facts)
    batch = encode_rows(rows, facts)
    seen = net.values(
        net.dense(torch.from_numpy(batch["offsets"]), torch.from_numpy(batch["choices"]))
    ).numpy()
    income = np.arcsinh(
        (frame()["income"].to_numpy() - facts["columns"][1]["centre"]) * facts["columns"][1]["factor"]
    )
    assert np.corrcoef(seen[:, 1], income)[0, 1] > 0.999
    assert abs(seen[:, 1].mean()) < 0.1
    assert 0.9 < seen[:, 1].std() < 1.1
    missing = frame()["age"].is_null().to_numpy()
    assert (seen[missing, 0] == 0).all()
    assert np.corrcoef(seen[~missing, 0], frame()["age"].drop_nulls().to_numpy())[0, 1] > 0.98
