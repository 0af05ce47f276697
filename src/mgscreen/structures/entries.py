"""Energies that a user computed: pymatgen's ComputedEntry as JSON, and folders of VASP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mgscreen.core.errors import InputError, Location

MAX_BYTES = 50_000_000


def load_entries(path: str | Path, base: Path | None = None) -> list[dict[str, Any]]:
    """Read computed energies.

    Parameters
    ----------
    path
        A JSON file with a ComputedEntry or a list of them, as ``ComputedEntry.as_dict`` writes it,
        or a folder with ``vasprun.xml``.
    base
        Folder that a relative path starts from.

    Returns
    -------
    list of dict
        ``name``, ``formula``, ``energy_ev`` (of that composition, corrections included) and
        ``source``. Classes that a file names are never looked up: composition and energy are
        read, and the corrections are summed.

    Raises
    ------
    InputError
        If there is no such file, or it is not of this form.
    """
    place = (base or Path()) / path
    if place.is_dir():
        return [_vasp(place)]
    if not place.is_file():
        raise InputError(f"{place}: there is no such file or folder of computed entries")
    if place.stat().st_size > MAX_BYTES:
        raise InputError(f"{place}: more than {MAX_BYTES // 1_000_000} MB are not read as entries")
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{place}: not valid JSON: {error}") from None
    rows = data if isinstance(data, list) else [data]
    return [_entry(row, place, n) for n, row in enumerate(rows)]


def _entry(row: Any, place: Path, n: int) -> dict[str, Any]:
    from pymatgen.core import Composition

    where = Location(str(place), None, f"[{n}]")
    if not isinstance(row, dict) or "composition" not in row or "energy" not in row:
        raise InputError(
            "expected an object with composition and energy, as ComputedEntry.as_dict writes it",
            where,
        )
    try:
        composition = Composition(row["composition"])
        energy = float(row["energy"])
        shift = sum(float(a["value"]) for a in row.get("energy_adjustments") or [])
        if not row.get("energy_adjustments"):
            shift = float(row.get("correction") or 0.0)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"not a computed entry: {error}", where) from None
    if not composition or energy != energy or abs(energy) == float("inf"):  # noqa: PLR0124 - NaN
        raise InputError("a composition and a finite energy in eV are expected", where)
    name = str(row.get("entry_id") or composition.reduced_formula)
    return {
        "name": name,
        "formula": composition.formula.replace(" ", ""),
        "energy_ev": energy + shift,
        "source": f"{place.name}:{name}",
    }


def _vasp(folder: Path) -> dict[str, Any]:
    from xml.etree.ElementTree import ParseError

    from pymatgen.io.vasp.outputs import Vasprun

    files = [f for f in ("vasprun.xml", "vasprun.xml.gz") if (folder / f).is_file()]
    if not files:
        raise InputError(f"{folder}: there is no vasprun.xml in it")
    try:
        run = Vasprun(
            str(folder / files[0]), parse_dos=False, parse_eigen=False, parse_potcar_file=False
        )
        converged = bool(run.converged)
        energy = float(run.final_energy)
        formula = run.final_structure.composition.formula.replace(" ", "")
    except (ParseError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise InputError(f"{folder / files[0]}: not an output of VASP: {error}") from None
    if not converged:
        raise InputError(f"{folder / files[0]}: this calculation did not converge")
    return {"name": folder.name, "formula": formula, "energy_ev": energy, "source": str(folder)}
