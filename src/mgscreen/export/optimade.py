"""The structures of a campaign as an OPTIMADE response: ``GET /v1/structures``.

Field names and their meaning are those of the OPTIMADE specification 1.2 (C. W. Andersen et al.,
Sci. Data 8, 217 (2021), doi:10.1038/s41597-021-00974-z); what it has no name for begins with
``_mgscreen_``.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from math import gcd
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from mgscreen.export.structures import entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.database.database import Database
    from mgscreen.export.structures import Entry

API_VERSION = "1.2.0"
PREFIX = "mgscreen"


def optimade(database: Database, campaign: str | int | None) -> dict[str, Any]:
    """Return every distinct structure of a campaign as a response of OPTIMADE, plain JSON."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries(database, campaign):
        grouped.setdefault(entry.structure_hash, []).append(entry)
    data = [resource(name, group) for name, group in grouped.items()]
    return response(data)


def response(data: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document around resources."""
    from mgscreen import __version__

    return {
        "data": data,
        "included": [],
        "links": {"next": None},
        "meta": {
            "query": {"representation": "/structures"},
            "api_version": API_VERSION,
            "more_data_available": False,
            "data_returned": len(data),
            "data_available": len(data),
            "provider": {
                "name": "mgscreen",
                "description": "Results of a screening campaign, exported to a file",
                "prefix": PREFIX,
            },
            "implementation": {"name": "mgscreen", "version": __version__},
        },
    }


def resource(name: str, group: Iterable[Entry]) -> dict[str, Any]:
    """Return one structure with all calculations that it takes part in."""
    found = list(group)
    structure = found[0].structure
    attributes = {
        "immutable_id": name,
        "last_modified": _time(max(e.created_at for e in found)),
        **composition(structure),
        **geometry(structure),
        "_mgscreen_label": structure.label,
        "_mgscreen_charge": structure.charge,
        "_mgscreen_multiplicity": structure.multiplicity,
        "_mgscreen_calculations": [
            {
                "id": e.calculation,
                "role": e.role,
                "kind": e.kind,
                "level": e.level,
                "code": e.code,
                "code_version": e.code_version,
                "energy_ev": e.energy_ev,
                "candidates": [
                    {"candidate": c, "form": f, "species": s} for c, f, s in e.candidates
                ],
                "properties": dict(e.values),
                "remarks": dict(e.remarks),
            }
            for e in found
        ],
    }
    return {"id": name, "type": "structures", "attributes": attributes}


def _time(moment: str) -> str:
    """Return a time as RFC 3339 in UTC to the second."""
    from datetime import UTC, datetime

    found = datetime.fromisoformat(moment)
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def composition(structure: AtomicStructure) -> dict[str, Any]:
    """Return elements and formulas: elements in alphabetical order, reduced and anonymous."""
    count = Counter(structure.symbols)
    elements = sorted(count)
    divisor = reduce(gcd, count.values())
    total = sum(count.values())
    # of the anonymous formula, the most frequent element is A
    letters = _letters(len(elements))
    frequent = sorted((n // divisor for n in count.values()), reverse=True)
    return {
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": [count[e] / total for e in elements],
        "chemical_formula_descriptive": structure.formula,
        "chemical_formula_reduced": _formula((e, count[e] // divisor) for e in elements),
        "chemical_formula_hill": structure.formula,
        "chemical_formula_anonymous": _formula(zip(letters, frequent, strict=True)),
    }


def _letters(n: int) -> list[str]:
    """Return A ... Z, Aa ... Za, Ab ... as the specification orders them."""
    found = list(ascii_uppercase)
    found += [f"{a}{b.lower()}" for b in ascii_uppercase for a in ascii_uppercase]
    return found[:n]


def _formula(parts: Iterable[tuple[str, int]]) -> str:
    return "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in parts)


def geometry(structure: AtomicStructure) -> dict[str, Any]:
    """Return cell and sites; a direction that does not repeat has no lattice vector."""
    periodic = [int(p) for p in structure.pbc]
    vectors = None
    if structure.cell is not None:
        vectors = [
            list(v) if p else [None, None, None]
            for v, p in zip(structure.cell, periodic, strict=True)
        ]
    elements = sorted(set(structure.symbols))
    return {
        "dimension_types": periodic,
        "nperiodic_dimensions": sum(periodic),
        "lattice_vectors": vectors,
        "cartesian_site_positions": [list(p) for p in structure.positions],
        "nsites": len(structure.symbols),
        "species": [{"name": e, "chemical_symbols": [e], "concentration": [1.0]} for e in elements],
        "species_at_sites": list(structure.symbols),
        "structure_features": [],
    }
