"""What the report says about methods: levels, programs, settings, jobs, failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


def methods(documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each combination of calculation, level, program and settings, with its number."""
    found: dict[tuple[str, str, str, str], int] = {}
    for row in documents:
        document = row.get("document") or {}
        settings = json.dumps(document.get("settings") or {}, sort_keys=True, default=str)
        code = " ".join(str(row.get(k) or "") for k in ("code", "code_version")).strip()
        key = (str(row.get("kind") or ""), str(row.get("level") or ""), code, settings)
        found[key] = found.get(key, 0) + 1
    return [
        {
            "kind": kind,
            "level": level,
            "code": code,
            "settings": "" if settings == "{}" else settings,
            "n": n,
        }
        for (kind, level, code, settings), n in sorted(found.items())
    ]


def programs(documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each program with its version, what it computed, and how many results it gave."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in documents:
        key = (str(row.get("code") or ""), str(row.get("code_version") or ""))
        found.setdefault(key, []).append(str(row.get("kind") or ""))
    return [
        {"code": code, "version": version, "n": len(kinds), "kinds": sorted(set(kinds))}
        for (code, version), kinds in sorted(found.items())
        if code or version
    ]


def failures(jobs: pd.DataFrame) -> list[dict[str, str]]:
    """Return the jobs without a result and why."""
    mine = jobs[jobs["state"].isin(["FAILED", "LOST"])]
    columns = ["candidate", "form", "species", "kind", "level", "state", "reason"]
    rows = mine[columns].astype(object).itertuples(index=False, name=None)
    return [dict(zip(columns, (str(c or "") for c in row), strict=True)) for row in rows]


def job_statistics(jobs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return, for each kind of job, how many stand where and what they took."""
    rows = []
    for kind, group in jobs.groupby("kind", sort=True):
        states = group["state"].value_counts()
        done = int(states.get("COMPLETED", 0))
        failed = int(states.get("FAILED", 0) + states.get("LOST", 0))
        memory = group["peak_memory_mb"].max()
        rows.append(
            {
                "kind": str(kind) or "other",
                "n": len(group),
                "completed": done,
                "failed": failed,
                "open": len(group) - done - failed,
                "cached": int(group["cached"].astype(bool).sum()),
                "wall_s": float(group["wall_s"].fillna(0.0).sum()),
                "memory_mb": None if memory != memory else float(memory),  # noqa: PLR0124 - NaN
            }
        )
    return rows
