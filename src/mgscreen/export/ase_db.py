"""The structures of a campaign as a database of ASE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mgscreen.export.structures import entries

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.database.database import Database
    from mgscreen.export.structures import Entry

_NUMBER_LIKE = re.compile(
    r"\s*([-+]?(\d[\d_]*\.?[\d_]*|\.\d+)(e[-+]?\d+)?|true|false|[-+]?(nan|inf|infinity))\s*",
    re.IGNORECASE,
)


def write_ase_db(database: Database, campaign: str | int | None, path: Path) -> int:
    """Write every structure of a campaign to a new ``ase.db`` file (SQLite); return how many.

    A row has the energy of the atoms as ``energy`` (eV) where the calculation gives one, and
    key-value pairs to select by: ``calculation``, ``role``, ``kind``, ``level``, ``candidate``,
    ``form``, ``species``, ``total_charge``, ``multiplicity``, and each property by its name.
    ``data`` has the same texts unchanged, and every candidate that the structure belongs to.
    ``ase.db.connect(path).select("kind=orbitals,homo<-7")`` finds them again.

    Parameters
    ----------
    path
        A file that does not exist; its name ends in ``.db``.
    """
    from ase.db import connect

    with connect(str(path), type="db", append=False) as target:
        for entry in entries(database, campaign):
            target.write(_atoms(entry), key_value_pairs=pairs(entry), data=_data(entry))
        return len(target)


def _atoms(entry: Entry) -> Any:
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = entry.structure.to_ase()
    atoms.info.clear()
    if entry.energy_ev is not None:
        atoms.calc = SinglePointCalculator(atoms, energy=entry.energy_ev)
    return atoms


def pairs(entry: Entry) -> dict[str, Any]:
    """Return the key-value pairs of a row: only what ASE takes as such."""
    candidate, form, species = entry.candidates[0]
    found: dict[str, Any] = {
        "calculation": entry.calculation,
        "role": entry.role,
        "kind": entry.kind,
        "level": entry.level,
        "code": entry.code,
        "state": entry.state,
        "candidate": candidate,
        "form": form,
        "species": species,
        "total_charge": entry.structure.charge,
        "multiplicity": entry.structure.multiplicity,
        **{k.replace(" ", "_"): v for k, v in entry.remarks.items()},
        **entry.values,
    }
    return {
        k: _text(v) if isinstance(v, str) else v for k, v in found.items() if v not in ("", None)
    }


def _text(value: str) -> str:
    """Return a text that ASE cannot mistake for a number or a truth value."""
    return f"'{value}'" if _NUMBER_LIKE.fullmatch(value) else value


def _data(entry: Entry) -> dict[str, Any]:
    return {
        "calculation": entry.calculation,
        "structure_hash": entry.structure_hash,
        "label": entry.structure.label,
        "code_version": entry.code_version,
        "candidates": [list(c) for c in entry.candidates],
        "fragments": [f.model_dump(mode="json") for f in entry.structure.fragments],
    }
