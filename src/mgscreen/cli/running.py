"""What ``run`` and ``retry`` share: start or go on with a campaign, then report and rank."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mgscreen.cli.failures import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mgscreen.campaign.loader import Loaded
    from mgscreen.campaign.models import Execution
    from mgscreen.cli.databases import Place
    from mgscreen.database.database import Database
    from mgscreen.database.jobs import Job
    from mgscreen.execution.summary import Summary

_ENGINE_SHARE = 0.7
"""Part of a job's memory limit that an engine plans with: PySCF exceeds its own figure."""
_ENGINE_MB = 3500
"""More brings PySCF no speed at this size of molecule."""


@dataclass(frozen=True)
class Options:
    """How to run: what the command line sets in place of the campaign's ``[execution]``."""

    workers: int | None = None
    threads: int | None = None
    memory_gb: float | None = None
    quiet: bool = False
    driver: Mapping[str, Any] = field(default_factory=dict)
    """arguments of the driver besides, or in place of, those made here: a cluster's executor"""

    def resources(self, given: Execution) -> Execution:
        """Return the campaign's resources with those of the command line in their place.

        ``workers`` is filled in: as many as the cores that this process may use feed.
        """
        changed = {
            key: value
            for key in ("workers", "threads", "memory_gb")
            if (value := getattr(self, key)) is not None
        }
        merged = given.model_copy(update=changed)
        if merged.workers is None:
            workers = max(1, _cores() // merged.threads)
            merged = merged.model_copy(update={"workers": workers})
        return merged


@dataclass(frozen=True)
class Known:
    """What the database says of a campaign.

    Attributes
    ----------
    campaign_id
        Its id; None where it is new.
    same
        Whether its jobs are those of the file as it is now.
    finished
        Whether all of them are done; failed ones are.
    """

    campaign_id: int | None = None
    same: bool = False
    finished: bool = False


def look_up(loaded: Loaded, place: Place) -> Known:
    """Compare a campaign with what the database holds.

    Reads the database alone: a second run of a finished campaign imports neither jobflow nor an
    engine. Only where the campaign names files of candidates are they read again, since what is
    in them is no part of the campaign's hash.
    """
    from mgscreen.core.errors import InputError
    from mgscreen.database.database import Database, campaign_hash
    from mgscreen.execution.driver import is_finished

    if not place.exists:
        return Known()
    try:
        database = Database(place.address, read_only=True)
    except InputError:
        return Known()  # opened for writing it is created, or says what is wrong with it
    with database:
        name = loaded.campaign.name
        row = next((row for row in database.campaigns() if row["name"] == name), None)
        if row is None:
            return Known()
        same = (
            row["hash"] == campaign_hash(loaded.campaign)
            and bool(database.count_states(row["id"]))
            and (not loaded.campaign.candidates.files or _same_candidates(loaded, database))
        )
        return Known(row["id"], same, same and is_finished(database, row["id"]))


def _same_candidates(loaded: Loaded, database: Database) -> bool:
    from mgscreen.candidates.resolve import resolve

    resolved = resolve(loaded.campaign, source=loaded.source, base=loaded.path.parent)
    fields = ("name", "smiles", "charge", "multiplicity", "is_host")
    now = {tuple(getattr(c, f) for f in fields) for c in resolved.candidates}
    frame = database.frame_candidates(loaded.campaign.name)
    before = {tuple(row[f] for f in fields) for row in frame.to_dict("records")}
    return now == before


def execute(loaded: Loaded, place: Place, known: Known, options: Options) -> Summary:
    """Run what a campaign still needs; what the database has is not computed again.

    Raises
    ------
    InputError
        If a candidate or a level of theory is wrong, or another process runs this campaign.
    MissingEngineError
        If a level needs an engine that is not installed.
    """
    from mgscreen.cli.planning import build_flow, check_levels
    from mgscreen.database.database import Database
    from mgscreen.database.reference import load_references
    from mgscreen.execution.driver import resume, run_flow
    from mgscreen.execution.lock import campaign_lock

    if known.same and known.campaign_id is not None:
        check_levels(loaded, installed=True)
        with Database(place.address) as database, _driving(loaded, place, options) as how:
            return resume(database, known.campaign_id, **how)
    resolved, flow = build_flow(loaded, installed=True)
    with Database(place.address) as database, _driving(loaded, place, options) as how:
        if known.campaign_id is not None:
            with campaign_lock(database, known.campaign_id):
                # the jobs of what was asked before; their results stay and are found again
                database.remove_jobs(known.campaign_id)
        load_references(database)
        campaign_id = database.register_campaign(
            loaded.campaign, loaded.text, loaded.path, resolved.candidates
        )
        return run_flow(flow, database, campaign_id, **how)


def repeat(
    loaded: Loaded, place: Place, known: Known, options: Options, names: Sequence[str]
) -> Summary:
    """Run again what failed or was lost: everything, or the jobs of these names or uuids.

    What did not run because such a job failed runs after it.

    Raises
    ------
    InputError
        If the campaign was not run as it is now, or has no such job that failed.
    """
    from mgscreen.cli.planning import check_levels
    from mgscreen.core.errors import InputError
    from mgscreen.database.database import Database
    from mgscreen.execution.driver import resume

    if known.campaign_id is None or not known.same:
        raise InputError(
            f"campaign '{loaded.campaign.name}' was not run as it is in {loaded.path}: run it"
        )
    with Database(place.address) as database:
        jobs = database.jobs(known.campaign_id)
        failed = [job for job in jobs if job.state in {"FAILED", "LOST"}]
        if not names and not failed:
            raise InputError(f"no job of campaign '{loaded.campaign.name}' failed or was lost")
        chosen = {job.uuid for name in names for job in _named(name, jobs, failed)}
        check_levels(loaded, installed=True)
        with _driving(loaded, place, options) as how:
            if not chosen:
                return resume(database, known.campaign_id, retry=True, **how)
            return _repeat_some(database, known.campaign_id, _with_dependants(chosen, jobs), how)


def _with_dependants(chosen: set[str], jobs: Sequence[Job]) -> list[Job]:
    """Return the chosen jobs and those that were not run because of them, in order."""
    from mgscreen.execution.summary import Failure

    found: list[Job] = []
    uuids = set(chosen)
    for job in jobs:  # parents come first
        held_up = job.state == "FAILED" and Failure(job.name, job.reason).not_run
        if job.uuid in chosen or (held_up and uuids.intersection(job.parents)):
            uuids.add(job.uuid)
            found.append(job)
    return found


def _repeat_some(
    database: Database, campaign_id: int, jobs: Sequence[Job], how: dict[str, Any]
) -> Summary:
    """Drive some failed jobs again; ``resume(retry=True)`` would take all of them."""
    from mgscreen.execution.board import Options as LoopOptions
    from mgscreen.execution.lock import campaign_lock
    from mgscreen.execution.loop import Loop

    with campaign_lock(database, campaign_id):
        database.set_job_states(
            {
                "uuid": job.uuid,
                "index": job.index,
                "state": "WAITING",
                "reason": "",
                "calculation": None,
                "finished_at": None,
            }
            for job in jobs
        )
        options = LoopOptions(**{"executor": None, **how}, retry=True, modules=())
        return Loop(database, campaign_id, options).run()


def _named(name: str, jobs: Sequence[Job], failed: Sequence[Job]) -> list[Job]:
    from mgscreen.campaign.faults import did_you_mean
    from mgscreen.core.errors import InputError

    found = [job for job in failed if name in {job.name, job.uuid}]
    if found:
        return found
    other = next((job for job in jobs if name in {job.name, job.uuid}), None)
    if other is not None:
        raise InputError(f"job '{other.name}' is {other.state}: only what failed is run again")
    hint = did_you_mean(name, dict.fromkeys(job.name for job in failed), what="failed")
    raise InputError(f"there is no job '{name}'" + (f" ({hint})" if failed else ""))


def _require_devices(loaded: Loaded) -> None:
    """Check that a GPU is here if a level asks for one, before anything runs on this machine."""
    from mgscreen.engines.device import require_device
    from mgscreen.engines.level import Level

    for engine, settings in loaded.campaign.levels.settings.items():
        require_device(Level(engine=engine, method="", settings=settings))


@contextmanager
def _driving(loaded: Loaded, place: Place, options: Options) -> Iterator[dict[str, Any]]:
    """Give what the driver takes, with a progress display that lasts as long as the block."""
    from mgscreen.core.runtime import Runtime
    from mgscreen.execution.control import FOLDER
    from mgscreen.execution.limits import Limits
    from mgscreen.execution.progress import show

    if not options.driver:
        _require_devices(loaded)
    resources = options.resources(loaded.campaign.execution)
    memory = int(min(_ENGINE_MB, _ENGINE_SHARE * resources.memory_gb * 1024))
    folder = place.folder.absolute()
    runtime = Runtime(
        scratch=folder / "scratch",
        files=folder / "files",
        threads=resources.threads,
        memory_mb=memory,
    )
    how = {
        "workers": resources.workers,
        "runtime": runtime,
        "limits": Limits.of(resources),
        "on_event": None,
        "log_folder": folder / "logs",
        "control": folder / FOLDER,
        **options.driver,
    }
    if options.quiet:
        yield how
        return
    from rich.console import Console

    with show(Console(stderr=True)) as on_event:
        yield {**how, "on_event": on_event}


def finish(loaded: Loaded, place: Place, *, report: bool, quiet: bool) -> int:
    """Print the ranking, write the report, and return the exit code: 1 where a job failed."""
    from mgscreen.cli.rankings import print_rankings
    from mgscreen.database.database import Database
    from mgscreen.database.remember import remembering

    name = loaded.campaign.name
    with Database(place.address, read_only=True) as database, remembering():
        campaign_id = database.campaign_id(name)
        jobs = database.jobs(campaign_id)
        if not quiet:
            print_rankings(database, loaded.campaign)
            sys.stdout.flush()
        if report:
            _refresh_report(database, campaign_id, place)
        failed = [job for job in jobs if job.state in {"FAILED", "LOST"}]
    if not quiet:
        sys.stdout.write(f"database: {place.address if '://' not in place.address else 'URL'}\n")
        if report:
            sys.stdout.write(f"report:   {place.report}\n")
    if failed:
        first = failed[0]
        say(
            f"{len(failed)} of {len(jobs)} jobs failed, the first one is {first.name}: "
            f"{first.reason} (all of them: mgscreen status {name})"
        )
    return 1 if failed else 0


def _refresh_report(database: Database, campaign_id: int, place: Place) -> None:
    """Write the report again, unless it is newer than the last change in the database."""
    changed = [job.finished_at for job in database.jobs(campaign_id) if job.finished_at is not None]
    changed += [row["updated_at"] for row in database.campaigns() if row["id"] == campaign_id]
    path = place.report
    if path.exists() and path.stat().st_mtime > max(moment.timestamp() for moment in changed):
        return
    from mgscreen.cli.output import replacing
    from mgscreen.report.html import write_report

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        write_report(database, campaign_id, part)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
