"""The built-in library of molecules and ions."""

from __future__ import annotations

import csv
from functools import cache
from types import MappingProxyType

from mgscreen.candidates.model import Candidate
from mgscreen.core.resources import data_path


def load_library() -> dict[str, Candidate]:
    """Return the built-in candidates by name, in the order of the table.

    The table (``structures/candidates.csv``) was checked with RDKit, and a test repeats that for
    every row, so that nothing heavy is imported here.
    """
    return dict(_library())


@cache
def _library() -> MappingProxyType[str, Candidate]:
    path = data_path("structures", "candidates.csv")
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = {
        row["name"]: Candidate(
            **{k: row[k] for k in Candidate.model_fields if k in row and k not in _NUMBERS},
            charge=int(row["charge"]),
            multiplicity=int(row["multiplicity"]),
        )
        for row in rows
    }
    return MappingProxyType(found)


_NUMBERS = frozenset({"charge", "multiplicity"})
