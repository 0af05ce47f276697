"""The DAG of one species: geometry, then every property that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobflow import Flow, Job, Maker

from mgscreen.calculations.binding import binding_energy
from mgscreen.calculations.esp import electrostatic_potential
from mgscreen.calculations.frequencies import harmonic_frequencies
from mgscreen.calculations.geometry import optimise, species_geometry
from mgscreen.calculations.orbitals import frontier_orbitals
from mgscreen.calculations.redox import adiabatic_potentials, vertical_potentials
from mgscreen.flows.cost import composition, estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mgscreen.core.species import Species
    from mgscreen.engines.level import Level


BOTH = ("reduction", "oxidation")


def relevant_directions(species: Species) -> tuple[str, ...]:
    """Return how a species meets the electrodes.

    An anion reaches the cathode as the free ion and is oxidised there; at the anode it is reduced
    as an ion pair, since the double anion is unbound. A neutral molecule meets both, a cation is
    reduced.
    """
    if species.form in ("molecule", "complex"):
        return BOTH
    if species.form == "ion":
        return ("oxidation",) if species.charge < 0 else ("reduction",)
    return ("reduction",)


@dataclass
class SpeciesJobs:
    """The jobs of one species, by what other jobs need of them."""

    species: Species
    jobs: list[Job] = field(default_factory=list)
    geometry: Job | None = None
    orbitals: Job | None = None


@dataclass
class SpeciesMaker(Maker):
    """Make the flow of one species.

    Parameters
    ----------
    name
        Name of the flow.
    levels
        Levels of theory with the keys ``conformers``, ``geometry``, ``electronic``, ``redox``.
    properties
        Which of ``orbitals``, ``esp``, ``redox-vertical``, ``redox-adiabatic``, ``frequencies``.
    conformers
        Geometries tried.
    metal
        The anode metal that potentials are given against.
    both_directions
        Oxidise and reduce every species; otherwise only as it meets the electrodes, see
        ``relevant_directions``.
    probe_bonds
        For adiabatic potentials, also look for broken bonds behind a barrier.
    cubes
        Write the electron density beside the electrostatic potential.

    Examples
    --------
    >>> from mgscreen.core.species import Component, Species
    >>> from mgscreen.engines.presets import preset
    >>> water = Component(name="H2O", smiles="O", charge=0, role="molecule")
    >>> species = Species(
    ...     candidate="H2O", form="molecule", label="H2O", components=(water,), charge=0
    ... )
    >>> flow = SpeciesMaker(levels=preset("quick"), properties=("orbitals",)).make(species)
    >>> [job.name for job in flow]
    ['geometry H2O', 'orbitals H2O']
    """

    name: str = "species"
    levels: Mapping[str, Level] = field(default_factory=dict)
    properties: tuple[str, ...] = ("orbitals",)
    conformers: int = 6
    metal: str = "Mg"
    both_directions: bool = True
    probe_bonds: bool = False
    cubes: bool = False

    def make(self, species: Species) -> Flow:
        """Return the flow of a species."""
        return Flow([*self.jobs(species).jobs], name=f"{self.name} {species.label}")

    def jobs(self, species: Species) -> SpeciesJobs:
        """Return the jobs of a species, for a flow that adds others that need them."""
        made = SpeciesJobs(species)
        atoms = composition(species)
        structure = self._geometry(made, atoms)
        electronic, redox = self.levels["electronic"], self.levels["redox"]
        wanted = set(self.properties)
        directions = BOTH if self.both_directions else relevant_directions(species)
        if wanted & {"orbitals", "binding", "esp"}:
            made.orbitals = self._add(
                made, "orbitals", frontier_orbitals, electronic, atoms, structure=structure
            )
        if "esp" in wanted:
            self._add(
                made,
                "esp",
                electrostatic_potential,
                electronic,
                atoms,
                structure=structure,
                cube=self.cubes,
            )
        vertical = None
        if "redox-vertical" in wanted:
            vertical = self._add(
                made,
                "redox_vertical",
                vertical_potentials,
                redox,
                atoms,
                structure=structure,
                metal=self.metal,
                directions=directions,
            )
        if "redox-adiabatic" in wanted:
            # after the vertical one, whose state of the species itself it then finds on disk
            start = structure if vertical is None else vertical.output.structure
            self._add(
                made,
                "redox_adiabatic",
                adiabatic_potentials,
                redox,
                atoms,
                structure=start,
                geometry_level=self.levels["conformers"],
                metal=self.metal,
                directions=directions,
                probe_bonds=self.probe_bonds,
            )
        return made

    def _geometry(self, made: SpeciesJobs, atoms: Mapping[str, int]) -> Any:
        """Add the geometry jobs and return the reference to the final structure."""
        guess, final = self.levels["conformers"], self.levels["geometry"]
        job = self._add(
            made,
            "geometry",
            species_geometry,
            guess,
            atoms,
            species=made.species,
            conformers=self.conformers,
        )
        if final != guess:
            job = self._add(
                made, "geometry", optimise, final, atoms, structure=job.output.structure
            )
        if "frequencies" in self.properties and sum(atoms.values()) > 1:
            job = self._add(
                made,
                "frequencies",
                harmonic_frequencies,
                final,
                atoms,
                structure=job.output.structure,
            )
        made.geometry = job
        return job.output.structure

    def _add(
        self,
        made: SpeciesJobs,
        kind: str,
        function: Callable[..., Any],
        level: Level,
        atoms: Mapping[str, int],
        **inputs: Any,
    ) -> Job:
        states = len(inputs.get("directions", ())) or 1
        conformers = self.conformers if "species" in inputs else 1
        cost = estimate(kind, atoms, level, conformers=conformers, states=states)
        job = _job(
            kind,
            function,
            made.species,
            level,
            cost,
            geometry_level="" if "geometry" in kind else str(self.levels["geometry"]),
            inputs={**inputs, "level": level},
        )
        made.jobs.append(job)
        return job


def binding_job(
    whole: SpeciesJobs, parts: list[SpeciesJobs], counts: list[int], levels: Mapping[str, Level]
) -> Job:
    """Return the job of a binding energy from the orbitals jobs of a complex and its parts.

    Raises
    ------
    ValueError
        If one of them has no orbitals job.
    """
    if whole.orbitals is None or any(p.orbitals is None for p in parts):
        msg = "a binding energy needs the orbitals job of the complex and of each part"
        raise ValueError(msg)
    return _job(
        "binding",
        binding_energy,
        whole.species,
        levels["electronic"],
        0.01,
        geometry_level=str(levels["geometry"]),
        inputs={
            "complex": whole.orbitals.output,
            "parts": [p.orbitals.output for p in parts if p.orbitals is not None],
            "counts": counts,
        },
    )


def _job(
    kind: str,
    function: Callable[..., Any],
    species: Species,
    level: Level,
    cost: float,
    *,
    geometry_level: str,
    inputs: dict[str, Any],
) -> Job:
    return Job(
        function=function,
        function_kwargs=inputs,
        name=f"{kind} {species.label}",
        metadata={
            "kind": kind,
            "candidate": species.candidate,
            "form": species.form,
            "species": species.label,
            "level": str(level),
            "geometry_level": geometry_level,
            "cost_s": round(cost, 3),
        },
    )
