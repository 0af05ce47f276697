"""What the report says about methods: levels, programs, settings, citations, jobs, failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

CITATIONS = (
    (
        "gfn2",
        "GFN2-xTB: C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019)",
    ),
    ("pyscf", "PySCF: Q. Sun et al., J. Chem. Phys. 153, 024109 (2020)"),
    ("b3lyp", "B3LYP: P. J. Stephens et al., J. Phys. Chem. 98, 11623 (1994)"),
    ("-d3bj", "D3(BJ): S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 32, 1456 (2011)"),
    ("-d4", "D4: E. Caldeweyher et al., J. Chem. Phys. 150, 154122 (2019)"),
    ("cpcm", "C-PCM: M. Cossi et al., J. Comput. Chem. 24, 669 (2003)"),
    ("wb97x", "wB97X: J.-D. Chai, M. Head-Gordon, J. Chem. Phys. 128, 084106 (2008)"),
)
"""By a part of a level's name."""
GENERAL = (
    "Levels are no potentials: P. Peljo, H. H. Girault, Energy Environ. Sci. 11, 2306 (2018)",
    "Absolute SHE potential 4.44 V: S. Trasatti, Pure Appl. Chem. 58, 955 (1986)",
    "Absolute SHE potential 4.28 V: C. P. Kelly et al., J. Phys. Chem. B 110, 16066 (2006)",
)


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


def citations(levels: Iterable[str]) -> list[str]:
    """Return what is to be cited for these levels."""
    text = " ".join(levels).lower()
    return [*(entry for part, entry in CITATIONS if part in text), *GENERAL]


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
