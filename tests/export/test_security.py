"""What a hostile database, file or name tries through the exports, and does not get."""

import csv
import importlib.util
import json
import zipfile
from pathlib import Path

import pytest

_place = Path(__file__).parents[1] / "report" / "whole.py"
_spec = importlib.util.spec_from_file_location("whole_of_exports", _place)
whole = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(whole)

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    database, number = whole.build(folder / "mgscreen.db")
    yield database, number, folder
    database.close()


def test_no_cell_of_any_table_is_a_formula(hostile, tmp_path):
    from mgscreen.export.tables import write_tables

    database, number, _ = hostile
    files = write_tables(database, number, tmp_path, "csv")
    assert len(files) == 10
    seen = 0
    for file in files:
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    seen += "HYPERLINK" in cell or "cmd|" in cell
                    if cell.startswith(FORMULA_STARTS):
                        float(cell)  # a number is no formula
    assert seen > 3


def test_a_file_outside_its_folder_does_not_go_into_a_crate(hostile, tmp_path):
    from mgscreen.export.crate import write_crate

    database, number, folder = hostile
    files = folder / "files"
    files.mkdir()
    secret = folder / "secret.txt"
    secret.write_text("not for the archive")
    (files / "good.cube").write_text("density")
    (files / "link").symlink_to(secret)
    named = {
        "good": "good.cube",
        "up": "../secret.txt",
        "absolute": str(secret),
        "link": "link",
        "folder": ".",
        "missing": "nothing.cube",
    }
    calculation = database.frame_jobs(number)["calculation"].iloc[0]
    _set_files(folder / "mgscreen.db", calculation, named)
    target = tmp_path / "c.zip"
    names = write_crate(database, number, target, files=files)
    assert [n for n in names if n.startswith("files/")] == ["files/good.cube"]
    with zipfile.ZipFile(target) as archive:
        assert all(".." not in n and not n.startswith("/") for n in archive.namelist())
        inside = [archive.read(n) for n in archive.namelist() if not n.endswith(".db")]
        assert not any(b"not for the archive" in text for text in inside)
        metadata = json.loads(archive.read("ro-crate-metadata.json"))
    assert {"files/good.cube"} <= {e["@id"] for e in metadata["@graph"]}


def _set_files(path, calculation, files):
    import sqlite3

    with sqlite3.connect(path) as connection:
        (text,) = connection.execute(
            "select document from calculations where hash = ?", (calculation,)
        ).fetchone()
        document = {**json.loads(text), "files": files}
        connection.execute(
            "update calculations set document = ? where hash = ?",
            (json.dumps(document), calculation),
        )
    connection.close()


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "/etc/passwd", "a\\..\\b", "..", "", "x\n.html", "a/b"]
)
def test_a_campaign_name_makes_no_path(name):
    from mgscreen.cli.export_results import _stem

    stem = _stem(name)
    assert stem
    assert Path(stem).name == stem
    assert not set(stem) & set("/\\.\n\0")


@pytest.mark.parametrize(
    "filters",
    [
        {"candidates": ["x' or 1=1 --"]},
        {"form": "' union select * from meta --"},
        {"property": "homo'; drop table properties; --"},
        {"method": "%' or '1'='1"},
        {"state": "completed' or 'a'='a"},
        {"environment": '" or ""="'},
    ],
)
def test_a_filter_is_a_value_and_no_sql(hostile, filters):
    database, _, _ = hostile
    before = database.count("properties")
    assert len(database.frame_properties(**filters)) == 0
    assert database.count("properties") == before > 0


def test_a_percent_sign_is_no_wildcard(hostile):
    database, _, _ = hostile
    assert len(database.frame_properties(method="%")) == 0
    assert len(database.frame_properties(method="_lip")) == 0
    assert len(database.frame_properties(method="MLIP")) > 0


def test_ase_takes_texts_that_look_like_numbers_or_code(hostile, tmp_path):
    from ase.db import connect

    from mgscreen.export.ase_db import _text, write_ase_db

    database, number, _ = hostile
    n = write_ase_db(database, number, tmp_path / "a.db")
    with connect(str(tmp_path / "a.db")) as found:
        rows = list(found.select())
        assert len(rows) == n > 10
        assert any(whole.EVIL in row.key_value_pairs.get("candidate", "") for row in rows)
    for text in ("12345678901234567890123456789012", "1e5", "nan", "True", "-.5", "1_000", " 7 "):
        assert _text(text) == f"'{text}'"
    for text in ("0ff89d92374cfcca93c95846e7725ca5", "mlip:chgnet", "e5"):
        assert _text(text) == text
