"""Energies and forces of supercells that a search keeps on disk, so that a kill costs one call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.identity import digest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicEngine

    Array = NDArray[np.float64]


class StoredSurface:
    """Energies and forces of one supercell, each point computed once and kept on disk."""

    def __init__(
        self, engine: PeriodicEngine, structure: AtomicStructure, path: Path, folder: Path
    ) -> None:
        self.structure = structure
        self.path = path
        self.inner = engine.calculator(structure, folder)
        self.known: dict[str, tuple[float, Array]] = {}
        self.computed = 0
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    row = json.loads(line)
                    self.known[row["at"]] = (float(row["energy"]), np.array(row["forces"]))
                except (ValueError, KeyError, TypeError):
                    break  # the line that a kill cut off
        self.computed = len(self.known)

    def __call__(self, positions: Array) -> tuple[float, Array]:
        """Return energy (eV) and forces (eV/angstrom, shape (n, 3)) at positions.

        Raises
        ------
        ScientificFailureError
            If two atoms are on top of each other, or the SCF does not converge.
        """
        key = digest([[round(float(x), 6) + 0.0 for x in row] for row in positions])
        if key not in self.known:
            energy, forces = self.compute(positions)
            self.known[key] = (energy, forces)
            self.computed += 1
            with self.path.open("a") as file:
                row = {"at": key, "energy": energy, "forces": forces.tolist()}
                file.write(json.dumps(row) + "\n")
        return self.known[key]

    def compute(self, positions: Array) -> tuple[float, Array]:
        """Ask the engine."""
        from mgscreen.engines.periodic_relax import check_distances

        atoms: Any = self.structure.to_ase()
        atoms.positions[:] = positions
        check_distances(atoms)
        atoms.calc = self.inner
        energy = float(atoms.get_potential_energy())
        return energy, np.asarray(atoms.get_forces(), dtype=np.float64)


def stored_surface(
    surfaces: dict[str, StoredSurface],
    structure: AtomicStructure,
    engine: PeriodicEngine,
    folder: Path,
    level: Level,
) -> StoredSurface:
    """Return the surface of a cell: what is searched in one cell shares its points."""
    shape = {
        "symbols": list(structure.symbols),
        "charge": [structure.charge, structure.multiplicity],
        "cell": [[round(x, 5) for x in row] for row in structure.cell or ()],
        "level": level,
        "settings": engine.settings(),
        "version": engine.code_version,
    }
    name = digest(shape)
    if name not in surfaces:
        surfaces[name] = StoredSurface(engine, structure, folder / f"points-{name}.jsonl", folder)
    return surfaces[name]
