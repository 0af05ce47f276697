"""The DAG of phases: relaxed crystals and gases, hulls and windows, gaps, alloys, cathodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobflow import Flow, Job, Maker

from mgscreen.calculations.band_edges import band_edges
from mgscreen.calculations.electronic_solid import crystal_electronic
from mgscreen.calculations.gas import gas_energy
from mgscreen.calculations.phases import phase_stability
from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.corrections import GAS_ENTROPY
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.levels import solid_levels
from mgscreen.flows.reactions import reaction_flows
from mgscreen.flows.voltages import alloy_jobs, cathode_jobs
from mgscreen.structures.crystals import crystal_library
from mgscreen.structures.entries import load_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from mgscreen.campaign.models import Campaign
    from mgscreen.campaign.stability import BandEdge, CathodeHost, Stability
    from mgscreen.engines.level import Level
    from mgscreen.flows.levels import SolidLevels

BONDS = {"H2": 0.74, "N2": 1.10, "O2": 1.21, "F2": 1.42, "Cl2": 1.99, "Br2": 2.28, "I2": 2.67}
"""Bond lengths that the relaxation of an element's molecule starts from, angstrom."""
TRIPLET = ("O2",)
GASEOUS = tuple(formula for formula in BONDS if formula in GAS_ENTROPY)
"""Elements that are gases at 298 K: their molecule with its entropy is the reference, and a crystal
of them (Cl2 below 172 K) forms at no potential here."""


def element_molecule(element: str) -> AtomicStructure | None:
    """Return the diatomic molecule of an element; None where the element is no such gas."""
    formula = f"{element}2"
    if formula not in BONDS:
        return None
    return AtomicStructure(
        symbols=(element, element),
        positions=((0.0, 0.0, 0.0), (0.0, 0.0, BONDS[formula])),
        multiplicity=3 if formula in TRIPLET else 1,
        label=formula,
    )


def _is_frozen_gas(crystal: AtomicStructure) -> bool:
    kinds = set(crystal.symbols)
    return len(kinds) == 1 and f"{kinds.pop()}2" in GASEOUS


CO2 = AtomicStructure(
    symbols=("C", "O", "O"),
    positions=((0.0, 0.0, 0.0), (0.0, 0.0, 1.17), (0.0, 0.0, -1.17)),
    label="CO2",
)
"""A compound that leaves as a gas."""


def stability_flows(
    campaign: Campaign, crystals: CrystalJobs, base: Path | None
) -> list[Flow | Job]:
    """Return the flows of the section ``[stability]``.

    Raises
    ------
    InputError
        If a phase, a crystal or a file of entries cannot be read.
    """
    section = campaign.stability
    if section is None:
        return []
    levels = solid_levels(campaign, potentials=section.potentials)
    entries = _entries(section, base)
    flows: list[Flow | Job] = []
    first: dict[str, list[Job]] = {}

    def inserted(host: CathodeHost, level: Level) -> list[Job]:
        # the first potential searches, the others relax what it finds
        key = host.model_dump_json()
        jobs = cathode_jobs(host, level, crystals, first.get(key, [])[:-1])
        first.setdefault(key, jobs)
        return jobs

    for level in levels.potentials:
        maker = StabilityMaker(
            name="stability",
            level=level,
            metal=campaign.anode.metal,
            cathode=section.cathode or "",
            products=section.products,
            competing=section.competing,
            entries=entries if section.entries_level == str(level) else [],
            temperature_k=section.temperature_k,
            crystals=crystals,
        )
        if section.phases:
            flows.append(maker.make(section.phases))
        loose: list[Flow | Job] = [
            *(
                job
                for name in section.alloys
                for job in alloy_jobs(name, campaign.anode.metal, level, crystals)
            ),
            *(job for host in section.cathodes for job in inserted(host, level)),
        ]
        if loose:
            flows.append(Flow(loose, name=f"voltages {level}"))
    flows += reaction_flows(campaign, section.reactions, crystals)
    # energies of the phases bring their gaps
    done = section.phases if section.dft == "energies" else ()
    gaps = [name for name in section.gaps_of or section.phases if name not in done]
    if section.dft != "none" and gaps:
        flows.append(_gaps(gaps, crystals, levels.potentials[0], levels.dft))
    if section.edges:
        flows.append(_edges(section.edges, crystals, levels, campaign.anode.metal))
    if section.dft == "energies" and section.phases:
        maker = StabilityMaker(
            name="stability",
            level=levels.dft,
            metal=campaign.anode.metal,
            products=section.products,
            competing=section.competing,
            entries=entries if section.entries_level == str(levels.dft) else [],
            temperature_k=section.temperature_k,
            crystals=crystals,
            geometry=levels.potentials[0],
        )
        flows.append(maker.make(section.phases))
    return flows


def _entries(section: Stability, base: Path | None) -> list[dict[str, Any]]:
    """Return the user's own energies, whose level has to be known."""
    entries: list[dict[str, Any]] = []
    for path in section.entries:
        entries += load_entries(path, base)
    if entries and section.entries_level is None:
        raise InputError(
            "stability.entries_level: the level that the entries belong to is needed, since "
            "energies of different levels are never subtracted"
        )
    return entries


@dataclass
class StabilityMaker(Maker):
    """Make the flow that places phases among their competitors, at one level.

    Parameters
    ----------
    name
        Name of the flow.
    level
        A level for crystals.
    metal
        Of the anode.
    cathode
        Formula of a cathode material that phases may react with; empty: none.
    products
        Formulas of what the electrolyte leaves on the electrodes.
    competing
        ``library``, or names of crystals.
    entries
        A user's own energies, see ``mgscreen.structures.entries``.
    temperature_k
        For the entropy of gases.
    crystals
        The crystals that the campaign shares.
    geometry
        Level of the geometry, where ``level`` only computes energies at it.

    Examples
    --------
    >>> from mgscreen.engines.level import Level
    >>> maker = StabilityMaker(level=Level.parse("mlip:chgnet"), competing=("Mg", "MgO"))
    >>> sorted(job.name for job in maker.make(("MgO",)).jobs)
    ['gas O2 mlip:chgnet', 'stability MgO mlip:chgnet']
    """

    name: str = "stability"
    level: Level | None = None
    metal: str = "Mg"
    cathode: str = ""
    products: Sequence[str] = ()
    competing: str | Sequence[str] = "library"
    entries: list[dict[str, Any]] = field(default_factory=list)
    temperature_k: float = 298.15
    crystals: CrystalJobs = field(default_factory=CrystalJobs)
    geometry: Level | None = None

    def make(self, phases: Iterable[str]) -> Flow:
        """Return the flow of some phases; the crystals' own jobs are in ``self.crystals``."""
        phases = tuple(phases)
        pool = tuple(crystal_library()) if self.competing == "library" else tuple(self.competing)
        if self.level is None:
            msg = "a StabilityMaker needs a level"
            raise ValueError(msg)
        gases: dict[str, Job] = {}
        solids: dict[str, Job] = {}
        jobs = [self._phase(phase, pool, gases, solids) for phase in phases]
        points = list(solids.values()) if self.geometry is not None else []
        made: list[Flow | Job] = [*gases.values(), *points, *jobs]
        return Flow(made, name=f"{self.name} {self.level}")

    def _phase(
        self, phase: str, pool: tuple[str, ...], gases: dict[str, Job], solids: dict[str, Job]
    ) -> Job:
        crystal = self.crystals.crystal(phase)
        label = crystal.label or phase
        elements = set(crystal.symbols) | {self.metal}
        for partner in filter(None, (self.cathode, *self.products)):
            elements |= _elements(partner)
        others = [
            name
            for name in dict.fromkeys([*pool, self.metal])
            if name != phase
            and set(self.crystals.crystal(name).symbols) <= elements
            and not _is_frozen_gas(self.crystals.crystal(name))
        ]
        solid_elements = {
            self.crystals.crystal(name).symbols[0]
            for name in others
            if len(set(self.crystals.crystal(name).symbols)) == 1
        }
        boxes = []
        for element in sorted(elements - solid_elements):
            molecule = element_molecule(element)
            if molecule is not None:
                boxes.append((molecule.label, self._gas(molecule, gases)))
        if {"C", "O"} <= elements:
            boxes.append(("CO2", self._gas(CO2, gases)))
        return self._job(
            "stability",
            phase_stability,
            label,
            "phase",
            {
                "phase": self._solid(phase, solids).output,
                "competitors": [self._solid(name, solids).output for name in others],
                "gases": [job.output for _, job in boxes],
                "metal": self.metal,
                "cathode": self.cathode,
                "entries": self.entries,
                "names": [*others, *(name for name, _ in boxes)],
                "temperature_k": self.temperature_k,
                # absent where there are none: the calculation is the same one
                **({"products": list(self.products)} if self.products else {}),
            },
            0.05,
            accepts_failed=True,
        )

    def _solid(self, name: str, solids: dict[str, Job]) -> Job:
        level = self.level
        if level is None:
            msg = "a StabilityMaker needs a level"
            raise ValueError(msg)
        if self.geometry is None:
            return self.crystals.relaxed(name, level)
        if name not in solids:
            solids[name] = electronic_job(self.crystals, name, self.geometry, level)
        return solids[name]

    def _gas(self, molecule: AtomicStructure, gases: dict[str, Job]) -> Job:
        if molecule.label not in gases:
            cheap = self.level is not None and self.level.engine == "mlip"
            gases[molecule.label] = self._job(
                "gas",
                gas_energy,
                molecule.label,
                "gas",
                {"structure": molecule, "level": self.level},
                1.0 if cheap else 60.0,
            )
        return gases[molecule.label]

    def _job(
        self,
        kind: str,
        function: Callable[..., Any],
        label: str,
        form: str,
        inputs: dict[str, Any],
        cost: float,
        *,
        accepts_failed: bool = False,
    ) -> Job:
        metadata: dict[str, Any] = {
            "kind": kind,
            "candidate": label,
            "form": form,
            "species": label,
            "level": str(self.level),
            "geometry_level": str(self.geometry) if self.geometry and kind != "gas" else "",
            "cost_s": cost,
        }
        if accepts_failed:
            metadata["accepts_failed"] = True
        return Job(
            function=function,
            function_kwargs=inputs,
            name=f"{kind} {label} {self.level}",
            metadata=metadata,
        )


def _elements(formula: str) -> set[str]:
    from pymatgen.core import Composition

    try:
        return {str(e) for e in Composition(formula).elements}
    except ValueError:
        raise InputError(f"stability: '{formula}' is not a formula such as Mo6S8 or CO2") from None


def electronic_job(crystals: CrystalJobs, name: str, geometry: Level, level: Level) -> Job:
    """Return the DFT single point of a crystal at the geometry of another level."""
    crystal = crystals.crystal(name)
    label = crystal.label or name
    return Job(
        function=crystal_electronic,
        function_kwargs={"crystal": crystals.relaxed(name, geometry).output, "level": level},
        name=f"gap {label} {level}",
        metadata={
            "kind": "crystal_electronic",
            "candidate": label,
            "form": "bulk",
            "species": label,
            "level": str(level),
            "geometry_level": str(geometry),
            "cost_s": round(4.0 * len(crystal.symbols) ** 1.5, 1),
        },
    )


def _gaps(phases: Sequence[str], crystals: CrystalJobs, geometry: Level, level: Level) -> Flow:
    jobs: list[Flow | Job] = [electronic_job(crystals, name, geometry, level) for name in phases]
    return Flow(jobs, name=f"gaps {level}")


def _edges(
    edges: Sequence[BandEdge], crystals: CrystalJobs, levels: SolidLevels, metal: str
) -> Flow:
    """Return the jobs that place bands against the metal, at the first potential's geometry."""
    geometry = levels.potentials[0]
    jobs: list[Flow | Job] = []
    for edge in edges:
        crystal = crystals.crystal(edge.phase)
        label = crystal.label or edge.phase
        jobs.append(
            Job(
                function=band_edges,
                function_kwargs={
                    "crystal": crystals.relaxed(edge.phase, geometry).output,
                    "level": levels.dft,
                    "miller": edge.plane,
                    "metal": metal,
                    "layers": edge.layers,
                },
                name=f"band edges {label} {levels.dft}",
                metadata={
                    "kind": "band_edges",
                    "candidate": label,
                    "form": "surface",
                    "species": f"{label} against {metal}",
                    "level": str(levels.dft),
                    "geometry_level": str(geometry),
                    "cost_s": 60.0,
                },
            )
        )
    return Flow(jobs, name=f"band edges {levels.dft}")
