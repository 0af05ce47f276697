"""Turn a jobflow Flow into rows: each job once, as JSON, with the jobs that it waits for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mgscreen.execution.codec import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

LABELS = ("kind", "candidate", "form", "species", "level", "geometry_level")


def flatten(flow: Flow | Job | list[Any]) -> list[dict[str, Any]]:
    """Return the jobs of a flow as rows of the jobs table, parents before children.

    The same jobs in the same relation as ``Flow.iterflow`` gives, in time linear in their number.

    Parameters
    ----------
    flow
        A Flow, a Job or a list of them.

    Returns
    -------
    list of dict
        Columns of ``JobRow``; ``parents`` are uuids, also of jobs that are not in this flow, and
        ``payload`` is ``{"job": ...}``.

    Raises
    ------
    ValueError
        If jobs wait for each other in a circle.
    """
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    _walk(flow, rows)
    return _ordered(rows)


def _walk(item: Any, rows: dict[tuple[str, int], dict[str, Any]]) -> list[tuple[str, int]]:
    """Add the jobs of ``item`` to ``rows``; return their keys."""
    from jobflow.core.flow import Flow, JobOrder
    from jobflow.core.job import Job

    if isinstance(item, Job):
        row = _row(item)
        key = (row["uuid"], row["index"])
        rows[key] = row
        return [key]
    keys: list[tuple[str, int]] = []
    before: list[tuple[str, int]] = []
    for child in item.jobs if isinstance(item, Flow) else item:
        mine = _walk(child, rows)
        if isinstance(item, Flow) and item.order == JobOrder.LINEAR:
            if before:
                _chain(before, mine, rows)
            before = mine
        keys += mine
    return keys


def _chain(
    before: list[tuple[str, int]],
    after: list[tuple[str, int]],
    rows: dict[tuple[str, int], dict[str, Any]],
) -> None:
    """Let the first jobs of ``after`` wait for the last ones of ``before``."""
    inner = {uuid for key in before for uuid in rows[key]["parents"]}
    leaves = [uuid for uuid, _ in before if uuid not in inner]
    own = {uuid for uuid, _ in after}
    for key in after:
        if not own.intersection(rows[key]["parents"]):
            known = set(rows[key]["parents"])
            rows[key]["parents"] += [uuid for uuid in leaves if uuid not in known]


def _row(job: Job) -> dict[str, Any]:
    # through text: what monty leaves as it is (dates, bytes) becomes JSON too
    data = json.loads(encode(job.as_dict()))
    metadata = job.metadata
    parents = dict.fromkeys(
        uuid
        for part in (data["function_args"], data["function_kwargs"])
        for uuid in references(part)
    )
    return {
        "uuid": job.uuid,
        "index": job.index,
        "name": job.name,
        **{label: str(metadata.get(label) or "") for label in LABELS},
        "cost_s": float(metadata.get("cost_s") or 0.0),
        "parents": list(parents),
        "payload": {"job": data},
    }


def references(value: Any) -> Iterator[str]:
    """Yield the uuid of each output reference in parsed JSON, in order."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if item.get("@class") == "OutputReference":
                yield item["uuid"]
            else:
                todo.extend(v for v in reversed(item.values()) if isinstance(v, dict | list))
        elif isinstance(item, list):
            todo.extend(v for v in reversed(item) if isinstance(v, dict | list))


def _ordered(rows: dict[tuple[str, int], dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort such that parents come first; jobs that may run at any time keep their order."""
    from graphlib import CycleError, TopologicalSorter

    by_uuid: dict[str, list[tuple[str, int]]] = {}
    for key in rows:
        by_uuid.setdefault(key[0], []).append(key)
    graph = {
        key: [parent for uuid in row["parents"] for parent in by_uuid.get(uuid, ())]
        for key, row in rows.items()
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        names = " -> ".join(rows[key]["name"] for key in error.args[1])
        msg = f"jobs wait for each other in a circle: {names}"
        raise ValueError(msg) from None
    return [rows[key] for key in order]


def external(rows: list[dict[str, Any]]) -> list[str]:
    """Return the uuids of jobs that rows wait for and that are not among them."""
    own = {row["uuid"] for row in rows}
    return sorted({uuid for row in rows for uuid in row["parents"]} - own)
