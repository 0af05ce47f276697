"""Turn a jobflow Flow into rows: each job once, as JSON, with the jobs that it waits for."""

from __future__ import annotations

import json
from types import FunctionType
from typing import TYPE_CHECKING, Any

import orjson

from mgscreen.core.memory import no_collection
from mgscreen.execution.codec import encode, encode_finite

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
        ``payload`` is ``{"job": ...}`` as JSON text: as parsed objects, those of a large campaign
        would take gigabytes.

    Raises
    ------
    ValueError
        If jobs wait for each other in a circle.
    """
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    with no_collection():
        _walk(flow, rows, _Payloads())
        return _ordered(rows)


_ARGUMENTS = ("function_args", "function_kwargs")
_LABELLING = ("metadata", "hosts")
"""Parts of a job that are its own, besides what is a plain text or number."""
_PLAIN = ("uuid", "index", "name")


class _Payloads:
    """Writes jobs as ``Job.as_dict`` has them, what they have in common only once.

    The function, the configuration and what else the jobs of a campaign share make most of a
    job's JSON, and of the time that it takes.
    """

    def __init__(self) -> None:
        from jobflow.core.job import Job
        from jobflow.core.reference import OutputReference
        from monty.json import MSONable, jsanitize

        class Own(MSONable):
            """A part of a job, written by the rules that jobflow writes a whole one by."""

            def __init__(self, part: Any) -> None:
                self.part = part

        self._own = Own
        self._clean = jsanitize
        self._job = Job
        self._reference = OutputReference
        self._plain_only = True
        self._known: dict[Any, tuple[dict[str, Any], str]] = {}

    def of(self, job: Job) -> tuple[str, list[str]]:
        """Return ``job.as_dict()`` as JSON and the uuids of the jobs that it refers to."""
        if type(job) is not self._job or type(job.function) is not FunctionType:
            return self._whole(job.as_dict())
        known = self._known.get(job.function)
        shared = {k: v for k, v in job.__dict__.items() if k not in _NOT_SHARED}
        if known is None or known[0] != shared:
            data: dict[str, Any] = job.as_dict()
            rest = _text({k: v for k, v in data.items() if k not in _NOT_SHARED})
            self._known[job.function] = (shared, rest)
            return self._whole(data)
        parents: list[str] = []
        self._plain_only = True
        own = {name: self._part(getattr(job, name), parents) for name in _ARGUMENTS}
        own.update({name: self._part(getattr(job, name), []) for name in _LABELLING})
        own.update({name: getattr(job, name) for name in _PLAIN})
        text = _plain_text(own) if self._plain_only else _text(own)
        return f"{known[1][:-1]}, {text[1:]}", parents

    def _whole(self, data: dict[str, Any]) -> tuple[str, list[str]]:
        parts = data["function_args"], data["function_kwargs"]
        return _text(data), [uuid for part in parts for uuid in references(part)]

    def _part(self, value: Any, parents: list[str]) -> Any:
        """Return a part as JSON has it; add the uuids that it refers to to ``parents``."""
        found: list[str] = []
        try:
            cleaned = self._plain(value, found)
        except TypeError:
            self._plain_only = False
            own = self._own(list(value) if type(value) is tuple else value)
            cleaned = self._clean(own.as_dict(), strict=True, enum_values=True, allow_bson=True)
            cleaned = cleaned["part"]
            found = list(references(cleaned))
        parents += found
        return cleaned

    def _plain(self, value: Any, found: list[str]) -> Any:
        """Return a value of JSON types and output references as JSON has it.

        Raises
        ------
        TypeError
            If there is anything else in it.
        """
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind is list or kind is tuple:
            return [self._plain(v, found) for v in value]
        if kind is dict and all(type(key) is str for key in value):
            return {k: self._plain(v, found) for k, v in value.items()}
        if kind is self._reference and value.output_schema is None:
            found.append(value.uuid)
            return value.as_dict()
        raise TypeError


_SCALARS = {str, int, float, bool, type(None)}


_NOT_SHARED = {*_ARGUMENTS, *_LABELLING, *_PLAIN, "output"}


def _walk(
    item: Any, rows: dict[tuple[str, int], dict[str, Any]], payloads: _Payloads
) -> list[tuple[str, int]]:
    """Add the jobs of ``item`` to ``rows``; return their keys."""
    from jobflow.core.flow import Flow, JobOrder
    from jobflow.core.job import Job

    if isinstance(item, Job):
        row = _row(item, payloads)
        key = (row["uuid"], row["index"])
        rows[key] = row
        return [key]
    keys: list[tuple[str, int]] = []
    before: list[tuple[str, int]] = []
    for child in item.jobs if isinstance(item, Flow) else item:
        mine = _walk(child, rows, payloads)
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


def _row(job: Job, payloads: _Payloads) -> dict[str, Any]:
    text, parents = payloads.of(job)
    metadata = job.metadata
    return {
        "uuid": job.uuid,
        "index": job.index,
        "name": job.name,
        **{label: str(metadata.get(label) or "") for label in LABELS},
        "cost_s": float(metadata.get("cost_s") or 0.0),
        "parents": list(dict.fromkeys(parents)),
        "payload": f'{{"job": {text}}}',
    }


def _plain_text(data: dict[str, Any]) -> str:
    """Return what ``_text`` does of JSON types alone, in a tenth of the time."""
    try:
        text = orjson.dumps(data).decode()
    except TypeError:  # a lone surrogate, an integer of more than 64 bits
        return _text(data)
    return _text(data) if "\\u0000" in text else text


def _text(data: dict[str, Any]) -> str:
    """Return JSON that a database takes: what is not finite or no character becomes null or U+FFFD.

    What jobflow leaves as it is (dates, bytes) is written as monty does.
    """
    from mgscreen.database.engine import to_json

    try:
        text = encode_finite(data)
    except ValueError:
        return to_json(json.loads(encode(data)))
    if "\\u0000" in text or "\\ud" in text:
        return to_json(json.loads(text))
    return text


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
    if _is_ordered(rows, by_uuid):
        return list(rows.values())
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


def _is_ordered(
    rows: dict[tuple[str, int], dict[str, Any]], by_uuid: dict[str, list[tuple[str, int]]]
) -> bool:
    """Return whether parents come first as it is."""
    seen: set[str] = set()
    for (uuid, _), row in rows.items():
        if any(parent in by_uuid and parent not in seen for parent in row["parents"]):
            return False
        if len(by_uuid[uuid]) > 1:
            return False
        seen.add(uuid)
    return True


def external(rows: list[dict[str, Any]]) -> list[str]:
    """Return the uuids of jobs that rows wait for and that are not among them."""
    own = {row["uuid"] for row in rows}
    return sorted({uuid for row in rows for uuid in row["parents"]} - own)
