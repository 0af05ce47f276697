"""Migration of an ion in a phase at one level: every distinct hop, and the way that percolates."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.identity import digest
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.diffusion import ATTEMPT_HZ, diffusivity, hopping_rate
from mgscreen.engines.periodic import EnergyConvention, get_periodic_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mgscreen.calculations.saddle import PathResult
    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicEngine
    from mgscreen.structures.hops import Hop
    from mgscreen.structures.interstitials import Interstitial

    Array = NDArray[np.float64]
    Evaluate = Callable[[Array], tuple[float, Array]]

FMAX = 0.03
"""Largest force at endpoints and saddles, eV/angstrom."""
MAX_CALLS = 400


class HopRecord(BaseModel):
    """One hop and what its search found."""

    model_config = ConfigDict(extra="forbid")

    name: str
    mechanism: str
    layer: str = ""
    distance_a: float
    direction: tuple[float, float, float]
    multiplicity: int
    symmetric: bool
    dimension: int = Field(description="in how many dimensions this hop alone percolates")
    edges: list[tuple[int, int, tuple[int, int, int]]] = Field(default_factory=list)
    state: str = "completed"
    reason: str = ""
    method: str = ""
    barrier_ev: float | None = Field(default=None, description="from the initial structure")
    barrier_backward_ev: float | None = None
    limiting_ev: float | None = Field(
        default=None,
        description="saddle above the lowest site of the mechanism: what percolation needs",
    )
    verified: bool | None = Field(
        default=None, description="one negative curvature, and downhill to both endpoints"
    )
    n_negative: int | None = None
    curvature_ev_a2: float | None = None
    projected_force_ev_a: float | None = None
    intermediate_ev: float | None = Field(
        default=None, description="energy of a minimum on the way, above the initial structure"
    )
    force_calls: int = 0
    coordinates_a: list[float] = Field(default_factory=list)
    energies_ev: list[float] = Field(
        default_factory=list, description="along the path, above the initial structure"
    )
    initial_energy_ev: float | None = Field(default=None, description="total, of the supercell")
    initial: AtomicStructure | None = None
    saddle: AtomicStructure | None = None
    final: AtomicStructure | None = None
    mobile: int = 0
    formation_ev: float | None = Field(default=None, description="of the defect, see document")
    warnings: list[str] = Field(default_factory=list)


class SiteRecord(BaseModel):
    """An interstitial site and what became of an atom there."""

    model_config = ConfigDict(extra="forbid")

    name: str
    position: tuple[float, float, float] = Field(description="fractional, of the primitive cell")
    multiplicity: int
    radius_a: float
    stays: bool
    above_lowest_ev: float | None = Field(
        default=None, description="relaxed energy above that of the lowest relaxed start"
    )
    reason: str = ""


class PhaseMigrationDocument(Document):
    """The hops of a phase and the lowest way through it."""

    phase: str = ""
    formula: str = ""
    species: str = "Mg"
    charge_state: str = "neutral"
    energy_convention: EnergyConvention = "unknown"
    hops: list[HopRecord] = Field(default_factory=list)
    sites: list[SiteRecord] = Field(
        default_factory=list, description="interstitial sites that were tried"
    )
    barrier_ev: float | None = Field(default=None, description="lowest percolating path, eV")
    dimension: int = Field(default=0, description="in how many dimensions that path percolates")
    path: list[str] = Field(default_factory=list, description="the hops that it needs")
    mechanism: str = ""
    formation_ev: float | None = Field(
        default=None, description="of the neutral defect, against the bulk metal, eV"
    )
    formation_reason: str = ""
    temperature_k: float = 298.15
    rate_hz: float | None = None
    diffusivity_cm2_s: float | None = Field(default=None, description="of one defect")
    force_calls: int = 0

    def properties(self) -> list[PropertyValue]:
        """Return the numbers of the phase; each hop is in the document."""
        if self.state == "failed" or self.barrier_ev is None:
            return []
        how = f"{self.mechanism}, {self.charge_state}; {', '.join(self.path)}"
        assumed = (
            f"{self.temperature_k:g} K, attempt frequency {ATTEMPT_HZ:g}/s assumed; one defect"
        )

        def row(name: str, value: float | None, unit: str, note: str, why: str = "") -> Any:
            return PropertyValue(
                property=name,
                value=value,
                unit=unit,
                environment="crystal",
                reference=note,
                reason=why,
            )

        return [
            row("percolating_barrier", self.barrier_ev, "eV", how),
            row("percolation_dimension", float(self.dimension), "1", how),
            PropertyValue(
                property="migration_mechanism", text=how, environment="crystal", reference=""
            ),
            row(
                "defect_formation_energy",
                self.formation_ev,
                "eV",
                f"neutral, against bulk {self.species}",
                self.formation_reason,
            ),
            row("hopping_rate", self.rate_hz, "1/s", assumed),
            row("defect_diffusivity", self.diffusivity_cm2_s, "cm2/s", assumed),
        ]


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
    surfaces: dict[str, _Surface] = {}

    def surface_of(structure: AtomicStructure) -> _Surface:
        return _surface(surfaces, structure, engine, folder, level)

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


class _Surface:
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
        from mgscreen.engines.periodic_relax import check_distances

        key = digest([[round(float(x), 6) + 0.0 for x in row] for row in positions])
        if key not in self.known:
            atoms: Any = self.structure.to_ase()
            atoms.positions[:] = positions
            check_distances(atoms)
            atoms.calc = self.inner
            energy = float(atoms.get_potential_energy())
            forces = np.asarray(atoms.get_forces(), dtype=np.float64)
            self.known[key] = (energy, forces)
            self.computed += 1
            with self.path.open("a") as file:
                row = {"at": key, "energy": energy, "forces": forces.tolist()}
                file.write(json.dumps(row) + "\n")
        return self.known[key]


def _surface(
    surfaces: dict[str, _Surface],
    structure: AtomicStructure,
    engine: PeriodicEngine,
    folder: Path,
    level: Level,
) -> _Surface:
    """Return the surface of a cell: what is searched in one cell shares its points."""
    shape = {
        "symbols": list(structure.symbols),
        "cell": [[round(x, 5) for x in row] for row in structure.cell or ()],
        "level": level,
        "settings": engine.settings(),
        "version": engine.code_version,
    }
    name = digest(shape)
    if name not in surfaces:
        surfaces[name] = _Surface(engine, structure, folder / f"points-{name}.jsonl", folder)
    return surfaces[name]


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


def _search(hop: Hop, surface: _Surface) -> HopRecord:
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
