"""``mgscreen cancel``: stop a campaign that runs, or one job of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgscreen.cli.failures import say
from mgscreen.cli.options import CampaignName, DbOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.database.jobs import Job

_LOOK_S = 0.5


def cancel(
    campaign: CampaignName = None,
    job: Annotated[
        list[str] | None,
        typer.Option(help="Only this job, by name or uuid; repeat it for more."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results; by default results/<campaign>."),
    ] = None,
    db: DbOption = None,
    wait: Annotated[
        float, typer.Option(min=0.0, help="Seconds to wait for the driver to obey.")
    ] = 60.0,
) -> None:
    """Stop a running campaign in order, or end single jobs of it.

    Without --job the driver stops: its workers and its jobs in the queue end, what was finished is
    kept, and the same command goes on later. With --job that job fails as cancelled, and the
    campaign goes on without it. Where no driver runs, what a killed one left in the queue is ended.
    """
    from mgscreen.cli.databases import open_results, place_of
    from mgscreen.execution.control import FOLDER, ask_to_stop

    database, name = open_results(campaign, db)
    with database:
        campaign_id = database.campaign_id(name)
        address = database.address
        jobs = database.jobs(campaign_id)
    place = place_of(name, db, out)
    folder = place.folder
    if not _driven(address, campaign_id):
        _reap(folder, name, address)
        return
    chosen = _chosen(jobs, job or [])
    if job:
        for one in chosen:
            ask_to_stop(folder / FOLDER, one.uuid)
    else:
        ask_to_stop(folder / FOLDER)
    end = time.monotonic() + wait
    uuids = {one.uuid for one in chosen}
    while time.monotonic() < end:
        if not job and not _driven(address, campaign_id):
            say(f"campaign '{name}' is stopped: the same command goes on from here")
            return
        if job and not _open(address, campaign_id, uuids):
            say(f"cancelled: {', '.join(one.name for one in chosen)}")
            return
        time.sleep(_LOOK_S)
    say(f"the driver of '{name}' has not obeyed within {wait:g} s: it may be on another machine")
    raise typer.Exit(1)


def _chosen(jobs: Sequence[Job], names: Sequence[str]) -> list[Job]:
    from mgscreen.core.errors import InputError

    found = []
    for name in names:
        mine = [job for job in jobs if name in {job.name, job.uuid}]
        if not mine:
            raise InputError(f"there is no job '{name}'")
        still = [job for job in mine if job.state not in {"COMPLETED", "FAILED"}]
        if not still:
            raise InputError(f"job '{name}' is {mine[0].state} already")
        found += still
    return found


def _driven(address: str, campaign_id: int) -> bool:
    """Whether somebody drives the campaign now: its lock tells."""
    from mgscreen.core.errors import InputError
    from mgscreen.database.database import Database
    from mgscreen.execution.lock import campaign_lock

    with Database(address) as database:
        try:
            with campaign_lock(database, campaign_id):
                return False
        except InputError:
            return True


def _open(address: str, campaign_id: int, uuids: set[str]) -> bool:
    from mgscreen.database.database import Database

    with Database(address, read_only=True) as database:
        jobs = database.jobs(campaign_id)
    return any(j.uuid in uuids and j.state not in {"COMPLETED", "FAILED"} for j in jobs)


def _reap(folder: Path, name: str, address: str) -> None:
    """End what a killed driver left in the queue."""
    from mgscreen.cli.submit import QUEUE
    from mgscreen.execution.cluster.ledger import Ledger, reap
    from mgscreen.execution.cluster.sizes import token_of

    ledger = Ledger(folder.absolute() / QUEUE / "ledger.jsonl")
    schedulers = {e["scheduler"] for e in ledger.entries() if e.get("what") == "block"}
    if not ledger.entries():
        say(f"nobody runs campaign '{name}', and nothing of it is in a queue")
        return
    for scheduler in sorted(schedulers) or ["local"]:
        reap(ledger, token_of(address, name), scheduler, say)
    say(f"nobody runs campaign '{name}'")
