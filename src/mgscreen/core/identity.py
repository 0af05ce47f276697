"""Identity of a calculation: the hash of everything that can change its value.

The same hash is never computed twice, on any machine. That one mechanism is resume, cache and
sharing at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from mgscreen.core.structure import AtomicStructure

POSITION_DECIMALS = 5
"""Positions enter the identity rounded to 1e-5 angstrom, below any physical meaning."""
FLOAT_DIGITS = 10


def canonical(value: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 - one branch per type
    """Reduce a value to plain JSON types, such that equal physics gives equal JSON.

    Finished documents are replaced by their own identity, so that times and machine names in a
    parent never reach the identity of its children. Labels are dropped.
    """
    if isinstance(value, AtomicStructure):
        return _structure(value.model_dump(mode="python"))
    if isinstance(value, BaseModel):
        identity = getattr(value, "input_hash", None)
        if identity:
            return {"document": identity}
        return canonical(value.model_dump(mode="python"))
    if isinstance(value, Mapping):
        if value.get("input_hash"):
            return {"document": value["input_hash"]}
        if "symbols" in value and "positions" in value:
            return _structure(value)
        return {str(k): canonical(v) for k, v in value.items() if not str(k).startswith("@")}
    if isinstance(value, float):
        if value.is_integer():
            return int(value)
        return float(f"{value:.{FLOAT_DIGITS}g}")
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, Enum):
        return canonical(value.value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, AbstractSet):
        return sorted(canonical(v) for v in value)
    if isinstance(value, Sequence):
        return [canonical(v) for v in value]
    if hasattr(value, "tolist"):
        return canonical(value.tolist())
    msg = f"{type(value).__name__} cannot be part of an identity"
    raise TypeError(msg)


def _structure(value: Mapping[str, Any]) -> dict[str, Any]:
    def rounded(rows: Any) -> Any:
        # + 0.0 turns -0.0 into 0.0
        return [[round(float(x), POSITION_DECIMALS) + 0.0 for x in row] for row in rows]

    return {
        "symbols": list(value["symbols"]),
        "positions": rounded(value["positions"]),
        "charge": value.get("charge", 0),
        "multiplicity": value.get("multiplicity", 1),
        "cell": rounded(value["cell"]) if value.get("cell") is not None else None,
        "pbc": list(value.get("pbc") or (False, False, False)),
        "fragments": [canonical(f) for f in value.get("fragments", ())],
    }


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``, 32 hexadecimal digits."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
