"""Run a jobflow Flow over an executor, with the state of every job in the database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mgscreen.core.runtime import Runtime
from mgscreen.execution.limits import Limits
from mgscreen.execution.lock import campaign_lock
from mgscreen.execution.states import State
from mgscreen.execution.summary import Summary, failures_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

    from mgscreen.database.database import Database
    from mgscreen.execution.summary import Event


def run_flow(  # noqa: PLR0913 - a front door
    flow: Flow | Job | list[Any],
    database: Database,
    campaign_id: int,
    *,
    workers: int | None = None,
    runtime: Runtime | None = None,
    limits: Limits | None = None,
    on_event: Callable[[Event], None] | None = None,
    retry: bool = False,
    modules: Sequence[str] = (),
    executor: Executor | Callable[[], Executor] | None = None,
    log_folder: Path | None = None,
    control: Path | None = None,
) -> Summary:
    """Run a flow to its end, or until Ctrl-C.

    A flow that was begun before (the same uuids) goes on where it stood. Otherwise the jobs that
    the campaign had are replaced by those of the flow. In both cases nothing that the database
    holds already is computed again.

    Parameters
    ----------
    flow
        A jobflow Flow, Job or list of them.
    database
        Open for writing.
    campaign_id
        The campaign that the jobs belong to.
    workers
        Processes; None: the CPU cores of this machine.
    runtime
        Folders, threads and memory for the calculations.
    limits
        Memory and time of one job, and how often a lost one is tried again.
    on_event
        Called in this process for everything that happens, for a progress display.
    retry
        Compute again what failed before.
    modules
        Packages whose functions the jobs may name besides those of jobflow and mgscreen.
    executor
        Anything that speaks ``concurrent.futures.Executor``, or what makes one once this process
        is known to be the campaign's only driver; None: a ``WorkerPool`` of this machine, which
        alone can enforce ``limits``.
    log_folder
        Where tracebacks and the output of workers go; None: nowhere.
    control
        Folder in which others ask this run to stop; see ``mgscreen.execution.control``.

    Returns
    -------
    Summary
        With ``interrupted`` set after Ctrl-C or SIGTERM.

    Raises
    ------
    ValueError
        If the flow refers to jobs that it does not hold, or jobs wait for each other in a circle.
    InputError
        If another process runs this campaign.
    """
    from mgscreen.execution.flatten import external, flatten

    rows = flatten(flow)
    missing = external(rows)
    if missing:
        msg = f"the flow refers to jobs that are not in it: {', '.join(missing)}"
        raise ValueError(msg)
    with campaign_lock(database, campaign_id):
        _enrol(database, campaign_id, rows)
        del rows
        return _drive(
            database,
            campaign_id,
            workers=workers,
            runtime=runtime,
            limits=limits,
            on_event=on_event,
            retry=retry,
            modules=modules,
            executor=executor,
            log_folder=log_folder,
            control=control,
        )


def resume(  # noqa: PLR0913 - a front door
    database: Database,
    campaign_id: int,
    *,
    workers: int | None = None,
    runtime: Runtime | None = None,
    limits: Limits | None = None,
    on_event: Callable[[Event], None] | None = None,
    retry: bool = False,
    modules: Sequence[str] = (),
    executor: Executor | Callable[[], Executor] | None = None,
    log_folder: Path | None = None,
    control: Path | None = None,
) -> Summary:
    """Go on with the jobs of a campaign as the database has them; see ``run_flow``.

    Jobs that ran when the last driver ended are started again; jobs that were generated at run
    time are included.
    """
    with campaign_lock(database, campaign_id):
        return _drive(
            database,
            campaign_id,
            workers=workers,
            runtime=runtime,
            limits=limits,
            on_event=on_event,
            retry=retry,
            modules=modules,
            executor=executor,
            log_folder=log_folder,
            control=control,
        )


def is_finished(database: Database, campaign_id: int) -> bool:
    """Return whether the campaign has jobs and all of them are finished, failed ones included."""
    counts = database.count_states(campaign_id)
    return bool(counts) and all(State(state).final for state in counts)


def summary_of(database: Database, campaign_id: int) -> Summary:
    """Return where a campaign stands, without running anything."""
    counts = {State(state): n for state, n in database.count_states(campaign_id).items()}
    return Summary(counts=counts, failed=failures_of(database, campaign_id))


def _enrol(database: Database, campaign_id: int, rows: Iterable[dict[str, Any]]) -> None:
    """Write the jobs of a flow; another flow's jobs give way, the same flow's keep their state."""
    rows = list(rows)
    known = {(job.uuid, job.index) for job in database.jobs(campaign_id)}
    if known and not any((row["uuid"], row["index"]) in known for row in rows):
        database.remove_jobs(campaign_id)
    database.add_jobs(campaign_id, rows)


def _drive(  # noqa: PLR0913 - what run_flow was given
    database: Database,
    campaign_id: int,
    *,
    workers: int | None,
    runtime: Runtime | None,
    limits: Limits | None,
    on_event: Callable[[Event], None] | None,
    retry: bool,
    modules: Sequence[str],
    executor: Executor | Callable[[], Executor] | None,
    log_folder: Path | None,
    control: Path | None,
) -> Summary:
    if retry:
        database.reset_jobs(campaign_id, [State.FAILED, State.LOST])
    if is_finished(database, campaign_id):
        # nothing to import, nothing to start
        return summary_of(database, campaign_id)
    from mgscreen.execution.board import Options
    from mgscreen.execution.loop import Loop

    options = Options(
        workers=workers or _cores(),
        runtime=runtime or Runtime(),
        limits=limits or Limits(),
        on_event=on_event,
        retry=retry,
        modules=tuple(modules),
        executor=executor,
        log_folder=log_folder,
        control=control,
    )
    return Loop(database, campaign_id, options).run()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
