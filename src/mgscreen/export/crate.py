"""A campaign as an RO-Crate: inputs, outputs, database, versions, and how they belong together.

RO-Crate 1.1 (S. Soiland-Reyes et al., Data Science 5, 97 (2022), doi:10.3233/DS-210053), with the
run described as the profile Process Run Crate 0.5 asks for: one ``CreateAction`` from the campaign
file to the results, by named versions of the programs.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgscreen import __version__
from mgscreen.core.errors import InputError, MissingEngineError

if TYPE_CHECKING:
    from mgscreen.database.database import Database

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
NO_LICENCE = (
    "No licence was stated when this crate was made: ask its authors before you use it further."
)
MAX_FILE_MB = 200
"""Larger artefacts (densities) are named, not carried."""
KINDS = {
    ".html": "text/html",
    ".bib": "application/x-bibtex",
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".toml": "application/toml",
    ".db": "application/vnd.sqlite3",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".extxyz": "chemical/x-xyz",
}


def write_crate(
    database: Database,
    campaign: str | int | None,
    path: Path,
    *,
    files: Path | None = None,
    licence: str = "",
) -> list[str]:
    """Write a campaign as one zip file; return what is in it, by path.

    Parameters
    ----------
    database
        Opened for reading.
    campaign
        Name or id.
    path
        The zip file.
    files
        Folder of the artefacts that documents name; only what lies inside it goes along.
    licence
        URL or SPDX name under which the authors give it out; none is made up.

    Raises
    ------
    InputError
        If there is no such campaign or the file cannot be written.
    MissingEngineError
        If the package rocrate is not installed.
    """
    number = database.campaign_id(campaign)
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            _fill(database, number, root, files)
            crate = _describe(database, number, root, licence)
            crate.write_zip(path)
            return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror or error}") from error


def _fill(database: Database, number: int, root: Path, files: Path | None) -> None:
    """Put every file of the crate into a folder."""
    import json

    from mgscreen.export.ase_db import write_ase_db
    from mgscreen.export.optimade import optimade
    from mgscreen.export.subset import write_subset
    from mgscreen.export.tables import write_tables
    from mgscreen.report.html import write_report

    text, _ = database.campaign_source(number)
    (root / "campaign.toml").write_text(text, encoding="utf-8")
    write_subset(database, number, root / "mgscreen.db")
    write_report(database, number, root / "report.html")
    write_tables(database, number, root / "tables", "csv")
    write_ase_db(database, number, root / "structures.db")
    (root / "structures.optimade.json").write_text(
        json.dumps(optimade(database, number), allow_nan=False), encoding="utf-8"
    )
    if files is not None and files.is_dir():
        _artefacts(database, number, root / "files", files)
    # of a log of SQLite nothing is left once it is closed
    for rest in (*root.glob("*.db-shm"), *root.glob("*.db-wal")):
        rest.unlink()


def _artefacts(database: Database, number: int, target: Path, files: Path) -> None:
    """Copy the files that documents name; none from outside their folder, whatever they say."""
    import shutil

    home = files.resolve()
    hashes = database.frame_jobs(number)["calculation"].dropna().unique()
    for row in database.find_calculations(sorted(map(str, hashes))).values():
        for name in (row["document"].get("files") or {}).values():
            source = (home / str(name)).resolve()
            if not source.is_relative_to(home) or not source.is_file():
                continue
            if source.stat().st_size > MAX_FILE_MB * 1_000_000:
                continue
            place = target / source.relative_to(home)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)


def _describe(database: Database, number: int, root: Path, licence: str) -> Any:
    """Return the crate that describes a folder."""
    try:
        from rocrate.model.contextentity import ContextEntity
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise MissingEngineError("rocrate", "archive") from None
    from mgscreen.ranking.roles import read_campaign

    options = read_campaign(database, number)
    rows = {row["id"]: row for row in database.campaigns()}
    crate = ROCrate(version="1.1")
    crate.name = f"mgscreen campaign {options.name}"
    crate.description = options.description or f"Results of the screening campaign {options.name}"
    crate.license = _licence(crate, licence)
    crate.root_dataset["conformsTo"] = crate.add(
        ContextEntity(
            crate,
            PROFILE,
            properties={
                "@type": "CreativeWork",
                "name": "Process Run Crate",
                "version": "0.5",
            },
        )
    )
    programs = _programs(crate, database, number)
    entities = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        name = path.relative_to(root).as_posix()
        entities[name] = crate.add_file(
            path,
            dest_path=name,
            properties={
                "name": _ABOUT.get(name, name),
                "encodingFormat": KINDS.get(path.suffix, "application/octet-stream"),
                "contentSize": str(path.stat().st_size),
            },
        )
    campaign_file = entities["campaign.toml"]
    results = [e for name, e in entities.items() if name != "campaign.toml"]
    crate.add_action(
        programs[0],
        identifier=f"#run-{_slug(options.name)}",
        object=[campaign_file],
        result=results,
        properties={
            "name": f"mgscreen run of {options.name}",
            "startTime": rows[number]["created_at"].isoformat(),
            "endTime": rows[number]["updated_at"].isoformat(),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    crate.root_dataset["mentions"] = [
        *crate.get_by_type("CreateAction"),
    ]
    return crate


_ABOUT = {
    "campaign.toml": "The campaign file: everything that was asked for",
    "mgscreen.db": "Every result with its document (SQLite)",
    "report.html": "The report, to be opened in a browser",
    "references.bib": "What is to be cited",
    "structures.db": "All structures with their values (ASE database)",
    "structures.optimade.json": "All structures (OPTIMADE response)",
    "levels.svg": "Energy-level diagram",
    "levels.png": "Energy-level diagram",
    "tables/properties.csv": "Every value with unit, level, reference and error",
    "tables/jobs.csv": "Every job with its state, time and memory",
    "tables/calculations.csv": "Every calculation with program and version",
    "tables/references.csv": "Values of the literature",
    "tables/candidates.csv": "Candidates",
}


def _licence(crate: Any, licence: str) -> Any:
    from rocrate.model.contextentity import ContextEntity

    if licence.startswith(("http://", "https://")):
        return crate.add(
            ContextEntity(crate, licence, properties={"@type": "CreativeWork", "name": licence})
        )
    return licence or NO_LICENCE


def _programs(crate: Any, database: Database, number: int) -> list[Any]:
    """Add mgscreen and each program with its version; return them, mgscreen first."""
    from rocrate.model.softwareapplication import SoftwareApplication

    frame = database.frame_calculations()
    ours = frame[frame["hash"].isin(database.frame_jobs(number)["calculation"].dropna())]
    rows = {row["id"]: row for row in database.campaigns()}
    pairs = sorted(
        {(str(c), str(v)) for c, v in zip(ours["code"], ours["code_version"], strict=True)}
    )
    parts = [
        crate.add(
            SoftwareApplication(
                crate,
                f"#software-{_slug(code)}-{_slug(version)}",
                properties={"name": code, "version": version, "softwareVersion": version},
            )
        )
        for code, version in pairs
        if code
    ]
    version = str(rows[number]["mgscreen_version"])
    main = crate.add(
        SoftwareApplication(
            crate,
            "#software-mgscreen",
            properties={
                "name": "mgscreen",
                "version": version,
                "softwareVersion": version,
                "description": f"This archive was written by mgscreen {__version__}",
            },
        )
    )
    if parts:
        main["softwareRequirements"] = parts
    return [main, *parts]


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-") or "unnamed"
