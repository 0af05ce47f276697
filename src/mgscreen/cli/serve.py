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
    "potentials": (
        "Oxidation and reduction potentials, lowest first",
        (
            "select candidate, species, property, value, uncertainty, reference, method, state, "
            "reason from properties where property in ('reduction_potential_vertical', "
            "'reduction_potential_adiabatic', 'oxidation_potential_vertical', "
            "'oxidation_potential_adiabatic') order by property, value"
        ),
    ),
    "adsorption": (
        "Adsorption energies, most strongly bound first",
        (
            "select candidate as fragment, form as slab, property, value, unit, reference, method, "
            "state, reason from properties where property in ('adsorption_energy_radical', "
            "'adsorption_energy_half_x2', 'adsorption_energy_ion') order by property, value"
        ),
    ),
    "barriers": (
        "Barriers of the lowest paths that percolate, lowest first",
        (
            "select candidate as phase, species, value as barrier_ev, uncertainty, method, state, "
            "reason from properties where property in ('percolating_barrier', 'charged_barrier') "
            "order by value is null, value"
        ),
    ),
    "windows": (
        "Stability and window of each phase",
        (
            "select candidate as phase, method, "
            "max(case when property = 'energy_above_hull' then value end) as above_hull_ev, "
            "max(case when property = 'reduction_limit' then value end) as reduced_below_v, "
            "max(case when property = 'oxidation_limit' then value end) as oxidised_above_v, "
            "max(case when property = 'reaction_with_anode' then value end) as anode_reaction_ev "
            "from properties where property in ('energy_above_hull', 'reduction_limit', "
            "'oxidation_limit', 'reaction_with_anode') group by candidate, method "
            "order by candidate, method"
        ),
    ),
    "spread_over_levels": (
        "Where levels of theory disagree most on a property",
        (
            "select candidate, form, property, unit, count(distinct method) as levels, "
            "min(value) as lowest, max(value) as highest, max(value) - min(value) as spread "
            "from properties where property = :property and state = 'completed' "
            "group by candidate, form, environment, reference having levels > 1 "
            "order by spread desc"
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
    "beside_the_literature": (
        "Computed values beside those of the literature",
        (
            "select r.source, r.system, r.property, r.value as reported, p.value as computed, "
            "p.unit, p.form, p.method, r.conditions, r.conflict from reference_values r join "
            "properties p on p.property = r.property and p.candidate in (r.candidate, r.system) "
            "where r.value is not null and p.value is not null order by r.source, r.system"
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
TABLES = {
    "properties": "Every value, or the stated absence of one, with its level and reference",
    "calculations": "Every finished calculation; its whole document as JSON",
    "jobs": "The jobs of each campaign and where they stand",
    "candidates": "What each campaign screens",
    "structures": "Atoms as JSON",
    "reference_values": "Values of the literature with source, place and conditions",
    "campaigns": "Campaign files as they were run",
}
HIDDEN = ("outputs", "meta", "alembic_version")
"""Tables of the machinery."""


def serve(
    campaign: CampaignName = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 8001,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the web browser.")
    ] = False,
    db: DbOption = None,
) -> None:
    """Serve the database and the report to this machine's browser, read-only (Datasette).

    Ready-made queries: values_of_a_candidate, one_property, potentials, adsorption, barriers,
    windows, spread_over_levels, failures, cost, beside_the_literature, conflicts; and any SELECT.
    Only this machine can connect. Ctrl-C ends it.
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
    tables: dict[str, dict[str, Any]] = {
        name: {"description": text} for name, text in TABLES.items()
    }
    tables["properties"] |= {"facets": ["property", "method", "state"], "size": 50}
    tables |= {name: {"hidden": True} for name in HIDDEN}
    found: dict[str, Any] = {
        "title": f"mgscreen: {path.parent.name}",
        "description": "Results of a campaign, read-only: choose a database, then a query.",
        "databases": {path.stem: {"queries": queries, "tables": tables}},
    }
    if (path.parent / "report.html").is_file():
        found |= {"source": "the report", "source_url": "/report/report.html"}
    return found


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
