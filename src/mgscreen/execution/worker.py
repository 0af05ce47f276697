"""What runs in a worker: one job, from JSON text to JSON text."""

from __future__ import annotations

import json
import os
import platform
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mgscreen.core.errors import MgscreenError
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.execution.codec import decode_job, encode
from mgscreen.execution.flatten import flatten
from mgscreen.execution.limits import peak_mb, reset_peak

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobflow import JobStore
    from jobflow.core.job import Job, Response


class JobOutputs:
    """The outputs that one job refers to, with as much of a ``JobStore`` as a job needs.

    Parameters
    ----------
    outputs
        Newest output document of each uuid, as jobflow stores it.
    """

    def __init__(self, outputs: Mapping[str, Mapping[str, Any]]) -> None:
        self.outputs = outputs
        self.written: dict[str, Any] | None = None

    def query_one(
        self, criteria: Mapping[str, Any], *_: Any, **__: Any
    ) -> Mapping[str, Any] | None:
        """Return the newest output document of a uuid."""
        return self.outputs.get(criteria["uuid"])

    def get_output(
        self, uuid: str, cache: dict[str, Any] | None = None, on_missing: Any = None, **_: Any
    ) -> Any:
        """Return the output of a job; references inside it are resolved.

        Raises
        ------
        ValueError
            If there is none.
        RuntimeError
            If an output refers to itself.
        """
        from jobflow.core.reference import (
            OnMissing,
            find_and_get_references,
            find_and_resolve_references,
        )

        document = self.outputs.get(uuid)
        if document is None:
            msg = f"UUID: {uuid} has no outputs."
            raise ValueError(msg)
        if any(ref.uuid == uuid for ref in find_and_get_references(document["output"])):
            msg = "Reference cycle detected - aborting."
            raise RuntimeError(msg)
        return find_and_resolve_references(
            document["output"],
            cast("JobStore", self),
            cache={} if cache is None else cache,
            on_missing=OnMissing.ERROR if on_missing is None else on_missing,
        )

    def update(self, document: Any, **_: Any) -> None:
        """Keep what the job leaves; the driver writes it."""
        self.written = document if isinstance(document, dict) else dict(document)

    def as_job_store(self) -> Any:
        """Return a real ``JobStore`` of these outputs, for a job that asks to see the store."""
        from jobflow.core.store import JobStore
        from maggma.stores import MemoryStore

        store = JobStore(MemoryStore())
        store.connect()
        if self.outputs:
            store.docs_store.update(
                [{**d, "uuid": u} for u, d in self.outputs.items()], key=["uuid", "index"]
            )
        return store


def run_payload(text: str) -> str:
    """Run one job.

    Parameters
    ----------
    text
        JSON with ``job`` (jobflow's JSON), ``outputs`` (what it refers to), ``modules`` (allowed
        besides jobflow and mgscreen), ``missing_as_none`` and ``runtime``.

    Returns
    -------
    str
        JSON: ``output`` (jobflow's output document), ``new`` (rows of jobs that it generated, by
        kind), ``stop_children``, ``stop_jobflow``, or else ``error`` (type, message, traceback,
        retryable); and ``wall_s``, ``cpu_s``, ``peak_memory_mb``, ``host``. An exception of the
        job is part of the answer; it is never raised.
    """
    wall, cpu = time.perf_counter(), _cpu_seconds()
    reset_peak()
    try:
        reply = _run(json.loads(text))
    except Exception as error:  # noqa: BLE001 - whatever a job raises is its result
        reply = {"error": _explain(error)}
    reply.update(
        wall_s=round(time.perf_counter() - wall, 4),
        cpu_s=round(_cpu_seconds() - cpu, 4),
        peak_memory_mb=round(peak_mb(), 1),
        host=platform.node(),
    )
    return encode(reply)


def _run(payload: dict[str, Any]) -> dict[str, Any]:
    from mgscreen.execution.codec import check

    modules = payload["modules"]
    job = decode_job(payload["job"], modules)
    check(payload["outputs"], modules)
    if payload.get("missing_as_none"):
        from jobflow.core.reference import OnMissing

        job.config.on_missing_references = OnMissing.NONE
    store: Any = JobOutputs(payload["outputs"])
    with use_runtime(_runtime(payload["runtime"])):
        response, written = _call(job, store)
    new = [
        {"kind": kind, "jobs": flatten(flow)}
        for kind, flow in _generated(response)
        if flow is not None
    ]
    return {
        "output": written,
        "new": new,
        "stop_children": bool(response.stop_children),
        "stop_jobflow": bool(response.stop_jobflow),
        "stored_data": response.stored_data,
    }


def _call(job: Job, store: JobOutputs) -> tuple[Response[Any], dict[str, Any]]:
    """Run a job by jobflow's own ``Job.run``, so that every rule of jobflow's holds."""
    from jobflow.core.state import CURRENT_JOB

    try:
        if job.config.expose_store:
            full = store.as_job_store()
            response = job.run(store=full)
            written = full.docs_store.query_one({"uuid": job.uuid, "index": job.index})
            written.pop("_id", None)
            return response, written
        response = job.run(store=cast("JobStore", store))
    finally:
        CURRENT_JOB.reset()  # type: ignore[no-untyped-call]
    return response, store.written or {}


def _generated(response: Response[Any]) -> list[tuple[str, Any]]:
    return [
        ("replace", response.replace),
        ("detour", response.detour),
        ("addition", response.addition),
    ]


def _runtime(values: Mapping[str, Any]) -> Runtime:
    paths = {k: Path(values[k]) if values.get(k) else None for k in ("scratch", "files")}
    return Runtime(
        scratch=paths["scratch"],
        files=paths["files"],
        threads=int(values["threads"]),
        memory_mb=int(values["memory_mb"]),
    )


def describe_runtime(value: Runtime) -> dict[str, Any]:
    """Return a runtime as JSON for ``run_payload``."""
    return {
        "scratch": None if value.scratch is None else str(value.scratch.absolute()),
        "files": None if value.files is None else str(value.files.absolute()),
        "threads": value.threads,
        "memory_mb": value.memory_mb,
    }


def _explain(error: Exception) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error).strip(),
        "traceback": "".join(traceback.format_exception(error)),
        "retryable": isinstance(error, MgscreenError) and error.retryable,
    }


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
