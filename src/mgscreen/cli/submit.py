"""``mgscreen submit``: run a campaign on the queue of a cluster."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.failures import say
from mgscreen.cli.options import CampaignFile, DbOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mgscreen.campaign.loader import Loaded
    from mgscreen.cli.databases import Place
    from mgscreen.execution.cluster.executor import ClusterExecutor
    from mgscreen.execution.cluster.profile import LoadedProfile, Profile

ClusterFile = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="FILE",
        help="A cluster profile, or the name of one that comes with mgscreen.",
    ),
]
QUEUE = "queue"
"""Folder beside the results: scripts, logs and the ledger of what runs in the queue."""


def submit(
    campaign: CampaignFile,
    cluster: ClusterFile,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results; by default results/<campaign>."),
    ] = None,
    db: DbOption = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Also run again what failed or was lost.")
    ] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no table; errors only.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the plan and the batch scripts, submit nothing."),
    ] = False,
) -> None:
    """Run a campaign on a cluster, or go on with it after any interruption.

    This process is the driver: it stays until the campaign is done, on a login node, in tmux or as
    a job of its own. Killed, it is started again with the same command: what was finished is taken
    over, what it left in the queue is ended, what was lost runs again. Exit code 1 if a job failed.
    """
    from mgscreen.cli import databases
    from mgscreen.execution.cluster.profile import load_profile

    profile = load_profile(cluster)
    loaded = databases.load(campaign)
    place = databases.place_of(loaded.campaign.name, db, out)
    if dry_run:
        _show(loaded, place, profile, quiet=quiet)
        return
    from mgscreen.cli import running

    known = running.look_up(loaded, place)
    if known.finished and not retry:
        if not quiet:
            say(f"campaign '{loaded.campaign.name}' is finished: nothing to compute")
    else:
        with on_cluster(profile.profile, loaded, place, quiet=quiet) as driver:
            options = running.Options(quiet=quiet, driver=driver)
            if retry and known.same:
                summary = running.repeat(loaded, place, known, options, [])
            else:
                summary = running.execute(loaded, place, known, options)
        if not quiet:
            say(summary.sentence())
        if summary.interrupted:
            raise KeyboardInterrupt
    code = running.finish(loaded, place, report=not no_report, quiet=quiet)
    if code:
        raise typer.Exit(code)


@contextmanager
def on_cluster(
    profile: Profile, loaded: Loaded, place: Place, *, quiet: bool
) -> Iterator[dict[str, Any]]:
    """Give what the driver takes for a cluster in place of a pool of this machine.

    The executor itself is made by the driver once it holds the campaign's lock: only then may it
    end what an earlier driver left behind.
    """
    from mgscreen.execution.cluster.executor import ClusterExecutor
    from mgscreen.execution.cluster.sizes import token_of

    folder = place.folder.absolute() / QUEUE
    name = loaded.campaign.name
    made: list[ClusterExecutor] = []

    def make() -> ClusterExecutor:
        one = ClusterExecutor(
            profile, folder, token_of(_address(place), name), None if quiet else say
        )
        made.append(one)
        return one

    try:
        yield {"executor": make, "workers": profile.slots}
    finally:
        for one in made:
            one.shutdown(wait=True)


def _address(place: Place) -> str:
    return place.address if "://" in place.address else str(Path(place.address).absolute())


def _show(loaded: Loaded, place: Place, profile: LoadedProfile, *, quiet: bool) -> None:
    from mgscreen.cli.plan import show_plan

    show_plan(loaded, place, quiet=quiet)
    if not quiet:
        sys.stdout.write(describe(loaded, place, profile.profile))


def describe(loaded: Loaded, place: Place, profile: Profile) -> str:
    """Return what each class of tasks has to do, what it costs, and its batch script."""
    from mgscreen.cli.planning import OPEN, planned_jobs
    from mgscreen.database.jobs import Job
    from mgscreen.execution.cluster.classes import class_of
    from mgscreen.execution.cluster.script import batch_script

    work: dict[str, list[Mapping[str, Any]]] = {}
    for job in planned_jobs(loaded, place):
        if job["state"] == OPEN:
            one = Job(uuid=job["uuid"], name=job["job"], level=job["level"])
            engine = one.level.partition(":")[0]
            # as the job's own arguments will have it: the device decides about the class
            settings = loaded.campaign.levels.settings.get(engine, {})
            payload = {"function_args": [{"engine": engine, "settings": settings}]}
            name = class_of(one, payload, profile.classes.keys())
            work.setdefault(name, []).append(job)
    lines = ["", f"On {profile.name} ({profile.scheduler}):"]
    for name in profile.classes:
        lines += ["", _class_line(name, work.get(name, []), profile)]
        if work.get(name):
            lines += ["", batch_script(profile, name, place.folder.absolute() / QUEUE).rstrip()]
    return "\n".join(lines) + "\n"


def _class_line(name: str, jobs: Sequence[Mapping[str, Any]], profile: Profile) -> str:
    from mgscreen.cli.output import duration

    resources = profile.classes[name]  # type: ignore[index]
    cpu = sum(job["cost_s"] for job in jobs)
    if not jobs:
        return f"{name}: nothing to do"
    cores = resources.cores * resources.nodes
    longest = max(job["cost_s"] for job in jobs)
    wall = duration(max(longest, cpu / (resources.slots * resources.cores_per_task)))
    return (
        f"{name}: {len(jobs)} jobs, about {duration(cpu)} of CPU time; up to {resources.blocks} "
        f"blocks of {cores} cores, {resources.slots} tasks at once: about {wall} once "
        f"they run, at most {resources.blocks * cores * resources.walltime_s / 3600:g} core hours "
        "per round of blocks"
    )
