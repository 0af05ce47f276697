"""Insertion of ions into a cathode host: where they go, and the voltage.

Starts are the largest voids of the host (vertices of the Voronoi tessellation), one of each kind by
symmetry; for several ions, combinations of voids that are not too close. All are relaxed roughly,
the lowest of them in full, and the lowest counts. A second level takes over these placements. In
Mo6S8 the voids are the inner and outer sites of the channels between the clusters (E. Levi et al.,
Chem. Mater. 21, 1390 (2009), doi:10.1021/cm900033v).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.voltage import electrons, mean_voltage, voltage_profile, voltage_steps
from mgscreen.engines.periodic import CellPolicy, EnergyConvention, get_periodic_engine
from mgscreen.structures.voids import insertion_hosts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicRelaxation

__all__ = [
    "InsertionDocument",
    "VoltageDocument",
    "insertion_energy",
    "insertion_hosts",
    "insertion_voltages",
]

SCREEN = {"fmax": 0.1, "max_steps": 30}
"""A rough relaxation: enough to tell which void an ion ends in."""
FINALISTS = 2
APART_EV = 0.02
"""Two placements whose energies differ by less after the rough relaxation are one, eV."""
FMAX = 0.02
"""The last relaxation ends at this force, eV/angstrom: ions in wide channels lie in flat basins,
where 0.005 costs twice the steps and 1 meV."""


class InsertionDocument(Document):
    """A host with ions in it: the lowest of all starts, which is ``structure``."""

    species: str = "Mg"
    inserted: int = 0
    host_formula: str = ""
    energy_ev: float | None = Field(default=None, description="of the whole cell, eV")
    energy_convention: EnergyConvention = "unknown"
    cell_policy: CellPolicy = "full"
    volume_per_atom_a3: float | None = None
    starts: int = Field(default=0, description="placements that were tried")
    screened_ev: list[float | None] = Field(
        default_factory=list,
        description="of each start after a rough relaxation in the host's cell, eV; empty where "
        "the placements are those of another level",
    )
    energies_ev: list[float | None] = Field(
        default_factory=list,
        description="of each placement relaxed in full, eV; None where it did not relax",
    )
    placements: list[AtomicStructure] = Field(
        default_factory=list, description="those that relaxed, lowest first"
    )
    placements_level: str = Field(default="", description="level that found them; empty: this one")
    max_force_ev_per_a: float | None = None
    steps: int = Field(default=0, description="force calls of the lowest")

    def properties(self) -> list[PropertyValue]:
        """Return the energy of the lowest placement; its zero is that of the level."""
        if self.state == "failed" or self.energy_ev is None:
            return []
        return [
            PropertyValue(
                property="insertion_energy_total",
                value=self.energy_ev,
                unit="eV",
                environment="crystal",
                reference=f"{self.inserted} {self.species} in {self.host_formula}; "
                "zero of the level",
            )
        ]


@calculation("insertion", InsertionDocument)
def insertion_energy(
    host: AtomicStructure,
    level: Level,
    species: str = "Mg",
    n: int = 1,
    cell: CellPolicy = "full",
    guess: InsertionDocument | dict[str, Any] | None = None,
    *,
    identity: str = "",
) -> InsertionDocument:
    """Relax a host with ``n`` ions and keep the lowest of all placements.

    Every start is relaxed roughly in the cell of the host (``SCREEN``); those that end lowest and
    apart from each other (``FINALISTS``) are relaxed in full.

    Parameters
    ----------
    host
        The empty host, best relaxed at the same level.
    level
        A level for crystals.
    species
        Element that goes in.
    n
        Atoms per cell of ``host``.
    cell
        What may happen to the cell.
    guess
        The same at another level: its placements are relaxed here, and no others are searched.
        None, or one that failed: they are.
    identity
        Set by the calculation's frame.

    Returns
    -------
    InsertionDocument
        Failed where no placement relaxes.
    """
    folder = runtime().workdir(identity)
    other = None if guess is None else InsertionDocument.of(guess)
    screened: list[float | None] = []
    warnings: list[str] = []
    if other is not None and other.state != "failed" and other.placements:
        finalists, source = list(other.placements), other.level
    else:
        try:
            starts = insertion_hosts(host, species, n)
        except InputError as error:
            raise ScientificFailureError(str(error)) from None
        finalists, screened = _screened(starts, level, folder, warnings)
        source = ""
    fine = level.model_copy(update={"settings": {"fmax": FMAX, **level.settings}})
    engine = get_periodic_engine(fine)
    energies: list[float | None] = []
    ends: list[PeriodicRelaxation] = []
    for number, start in enumerate(finalists):
        try:
            end = engine.relax(start, folder / f"final{number}", cell=cell)
        except ScientificFailureError as error:
            energies.append(None)
            warnings.append(f"placement {number}: {error}")
            continue
        if not end.converged:
            energies.append(None)
            warnings.append(f"placement {number} did not relax in {end.steps} steps")
            continue
        energies.append(end.energy_ev)
        ends.append(end)
    if not ends:
        raise ScientificFailureError(
            f"none of {len(finalists)} placements of {n} {species} relaxed: {'; '.join(warnings)}"
        )
    ends.sort(key=lambda e: e.energy_ev)
    best = ends[0]
    atoms = best.structure.to_ase()
    return InsertionDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings=engine.settings(),
        structure=best.structure,
        converged={"relaxation": True},
        warnings=warnings + list(best.warnings),
        species=species,
        inserted=n,
        host_formula=host.formula,
        energy_ev=best.energy_ev,
        energy_convention=best.energy_convention,
        cell_policy=cell,
        volume_per_atom_a3=float(atoms.get_volume()) / len(atoms),
        starts=len(screened) or len(finalists),
        screened_ev=screened,
        energies_ev=energies,
        placements=[end.structure for end in ends],
        placements_level=source,
        max_force_ev_per_a=best.max_force_ev_per_a,
        steps=best.steps,
    )


def _screened(
    starts: Sequence[AtomicStructure], level: Level, folder: Path, warnings: list[str]
) -> tuple[list[AtomicStructure], list[float | None]]:
    """Return the lowest placements that differ, and the energy of each start.

    A placement that has not converged roughly still counts: its energy is an upper bound.
    """
    rough = level.model_copy(update={"settings": {**level.settings, **SCREEN}})
    engine = get_periodic_engine(rough)
    energies: list[float | None] = []
    ends: list[PeriodicRelaxation] = []
    for number, start in enumerate(starts):
        try:
            end = engine.relax(start, folder / f"screen{number}", cell="fixed")
        except ScientificFailureError as error:
            energies.append(None)
            warnings.append(f"start {number}: {error}")
            continue
        energies.append(end.energy_ev)
        ends.append(end)
    chosen: list[PeriodicRelaxation] = []
    for end in sorted(ends, key=lambda e: e.energy_ev):
        if len(chosen) == FINALISTS:
            break
        if all(abs(end.energy_ev - c.energy_ev) > APART_EV for c in chosen):
            chosen.append(end)
    return [end.structure for end in chosen], energies


class Plateau(BaseModel):
    """The voltage between two compositions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: float = Field(description="inserted atoms per cell of the host")
    end: float
    volt: float


class VoltageDocument(Document):
    """Voltage of a host on insertion."""

    host: str = ""
    species: str = "Mg"
    valence: int = 0
    steps: list[Plateau] = Field(default_factory=list, description="each composition to the next")
    profile: list[Plateau] = Field(
        default_factory=list, description="stable compositions only: what a cell would show"
    )
    mean_v: float | None = None
    volume_change: float | None = Field(
        default=None, description="of the fullest against the empty host, relative"
    )

    def properties(self) -> list[PropertyValue]:
        """Return the mean voltage, those of the steps, and the change of volume."""
        if self.state == "failed" or self.mean_v is None:
            return []
        couple = f"{self.species}{self.valence}+/{self.species}"
        where = {"environment": "crystal"}
        span = f"{self.steps[0].start:g} to {self.steps[-1].end:g}"
        rows = [
            PropertyValue(
                property="insertion_voltage",
                value=self.mean_v,
                unit="V",
                reference=f"{couple}, {span} {self.species}",
                **where,
            )
        ]
        each = "; ".join(f"{s.volt:.3f} V ({s.start:g} to {s.end:g})" for s in self.steps)
        rows.append(
            PropertyValue(
                property="insertion_voltage_step",
                text=each,
                reference=f"{couple}, {self.species} in the host",
                **where,
            )
        )
        if self.volume_change is not None:
            rows.append(
                PropertyValue(
                    property="insertion_volume_change",
                    value=100 * self.volume_change,
                    unit="%",
                    reference=f"{span} {self.species}",
                    **where,
                )
            )
        return rows


@calculation("insertion_voltage", VoltageDocument)
def insertion_voltages(
    host: CrystalDocument | dict[str, Any],
    inserted: list[InsertionDocument | dict[str, Any] | None],
    metal: CrystalDocument | dict[str, Any],
    valence: int | None = None,
) -> VoltageDocument:
    """Turn the energies of a host with more and more ions into voltages.

    Parameters
    ----------
    host
        The empty host, relaxed.
    inserted
        The same cell with ions in it, all at one level; one that failed is left out and named.
    metal
        The crystal of what goes in.
    valence
        Electrons per atom; None: the usual one.

    Returns
    -------
    VoltageDocument
        Failed where levels are mixed, or nothing was inserted.
    """
    empty, element = CrystalDocument.of(host), CrystalDocument.of(metal)
    for crystal, name in ((empty, "the host"), (element, "the metal")):
        if crystal.state == "failed" or crystal.energy_ev is None or crystal.structure is None:
            raise ScientificFailureError(f"{name} failed: {crystal.reason or 'no energy'}")
    if empty.structure is None or element.structure is None:
        raise ScientificFailureError("an energy without a structure gives no voltage")
    species = _only(element.structure.symbols)
    energies: dict[float, float] = {0.0: empty.energy_ev or 0.0}
    warnings: list[str] = []
    last: InsertionDocument | None = None
    for value in inserted:
        one = None if value is None else InsertionDocument.of(value)
        if one is None or one.state == "failed" or one.energy_ev is None:
            warnings.append(f"without an insertion: {one.reason if one else 'it did not run'}")
            continue
        count = _count(one, empty, species)
        for other in (empty, element):
            _same_level(one, other)
        energies[count] = min(one.energy_ev, energies.get(count, one.energy_ev))
        if last is None or count >= max(c for c in energies if c != count):
            last = one
    if last is None or last.structure is None:
        raise ScientificFailureError(f"nothing was inserted: {'; '.join(warnings)}")
    per_atom = (element.energy_ev or 0.0) / len(element.structure.symbols)
    try:
        n = electrons(species, valence)
    except ValueError as error:
        raise ScientificFailureError(str(error)) from None
    return VoltageDocument(
        level=last.level,
        code=last.code,
        code_version=last.code_version,
        settings=last.settings,
        structure=last.structure,
        converged={"relaxation": True},
        warnings=warnings,
        host=empty.structure.label or empty.structure.formula,
        species=species,
        valence=n,
        steps=[Plateau(**vars(s)) for s in voltage_steps(energies, per_atom, n)],
        profile=[Plateau(**vars(s)) for s in voltage_profile(energies, per_atom, n)],
        mean_v=mean_voltage(energies, per_atom, n),
        volume_change=last.structure.to_ase().get_volume() / empty.structure.to_ase().get_volume()
        - 1,
    )


def _count(inserted: InsertionDocument, host: CrystalDocument, species: str) -> float:
    """Return how many atoms of ``species`` there are more than in the host."""
    if inserted.structure is None or host.structure is None:
        raise ScientificFailureError("an energy without a structure gives no voltage")
    extra = Counter(inserted.structure.symbols)
    extra.subtract(Counter(host.structure.symbols))
    count = extra.pop(species, 0)
    if any(extra.values()) or count < 1:
        raise ScientificFailureError(f"{inserted.structure.formula} is not the host with {species}")
    return float(count)


def _same_level(one: Document, other: Document) -> None:
    if (one.level, one.code_version) != (other.level, other.code_version):
        raise ScientificFailureError(
            f"{one.level} ({one.code_version}) and {other.level} ({other.code_version}): "
            "their energies cannot be subtracted"
        )


def _only(symbols: tuple[str, ...]) -> str:
    kinds = sorted(set(symbols))
    if len(kinds) != 1:
        raise ScientificFailureError(f"{' and '.join(kinds)} is no metal to insert")
    return kinds[0]
