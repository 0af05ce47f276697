"""Migration of an ion in a phase at one level: every distinct hop, and the way that percolates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.calculations.migration_document import (
    HopRecord,
    PhaseMigrationDocument,
    SiteRecord,
)
from mgscreen.calculations.migration_summary import above_lowest, formation, percolate, write
from mgscreen.calculations.stored_points import StoredSurface, stored_surface
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.periodic import get_periodic_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from mgscreen.calculations.interstitial_relax import RelaxedSite
    from mgscreen.calculations.saddle_result import PathResult
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.structures.hops import Hop
    from mgscreen.structures.interstitials import Interstitial

    Array = NDArray[np.float64]
    Evaluate = Callable[[Array], tuple[float, Array]]

FMAX = 0.03
"""Largest force at endpoints and saddles, eV/angstrom."""
MAX_CALLS = 400


@calculation("phase_migration", PhaseMigrationDocument, revision=3)
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
    miller: str | None = None,
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
        ``vacancy``, ``interstitial``, ``surface`` (an atom on the outer face: it leads along a
        film, not through it, and has a barrier of its own).
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
    miller
        The face for ``surface``, with respect to the conventional cell: ``001``, ``1 -1 0``.
    identity
        Set by the calculation's frame.

    Returns
    -------
    PhaseMigrationDocument
        Failed where no hop that converged percolates; each hop keeps its best profile.
    """
    relaxed = CrystalDocument.of(crystal)
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

    ask = _Question(
        relaxed.structure, species, max_distance_a, min_supercell_a, miller, document, surface_of
    )
    hops = _hops(ask, mechanisms)
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
    formation(document, relaxed, None if metal is None else CrystalDocument.of(metal), hops)
    above_lowest(document)
    percolate(document)
    write(document, identity)
    return document


def _leads_through(document: PhaseMigrationDocument, mechanism: str) -> bool:
    from mgscreen.structures.percolation import percolation_dimension

    mine = [h for h in document.hops if h.mechanism == mechanism and h.limiting_ev is not None]
    return percolation_dimension(e for h in mine for e in h.edges) > 0


@dataclass(frozen=True)
class _Question:
    """What the sites and hops of every mechanism depend on."""

    crystal: AtomicStructure
    species: str
    max_distance_a: float | None
    min_supercell_a: float
    miller: str | None
    document: PhaseMigrationDocument
    surface_of: Callable[[AtomicStructure], Evaluate]


def _hops(ask: _Question, mechanisms: tuple[str, ...]) -> list[Hop]:
    ways = {"vacancy": _vacancy, "interstitial": _interstitial, "surface": _surface}
    found: list[Hop] = []
    for name in mechanisms:
        try:
            some = ways[name](ask)
        except InputError as error:
            ask.document.warnings.append(f"{name}: {error.message}")
            continue
        except ScientificFailureError as error:
            ask.document.warnings.append(f"{name}: {error}")
            continue
        if not some:
            ask.document.warnings.append(f"{name}: there is no site for {ask.species}")
        found += some
    if not found:
        raise ScientificFailureError("; ".join(ask.document.warnings) or "there is no hop")
    return found


def _vacancy(ask: _Question) -> list[Hop]:
    from mgscreen.structures.hops import vacancy_hops

    return vacancy_hops(
        ask.crystal,
        ask.species,
        max_distance_a=ask.max_distance_a,
        min_supercell_a=ask.min_supercell_a,
    )


def _interstitial(ask: _Question) -> list[Hop]:
    from mgscreen.calculations.interstitial_relax import relaxed_sites
    from mgscreen.structures.hops import interstitial_hops

    tried = relaxed_sites(
        ask.crystal, ask.species, ask.surface_of, min_supercell_a=ask.min_supercell_a
    )
    return interstitial_hops(
        ask.crystal,
        ask.species,
        sites=_kept(ask, tried),
        max_distance_a=ask.max_distance_a,
        min_supercell_a=ask.min_supercell_a,
    )


def _surface(ask: _Question) -> list[Hop]:
    from mgscreen.calculations.interstitial_relax import relaxed_ground, relaxed_surface_sites
    from mgscreen.structures.surface_hops import parse_miller, surface_ground, surface_hops

    if ask.miller is None:
        raise InputError("no face is given: name its Miller indices in migration.surfaces")
    ground = surface_ground(ask.crystal, parse_miller(ask.miller), ask.species)
    ground, ask.document.surface_cell_ev = relaxed_ground(ground, ask.surface_of)
    ask.document.surface_miller = ask.miller
    tried = relaxed_surface_sites(
        ground, ask.species, ask.surface_of, min_supercell_a=ask.min_supercell_a
    )
    return surface_hops(
        ground,
        ask.species,
        sites=_kept(ask, tried),
        max_distance_a=ask.max_distance_a,
        min_supercell_a=ask.min_supercell_a,
    )


def _kept(ask: _Question, tried: list[RelaxedSite]) -> list[Interstitial]:
    """Return the sites that hold an atom, and write down what became of the others."""
    lowest = min((t.energy_ev for t in tried if t.energy_ev is not None), default=None)
    for one in tried:
        above = None if one.energy_ev is None or lowest is None else one.energy_ev - lowest
        ask.document.sites.append(
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
            ask.document.warnings.append(f"{one.site.name} holds no {ask.species}: {one.reason}")
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
            fixed=hop.fixed,
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
