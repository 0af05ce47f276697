"""Frames as CSV, JSON, parquet and tables."""

import csv
import io
import json
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgscreen.core.errors import InputError
from mgscreen.database.export import export, render, to_csv, to_records

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["=1+1", "-3.09", "+x", "@cmd", "\tx", "\rx", 'a"b', "a,b", "a\nb", "a\r\nb", "", "'"]
)
NUMBERS = st.none() | st.floats(allow_infinity=False)


@given(st.lists(st.tuples(TEXTS, NUMBERS), max_size=6))
def test_csv_comes_back_and_no_text_is_a_formula(rows):
    frame = pd.DataFrame(
        {"=name": [t for t, _ in rows], "value": pd.Series([v for _, v in rows], dtype="float64")}
    )
    header, *back = list(csv.reader(io.StringIO(to_csv(frame), newline="")))
    assert header == ["'=name", "value"]
    assert len(back) == len(rows)
    for (text, number), (cell, value) in zip(rows, back, strict=True):
        assert not cell.startswith(DANGEROUS)
        assert cell == ("'" + text if text.startswith(DANGEROUS) else text)
        if number is None or math.isnan(number):
            assert value == ""
        else:
            assert float(value) == number


@given(st.lists(st.tuples(TEXTS, NUMBERS), max_size=6))
def test_json_is_a_list_of_objects_without_nan(rows):
    frame = pd.DataFrame(rows, columns=["a", "b"])
    back = json.loads(render(frame, "json"), parse_constant=pytest.fail)
    assert [r["a"] for r in back] == [t for t, _ in rows]
    numbers = [None if v is None or math.isnan(v) else v for _, v in rows]
    assert [r["b"] for r in back] == numbers


MIXED = pd.DataFrame(
    {
        "text": ["a", None],
        "list": [["u1"], []],
        "mixed": [1, "x"],
        "time": pd.to_datetime(["2026-01-02T03:04:05Z", None]),
        "flag": [True, False],
        "bytes": [b"\x01", b""],
        "number": [1.5, float("inf")],
    }
)


def test_other_types():
    assert to_records(MIXED) == [
        {"text": "a", "list": ["u1"], "mixed": 1, "time": "2026-01-02T03:04:05+00:00",
         "flag": True, "bytes": "01", "number": 1.5},
        {"text": None, "list": [], "mixed": "x", "time": None, "flag": False, "bytes": "",
         "number": None},
    ]  # fmt: skip


def test_files(tmp_path):
    for name in ("a.csv", "a.json", "a.parquet", "a.txt"):
        assert export(MIXED, tmp_path / name).stat().st_size > 10
    back = pd.read_parquet(tmp_path / "a.parquet")
    assert back["list"].tolist() == ['["u1"]', "[]"]
    assert back["mixed"].tolist() == ["1", "x"]
    assert export(pd.DataFrame({"a": []}), tmp_path / "empty.parquet").exists()
    with pytest.raises(InputError, match="cannot write"):
        export(MIXED, tmp_path / "no" / "folder.csv")
    with pytest.raises(InputError, match="known: table"):
        export(MIXED, tmp_path / "a.xlsx")
    with pytest.raises(InputError, match="file"):
        render(MIXED, "parquet")


def test_a_table_shows_markup_and_control_characters_as_text():
    frame = pd.DataFrame({"a": ["[bold]x[/bold]", "\x1b[31mred"], "v": [-3.0912345678, None]})
    table = render(frame, "table")
    assert "[bold]x[/bold]" in table
    assert "\x1b" not in table
    assert "-3.09123" in table
