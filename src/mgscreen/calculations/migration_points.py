"""DFT energies of the structures of a path: endpoints and saddles, each part a job of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.migration_document import HopRecord, PhaseMigrationDocument
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.identity import digest
from mgscreen.core.runtime import runtime
from mgscreen.energetics.hull import CHARGES
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.engines.steps import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicEngine

PARTS = ("endpoints", "saddles")


class PointEnergy(Document):
    """Energy of one structure, or why there is none."""

    energy_ev: float | None = None
    max_force_ev_a: float | None = None


class MigrationPointsDocument(Document):
    """Energies by the digest of structure, level and settings."""

    phase: str = ""
    species: str = "Mg"
    part: str = ""
    needed: bool = True
    energies: dict[str, PointEnergy] = Field(default_factory=dict)

    def properties(self) -> list[PropertyValue]:
        """Return nothing: a barrier needs both parts."""
        return []


@dataclass(frozen=True)
class Selection:
    """Which paths and hops go to DFT.

    Attributes
    ----------
    found
        The paths that percolate, one for each potential that found one.
    chosen
        Those whose geometries are computed.
    needed
        False where the potentials agree.
    spread_ev
        Between the potentials, eV.
    """

    found: list[PhaseMigrationDocument]
    chosen: list[PhaseMigrationDocument]
    needed: bool
    spread_ev: float


def select(
    paths: list[PhaseMigrationDocument | dict[str, Any] | None],
    *,
    always: bool,
    max_uncertainty_ev: float,
    geometry: str,
) -> Selection:
    """Choose the paths to compute.

    Raises
    ------
    ScientificFailureError
        If no potential found a path.
    """
    read = [PhaseMigrationDocument.of(p) for p in paths if p is not None]
    good = [p for p in read if p.state == "completed" and p.barrier_ev is not None]
    if not good:
        raise ScientificFailureError("no potential found a path through this phase")
    barriers = [float(p.barrier_ev or 0.0) for p in good]
    spread = max(barriers) - min(barriers)
    chosen = {"first": good[:1], "last": good[-1:], "all": good}[geometry]
    agree = not always and len(good) > 1 and spread <= max_uncertainty_ev
    return Selection(good, chosen, not agree, spread)


def wanted_hops(path: PhaseMigrationDocument, mechanisms: str) -> list[HopRecord]:
    """Return the hops of the lowest path, of the lowest of each mechanism, or all with a saddle."""
    from mgscreen.structures.percolation import bottleneck

    if mechanisms == "hops":
        return [h for h in path.hops if h.state == "completed" and h.saddle is not None]
    lowest = [h for h in path.hops if h.name in path.path]
    if mechanisms == "lowest":
        return lowest
    found = list(lowest)
    for mechanism in dict.fromkeys(h.mechanism for h in path.hops):
        if any(h.mechanism == mechanism for h in lowest):
            continue
        mine = [h for h in path.hops if h.mechanism == mechanism and h.limiting_ev is not None]
        _, _, needed = bottleneck([(h.edges, h.limiting_ev or 0.0) for h in mine])
        found += [mine[k] for k in needed]
    return found


def states_of(hop: HopRecord, charge_states: tuple[str, ...]) -> tuple[str, ...]:
    """Return the charge states of a hop: an atom on a face is neutral."""
    return charge_states if hop.mechanism != "surface" else ("neutral",)


def charge_of(hop: HopRecord, species: str, state: str) -> int:
    """Return the charge of the cell: a vacancy leaves the electrons of its ion behind."""
    sign = -1 if hop.mechanism == "vacancy" else 1
    return sign * CHARGES.get(species, 0) if state == "charged" else 0


def structures_of(hop: HopRecord, charge: int) -> dict[str, AtomicStructure]:
    """Return initial, saddle and, where it is no image of the initial one, final structure.

    An odd number of electrons, or the holes of a neutral vacancy, may want to be polarised: the
    closed shell is what a screening can afford, and the reference says so.
    """
    wanted = {"initial": hop.initial, "saddle": hop.saddle}
    if not hop.symmetric:
        wanted["final"] = hop.final
    return {name: s.with_state(charge, 1) for name, s in wanted.items() if s is not None}


@calculation("migration_points", MigrationPointsDocument)
def migration_points(  # noqa: PLR0913, PLR0917 - each is a part of the question
    paths: list[PhaseMigrationDocument | dict[str, Any] | None],
    level: Level,
    part: str,
    always: bool = True,
    max_uncertainty_ev: float = 0.1,
    geometry: str = "last",
    charge_states: tuple[str, ...] = ("neutral",),
    mechanisms: str = "lowest",
    *,
    identity: str = "",
) -> MigrationPointsDocument:
    """Compute the DFT energies of the endpoints or of the saddles of a phase's path.

    Parameters
    ----------
    paths
        What the potentials found for one phase; one that failed is left out.
    level
        A DFT level for crystals.
    part
        ``endpoints`` or ``saddles``.
    always, max_uncertainty_ev, geometry, charge_states, mechanisms
        As in ``phase_migration_dft``, which puts the parts together.
    identity
        Set by the calculation's frame.

    Returns
    -------
    MigrationPointsDocument
        With ``needed=False`` where the potentials agree. Failed where no SCF converges.
    """
    chosen = select(paths, always=always, max_uncertainty_ev=max_uncertainty_ev, geometry=geometry)
    engine = get_periodic_engine(level)
    document = MigrationPointsDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings=engine.settings(),
        structure=chosen.found[0].structure,
        phase=chosen.found[0].phase,
        species=chosen.found[0].species,
        part=part,
        needed=chosen.needed,
        converged={"scf": True},
    )
    if not chosen.needed:
        document.warnings.append(
            f"the potentials agree within {max_uncertainty_ev:g} eV: no DFT was asked for"
        )
        return document
    folder = runtime().workdir(identity)
    for path in chosen.chosen:
        for hop in wanted_hops(path, mechanisms):
            for state in states_of(hop, charge_states):
                charge = charge_of(hop, path.species, state)
                for name, structure in structures_of(hop, charge).items():
                    if (name == "saddle") == (part == "saddles"):
                        document.energies[point_key(structure, engine)] = _point(
                            structure, engine, folder
                        )
    failed = [p.reason for p in document.energies.values() if p.energy_ev is None]
    document.warnings += failed
    if failed and len(failed) == len(document.energies):
        document.state, document.reason = "failed", failed[0]
    return document


def point_key(structure: AtomicStructure, engine: PeriodicEngine) -> str:
    """Return what tells one energy from another."""
    return digest(
        {
            "structure": structure,
            "level": engine.level,
            "settings": engine.settings(),
            "version": engine.code_version,
        }
    )


def point_energy(
    structure: AtomicStructure, engine: PeriodicEngine, folder: Path
) -> tuple[float, float]:
    """Return energy and largest force; what was computed before a kill is read back.

    Raises
    ------
    ScientificFailureError
        If the SCF does not converge.
    """
    stored = folder / f"point-{point_key(structure, engine)}.json"
    if stored.exists():
        row = json.loads(stored.read_text())
        return float(row["energy"]), float(row["force"])
    found = engine.single_point(structure, folder)
    force = float((found.forces**2).sum(axis=1).max() ** 0.5)
    text = json.dumps({"energy": found.energy_ev, "force": force})
    write_atomically(stored, text.encode())
    return found.energy_ev, force


def _point(structure: AtomicStructure, engine: PeriodicEngine, folder: Path) -> PointEnergy:
    point = PointEnergy(level=str(engine.level), converged={"scf": True})
    try:
        point.energy_ev, point.max_force_ev_a = point_energy(structure, engine, folder)
    except ScientificFailureError as error:
        point.state, point.reason = "failed", str(error)
        point.converged = {"scf": False}
    return point
