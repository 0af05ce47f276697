"""``mgscreen serve``: the database and the report in a browser, read-only, on this machine."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption
from mgscreen.core.errors import InputError, MissingEngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
QUERIES = {
    "values_of_a_candidate": (
        "Every value of a candidate",
        (
            "select candidate, form, species, property, value, text, unit, uncertainty, "
            "environment, reference, method, state, reason from properties "
            "where candidate = :candidate "
            "order by property, method"
        ),
    ),
    "one_property": (
        "One property of everything, by method",
        (
            "select candidate, species, method, value, uncertainty, unit, reference, state, reason "
            "from properties where property = :property order by method, value"
        ),
    ),
    "failures": (
        "What failed, and why",
        (
            "select name, level, state, reason from jobs where state in ('FAILED', 'LOST') "
            "order by name"
        ),
    ),
    "cost": (
        "Time by kind of calculation and level",
        (
            "select kind, level, count(*) as calculations, round(sum(cpu_s), 1) as cpu_s, "
            "round(max(peak_memory_mb)) as peak_memory_mb from calculations group by kind, level "
            "order by cpu_s desc"
        ),
    ),
    "conflicts": (
        "Literature values that disagree",
        (
            "select conflict, system, property, value, text, unit, source, place, conditions "
            "from reference_values where conflict <> '' order by conflict"
        ),
    ),
}
"""Ready-made queries: name to title and SQL; ``:name`` asks for a value, which is bound."""


def serve(
    campaign: CampaignName = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 8001,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the web browser.")
    ] = False,
    db: DbOption = None,
) -> None:
    """Serve the database and the report to this machine's browser, read-only (Datasette).

    Ready-made queries: values_of_a_candidate, one_property, failures, cost, conflicts; and any
    SELECT. Only this machine can connect. Ctrl-C ends it.
    """
    from importlib.util import find_spec

    from mgscreen.cli.databases import open_results

    if find_spec("datasette") is None:
        raise MissingEngineError("datasette", "explore")
    database, _ = open_results(campaign, db)
    if "://" in database.address:
        raise InputError(
            "serve reads an SQLite file: copy the campaign out of the shared database first"
        )
    path = Path(database.address).absolute()
    database.close()
    with tempfile.TemporaryDirectory() as folder:
        about = Path(folder) / "metadata.json"
        about.write_text(json.dumps(metadata(path)), encoding="utf-8")
        _call(arguments(path, about, port, browser=browser))


def metadata(path: Path) -> dict[str, Any]:
    """Return what Datasette shows of a database: title, and the ready-made queries."""
    queries = {
        name: {"title": title, "sql": sql, "hide_sql": False}
        for name, (title, sql) in QUERIES.items()
    }
    report = ""
    if (path.parent / "report.html").is_file():
        report = "The report lies at /report/report.html."
    return {
        "title": f"mgscreen: {path.parent.name}",
        "description": f"Read-only. {report}".strip(),
        "databases": {path.stem: {"queries": queries}},
    }


def arguments(path: Path, about: Path, port: int, *, browser: bool) -> list[str]:
    """Return the arguments of ``datasette``: this machine only, no download, no long query."""
    found = ["serve", str(path), "--host", HOST, "--port", str(port), "--metadata", str(about)]
    for name, value in (
        ("allow_download", "off"),
        ("sql_time_limit_ms", "5000"),
        ("default_allow_sql", "on"),
    ):
        found += ["--setting", name, value]
    report = path.parent / "report.html"
    if report.is_file():
        # the page alone, not the folder with scratch and logs around it
        shown = about.parent / "report"
        shown.mkdir()
        shutil.copy(report, shown / "report.html")
        found += ["--static", f"report:{shown}"]
    return [*found, "--open"] if browser else found


def _call(found: Sequence[str]) -> None:
    from datasette.cli import cli

    cli.main(args=list(found), prog_name="datasette", standalone_mode=False)
    sys.stdout.flush()
