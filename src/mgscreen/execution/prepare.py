"""Make a job ready to run: its payload, what it refers to, and its identity."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mgscreen.execution.codec import UnsafeContentError, decode_job, load_function
from mgscreen.execution.flatten import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jobflow import JobStore

    from mgscreen.database.database import Database
    from mgscreen.execution.graph import Node

_KEPT = ("output", "uuid", "index", "name", "metadata", "hosts")


@dataclass
class Prepared:
    """A job with everything that it needs to run."""

    job: dict[str, Any]
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped_by: str | None = None
    """name of a parent that told its children not to run"""

    @property
    def accepts_failed(self) -> bool:
        """Whether the job runs although a job that it waits for failed."""
        if self.job.get("metadata", {}).get("accepts_failed"):
            return True
        config = self.job.get("config") or {}
        missing = config.get("on_missing_references", "error")
        return (missing.get("value") if isinstance(missing, dict) else missing) != "error"

    def text(self, modules: Iterable[str], runtime: Mapping[str, Any]) -> str:
        """Return what ``worker.run_payload`` takes."""
        return json.dumps(
            {
                "job": self.job,
                "outputs": self.outputs,
                "modules": list(modules),
                "missing_as_none": bool(self.job.get("metadata", {}).get("accepts_failed")),
                "runtime": runtime,
            }
        )


def prepare(database: Database, nodes: list[Node]) -> dict[tuple[str, int], Prepared]:
    """Load the payloads of jobs and the outputs that they refer to, in bulk."""
    payloads = database.payloads(node.job.uuid for node in nodes)
    jobs = {node.key: payloads[node.key]["job"] for node in nodes}
    needed = {node.key: set(_inputs(jobs[node.key])) for node in nodes}
    outputs = _closure(
        database, {u for n in nodes for u in needed[n.key]} | {u for n in nodes for u in n.parents}
    )
    found = {}
    for node in nodes:
        mine: dict[str, dict[str, Any]] = {}
        todo = list(needed[node.key])
        while todo:
            uuid = todo.pop()
            if uuid in outputs and uuid not in mine:
                mine[uuid] = {k: v for k, v in outputs[uuid].items() if k in _KEPT}
                todo.extend(references(outputs[uuid].get("output")))
        stop = next((u for u in node.parents if outputs.get(u, {}).get("stop_children")), None)
        found[node.key] = Prepared(
            job=jobs[node.key],
            outputs=mine,
            stopped_by=None if stop is None else str(outputs[stop].get("name") or stop),
        )
    return found


def _inputs(job: Mapping[str, Any]) -> Iterable[str]:
    for part in (job.get("function_args"), job.get("function_kwargs")):
        yield from references(part)


def _closure(database: Database, uuids: set[str]) -> dict[str, dict[str, Any]]:
    """Load outputs, and those that they refer to in turn."""
    found: dict[str, dict[str, Any]] = {}
    todo = uuids
    while todo:
        new = database.outputs_of(todo)
        found.update(new)
        inside = {u for document in new.values() for u in references(document.get("output"))}
        todo = inside - set(found) - todo
    return found


class Identifier:
    """Computes identities before anything runs.

    Parameters
    ----------
    modules
        Packages that jobs may name besides jobflow and mgscreen.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules
        self._functions: dict[tuple[str, str], Callable[..., Any] | None] = {}

    def function(self, job: Mapping[str, Any]) -> Callable[..., Any] | None:
        """Return the calculation that a job calls; None if it calls something else."""
        named = job.get("function")
        if not isinstance(named, dict):
            return None
        key = (str(named.get("@module")), str(named.get("@callable")))
        if key not in self._functions:
            try:
                found = load_function(named, self._modules)
            except UnsafeContentError:
                # the worker refuses it, and says so
                found = None
            self._functions[key] = found if hasattr(found, "identity") else None
        return self._functions[key]

    def identity(self, prepared: Prepared) -> str | None:
        """Return the identity of a job; None if it is no calculation or cannot be called."""
        function = self.function(prepared.job)
        if function is None:
            return None
        from mgscreen.execution.worker import JobOutputs

        try:
            job = decode_job(prepared.job, self._modules)
            if prepared.accepts_failed:
                from jobflow.core.reference import OnMissing

                job.config.on_missing_references = OnMissing.NONE
            job.resolve_args(store=cast("JobStore", JobOutputs(prepared.outputs)))
            found = function.identity(*job.function_args, **job.function_kwargs)  # type: ignore[attr-defined]
        except Exception:  # noqa: BLE001 - the worker meets the same and reports it
            return None
        return str(found)

    def output(self, job: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a stored document as the output of a job, with the class to rebuild it."""
        function = self.function(job)
        model: Any = getattr(function, "document", None)
        named = {} if model is None else {"@module": model.__module__, "@class": model.__name__}
        return {
            "output": {**document, **named},
            "name": job["name"],
            "metadata": job.get("metadata", {}),
            "hosts": job.get("hosts", []),
        }
