"""The DAG of interphase reactions: precursors RX on magnesium, and chlorides that it displaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobflow import Flow, Job, Maker

from mgscreen.calculations.displacement import displacement
from mgscreen.calculations.reactions import solution_reaction
from mgscreen.candidates.halides import Halide, read_halide
from mgscreen.candidates.library import load_library
from mgscreen.candidates.model import Candidate, ChemistryError, check_chemistry
from mgscreen.core.errors import InputError, Location
from mgscreen.core.species import Component, Species
from mgscreen.engines.level import Level
from mgscreen.flows.displacement import (
    METAL,
    chloride_components,
    displacement_job,
    has_heat,
    missing_crystals,
    reaction_equation,
    reaction_job,
)
from mgscreen.flows.levels import campaign_levels, solid_levels
from mgscreen.flows.molecules import SpeciesMaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mgscreen.campaign.models import Campaign
    from mgscreen.campaign.reactions import Reactions
    from mgscreen.flows.crystals import CrystalJobs

_ION = Component(name=METAL, smiles="[Mg+2]", charge=2, role="metal")
_ATOM = Component(name=METAL, smiles="[Mg]", charge=0, role="molecule")


def reaction_flows(
    campaign: Campaign, section: Reactions | None, crystals: CrystalJobs
) -> list[Flow | Job]:
    """Return the flows of the table ``[stability.reactions]``.

    Parameters
    ----------
    campaign
        The campaign: levels, host, anode, inline candidates.
    section
        The table; None: there is none, and no flow.
    crystals
        The crystals that the campaign shares.

    Returns
    -------
    list
        One flow of the reactions in solution, and one of the displacements per potential.

    Raises
    ------
    InputError
        If a halide or a solvent is unknown or not what it has to be, a chloride is no binary
        halide, or halides are given with another anode than magnesium.
    """
    if section is None:
        return []
    flows: list[Flow | Job] = []
    metal = campaign.anode.metal
    if section.rx and metal != METAL:
        raise InputError(
            f"expected an empty list with an anode of {metal}: RX + M -> RMX is computed for "
            f"{METAL}",
            _at(campaign, "rx"),
        )
    known = _known(campaign)
    halides = [_halide(campaign, n, text, known) for n, text in enumerate(section.rx)]
    for n, chloride in enumerate(section.displacement):
        try:
            displacement(chloride, metal)
        except InputError as error:
            place = _at(campaign, f"displacement[{n}]")
            raise InputError(error.message, error.location or place) from None
    chlorides = section.displacement if section.in_solution and metal == METAL else ()
    dissolved = [c for c in chlorides if has_heat(c, metal)]
    if halides or dissolved:
        flows.append(_solution(campaign, section, known).make(halides, dissolved))
    potentials = section.displacement and _potentials(campaign)
    for level in potentials or ():
        # one that runs in solution needs no job that only says that crystals are missing
        jobs: list[Flow | Job] = [
            displacement_job(chloride, level, crystals, metal)
            for chloride in section.displacement
            if chloride not in dissolved or not missing_crystals(chloride, metal)
        ]
        if jobs:
            flows.append(Flow(jobs, name=f"displacement {level}"))
    return flows


@dataclass
class ReactionMaker(Maker):
    """Make the flow of RX + Mg -> RMgX and 2 RMgX -> R2Mg + MgX2 in solution.

    Parameters
    ----------
    name
        Name of the flow.
    levels
        Levels with the keys ``conformers``, ``geometry``: of the geometries.
    level
        Of the energies, in a continuum.
    conformers
        Geometries tried of each molecule.
    solvent
        Its molecules bind to each Mg; None: the continuum alone.
    solvent_molecules
        How many at each Mg.

    Examples
    --------
    >>> from mgscreen.candidates.halides import read_halide
    >>> from mgscreen.engines.presets import preset
    >>> maker = ReactionMaker(levels=preset("quick"), level=preset("quick")["redox"])
    >>> [job.name for job in maker.make([read_halide("CBr", {})]).jobs if "->" in job.name]
    ['CBr + Mg(s) -> CH3MgBr', '2 CH3MgBr -> (CH3)2Mg + MgBr2']
    """

    name: str = "interphase reactions"
    levels: Mapping[str, Level] = field(default_factory=dict)
    level: Level | None = None
    conformers: int = 6
    solvent: Candidate | None = None
    solvent_molecules: int = 0

    def make(self, halides: Iterable[Halide], chlorides: Iterable[str] = ()) -> Flow:
        """Return the flow of some halides RX and chlorides MCl_n; what they share runs once."""
        if self.level is None:
            msg = "a ReactionMaker needs a level"
            raise ValueError(msg)
        one = _Solution(self, self.level)
        for halide in halides:
            one.add(halide)
        for chloride in chlorides:
            one.add_chloride(chloride)
        return Flow([*one.jobs, *one.reactions], name=self.name)


class _Solution:
    """The jobs of the species of all reactions, each once, and of the reactions."""

    def __init__(self, maker: ReactionMaker, level: Level) -> None:
        self.maker = maker
        self.level = level
        self.jobs: list[Flow | Job] = []
        self.reactions: list[Flow | Job] = []
        self._made: dict[tuple[Component, ...], Job] = {}
        solvent = maker.solvent if maker.solvent_molecules else None
        self.shell: tuple[Component, ...] = ()
        self.suffix = ""
        if solvent is not None:
            number = maker.solvent_molecules
            self.shell = (_component(solvent, "solvent", number),)
            self.suffix = f"({solvent.name}){number if number > 1 else ''}"

    def add(self, halide: Halide) -> None:
        """Add the two reactions of a halide."""
        x = halide.halogen
        ion = Component(name=x, smiles=f"[{x}-]", charge=-1, role="anion")
        rest = Component(name=halide.group, smiles=halide.carbanion, charge=-1, role="anion")
        whole = Component(name=halide.name, smiles=halide.smiles, charge=0, role="molecule")
        rx = self._species(halide.name, (whole,))
        reagent = f"{halide.group}Mg{x}{self.suffix}"
        rmgx = self._species(reagent, (_ION, rest, ion, *self.shell))
        dialkyl = f"({halide.group})2Mg{self.suffix}"
        r2mg = self._species(dialkyl, (_ION, rest.model_copy(update={"count": 2}), *self.shell))
        salt = f"Mg{x}2{self.suffix}"
        mgx2 = self._species(salt, (_ION, ion.model_copy(update={"count": 2}), *self.shell))
        metal = self._species(METAL, (_ATOM,), self.level.in_gas())
        terms = [(rx, -1.0, halide.name), (metal, -1.0, f"{METAL}(s)"), (rmgx, 1.0, reagent)]
        if self.shell:
            molecule = self.shell[0].model_copy(update={"count": 1, "role": "molecule"})
            free = self._species(molecule.name, (molecule,))
            terms.insert(2, (free, -float(self.shell[0].count), molecule.name))
        self._reaction(halide.name, "grignard", terms, [])
        terms = [(rmgx, -2.0, reagent), (r2mg, 1.0, dialkyl), (mgx2, 1.0, salt)]
        self._reaction(halide.name, "schlenk", terms, [f"Mg{x}2"])

    def add_chloride(self, chloride: str) -> None:
        """Add MX_n + (n/2) Mg -> (n/2) MgX2 + M, bare molecules but for the metals."""
        (_, taken), (_, metal), (salt, made), (other, left) = displacement(chloride, METAL)
        whole, element, ion = chloride_components(chloride, METAL)
        gas = self.level.in_gas()
        terms = [
            (self._species(chloride, (whole,)), taken, chloride),
            (self._species(METAL, (_ATOM,), gas), metal, f"{METAL}(s)"),
            (self._species(salt, (_ION, ion)), made, salt),
            (self._species(other, (element,), gas), left, f"{other}(s)"),
        ]
        self._reaction(chloride, "displacement", terms, [salt, other])

    def _species(
        self, label: str, components: tuple[Component, ...], level: Level | None = None
    ) -> Job:
        if components not in self._made:
            energies = level or self.level
            maker = SpeciesMaker(
                levels={**self.maker.levels, "electronic": energies, "redox": energies},
                properties=("orbitals",),
                conformers=self.maker.conformers,
            )
            made = maker.jobs(
                Species(
                    candidate=label,
                    form="complex" if len(components) > 1 else "molecule",
                    label=label,
                    components=components,
                    charge=sum(c.charge * c.count for c in components),
                    multiplicity=max(c.multiplicity for c in components),
                )
            )
            if made.orbitals is None:
                msg = f"no single point of {label}"
                raise ValueError(msg)
            self.jobs += made.jobs
            self._made[components] = made.orbitals
        return self._made[components]

    def _reaction(
        self,
        candidate: str,
        kind: str,
        terms: list[tuple[Job, float, str]],
        product_phases: list[str],
    ) -> None:
        names = [name for *_, name in terms]
        inputs = {
            "reaction": kind,
            "parts": [job.output for job, *_ in terms],
            "coefficients": [n for _, n, _ in terms],
            "names": names,
            "product_phases": product_phases,
            "metal": METAL,
            "shell": " and ".join(f"{c.count} {c.name}" for c in self.shell),
        }
        label = reaction_equation([(name, n) for _, n, name in terms])
        self.reactions.append(
            reaction_job(
                solution_reaction,
                candidate,
                kind,
                label,
                str(self.level),
                inputs,
                str(self.maker.levels["geometry"]),
            )
        )


def _solution(campaign: Campaign, section: Reactions, known: dict[str, Candidate]) -> ReactionMaker:
    levels = campaign_levels(campaign)
    level = levels["redox"]
    if section.level is not None:
        level = Level.parse(section.level)
        settings = level.engine == levels["redox"].engine and levels["redox"].settings
        given = campaign.levels.settings.get(level.engine, {})
        level = level.model_copy(update={"settings": {**(settings or {}), **given}})
        if not level.solvent:
            level = level.in_solvent(campaign.host.dielectric)
    return ReactionMaker(
        levels=levels,
        level=level,
        conformers=section.conformers,
        solvent=_solvent(campaign, section, known) if section.solvent_molecules else None,
        solvent_molecules=section.solvent_molecules,
    )


def _solvent(campaign: Campaign, section: Reactions, known: dict[str, Candidate]) -> Candidate:
    text = section.solvent or campaign.host.solvent
    found = known.get(text)
    if found is None:
        try:
            formula, charge, _ = check_chemistry(text)
        except ChemistryError as error:
            raise InputError(
                f"'{text}' is no molecule of the library, and {error}", _at(campaign, "solvent")
            ) from None
        found = Candidate(name=formula, smiles=text, charge=charge)
    if found.charge:
        raise InputError(
            f"expected a neutral molecule, '{text}' is an ion", _at(campaign, "solvent")
        )
    return found


def _known(campaign: Campaign) -> dict[str, Candidate]:
    own = {
        c.name: Candidate(name=c.name, smiles=c.smiles, charge=c.charge)
        for c in campaign.candidates.inline
    }
    return load_library() | own


def _halide(campaign: Campaign, n: int, text: str, known: dict[str, Candidate]) -> Halide:
    try:
        return read_halide(text, known)
    except ChemistryError as error:
        raise InputError(str(error), _at(campaign, f"rx[{n}]")) from None


def _potentials(campaign: Campaign) -> tuple[Level, ...]:
    section = campaign.stability
    own = None if section is None else getattr(section, "potentials", None)
    return solid_levels(campaign, potentials=own).potentials


def _component(candidate: Candidate, role: Any, count: int) -> Component:
    return Component(
        name=candidate.name,
        smiles=candidate.smiles,
        charge=candidate.charge,
        multiplicity=candidate.multiplicity,
        role=role,
        count=count,
    )


def _at(campaign: Campaign, field_name: str) -> Location:
    return Location(campaign.name, None, f"stability.reactions.{field_name}")
