"""Migration of an ion in a phase at one level: every distinct hop, and the way that percolates."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.calculations.migration_document import (
    HopRecord,
    PhaseMigrationDocument,
    SiteRecord,
)
from mgscreen.calculations.stored_points import StoredSurface, stored_surface
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.energetics.diffusion import diffusivity, hopping_rate
from mgscreen.engines.periodic import get_periodic_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mgscreen.calculations.saddle import PathResult
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.structures.hops import Hop
    from mgscreen.structures.interstitials import Interstitial

    Array = NDArray[np.float64]
    Evaluate = Callable[[Array], tuple[float, Array]]

FMAX = 0.03
"""Largest force at endpoints and saddles, eV/angstrom."""
MAX_CALLS = 400


@calculation("phase_migration", PhaseMigrationDocument)
def phase_migration(  # noqa: PLR0913, PLR0917 - each is a part of the question
    crystal: CrystalDocument | dict[str, Any],
    level: Level,
    species: str = "Mg",
    mechanisms: tuple[str, ...] = ("vacancy",),
    metal: CrystalDocument | dict[str, Any] | None = None,
    max_distance_a: float | None = None,
    min_supercell_a: float = 10.0,
    max_hops: int = 6,
    until: str = "all",
    temperature_k: float = 298.15,
    *,
    identity: str = "",
) -> PhaseMigrationDocument:
    """Find the barrier of every symmetry-distinct hop and of the lowest path that percolates.

    Parameters
    ----------
    crystal
        The relaxed crystal, at ``level``.
    level
        A level for crystals; a potential knows neutral cells only.
    species
        Element that hops.
    mechanisms
        ``vacancy``, ``interstitial``.
    metal
        The relaxed bulk metal of the species at the same level, for the defect's formation energy.
    max_distance_a
        Longest hop, angstrom; None: what percolates, see ``mgscreen.structures.hops``.
    min_supercell_a
        Shortest distance of the defect from its own images, angstrom.
    max_hops
        The shortest so many hops of each mechanism are searched.
    until
        ``all``, or ``percolating``: of each mechanism, no longer hop is searched once shorter ones
        lead through the crystal.
    temperature_k
        For rate and diffusivity.
    identity
        Set by the calculation's frame.

    Returns
    -------
    PhaseMigrationDocument
        Failed where no hop that converged percolates; each hop keeps its best profile.
    """
    relaxed = _crystal(crystal)
    if relaxed.state == "failed" or relaxed.structure is None or relaxed.energy_ev is None:
        raise ScientificFailureError(f"the crystal failed: {relaxed.reason or 'no energy'}")
    engine = get_periodic_engine(level)
    folder = runtime().workdir(identity)
    document = PhaseMigrationDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings={**engine.settings(), "saddle_fmax": FMAX, "max_calls": MAX_CALLS},
        structure=relaxed.structure,
        energy_convention=engine.energy_convention,
        phase=relaxed.structure.label or relaxed.structure.formula,
        formula=relaxed.structure.formula,
        species=species,
        temperature_k=temperature_k,
    )
    surfaces: dict[str, StoredSurface] = {}

    def surface_of(structure: AtomicStructure) -> StoredSurface:
        return stored_surface(surfaces, structure, engine, folder, level)

    hops = _hops(
        relaxed.structure,
        species,
        mechanisms,
        max_distance_a,
        min_supercell_a,
        document,
        surface_of,
    )
    left_out = [h for name in mechanisms for h in _of(hops, name)[max_hops:]]
    if left_out:
        document.warnings.append(f"not searched: {', '.join(h.name for h in left_out)}")
    for hop in hops:
        if hop in left_out:
            continue
        if until == "percolating" and _leads_through(document, hop.mechanism):
            document.warnings.append(f"not searched: {hop.name}, since shorter hops percolate")
            continue
        document.hops.append(_search(hop, surface_of(hop.initial)))
    document.force_calls = sum(s.computed for s in surfaces.values())
    _formation(document, relaxed, None if metal is None else _crystal(metal), hops)
    _above_lowest(document)
    _percolate(document)
    _write(document, identity)
    return document


def _leads_through(document: PhaseMigrationDocument, mechanism: str) -> bool:
    from mgscreen.structures.percolation import percolation_dimension

    mine = [h for h in document.hops if h.mechanism == mechanism and h.limiting_ev is not None]
    return percolation_dimension(e for h in mine for e in h.edges) > 0


def _hops(
    crystal: AtomicStructure,
    species: str,
    mechanisms: tuple[str, ...],
    max_distance_a: float | None,
    min_supercell_a: float,
    document: PhaseMigrationDocument,
    surface_of: Callable[[AtomicStructure], Evaluate],
) -> list[Hop]:
    from mgscreen.structures.hops import interstitial_hops, vacancy_hops

    found: list[Hop] = []
    for name in mechanisms:
        try:
            if name == "vacancy":
                some = vacancy_hops(
                    crystal, species, max_distance_a=max_distance_a, min_supercell_a=min_supercell_a
                )
            else:
                some = interstitial_hops(
                    crystal,
                    species,
                    sites=_sites(crystal, species, min_supercell_a, document, surface_of),
                    max_distance_a=max_distance_a,
                    min_supercell_a=min_supercell_a,
                )
        except InputError as error:
            document.warnings.append(f"{name}: {error.message}")
            continue
        if not some:
            document.warnings.append(f"{name}: there is no site for {species}")
        found += some
    if not found:
        raise ScientificFailureError("; ".join(document.warnings) or "there is no hop")
    return found


def _sites(
    crystal: AtomicStructure,
    species: str,
    min_supercell_a: float,
    document: PhaseMigrationDocument,
    surface_of: Callable[[AtomicStructure], Evaluate],
) -> list[Interstitial]:
    """Return the interstitial sites that hold an atom, and write down what became of the others."""
    from mgscreen.calculations.interstitial_relax import relaxed_sites

    tried = relaxed_sites(crystal, species, surface_of, min_supercell_a=min_supercell_a)
    lowest = min((t.energy_ev for t in tried if t.energy_ev is not None), default=None)
    for one in tried:
        above = None if one.energy_ev is None or lowest is None else one.energy_ev - lowest
        document.sites.append(
            SiteRecord(
                name=one.site.name,
                position=one.site.position,
                multiplicity=one.site.multiplicity,
                radius_a=one.site.radius_a,
                stays=one.stays,
                above_lowest_ev=above,
                reason=one.reason,
            )
        )
        if not one.stays:
            document.warnings.append(f"{one.site.name} holds no {species}: {one.reason}")
    return [one.site for one in tried if one.stays]


def _of(hops: list[Hop], mechanism: str) -> list[Hop]:
    return [h for h in hops if h.mechanism == mechanism]


def _search(hop: Hop, surface: StoredSurface) -> HopRecord:
    from mgscreen.calculations.saddle import find_saddle
    from mgscreen.structures.percolation import percolation_dimension

    record = HopRecord(
        name=hop.name,
        mechanism=hop.mechanism,
        layer=hop.layer,
        distance_a=hop.distance_a,
        direction=hop.direction,
        multiplicity=hop.multiplicity,
        symmetric=hop.symmetric,
        dimension=percolation_dimension(hop.edges),
        edges=list(hop.edges),
        mobile=hop.mobile,
    )
    try:
        found = find_saddle(
            surface,
            hop.initial,
            hop.final,
            hop.mobile,
            symmetric=hop.symmetric,
            fmax=FMAX,
            max_calls=MAX_CALLS,
        )
    except ScientificFailureError as error:
        record.state, record.reason = "failed", str(error)
        return record
    _fill(record, hop, found)
    return record


def _fill(record: HopRecord, hop: Hop, found: PathResult) -> None:
    record.method = found.method
    record.force_calls = found.force_calls
    record.coordinates_a = [float(x) for x in found.coordinates_a]
    start = found.initial_energy_ev
    if start is not None:
        record.initial_energy_ev = float(start)
        record.energies_ev = [float(e) - start for e in found.energies_ev]
        if found.intermediate is not None:
            record.intermediate_ev = float(found.intermediate[1]) - start
    record.warnings = list(found.warnings)
    record.n_negative = found.n_negative
    record.curvature_ev_a2 = found.curvature_ev_a2
    record.projected_force_ev_a = found.projected_force
    for name in ("initial", "saddle", "final"):
        positions = getattr(found, name)
        if positions is not None:
            setattr(record, name, hop.initial.with_positions(positions))
    if not found.converged or found.barrier_forward_ev is None:
        record.state = "failed"
        record.reason = "; ".join(found.warnings) or "no saddle was found"
        return
    record.verified = found.verified
    record.barrier_ev = float(found.barrier_forward_ev)
    backward = found.barrier_backward_ev
    record.barrier_backward_ev = None if backward is None else float(backward)
    record.limiting_ev = max(record.barrier_ev, record.barrier_backward_ev or record.barrier_ev)
    if not found.verified:
        record.warnings.append("the saddle is not verified")


def _formation(
    document: PhaseMigrationDocument,
    crystal: CrystalDocument,
    metal: CrystalDocument | None,
    hops: list[Hop],
) -> None:
    """Fill in E(defect) - E(perfect) +/- mu(metal) of each hop's initial structure."""
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
        sign = 1.0 if record.mechanism == "vacancy" else -1.0
        if record.initial_energy_ev is not None:
            record.formation_ev = (
                record.initial_energy_ev - perfect + sign * metal.energy_per_atom_ev
            )


def _primitive_size(crystal: AtomicStructure) -> int:
    from mgscreen.structures.supercells import primitive_cell

    return len(primitive_cell(crystal).symbols)


def _above_lowest(document: PhaseMigrationDocument) -> None:
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


def _percolate(document: PhaseMigrationDocument) -> None:
    """Choose the mechanism whose hops percolate at the lowest barrier."""
    from mgscreen.structures.percolation import bottleneck

    best: tuple[float, int, list[HopRecord], str] | None = None
    for mechanism in dict.fromkeys(h.mechanism for h in document.hops):
        mine = [h for h in document.hops if h.mechanism == mechanism and h.limiting_ev is not None]
        energy, dimension, needed = bottleneck([(h.edges, h.limiting_ev or 0.0) for h in mine])
        if needed and (best is None or energy < best[0]):
            best = (energy, dimension, [mine[k] for k in needed], mechanism)
    if best is None:
        failed = [f"{h.name}: {h.reason}" for h in document.hops if h.state == "failed"]
        document.state = "failed"
        document.reason = "no converged set of hops percolates" + (
            f" ({'; '.join(failed)})" if failed else ""
        )
        return
    energy, dimension, needed_hops, mechanism = best
    limiting = max(needed_hops, key=lambda h: h.limiting_ev or 0.0)
    document.barrier_ev = float(energy)
    document.dimension = dimension
    document.path = [h.name for h in needed_hops]
    planes = {h.layer for h in needed_hops} - {""}
    document.mechanism = f"{mechanism} {' and '.join(sorted(planes))}".strip()
    document.formation_ev = limiting.formation_ev
    document.rate_hz = hopping_rate(energy, document.temperature_k)
    document.diffusivity_cm2_s = diffusivity(
        energy, limiting.distance_a, dimension, limiting.multiplicity, document.temperature_k
    )
    document.converged = {"saddles": all(h.state == "completed" for h in document.hops)}
    document.warnings += [f"{h.name}: {w}" for h in needed_hops for w in h.warnings]


def _write(document: PhaseMigrationDocument, identity: str) -> None:
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


def _crystal(value: CrystalDocument | dict[str, Any]) -> CrystalDocument:
    if isinstance(value, dict):
        return CrystalDocument.model_validate(
            {k: v for k, v in value.items() if not k.startswith("@")}
        )
    return value
