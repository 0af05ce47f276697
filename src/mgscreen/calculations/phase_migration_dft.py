"""DFT energies on the lowest path that a potential found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.migration_points import (
    MigrationPointsDocument,
    charge_of,
    point_energy,
    point_key,
    select,
    states_of,
    structures_of,
    wanted_hops,
)
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.diffusion import ATTEMPT_HZ, diffusivity, hopping_rate
from mgscreen.engines.periodic import get_periodic_engine

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.calculations.migration_document import HopRecord, PhaseMigrationDocument
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
    points: list[MigrationPointsDocument | dict[str, Any] | None] | None = None,
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
        mechanism, whichever of them the potential prefers; ``hops``: every hop with a saddle. The
        barrier of the phase is that of the lowest path in any case.
    relax
        Relax endpoints and saddle at ``level`` instead of single points.
    points
        Energies that jobs of their own computed, see ``migration_points``; what they lack is not
        computed here. None: all of it is.
    identity
        Set by the calculation's frame.

    Returns
    -------
    PhaseMigrationDftDocument
        With ``needed=False`` where the potentials agree. Failed where no potential has a path, or
        no SCF converges.
    """
    selection = select(
        paths, always=always, max_uncertainty_ev=max_uncertainty_ev, geometry=geometry
    )
    good = selection.found
    engine = get_periodic_engine(level)
    document = PhaseMigrationDftDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings=engine.settings(),
        structure=good[0].structure,
        phase=good[0].phase,
        species=good[0].species,
        potentials_ev={p.level: float(p.barrier_ev or 0.0) for p in good},
        spread_ev=selection.spread_ev,
        converged={"scf": True},
    )
    if not selection.needed:
        document.needed = False
        document.warnings.append(
            f"the potentials agree within {max_uncertainty_ev:g} eV: no DFT was asked for"
        )
        return document
    energies = _Energies(engine, runtime().workdir(identity), points)
    for path in selection.chosen:
        for hop in wanted_hops(path, mechanisms):
            for state in states_of(hop, charge_states):
                document.points.append(_point(hop, path, energies, state, relax=relax))
    _summarise(document, selection.chosen)
    return document


class _Energies:
    """Energies of structures: given by other jobs, or computed here."""

    def __init__(
        self,
        engine: PeriodicEngine,
        folder: Path,
        points: list[MigrationPointsDocument | dict[str, Any] | None] | None,
    ) -> None:
        self.engine = engine
        self.folder = folder
        self.given = (
            None
            if points is None
            else [MigrationPointsDocument.of(p) for p in points if p is not None]
        )

    def __call__(self, structure: AtomicStructure) -> tuple[float, float]:
        """Return energy and largest force.

        Raises
        ------
        ScientificFailureError
            If the SCF did not converge, or the job that had to compute it failed.
        """
        if self.given is None:
            return point_energy(structure, self.engine, self.folder)
        key = point_key(structure, self.engine)
        for document in self.given:
            point = document.energies.get(key)
            if point is None:
                continue
            if point.energy_ev is None or point.max_force_ev_a is None:
                raise ScientificFailureError(point.reason)
            return point.energy_ev, point.max_force_ev_a
        reasons = [d.reason for d in self.given if d.state == "failed"]
        raise ScientificFailureError("; ".join(reasons) or "its job gave no energy")


def _point(
    hop: HopRecord,
    path: PhaseMigrationDocument,
    energies: _Energies,
    state: str,
    *,
    relax: bool = False,
) -> DftPoint:
    """Put the energies of one hop together."""
    level = energies.engine.level
    charge = charge_of(hop, path.species, state)
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
    try:
        for name, structure in structures_of(hop, charge).items():
            if relax:
                energy, force = _relaxed(name, hop, structure, level, energies.folder, point)
            else:
                energy, force = energies(structure)
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
