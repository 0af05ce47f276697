"""What the hops of a phase add up to: formation energies, the way that percolates, files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.core.runtime import runtime
from mgscreen.energetics.diffusion import diffusivity, hopping_rate

if TYPE_CHECKING:
    from mgscreen.calculations.crystal import CrystalDocument
    from mgscreen.calculations.migration_document import HopRecord, PhaseMigrationDocument
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.structures.hops import Hop


def formation(
    document: PhaseMigrationDocument,
    crystal: CrystalDocument,
    metal: CrystalDocument | None,
    hops: list[Hop],
) -> None:
    """Fill in E(defect) - E(perfect) +/- mu(metal) of each hop's initial structure.

    For a surface, the perfect one is the slab with nothing on it.
    """
    if metal is None or metal.state == "failed" or metal.energy_per_atom_ev is None:
        document.formation_reason = "there is no energy of the bulk metal at this level"
        return
    if (metal.level, metal.code_version) != (document.level, document.code_version):
        document.formation_reason = "the bulk metal was computed at another level"
        return
    if crystal.structure is None or crystal.energy_ev is None:
        return
    # corrections per anion that a potential has learned are in both cells alike
    per_atom = crystal.energy_ev / len(crystal.structure.symbols)
    primitive = _primitive_size(crystal.structure)
    by_name = {h.name: h for h in hops}
    for record in document.hops:
        hop = by_name[record.name]
        cells = abs(round(float(np.linalg.det(np.array(hop.matrix, dtype=float)))))
        perfect = per_atom * primitive * cells
        if record.mechanism == "surface":
            perfect = (document.surface_cell_ev or 0.0) * cells
        sign = 1.0 if record.mechanism == "vacancy" else -1.0
        if record.initial_energy_ev is not None:
            record.formation_ev = (
                record.initial_energy_ev - perfect + sign * metal.energy_per_atom_ev
            )
            if record.formation_ev < 0.0 and record.mechanism != "surface":
                record.warnings.append(
                    f"the defect forms with {record.formation_ev:.2f} eV: by this level the "
                    "phase takes up the metal by itself"
                )


def _primitive_size(crystal: AtomicStructure) -> int:
    from mgscreen.structures.supercells import primitive_cell

    return len(primitive_cell(crystal).symbols)


def above_lowest(document: PhaseMigrationDocument) -> None:
    """Count saddles from the lowest site of their mechanism: that is where the ions are.

    A quick hop between two sites that are hardly ever occupied is no quick way.
    """
    lowest: dict[tuple[str, int], float] = {}
    for hop in document.hops:
        if hop.initial is None or hop.initial_energy_ev is None:
            continue
        key = (hop.mechanism, len(hop.initial.symbols))
        ends = [hop.initial_energy_ev]
        if hop.barrier_ev is not None and hop.barrier_backward_ev is not None:
            ends.append(hop.initial_energy_ev + hop.barrier_ev - hop.barrier_backward_ev)
        lowest[key] = min([*ends, *([lowest[key]] if key in lowest else [])])
    for hop in document.hops:
        if hop.barrier_ev is None or hop.initial is None or hop.initial_energy_ev is None:
            continue
        base = lowest[hop.mechanism, len(hop.initial.symbols)]
        hop.limiting_ev = hop.initial_energy_ev + hop.barrier_ev - base


def percolate(document: PhaseMigrationDocument) -> None:
    """Choose the mechanism whose hops percolate at the lowest barrier.

    A way along the face of a film is none through it, and counts by itself.
    """
    along = _lowest(document, "surface")
    if along is not None:
        document.surface_barrier_ev = along.energy_ev
        document.surface_path = [h.name for h in along.hops]
    ways = _ways(document)
    if not ways:
        if along is not None and all(h.mechanism == "surface" for h in document.hops):
            return
        failed = [f"{h.name}: {h.reason}" for h in document.hops if h.state == "failed"]
        document.state = "failed"
        document.reason = "no converged set of hops percolates" + (
            f" ({'; '.join(failed)})" if failed else ""
        )
        return
    best = min(ways, key=lambda way: way.energy_ev)
    limiting = max(best.hops, key=lambda h: h.limiting_ev or 0.0)
    document.barrier_ev = float(best.energy_ev)
    document.dimension = best.dimension
    document.path = [h.name for h in best.hops]
    if whole := _ways(document, dimension=3):
        lowest = min(whole, key=lambda way: way.energy_ev)
        document.barrier_3d_ev = lowest.energy_ev
        document.path_3d = [h.name for h in lowest.hops]
    planes = {h.layer for h in best.hops} - {""}
    document.mechanism = f"{limiting.mechanism} {' and '.join(sorted(planes))}".strip()
    document.formation_ev = limiting.formation_ev
    document.rate_hz = hopping_rate(best.energy_ev, document.temperature_k)
    document.diffusivity_cm2_s = diffusivity(
        best.energy_ev,
        limiting.distance_a,
        best.dimension,
        limiting.multiplicity,
        document.temperature_k,
    )
    document.converged = {"saddles": all(h.state == "completed" for h in document.hops)}
    document.warnings += [f"{h.name}: {w}" for h in best.hops for w in h.warnings]


@dataclass(frozen=True)
class _Way:
    energy_ev: float
    dimension: int
    hops: list[HopRecord]


def _ways(document: PhaseMigrationDocument, dimension: int = 1) -> list[_Way]:
    """Return the lowest way through the crystal of each mechanism that has one."""
    mechanisms = dict.fromkeys(h.mechanism for h in document.hops if h.mechanism != "surface")
    found = [_lowest(document, mechanism, dimension) for mechanism in mechanisms]
    return [way for way in found if way is not None]


def _lowest(document: PhaseMigrationDocument, mechanism: str, dimension: int = 1) -> _Way | None:
    """Return the lowest set of hops of a mechanism that percolates in so many dimensions."""
    from mgscreen.structures.percolation import bottleneck

    mine = [h for h in document.hops if h.mechanism == mechanism and h.limiting_ev is not None]
    energy, found, needed = bottleneck([(h.edges, h.limiting_ev or 0.0) for h in mine], dimension)
    return _Way(float(energy), found, [mine[k] for k in needed]) if needed else None


def write(document: PhaseMigrationDocument, identity: str) -> None:
    """Write initial, saddle and final structure of each hop as extended XYZ."""
    from ase.io import write

    folder = runtime().artefacts(identity)
    for hop in document.hops:
        frames = []
        for name in ("initial", "saddle", "final"):
            structure: AtomicStructure | None = getattr(hop, name)
            if structure is None:
                continue
            atoms = structure.to_ase()
            atoms.info.clear()
            atoms.info["what"] = f"{hop.name} {name}"
            frames.append(atoms)
        if frames:
            text = io.StringIO()
            write(text, frames, format="extxyz")
            path = folder / f"{hop.name}.extxyz"
            path.write_text(text.getvalue())
            document.files[hop.name] = runtime().name_of(path)
