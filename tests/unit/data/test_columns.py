"""What kind of thing a column is said to be, and what the user may say instead."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from deepfit.data.columns import infer, infer_kinds, parse_kinds
from deepfit.data.dates import date_format, parse_dates
from deepfit.data.tables import read_table
from deepfit.errors import OptionError

MANY = 100
WORDS = ["a", "b", "c", "d"] * 25
SENTENCES = [f"the {n} of the very long story" for n in range(MANY)]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("rooms", [1, 2, 3, 4] * 25, "number"),
        ("price", np.linspace(0, 1, MANY).tolist(), "number"),
        ("street", WORDS, "category"),
        ("sold", [True, False] * 50, "category"),
        ("day", [f"2020-01-{1 + n % 28:02d}" for n in range(MANY)], "datetime"),
        ("typed day", [dt.date(2020, 1, 1 + n % 28) for n in range(MANY)], "datetime"),
        ("note", SENTENCES, "text"),
        ("row", list(range(MANY)), "identifier"),
        ("row from 1", list(range(1, MANY + 1)), "identifier"),
        ("customer_id", list(range(5, 5 + 7 * MANY, 7)), "identifier"),
        ("customerId", list(range(5, 5 + 7 * MANY, 7)), "identifier"),
        ("amount", list(range(5, 5 + 7 * MANY, 7)), "number"),
        ("humid", list(range(5, 5 + 7 * MANY, 7)), "number"),
        ("code", [f"x{n}y" for n in range(MANY)], "identifier"),
        ("empty", [None] * MANY, "constant"),
        ("same", [7] * MANY, "constant"),
        ("same word", ["x"] * MANY, "constant"),
        ("there or not", ["x", None] * 50, "category"),
        ("lists", [[1, 2]] * MANY, "ignore"),
    ],
)
def test_a_column_is_of_the_kind_that_its_name_and_values_say(name, values, kind):
    assert infer(pl.Series(name, values)).kind == kind


def test_the_columns_of_a_matrix_are_numbers_whatever_they_hold():
    matrix = np.stack([np.arange(MANY), np.ones(MANY, int)], axis=1)
    kinds = infer_kinds(read_table(matrix), {})
    assert {name: kind.kind for name, kind in kinds.items()} == {"x0": "number", "x1": "number"}


def test_what_the_user_says_stands():
    table = read_table({"zip": [1, 2, 3], "row": [1, 2, 3]})
    kinds = infer_kinds(table, parse_kinds("zip=category, row=ignore"))
    assert [kinds["zip"].kind, kinds["row"].kind, kinds["zip"].reason] == ["category", "ignore", "given"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zip=categry", "there is no kind 'categry' (of column 'zip'). Did you mean 'category'"),
        ("zip", "expected COLUMN=KIND"),
    ],
)
def test_a_kind_that_does_not_exist_is_named_with_a_suggestion(text, message):
    with pytest.raises(OptionError) as caught:
        parse_kinds(text)
    assert message in str(caught.value)


def test_a_kind_for_a_column_that_does_not_exist_is_an_error():
    with pytest.raises(OptionError, match=r"no column 'zp'. Did you mean 'zip'"):
        infer_kinds(read_table({"zip": [1, 2]}), {"zp": "category"})


@pytest.mark.parametrize(
    ("texts", "form", "first"),
    [
        (["2020-02-03"], "iso", dt.datetime(2020, 2, 3)),
        (["2020-02-03 04:05", "2020-02-03T04:05:06.5"], "iso", dt.datetime(2020, 2, 3, 4, 5)),
        (["2020-02-03T04:05:06+02:00"], "iso", dt.datetime(2020, 2, 3, 2, 5, 6)),
        (["2020/02/03"], "YYYY/MM/DD", dt.datetime(2020, 2, 3)),
        (["03.02.2020 10:00"], "DD.MM.YYYY", dt.datetime(2020, 2, 3, 10)),
        (["02/03/2020", "02/13/2020"], "MM/DD/YYYY", dt.datetime(2020, 2, 3)),
        (["03/02/2020", "13/02/2020"], "DD/MM/YYYY", dt.datetime(2020, 2, 3)),
        (["2020-02"], "YYYY-MM", dt.datetime(2020, 2, 1)),
    ],
)
def test_dates_are_read_in_the_form_in_which_all_of_them_are_dates(texts, form, first):
    series = pl.Series(texts)
    assert date_format(series) == form
    assert parse_dates(series, form)[0] == first


@pytest.mark.parametrize("texts", [["2020-13-01"], ["2020-01-01", "soon"], ["12"], ["a-b-c"]])
def test_what_is_no_date_has_no_form(texts):
    assert date_format(pl.Series(texts)) is None
