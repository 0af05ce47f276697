"""What the verbs print: tables for people, CSV and JSON with fields that stay."""

import csv
import io
import json

import pytest

QUERY = {
    "candidate",
    "form",
    "property",
    "value",
    "unit",
    "method",
    "uncertainty",
    "state",
    "reason",
    "calculation",
}
RANK = ["rank", "rank_low", "rank_high", "candidate", "role", "score", "state", "reason"]
VALIDATE = [
    "source",
    "system",
    "property",
    "reported",
    "computed",
    "difference",
    "unit",
    "method",
    "state",
]


@pytest.mark.usefixtures("results")
def test_query_gives_objects_with_stable_fields(mgscreen):
    result = mgscreen("query", "-p", "lumo", "-c", "TFSI", "-f", "json")
    assert result.code == 0
    assert result.err == "using results/two-salts/mgscreen.db\n"
    (row,) = json.loads(result.out)
    assert set(row) >= QUERY
    assert (row["candidate"], row["form"], row["value"], row["text"]) == (
        "TFSI",
        "ion",
        4.84,
        "unbound",
    )
    assert row["uncertainty"] is None


@pytest.mark.usefixtures("results")
def test_query_filters(mgscreen):
    def values(*options):
        rows = json.loads(mgscreen("query", *options, "-f", "json").out)
        return {(r["candidate"], r["property"], r["state"]) for r in rows}

    assert values("--candidate", "DME") == {
        ("DME", "oxidation_potential_vertical", "completed"),
        ("DME", "reduction_potential_vertical", "completed"),
    }
    # a failed calculation says so for each property that it would have given
    failed = values("--state", "failed")
    assert ("PFTB", "homo", "failed") in failed
    assert {candidate for candidate, *_ in failed} == {"PFTB"}
    assert values("--method", "CPCM", "--form", "contact-ion-pair") == {
        ("TFSI", "reduction_potential_vertical", "completed")
    }
    assert values("-p", "homo", "--campaign", "two-salts") == {
        ("TFSI", "homo", "completed"),
        ("PFTB", "homo", "failed"),
    }


@pytest.mark.usefixtures("results")
def test_every_format_says_the_same(mgscreen, tmp_path):
    import pandas as pd

    rows = json.loads(mgscreen("query", "-f", "json").out)
    table = list(csv.DictReader(io.StringIO(mgscreen("query", "-f", "csv").out)))
    assert [r["calculation"] for r in table] == [r["calculation"] for r in rows]
    assert list(table[0]) == list(rows[0])
    out = tmp_path / "rows.parquet"
    assert mgscreen("query", "-o", out).code == 0
    frame = pd.read_parquet(out)
    assert list(frame["calculation"]) == [r["calculation"] for r in rows]
    text = mgscreen("query", "-p", "lumo").out
    assert "4.840 (unbound)" in text
    assert not any(line != line.rstrip() for line in text.splitlines())


@pytest.mark.usefixtures("results")
def test_sql_reads_and_never_writes(mgscreen):
    result = mgscreen("query", "--sql", "SELECT count(*) AS n FROM properties", "-f", "json")
    (row,) = json.loads(result.out)
    assert row["n"] > 0
    for statement in (
        "DELETE FROM properties",
        "SELECT 1; DROP TABLE jobs",
        "PRAGMA user_version=3",
    ):
        assert mgscreen("query", "--sql", statement).code == 2
    again = mgscreen("query", "--sql", "SELECT count(*) AS n FROM properties", "-f", "json")
    assert json.loads(again.out) == [row]


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("query", "-p", "hmo"), "did you mean 'homo'?"),
        (("query", "-c", "TFSX"), "did you mean 'TFSI'?"),
        (("query", "--form", "salts"), "did you mean 'salt'?"),
        (("query", "-f", "parquet"), "--output"),
        (("query", "-o", "x.docx"), ".csv, .json"),
        (("query", "-o", "no/such/folder.csv"), "cannot be written"),
        (("query", "--sql", "SELECT 1", "-c", "TFSI"), "not both"),
        (("query", "--db", "missing.db"), "no database"),
        (("rank", "additives", "two-salt"), "did you mean 'two-salts'?"),
        (("explain", "TFSX"), "did you mean 'TFSI'?"),
        (("status", "--watch", "-f", "json"), "--watch"),
        (("plan", "x.toml"), "no such file"),
        (("plan", "laptop", "--graph", "x.png"), ".svg or .mmd"),
        (("new", "../x"), "letters, digits"),
        (("new", "x", "-t", "laptpo"), "did you mean 'laptop'?"),
        (("candidates", "show", "TFSX"), "did you mean 'TFSI'?"),
        (("candidates", "list", "--kind", "anions"), "no kind"),
    ],
)
def test_bad_input_is_one_sentence(mgscreen, arguments, words):
    result = mgscreen(*arguments)
    assert result.code == 2
    last = result.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert not result.out


def test_without_results_the_way_to_them_is_told(mgscreen):
    for verb in (("query",), ("status",), ("rank", "additives"), ("explain", "TFSI"), ("report",)):
        result = mgscreen(*verb)
        assert result.code == 2
        assert "run a campaign first" in result.err


def test_the_database_can_be_named(mgscreen, results, monkeypatch, tmp_path):
    moved = tmp_path / "elsewhere.db"
    results.rename(moved)
    assert mgscreen("query", "--db", moved, "-f", "csv").err == ""
    monkeypatch.setenv("MGSCREEN_DB", str(moved))
    assert mgscreen("rank", "additives", "-f", "csv").err == ""


@pytest.mark.usefixtures("results")
def test_rank(mgscreen):
    rows = json.loads(mgscreen("rank", "additives", "two-salts", "-f", "json").out)
    assert all(list(row) == RANK for row in rows)
    assert {row["candidate"] for row in rows if row["role"] != "host"} == {"TFSI", "PFTB"}
    assert next(row for row in rows if row["role"] == "host")["candidate"] == "DME"


@pytest.mark.usefixtures("results")
def test_explain(mgscreen):
    (found,) = json.loads(mgscreen("explain", "PFTB", "-f", "json").out)
    assert found["ranked"]["candidate"] == "PFTB"
    rows = list(csv.DictReader(io.StringIO(mgscreen("explain", "PFTB", "-f", "csv").out)))
    assert {row["property"] for row in rows} >= {"oxidation_potential_vertical", "homo"}
    # a reason in brackets is text, not markup
    assert "[no]" in mgscreen("explain", "PFTB").out


@pytest.mark.usefixtures("results")
def test_validate(mgscreen):
    rows = json.loads(mgscreen("validate", "-f", "json").out)
    assert all(list(row)[: len(VALIDATE)] == VALIDATE for row in rows)
    paper = [r for r in rows if r["source"] == "dual-additive" and r["property"] == "lumo"]
    assert [(r["reported"], r["computed"]) for r in paper] == [(-3.09, 4.84)]
    assert paper[0]["difference"] == pytest.approx(7.93)
    assert "lumo of TFSI- = -3.09 eV: none of 1 computed values fits" in mgscreen("validate").out
    everything = json.loads(mgscreen("validate", "--all", "-f", "json").out)
    assert len(everything) > len(rows)


@pytest.mark.usefixtures("results")
def test_status(mgscreen):
    rows = json.loads(mgscreen("status", "-f", "json").out)
    assert {r["kind"]: (r["total"], r["completed"], r["failed"]) for r in rows} == {
        "redox_vertical": (4, 4, 0),
        "orbitals": (2, 1, 1),
    }
    jobs = json.loads(mgscreen("status", "--jobs", "-f", "json").out)
    assert sum(job["state"] == "FAILED" for job in jobs) == 1
    text = mgscreen("status").out
    assert "5 of 6 jobs completed" in text
    assert "SCF: [no] convergence" in text
    assert mgscreen("status", "--watch").out == "two-salts: 5 completed, 1 failed\n"


@pytest.mark.usefixtures("results")
def test_report(mgscreen, tmp_path):
    assert mgscreen("report").out == f"{tmp_path / 'results' / 'two-salts' / 'report.html'}\n"
    page = (tmp_path / "results" / "two-salts" / "report.html").read_text()
    assert "TFSI" in page
    out = tmp_path / "mine.html"
    assert mgscreen("report", "two-salts", "-o", out).code == 0
    assert out.stat().st_size > 1000
    assert not list(tmp_path.rglob("*.part"))


def test_candidates(mgscreen):
    rows = json.loads(mgscreen("candidates", "list", "-f", "json").out)
    assert {"TFSI", "PFTB", "DME"} <= {row["name"] for row in rows}
    (tfsi,) = json.loads(mgscreen("candidates", "show", "TFSI", "-f", "json").out)
    assert tfsi in rows
    assert tfsi["charge"] == -1
    anions = json.loads(mgscreen("candidates", "list", "--kind", "anion", "-f", "json").out)
    assert all(row["kind"] == "anion" for row in anions)
    assert 0 < len(anions) < len(rows)


def test_doctor(mgscreen):
    rows = json.loads(mgscreen("doctor", "-f", "json").out)
    fields = ["engine", "installed", "works", "version", "licence", "citation", "install", "reason"]
    assert all(list(row) == fields for row in rows)
    assert all(row["licence"] and row["citation"] and row["install"] for row in rows)
