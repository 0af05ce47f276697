"""What the loop reads from the reply of a worker."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mgscreen.database.jobs import Job

_REASON = 400
"""Longest reason that a job's row gets, characters."""
_COLUMNS = {f.name for f in fields(Job)}


def light(row: dict[str, Any], campaign_id: int) -> Job:
    """Return the row of a generated job as the DAG keeps it."""
    values = {k: v for k, v in row.items() if k in _COLUMNS}
    return Job(**{**values, "campaign_id": campaign_id})


def usage(reply: dict[str, Any]) -> dict[str, Any]:
    """Return what a job took."""
    return {"wall_s": reply["wall_s"], "peak_memory_mb": reply["peak_memory_mb"]}


def short(problem: dict[str, Any]) -> str:
    """Return the type and message of an exception on one line."""
    message = " ".join(problem["message"].split())
    text = f"{problem['type']}: {message}" if message else problem["type"]
    return text if len(text) <= _REASON else f"{text[: _REASON - 1]}…"
