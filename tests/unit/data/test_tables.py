"""Every way in which a table can come, and every way in which a file can be wrong."""

import csv
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepfit.data import csv_blocks, text_tables
from deepfit.data.tables import read_table
from deepfit.errors import DataError

CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs"], include_characters='",;|\n \t'),
    max_size=6,
)
ROWS = [{"rooms": 3, "city": "Ulm", "price": 120.5}, {"rooms": 4, "city": "Bonn", "price": None}]
CSV = "rooms,city,price\n3,Ulm,120.5\n4,Bonn,\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def error(source: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read_table(source, **options)
    return str(caught.value)


def numbers(count: int, **changed: str) -> str:
    """A CSV of one column 'age' with the numbers from 1, some of them replaced: row 1 is the header."""
    return "age\n" + "".join(changed.get(f"row{row}", str(row)) + "\n" for row in range(2, count + 2))


def save(form: str, folder: Path) -> Path:
    path = folder / f"prices.{form}"
    frame = pl.DataFrame(ROWS)
    writers = {
        "csv": lambda: write(path, CSV),
        "tsv": lambda: write(path, CSV.replace(",", "\t")),
        "csv.gz": lambda: write(path, gzip.compress(CSV.encode())),
        "csv.zst": lambda: frame.lazy().sink_csv(path, compression="zstd"),
        "parquet": lambda: frame.write_parquet(path),
        "arrow": lambda: frame.write_ipc(path),
        "jsonl": lambda: write(path, "".join(json.dumps(row) + "\n" for row in ROWS)),
        "jsonl.gz": lambda: write(
            path, gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode())
        ),
        "json": lambda: write(path, json.dumps(ROWS)),
    }
    writers[form]()
    return path


@pytest.mark.parametrize(
    "form", ["csv", "tsv", "csv.gz", "csv.zst", "parquet", "arrow", "jsonl", "jsonl.gz", "json"]
)
def test_every_file_format_gives_the_same_rows(form, tmp_path):
    assert read_table(save(form, tmp_path)).frame.to_dicts() == ROWS


@pytest.mark.parametrize(
    "source",
    [
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
        pl.DataFrame(ROWS).lazy(),
        pl.DataFrame(ROWS).to_arrow(),
        {"rooms": np.array([3, 4]), "city": np.array(["Ulm", "Bonn"]), "price": np.array([120.5, np.nan])},
        {"rooms": [3, 4], "city": ["Ulm", "Bonn"], "price": [120.5, None]},
        ROWS,
    ],
    ids=["pandas", "polars", "lazy", "arrow", "arrays", "lists", "records"],
)
def test_every_kind_of_frame_gives_the_same_rows(source):
    assert read_table(source).frame.to_dicts() == ROWS


def test_a_pair_is_a_table_and_its_target():
    table = read_table((np.array([[1.5], [2.5]]), np.array(["a", "b"])))
    assert table.frame.to_dict(as_series=False) == {"x0": [1.5, 2.5], "target": ["a", "b"]}
    with pytest.raises(DataError, match="X has 2 rows and y has 1"):
        read_table((np.array([[1.5], [2.5]]), [1]))


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"])
def test_stamps_of_every_unit_of_numpy_are_read(unit):
    stamps = np.array(["2020-01-02", "2021-07-08"], f"datetime64[{unit}]")
    column = read_table({"at": stamps, "y": [1.0, 2.0]}).frame["at"]
    assert [str(each)[:10] for each in column] == [str(each.astype("datetime64[D]")) for each in stamps]


def test_pandas_objects_of_mixed_types_are_words_and_odd_types_have_a_plain_one():
    frame = pd.DataFrame(
        {
            "mixed": [1, "a", None],
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "word": pd.Categorical(["u", None, "u"]),
            "took": pd.to_timedelta([1, 2, None], unit="s"),
        }
    )
    for source in (frame, {name: frame[name] for name in frame}):
        assert read_table(source).frame.to_dict(as_series=False) == {
            "mixed": ["1", "a", None],
            "whole": [1, None, 3],
            "word": ["u", None, "u"],
            "took": [1.0, 2.0, None],
        }


def test_the_head_of_a_file_has_whole_rows_only(tmp_path, monkeypatch):
    monkeypatch.setattr(text_tables, "HEAD_BYTES", 30)
    path = write(tmp_path / "a.csv", "word,n\n" + '"a\nb",1\n' * 100)
    assert read_table(path, head=True).frame.to_dicts() == [{"word": "a\nb", "n": 1}] * 2


def test_the_columns_of_a_matrix_are_numbered_from_x0():
    assert read_table(np.array([[1.5, 2.5], [3.5, np.nan]])).frame.to_dict(as_series=False) == {
        "x0": [1.5, 3.5],
        "x1": [2.5, None],
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter, tmp_path):
    path = write(tmp_path / "a.csv", CSV.replace(",", delimiter))
    assert read_table(path).frame.to_dicts() == ROWS


def test_decimal_commas_are_read_where_the_delimiter_is_no_comma(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "price;city\n1,5;Ulm\n2;Bonn\n"))
    assert table.frame["price"].to_list() == [1.5, 2.0]
    assert "decimal commas" in table.notes[0].message


def test_spaces_around_names_are_left_out_and_said(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "rooms, price\n1,2\n"))
    assert table.frame.columns == ["rooms", "price"]
    assert "'price'" in table.notes[0].message


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert read_table(write(tmp_path / "a.csv", b"\xef\xbb\xbf" + CSV.encode())).frame.columns[0] == "rooms"


@pytest.mark.parametrize("marker", ["", "NA", "NaN", "n/a", "null", "None", "?"])
def test_the_usual_markers_mean_missing_in_a_column_of_numbers(marker, tmp_path):
    path = write(tmp_path / "a.csv", f"age,name\n1,x\n{marker},y\n3,z\n")
    assert read_table(path).frame["age"].to_list() == [1, None, 3]


def test_words_keep_the_marker_none_as_a_value_of_its_own(tmp_path):
    path = write(tmp_path / "a.csv", "fence,n\nNone,1\nwood,2\n,3\n")
    assert read_table(path).frame["fence"].to_list() == ["None", "wood", None]


def test_words_named_by_the_user_mean_missing_everywhere(tmp_path):
    path = write(tmp_path / "a.csv", "age,fence\n1,wood\n-999,unknown\n")
    assert read_table(path, missing=["-999", "unknown"]).frame.to_dicts() == [
        {"age": 1, "fence": "wood"},
        {"age": None, "fence": None},
    ]


def test_codes_with_leading_zeros_stay_words(tmp_path):
    assert read_table(write(tmp_path / "a.csv", "zip,n\n01067,1\n89073,2\n")).frame["zip"].to_list() == [
        "01067",
        "89073",
    ]


def test_yes_and_no_in_words_are_the_same_as_in_a_typed_frame(tmp_path):
    assert read_table(write(tmp_path / "a.csv", "sold,n\nTrue,1\nfalse,2\n")).frame["sold"].to_list() == [
        True,
        False,
    ]


def test_a_quoted_value_may_hold_delimiters_quotes_and_line_breaks(tmp_path):
    path = write(tmp_path / "a.csv", 'note,n\n"a, ""b""\n\nc",1\r\nplain,2\r\n')
    assert read_table(path).frame.to_dicts() == [{"note": 'a, "b"\n\nc', "n": 1}, {"note": "plain", "n": 2}]


def test_a_stray_quote_within_a_value_is_part_of_it(tmp_path):
    path = write(tmp_path / "a.csv", 'pipe,n\n5" steel,1\nsteel,2\n')
    assert read_table(path).frame["pipe"].to_list() == ['5" steel', "steel"]


def test_blank_lines_are_skipped_but_counted(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "a,b\n1,2\n\n3,4\n\n"))
    assert table.frame.to_dicts() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert [table.where(0), table.where(1)] == ["row 2", "row 4"]


def test_a_file_read_in_many_blocks_equals_one_read_at_once(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    rows = 4000
    frame = pl.DataFrame(
        {
            "whole": generator.integers(-5, 300, rows),
            "late": [*map(float, range(rows - 5)), 0.5, 1.5, 2.5, 3.5, 4.5],
            "word": generator.choice(["a", "b,c", 'd"e', "f\ng"], rows),
            "rare": [None] * (rows - 2) + [1.5, 2.5],
            "wide": generator.normal(size=rows),
        }
    )
    path = tmp_path / "a.csv"
    frame.write_csv(path)
    whole = read_table(path).frame
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 2000)
    assert read_table(path).frame.equals(whole)
    monkeypatch.setattr(text_tables, "LARGE_BYTES", 3000)
    small = read_table(path).frame
    assert small["whole"].dtype == pl.Int16
    assert small["wide"].dtype == pl.Float32
    assert (
        small.select("whole", "late", "rare")
        .cast(pl.Float64)
        .equals(whole.select("whole", "late", "rare").cast(pl.Float64))
    )
    assert small["word"].cast(pl.String).equals(whole["word"])
    np.testing.assert_allclose(small["wide"], whole["wide"], rtol=6e-8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=30), st.sampled_from(",;\t|"))
def test_what_a_csv_writer_writes_is_read_back_cell_by_cell(tmp_path, rows, delimiter):
    path = tmp_path / "a.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerows([("a", "b", "c"), ("x", "x", "x"), *rows])
    blocks_of_20 = pytest.MonkeyPatch()
    blocks_of_20.setattr(csv_blocks, "BLOCK_BYTES", 20)
    try:
        found = read_table(path, kinds=dict.fromkeys("abc", "text")).frame.rows()
    finally:
        blocks_of_20.undo()
    assert found[1:] == [tuple(cell.strip() or None for cell in row) for row in rows]


def test_a_column_that_turns_into_words_late_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 500)
    path = write(
        tmp_path / "a.csv", "code,n\n" + "".join(f"{row}.50,1\n" for row in range(100)) + "x,2\n" * 100
    )
    assert read_table(path).frame["code"].to_list() == [f"{row}.50" for row in range(100)] + ["x"] * 100


# What is wrong, where, what was received, what to do.


def test_a_missing_file_is_named_with_its_neighbours(tmp_path):
    write(tmp_path / "prices.csv", CSV)
    assert re.search(r"no file '.*price\.csv'.*Did you mean 'prices\.csv'", error(tmp_path / "price.csv"))


def test_a_missing_folder_is_named(tmp_path):
    assert "the folder" in error(tmp_path / "nowhere" / "price.csv")


def test_a_folder_is_no_table(tmp_path):
    assert "is a folder" in error(tmp_path)


def test_an_unknown_suffix_says_which_are_known(tmp_path):
    assert "Save the sheet as CSV" in error(write(tmp_path / "a.xlsx", "x"))


def test_a_pickle_is_never_opened(tmp_path):
    assert "never opened" in error(write(tmp_path / "a.pkl", "x"))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_an_empty_file_is_an_error(suffix, tmp_path):
    assert f"a{suffix}: the file is empty" in error(write(tmp_path / f"a{suffix}", ""))


def test_a_file_of_blank_lines_is_an_error(tmp_path):
    assert "a.csv: the file holds nothing but blank lines" in error(write(tmp_path / "a.csv", "\n\n\r\n"))


@pytest.mark.parametrize("content", ["age,price\n", "age,price", "age,price\n\n\n"])
def test_a_header_without_rows_is_an_error(content, tmp_path):
    assert "a.csv: there is a header (age, price) and no row" in error(write(tmp_path / "a.csv", content))


@pytest.mark.parametrize(("row", "received"), [("3,4,5", 3), ("3", 1), ('"3,4"', 1)])
def test_a_ragged_row_is_named(row, received, tmp_path):
    message = error(write(tmp_path / "a.csv", f"age,price\n1,2\n\n{row}\n5,6\n"))
    assert message.startswith(f"a.csv, row 4: expected 2 fields as in the header, received {received} (")


def test_ragged_rows_that_cancel_out_are_found(tmp_path):
    assert "a.csv, row 3: expected 2 fields" in error(write(tmp_path / "a.csv", "a,b\n1,2\n3\n4,5,6\n"))


def test_a_ragged_row_in_a_later_block_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 200)
    assert "row 302:" in error(write(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 300 + "1\n"))


def test_a_byte_that_is_not_utf8_is_named(tmp_path):
    message = error(write(tmp_path / "a.csv", b"city,n\nUlm,1\nK" + b"\xf6ln,2\n"))
    assert message.startswith("a.csv, row 3: a byte is not UTF-8, received 0xf6 after 'K'")
    assert "iconv" in message


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_damaged_compressed_file_is_an_error(suffix, tmp_path):
    path = tmp_path / f"a.csv{suffix}"
    if suffix == ".gz":
        path.write_bytes(gzip.compress(CSV.encode() * 100)[:40])
    else:
        pl.DataFrame(ROWS * 1000).lazy().sink_csv(path, compression="zstd")
        path.write_bytes(path.read_bytes()[:-5])
    assert f"a.csv{suffix}: the compressed file is damaged or cut off" in error(path)


def test_utf16_is_named_as_such(tmp_path):
    assert "UTF-16" in error(write(tmp_path / "a.csv", CSV.encode("utf-16")))


def test_columns_that_share_a_name_are_named(tmp_path):
    assert "a.csv, row 1: columns 1 and 3 share a name, received 'age'" in error(
        write(tmp_path / "a.csv", "age,b, age\n1,2,3\n")
    )


def test_columns_of_a_frame_that_share_a_name_are_named():
    assert "2 columns share the name 'a'" in error(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]))


def test_a_stray_word_among_numbers_is_named(tmp_path):
    message = error(write(tmp_path / "a.csv", numbers(100, row52="many")))
    assert message.startswith("a.csv, row 52, column 'age': expected a number, received 'many'.")
    assert '--missing "many"' in message
    assert "--kinds age=category" in message


def test_a_stray_word_is_missing_where_the_user_says_so(tmp_path):
    assert (
        read_table(write(tmp_path / "a.csv", numbers(100, row52="many")), missing=["many"])
        .frame["age"]
        .null_count()
        == 1
    )


def test_a_stray_word_is_a_name_where_the_user_says_so(tmp_path):
    table = read_table(write(tmp_path / "a.csv", numbers(100, row52="many")), kinds={"age": "category"})
    assert table.frame["age"][50] == "many"


def test_many_words_make_a_column_of_words(tmp_path):
    changed = {f"row{row}": "x" for row in range(2, 12)}
    assert read_table(write(tmp_path / "a.csv", numbers(100, **changed))).frame["age"].dtype == pl.String


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_damaged_columnar_file_is_an_error(suffix, tmp_path):
    assert f"a{suffix}: the" in error(write(tmp_path / f"a{suffix}", b"PAR1 nothing of the kind"))


def test_a_line_that_is_no_json_is_named(tmp_path):
    assert "a.jsonl, line 2: this is not JSON" in error(write(tmp_path / "a.jsonl", '{"a": 1}\n{"a": \n'))


def test_a_json_file_that_is_cut_off_names_the_line(tmp_path):
    assert "a.json, line 2: this is not JSON" in error(write(tmp_path / "a.json", '[{"a": 1},\n{"a": '))


def test_arrays_of_different_lengths_are_an_error():
    assert "{'a': 2, 'b': 1}" in error({"a": [1, 2], "b": [1]})


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2)])
def test_an_array_without_rows_and_columns_is_an_error(shape):
    assert f"received shape {shape}" in error(np.zeros(shape))


def test_what_is_no_table_is_named_by_its_type():
    assert "the source is a int, which is no table" in error(7)


def test_a_frame_without_rows_is_an_error():
    assert "no row" in error(pd.DataFrame({"a": []}))


def test_reading_encoding_and_splitting_load_neither_torch_nor_scikit_learn():
    modules = ("tables", "table_rows", "table_encoding", "table_concerns", "labels", "split", "targets")
    code = "import sys\n" + "".join(f"import deepfit.data.{module}\n" for module in modules)
    code += "print(sorted({'torch', 'sklearn', 'pandas', 'pyarrow'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
