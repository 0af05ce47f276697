"""The DAG of migration: each phase at each potential, then DFT where it is asked for or needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobflow import Flow, Job, Maker

from mgscreen.calculations.migration_points import PARTS, migration_points
from mgscreen.calculations.phase_migration import phase_migration
from mgscreen.calculations.phase_migration_dft import phase_migration_dft
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.levels import solid_levels
from mgscreen.structures.crystals import crystal_library
from mgscreen.structures.supercells import supercell_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.campaign.migration import Migration
    from mgscreen.campaign.models import Campaign
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

_CALLS = 120
"""Force calls of a phase, for the estimate of cost."""


def migration_flows(
    campaign: Campaign,
    crystals: CrystalJobs,
    base: Path | None,  # noqa: ARG001 - CrystalJobs knows it
) -> list[Flow | Job]:
    """Return the flows of the section ``[migration]``, one per phase.

    Raises
    ------
    InputError
        If a phase cannot be read.
    """
    section = campaign.migration
    if section is None:
        return []
    levels = solid_levels(campaign, potentials=section.potentials)
    maker = MigrationMaker(
        potentials=levels.potentials, dft=levels.dft, section=section, crystals=crystals
    )
    return [maker.make(phase) for phase in section.phases]


@dataclass
class MigrationMaker(Maker):
    """Make the flow of one phase.

    Parameters
    ----------
    name
        Name of the flow.
    potentials
        Levels that search the paths.
    dft
        Level of the single points.
    section
        What is asked: mechanisms, supercell, when DFT is needed; see
        ``mgscreen.campaign.migration``.
    crystals
        The crystals that the campaign shares; their jobs go into the flow of whoever owns them.

    Examples
    --------
    >>> from mgscreen.campaign.migration import Migration
    >>> from mgscreen.engines.level import Level
    >>> maker = MigrationMaker(
    ...     potentials=(Level.parse("mlip:chgnet"),),
    ...     dft=Level.parse("gpaw:pbe"),
    ...     section=Migration(dft="all"),
    ... )
    >>> [job.name for job in maker.make("MgO").jobs]
    ['migration MgO mlip:chgnet', 'migration MgO endpoints gpaw:pbe',
     'migration MgO saddles gpaw:pbe', 'migration MgO gpaw:pbe']
    """

    name: str = "migration"
    potentials: tuple[Level, ...] = ()
    dft: Level | None = None
    section: Migration | None = None
    crystals: CrystalJobs = field(default_factory=CrystalJobs)

    def make(self, phase: str) -> Flow:
        """Return the flow of a phase."""
        if self.section is None:
            msg = "a MigrationMaker needs a section"
            raise ValueError(msg)
        crystal = self.crystals.crystal(phase)
        label = crystal.label or phase
        section = self.section
        jobs = [self._search(phase, label, level, section) for level in self.potentials]
        made: list[Flow | Job] = [*jobs]
        if section.dft != "none" and self.dft is not None:
            made += self._dft(phase, label, jobs, section, self.dft)
        return Flow(made, name=f"{self.name} {label}")

    def _search(self, phase: str, label: str, level: Level, section: Migration) -> Job:
        inputs: dict[str, Any] = {
            "crystal": self.crystals.relaxed(phase, level).output,
            "level": level,
            "species": section.species,
            "mechanisms": section.mechanisms,
            "max_distance_a": section.max_distance,
            "min_supercell_a": section.min_supercell,
            "max_hops": section.max_hops,
            "until": section.until,
            "temperature_k": section.temperature_k,
        }
        if "surface" in section.mechanisms:
            inputs["miller"] = section.surfaces.get(phase)
        if section.species in crystal_library():
            inputs["metal"] = self.crystals.relaxed(section.species, level).output
        atoms = self._atoms(phase, section)
        return Job(
            function=phase_migration,
            function_kwargs=inputs,
            name=f"migration {label} {level}",
            metadata={
                **self._labels(label, section),
                "kind": "phase_migration",
                "level": str(level),
                "geometry_level": "",
                "cost_s": round(_CALLS * len(section.mechanisms) * 0.004 * atoms, 1),
                "accepts_failed": False,
            },
        )

    def _dft(
        self, phase: str, label: str, jobs: list[Job], section: Migration, level: Level
    ) -> list[Job]:
        """Return the jobs of endpoints and saddles, and the one that puts them together.

        Where a saddle is relaxed, or another program computes, that is one job.
        """
        chosen = {"first": jobs[:1], "last": jobs[-1:], "all": jobs}[section.dft_geometry]
        names = [str(job.metadata["level"]) for job in chosen]
        metal = _metallic(self.crystals.crystal(phase))
        # the electrons of a metal screen an ion: there is no other charge state
        charges = ("neutral",) if metal else section.charge_states
        level = self._meshed(phase, level, section)
        relax = section.dft_saddle == "relax"
        hops = {"lowest": 1, "each": len(section.mechanisms)}
        ways = hops.get(section.dft_mechanisms, section.max_hops * len(section.mechanisms))
        each = len(chosen) * len(charges) * ways * (12 if relax else 1)
        cost = each * 0.01 * self._atoms(phase, section) ** 2
        question: dict[str, Any] = {
            "paths": [job.output for job in jobs],
            "level": level,
            "always": section.dft == "all" or phase in section.dft_of,
            "max_uncertainty_ev": section.max_uncertainty,
            "geometry": section.dft_geometry,
            "charge_states": charges,
            "mechanisms": section.dft_mechanisms,
        }
        metadata: dict[str, Any] = {
            **self._labels(label, section),
            "level": str(level),
            "geometry_level": "" if relax else " and ".join(names),
            "accepts_failed": True,
        }
        split = not relax and level.engine == "gpaw"
        parts = [
            Job(
                function=migration_points,
                function_kwargs={**question, "part": part},
                name=f"migration {label} {part} {level}",
                metadata={**metadata, "kind": "migration_points", "cost_s": round(cost, 1)},
            )
            for part in (PARTS if split else ())
        ]
        whole = Job(
            function=phase_migration_dft,
            function_kwargs={
                **question,
                "relax": relax,
                "points": [job.output for job in parts] if split else None,
            },
            name=f"migration {label} {level}",
            metadata={
                **metadata,
                "kind": "phase_migration_dft",
                "cost_s": 0.1 if split else round(2 * cost, 1),
            },
        )
        return [*parts, whole]

    def _meshed(self, phase: str, level: Level, section: Migration) -> Level:
        """Return the DFT level with the k-mesh and the bands of a supercell.

        Gamma suffices for an insulator in a cell of 10 angstrom: MgO's barrier is 2.02 eV there. A
        metal needs more, and bands above its Fermi level; for an insulator few of them give the
        same energy to 1e-6 eV in nine tenths of the time.
        """
        if level.engine != "gpaw":
            return level
        metal = _metallic(self.crystals.crystal(phase))
        mesh = section.dft_kpts.get(phase) or ((2, 2, 2) if metal else (1, 1, 1))
        settings = {"kpts": list(mesh), **level.settings}
        if not metal:
            settings = {"empty_bands": 0.04, **settings}
        return level.model_copy(update={"settings": settings})

    @staticmethod
    def _labels(label: str, section: Migration) -> dict[str, str]:
        return {
            "candidate": label,
            "form": f"{section.species} migration",
            "species": f"{section.species} in {label}",
        }

    def _atoms(self, phase: str, section: Migration) -> int:
        crystal = self.crystals.crystal(phase)
        matrix = supercell_matrix(crystal, section.min_supercell)
        (a, b, c), (d, e, f), (g, h, i) = matrix
        cells = abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
        return cells * len(crystal.symbols)


def _metallic(crystal: AtomicStructure) -> bool:
    """Tell whether a crystal is made of metals alone."""
    from pymatgen.core import Element

    return all(Element(symbol).is_metal for symbol in set(crystal.symbols))
