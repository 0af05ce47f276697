"""Every job of a campaign's DAG, its cost, and whether the database has its result already."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

    from mgscreen.campaign.loader import Loaded
    from mgscreen.cli.databases import Place
    from mgscreen.database.database import Database
    from mgscreen.engines.level import Level

KNOWN, FAILED, OPEN = "known", "failed", "open"


def build_flow(loaded: Loaded, *, installed: bool = False) -> tuple[Any, Flow]:
    """Return the resolved candidates and the Flow of a campaign.

    Parameters
    ----------
    loaded
        The campaign.
    installed
        Whether an engine that is not installed is an error; a plan needs none.

    Raises
    ------
    InputError
        If a candidate or a level of theory is wrong.
    MissingEngineError
        With the command that installs the engine.
    """
    from mgscreen.candidates.resolve import resolve

    # what is light comes first: a wrong name is told before jobflow and the engines are imported
    resolved = resolve(loaded.campaign, source=loaded.source, base=loaded.path.parent)
    check_levels(loaded, installed=installed)
    from mgscreen.flows.campaign import campaign_flow

    return resolved, campaign_flow(loaded.campaign, resolved, loaded.path.parent)


def check_levels(loaded: Loaded, *, installed: bool = False) -> None:
    """Ask each engine whether it knows the functional, the basis and every setting.

    Parameters
    ----------
    loaded
        The campaign.
    installed
        Whether an engine that is not installed is an error; a plan needs none.

    Raises
    ------
    InputError
        At the level or setting in the campaign file.
    MissingEngineError
        With the command that installs the engine.
    """
    from mgscreen.flows.levels import campaign_levels

    campaign = loaded.campaign
    if campaign.has_molecules:
        from mgscreen.engines.base import get_engine

        for step, level in campaign_levels(campaign).items():
            _check(loaded, level, get_engine, (step,), installed=installed)
    for section in ("stability", "surfaces", "migration"):
        if getattr(campaign, section) is not None:
            _check_solids(loaded, section, installed=installed)


def _check_solids(loaded: Loaded, section: str, *, installed: bool) -> None:
    """Check the potentials and the DFT level of a section, its own or those of ``[levels]``."""
    from mgscreen.engines.periodic import get_periodic_engine
    from mgscreen.flows.levels import periodic_level

    campaign = loaded.campaign
    table = getattr(campaign, section)
    own = getattr(table, "potentials", None)
    names = campaign.levels.potentials if own is None else own
    for n, name in enumerate(names):
        path = (section if own is not None else "levels", "potentials", n)
        level = periodic_level(campaign, name)
        _check(loaded, level, get_periodic_engine, path, installed=installed)
    if getattr(table, "dft", "none") != "none":
        level = periodic_level(campaign, campaign.levels.dft)
        _check(loaded, level, get_periodic_engine, ("levels", "dft"), installed=installed)


def _check(
    loaded: Loaded,
    level: Level,
    get: Callable[[Level], Any],
    path: tuple[str | int, ...],
    *,
    installed: bool,
) -> None:
    from mgscreen.core.errors import InputError, MissingEngineError

    try:
        get(level)
    except MissingEngineError:
        if installed:
            raise
    except InputError as error:
        given = loaded.campaign.levels.settings.get(level.engine, {})
        key = next((k for k in given if f"'{k}'" in error.message), None)
        if key is not None:
            path = ("levels", "settings", level.engine, key)
        elif path[0] not in {"levels", "stability", "surfaces", "migration"}:
            path = ("levels", *path)
        raise InputError(error.message, loaded.source.locate(*path)) from None


def planned_jobs(loaded: Loaded, place: Place) -> list[dict[str, Any]]:
    """Return every job in the order of the DAG, with what the database knows of it."""
    _, flow = build_flow(loaded)
    jobs = [(job, tuple(parents)) for job, parents in flow.iterflow()]  # type: ignore[no-untyped-call]
    states = _states(jobs, place)
    rows = []
    for job, parents in jobs:
        state, calculation = states[job.uuid]
        labels = ("kind", "candidate", "form", "species", "level", "geometry_level")
        rows.append(
            {
                "uuid": job.uuid,
                "parents": parents,
                "job": job.name,
                **{key: job.metadata.get(key, "") for key in labels},
                "cost_s": float(job.metadata.get("cost_s", 0.0)),
                "state": state,
                "calculation": calculation,
            }
        )
    return rows


def totals(planned: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum jobs by kind and level, in the order of the DAG."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for job in planned:
        groups[job["kind"], job["level"]].append(job)
    return [
        {
            "kind": kind,
            "level": level,
            "jobs": len(jobs),
            "in_database": sum(job["state"] != OPEN for job in jobs),
            "cost_s": round(sum(job["cost_s"] for job in jobs), 1),
            "left_s": round(sum(job["cost_s"] for job in jobs if job["state"] == OPEN), 1),
        }
        for (kind, level), jobs in groups.items()
    ]


def _states(
    jobs: Iterable[tuple[Job, tuple[str, ...]]], place: Place
) -> dict[str, tuple[str, str | None]]:
    """Return state and identity of each job.

    The identity of a job that needs the output of others is known once theirs is: generation by
    generation, one query each.
    """
    listed = list(jobs)
    states: dict[str, tuple[str, str | None]] = {job.uuid: (OPEN, None) for job, _ in listed}
    if not place.exists:
        return states
    from mgscreen.database.database import Database

    documents: dict[str, Any] = {}
    with Database(place.address, read_only=True) as database:
        while listed:
            ready = [(job, ps) for job, ps in listed if all(p in documents for p in ps)]
            before = len(documents)
            _look_up(database, ready, states, documents)
            if len(documents) == before:
                break
            listed = [(job, ps) for job, ps in listed if job.uuid not in documents]
    return states


def _look_up(
    database: Database,
    ready: Iterable[tuple[Job, tuple[str, ...]]],
    states: dict[str, tuple[str, str | None]],
    documents: dict[str, Any],
) -> None:
    """Find the results of jobs whose parents are known; changes ``states`` and ``documents``."""
    identities = {}
    for job, parents in ready:
        if not any(states[p][0] == FAILED for p in parents):
            identities[job.uuid] = _identity(job, documents)
        elif not job.metadata.get("accepts_failed"):
            # no result to stand on, and it does not say that it does without
            states[job.uuid] = (FAILED, None)
            documents[job.uuid] = None
    found = database.find_calculations(i for i in identities.values() if i is not None)
    for uuid, identity in identities.items():
        row = None if identity is None else found.get(identity)
        if row is not None:
            state = KNOWN if row["state"] == "completed" else FAILED
            states[uuid] = (state, identity)
            documents[uuid] = row["document"]


def _identity(job: Job, documents: Mapping[str, Any]) -> str | None:
    identity = getattr(job.function, "identity", None)
    if identity is None:
        return None
    result: str = identity(
        *_filled(job.function_args, documents), **_filled(job.function_kwargs, documents)
    )
    return result


def _filled(value: Any, documents: Mapping[str, Any]) -> Any:
    """Put stored results in the place of references to the output of other jobs."""
    from jobflow.core.reference import OutputReference

    if isinstance(value, OutputReference):
        found = documents[value.uuid]
        for kind, name in value.attributes:
            found = found[name] if kind == "i" or isinstance(found, dict) else getattr(found, name)
        return found
    if isinstance(value, dict):
        return {k: _filled(v, documents) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_filled(v, documents) for v in value)
    return value
