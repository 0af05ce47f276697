"""What of a run must not depend on how often it was disturbed."""

from __future__ import annotations

import json
from collections import Counter

from mgscreen.database.database import Database
from mgscreen.execution.worker import JobOutputs


def content(path):
    """Everything in a database but times, attempts and random names."""
    with Database(path, read_only=True) as db:
        campaign = db.campaign_id()
        jobs = db.jobs(campaign)
        documents = db.outputs_of(job.uuid for job in jobs)
        names = {job.uuid: job.name for job in jobs}
        store = JobOutputs(documents)
        rows = Counter(
            (
                job.name,
                job.index,
                job.state,
                job.reason,
                tuple(sorted(names[p] for p in job.parents)),
                job.generated_by.rpartition(":")[2],
                job.calculation,
                job.candidate,
                _output(store, job.uuid),
            )
            for job in jobs
        )
        properties = db.frame_properties()
        values = Counter(
            map(
                tuple,
                properties[["candidate", "form", "property", "value", "state"]].astype(str).values,
            )
        )
    return rows, values


def _output(store, uuid):
    try:
        found = store.get_output(uuid)
    except ValueError:
        return None
    if hasattr(found, "model_dump"):
        found = found.model_dump()
    if isinstance(found, dict):
        drop = {"wall_s", "cpu_s", "peak_memory_mb", "host"}
        found = {k: v for k, v in found.items() if k not in drop and not k.startswith("@")}
    return json.dumps(found, sort_keys=True, default=str)


def starts(folder):
    return Counter(p.name.split("-")[1] for p in folder.iterdir() if p.name.startswith("start-"))


def settled(path, folder):
    """Executions so far of the jobs that the database knows as finished."""
    with Database(path, read_only=True) as db:
        campaign = db.campaign_id()
        done = {job.name for job in db.jobs(campaign, ["COMPLETED"])}
    return {name: n for name, n in starts(folder).items() if name in done}
