"""DFT energies on the lowest path that a potential found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.migration_document import HopRecord, PhaseMigrationDocument
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.identity import digest
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.diffusion import ATTEMPT_HZ, diffusivity, hopping_rate
from mgscreen.energetics.hull import CHARGES
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.engines.steps import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicEngine


class DftPoint(Document):
    """DFT barrier of one hop at one geometry and charge."""

    hop: str = ""
    charge_state: str = "neutral"
    charge: int = 0
    geometry_level: str = ""
    barrier_ev: float | None = None
    barrier_backward_ev: float | None = None
    energies_ev: dict[str, float] = Field(
        default_factory=dict, description="total energy at initial, saddle, final"
    )
    relaxed: dict[str, AtomicStructure] = Field(
        default_factory=dict, description="structures relaxed at this level, where asked for"
    )
    max_force_saddle_ev_a: float | None = Field(
        default=None, description="what DFT still wants to move at the potential's saddle"
    )


class PhaseMigrationDftDocument(Document):
    """The lowest path of a phase with DFT energies."""

    phase: str = ""
    species: str = "Mg"
    needed: bool = True
    potentials_ev: dict[str, float] = Field(
        default_factory=dict, description="barrier by potential"
    )
    spread_ev: float | None = None
    points: list[DftPoint] = Field(default_factory=list)
    barrier_ev: float | None = None
    charged_ev: float | None = None
    sd_ev: float | None = Field(default=None, description="over the geometries")
    path: list[str] = Field(default_factory=list)
    mechanism: str = ""
    temperature_k: float = 298.15
    rate_hz: float | None = None
    diffusivity_cm2_s: float | None = Field(default=None, description="of one neutral defect")

    def properties(self) -> list[PropertyValue]:
        """Return the barriers by charge state; nothing where DFT was not needed."""
        if self.state == "failed" or not self.needed:
            return []
        how = f"{self.mechanism}; {', '.join(self.path)}; single points"
        rows = []
        for name, value, charge in (
            ("percolating_barrier", self.barrier_ev, "neutral"),
            ("charged_barrier", self.charged_ev, "charged, homogeneous background"),
        ):
            if value is None:
                continue
            rows.append(
                PropertyValue(
                    property=name,
                    value=value,
                    unit="eV",
                    uncertainty=self.sd_ev,
                    environment="crystal",
                    reference=f"{how}; {charge}",
                )
            )
        assumed = f"{self.temperature_k:g} K, attempt frequency {ATTEMPT_HZ:g}/s assumed; neutral"
        rows += [
            PropertyValue(
                property=name, value=value, unit=unit, environment="crystal", reference=assumed
            )
            for name, value, unit in (
                ("hopping_rate", self.rate_hz, "1/s"),
                ("defect_diffusivity", self.diffusivity_cm2_s, "cm2/s"),
            )
            if value is not None
        ]
        return rows


@calculation("phase_migration_dft", PhaseMigrationDftDocument)
def phase_migration_dft(  # noqa: PLR0913, PLR0917 - each is a part of the question
    paths: list[PhaseMigrationDocument | dict[str, Any] | None],
    level: Level,
    always: bool = True,
    max_uncertainty_ev: float = 0.1,
    geometry: str = "last",
    charge_states: tuple[str, ...] = ("neutral",),
    mechanisms: str = "lowest",
    relax: bool = False,
    *,
    identity: str = "",
) -> PhaseMigrationDftDocument:
    """Compute the barrier of the lowest percolating path with DFT single points.

    Parameters
    ----------
    paths
        What the potentials found for one phase; one that failed is left out.
    level
        A DFT level for crystals.
    always
        Compute in any case; otherwise only where the potentials' barriers are further apart than
        ``max_uncertainty_ev``, or one potential alone has an answer.
    max_uncertainty_ev
        Spread that is accepted, eV.
    geometry
        ``first``, ``last`` or ``all``: of which potential the geometries are.
    charge_states
        ``neutral``, ``charged``: the ion leaves its electrons behind.
    mechanisms
        ``lowest``: the hops of the lowest path; ``each``: those of the lowest path of each
        mechanism, whichever of them the potential prefers.
    relax
        Relax endpoints and saddle at ``level`` instead of single points.
    identity
        Set by the calculation's frame.

    Returns
    -------
    PhaseMigrationDftDocument
        With ``needed=False`` where the potentials agree. Failed where no potential has a path, or
        no SCF converges.
    """
    found = [_path(p) for p in paths if p is not None]
    good = [p for p in found if p.state == "completed" and p.barrier_ev is not None]
    if not good:
        raise ScientificFailureError("no potential found a path through this phase")
    barriers = {p.level: float(p.barrier_ev or 0.0) for p in good}
    spread = max(barriers.values()) - min(barriers.values())
    engine = get_periodic_engine(level)
    document = PhaseMigrationDftDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings=engine.settings(),
        structure=good[0].structure,
        phase=good[0].phase,
        species=good[0].species,
        potentials_ev=barriers,
        spread_ev=spread,
        converged={"scf": True},
    )
    if not always and len(good) > 1 and spread <= max_uncertainty_ev:
        document.needed = False
        document.warnings.append(
            f"the potentials agree within {max_uncertainty_ev:g} eV: no DFT was asked for"
        )
        return document
    chosen = {"first": good[:1], "last": good[-1:], "all": good}[geometry]
    folder = runtime().workdir(identity)
    for path in chosen:
        for hop in wanted_hops(path, each=mechanisms == "each"):
            for state in charge_states if hop.mechanism != "surface" else ("neutral",):
                document.points.append(_point(hop, path, engine, state, folder, relax=relax))
    _summarise(document, chosen)
    return document


def wanted_hops(path: PhaseMigrationDocument, *, each: bool) -> list[HopRecord]:
    """Return the hops of the lowest path, or of the lowest path of each mechanism."""
    from mgscreen.structures.percolation import bottleneck

    lowest = [h for h in path.hops if h.name in path.path]
    if not each:
        return lowest
    found = list(lowest)
    for mechanism in dict.fromkeys(h.mechanism for h in path.hops):
        if any(h.mechanism == mechanism for h in lowest):
            continue
        mine = [h for h in path.hops if h.mechanism == mechanism and h.limiting_ev is not None]
        _, _, needed = bottleneck([(h.edges, h.limiting_ev or 0.0) for h in mine])
        found += [mine[k] for k in needed]
    return found


def _point(
    hop: HopRecord,
    path: PhaseMigrationDocument,
    engine: PeriodicEngine,
    state: str,
    folder: Path,
    *,
    relax: bool = False,
) -> DftPoint:
    """Compute the energies of one hop; what was computed before a kill is read back."""
    level = engine.level
    sign = -1 if hop.mechanism == "vacancy" else 1
    charge = sign * CHARGES.get(path.species, 0) if state == "charged" else 0
    point = DftPoint(
        hop=hop.name,
        charge_state=state,
        charge=charge,
        geometry_level=path.level,
        level=str(level),
        converged={"scf": True},
    )
    if hop.initial is None or hop.saddle is None:
        point.state, point.reason = "failed", "the potential's path has no saddle"
        return point
    # an odd number of electrons, or the holes of a neutral vacancy, may want to be polarised:
    # the closed shell is what a screening can afford, and the reference says so
    wanted = {"initial": hop.initial, "saddle": hop.saddle}
    if not hop.symmetric and hop.final is not None:
        wanted["final"] = hop.final
    try:
        for name, structure in wanted.items():
            charged = structure.with_state(charge, 1)
            if relax:
                energy, force = _relaxed(name, hop, charged, level, folder, point)
            else:
                energy, force = _energy(charged, engine, folder)
            point.energies_ev[name] = energy
            if name == "saddle":
                point.max_force_saddle_ev_a = force
    except ScientificFailureError as error:
        point.state, point.reason = "failed", str(error)
        return point
    point.barrier_ev = point.energies_ev["saddle"] - point.energies_ev["initial"]
    last = point.energies_ev.get("final", point.energies_ev["initial"])
    point.barrier_backward_ev = point.energies_ev["saddle"] - last
    return point


def _energy(
    structure: AtomicStructure, engine: PeriodicEngine, folder: Path
) -> tuple[float, float]:
    key = digest(
        {
            "structure": structure,
            "level": engine.level,
            "settings": engine.settings(),
            "version": engine.code_version,
        }
    )
    stored = folder / f"point-{key}.json"
    if stored.exists():
        row = json.loads(stored.read_text())
        return float(row["energy"]), float(row["force"])
    found = engine.single_point(structure, folder)
    force = float((found.forces**2).sum(axis=1).max() ** 0.5)
    text = json.dumps({"energy": found.energy_ev, "force": force})
    write_atomically(stored, text.encode())
    return found.energy_ev, force


def _relaxed(
    name: str,
    hop: HopRecord,
    structure: AtomicStructure,
    level: Level,
    folder: Path,
    point: DftPoint,
) -> tuple[float, float]:
    """Relax an endpoint or the saddle; every force call is kept on disk.

    Raises
    ------
    ScientificFailureError
        If it does not converge.
    """
    from mgscreen.calculations.migration_refine import refine_minimum, refine_saddle
    from mgscreen.calculations.stored_points import stored_surface

    surface = stored_surface({}, structure, get_periodic_engine(level), folder, level)
    if name == "saddle":
        found = refine_saddle(surface, structure, hop.mobile, hop.direction)
    else:
        found = refine_minimum(surface, structure)
    point.relaxed[name] = structure.with_positions(found.positions)
    if not found.converged:
        raise ScientificFailureError(
            f"{hop.name} {name}: {found.max_force_ev_a:.2f} eV/angstrom are left after "
            f"{found.force_calls} force calls"
        )
    return found.energy_ev, found.max_force_ev_a


def _summarise(document: PhaseMigrationDftDocument, chosen: list[PhaseMigrationDocument]) -> None:
    document.path = list(dict.fromkeys(name for p in chosen for name in p.path))
    document.mechanism = ", ".join(dict.fromkeys(p.mechanism for p in chosen))
    failed = [p for p in document.points if p.state == "failed"]
    document.warnings += [f"{p.hop} {p.charge_state}: {p.reason}" for p in failed]
    for state, name in (("neutral", "barrier_ev"), ("charged", "charged_ev")):
        by_geometry = []
        for path in chosen:
            values = [
                max(p.barrier_ev, p.barrier_backward_ev or p.barrier_ev)
                for p in document.points
                if p.geometry_level == path.level
                and p.hop in path.path
                and p.charge_state == state
                and p.barrier_ev is not None
            ]
            if len(values) == len(path.path):
                by_geometry.append(max(values))
        if by_geometry:
            setattr(document, name, sum(by_geometry) / len(by_geometry))
            if len(by_geometry) > 1 and document.sd_ev is None:
                mean = sum(by_geometry) / len(by_geometry)
                square = sum((v - mean) ** 2 for v in by_geometry) / (len(by_geometry) - 1)
                document.sd_ev = square**0.5
    if document.barrier_ev is not None:
        path = chosen[0]
        slowest = max(
            (h for h in path.hops if h.name in path.path), key=lambda h: h.limiting_ev or 0.0
        )
        document.temperature_k = path.temperature_k
        document.rate_hz = hopping_rate(document.barrier_ev, path.temperature_k)
        document.diffusivity_cm2_s = diffusivity(
            document.barrier_ev,
            slowest.distance_a,
            path.dimension,
            slowest.multiplicity,
            path.temperature_k,
        )
    if document.barrier_ev is None and document.charged_ev is None:
        document.state = "failed"
        document.reason = "; ".join(document.warnings) or "no single point converged"


def _path(value: PhaseMigrationDocument | dict[str, Any]) -> PhaseMigrationDocument:
    if isinstance(value, dict):
        return PhaseMigrationDocument.model_validate(
            {k: v for k, v in value.items() if not k.startswith("@")}
        )
    return value
