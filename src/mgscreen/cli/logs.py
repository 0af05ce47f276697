"""``mgscreen logs``: what there is to read about a job."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgscreen.cli.options import DbOption

if TYPE_CHECKING:
    from mgscreen.database.jobs import Job

_CONTROL = re.compile(r"[^\t\n\x20-\x7e\u00a0-\U0010ffff]")


def logs(
    job: Annotated[str, typer.Argument(metavar="JOB", help="Name or uuid of a job.")],
    campaign: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The campaign; by default the newest in results/."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results; by default results/<campaign>."),
    ] = None,
    db: DbOption = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="Lines of each file.")] = 40,
) -> None:
    """Show where a job stands and the last lines of every log about it.

    Its traceback, if it ended with one; the output of the workers of this machine; on a cluster,
    what its block wrote.
    """
    from mgscreen.cli.databases import open_results, place_of

    database, name = open_results(campaign, db)
    with database:
        found = _find(database.jobs(database.campaign_id(name)), job)
    folder = place_of(name, db, out).folder
    write = sys.stdout.write
    write(f"{found.name} ({found.uuid}): {found.state}" + f", attempts: {found.attempts}\n")
    if found.reason:
        write(f"reason: {_plain(found.reason)}\n")
    for what in ("submitted_at", "started_at", "finished_at"):
        moment = getattr(found, what)
        if moment is not None:
            write(f"{what.removesuffix('_at')}: {moment:%Y-%m-%d %H:%M:%S} UTC\n")
    files = _files(folder, found)
    for path in files:
        write(f"\n==> {path} <==\n")
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()
        write(_plain("\n".join(text[-lines:])) + "\n")
    if not files:
        write(f"there are no logs in {folder}\n")


def _find(jobs: list[Job], wanted: str) -> Job:
    from mgscreen.campaign.faults import did_you_mean
    from mgscreen.core.errors import InputError

    mine = [job for job in jobs if wanted in {job.name, job.uuid}]
    if not mine:
        hint = did_you_mean(wanted, dict.fromkeys(job.name for job in jobs), what="jobs")
        raise InputError(f"there is no job '{wanted}'" + (f" ({hint})" if jobs else ""))
    return mine[-1]


def _files(folder: Path, job: Job) -> list[Path]:
    """Return the job's traceback, and what workers and blocks wrote while it ran."""
    found = sorted((folder / "logs").glob(f"*-{job.uuid[:8]}.log"))
    begin = job.submitted_at or job.started_at
    if begin is None:
        return found
    since = begin.timestamp()
    until = None if job.finished_at is None else job.finished_at.timestamp()
    others = [
        *(folder / "logs").glob("workers.log"),
        *(folder / "queue" / "parsl").glob("*/*/scripts/*.std*"),
        *(folder / "queue" / "parsl").glob("*/*/scripts/*.err"),
        *(folder / "queue" / "parsl").glob("*/*/block-*/*/manager.log"),
    ]
    for path in sorted(others):
        status = path.stat()
        begun = min(status.st_ctime, status.st_mtime)
        if status.st_size and status.st_mtime >= since and (until is None or begun <= until + 60):
            found.append(path)
    return found


def _plain(text: str) -> str:
    """Return text without control characters, which could move the cursor of a terminal."""
    return _CONTROL.sub(" ", text)
