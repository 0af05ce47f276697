"""Jobs of displacement: a nobler metal from its chloride by the anode metal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobflow import Job

from mgscreen.calculations.displacement import displacement, displacement_reaction
from mgscreen.core.species import Component
from mgscreen.energetics.reactions import SUBLIMATION_KJ_MOL
from mgscreen.structures.crystals import crystal_library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mgscreen.engines.level import Level
    from mgscreen.flows.crystals import CrystalJobs

METAL = "Mg"
"""Grignard reagents are those of magnesium."""


def displacement_job(chloride: str, level: Level, crystals: CrystalJobs, metal: str = METAL) -> Job:
    """Return the job of MX_n + (n/2) Mg -> (n/2) MgX2 + M at a level for crystals.

    Where the library lacks a crystal, the job ends with the reason and no energy.

    Raises
    ------
    InputError
        If ``chloride`` is no binary halide of another metal.
    """
    reaction = displacement(chloride, metal)
    missing = missing_crystals(chloride, metal)
    names = [] if missing else [name for name, _ in reaction]
    inputs = {
        "chloride": chloride,
        "crystals": {name: crystals.relaxed(name, level).output for name in names},
        "missing": missing,
        "level": str(level),
        "metal": metal,
    }
    return reaction_job(
        displacement_reaction,
        chloride,
        "displacement",
        reaction_equation(reaction),
        str(level),
        inputs,
    )


def missing_crystals(chloride: str, metal: str = METAL) -> list[str]:
    """Return those crystals of a displacement that the library does not have.

    Raises
    ------
    InputError
        If ``chloride`` is no binary halide of another metal.
    """
    library = crystal_library()
    return [name for name, _ in displacement(chloride, metal) if name not in library]


def has_heat(chloride: str, metal: str = METAL) -> bool:
    """Tell whether the metal of a chloride has a tabulated heat of sublimation.

    Raises
    ------
    InputError
        If ``chloride`` is no binary halide of another metal.
    """
    return displacement(chloride, metal)[-1][0] in SUBLIMATION_KJ_MOL


def reaction_equation(terms: Iterable[tuple[str, float]]) -> str:
    """Write a reaction from names and coefficients, reactants negative."""
    from mgscreen.energetics.reactions import Term, equation

    return equation(Term(name, n, {}) for name, n in terms)


def reaction_job(
    function: Callable[..., Any],
    candidate: str,
    form: str,
    species: str,
    level: str,
    inputs: dict[str, Any],
    geometry_level: str = "",
) -> Job:
    """Return a job that only sums energies, and says so where a part has none."""
    return Job(
        function=function,
        function_kwargs=inputs,
        name=species,
        metadata={
            "kind": "reaction",
            "candidate": candidate,
            "form": form,
            "species": species,
            "level": level,
            "geometry_level": geometry_level,
            "cost_s": 0.01,
            "accepts_failed": True,
        },
    )


def chloride_components(
    chloride: str, metal: str = METAL
) -> tuple[Component, Component, Component]:
    """Return the molecule of a chloride, the atom of its metal, and its two anions.

    The free atom is in the ground state of Hund's rules, as ASE tabulates it.
    """
    from ase.data import atomic_numbers, ground_state_magnetic_moments

    (_, taken), _, (salt, made), (other, left) = displacement(chloride, metal)
    x = salt.removeprefix(metal).rstrip("0123456789")
    number = round(2 * made / -taken / left)
    whole = Component(
        name=chloride,
        smiles=f"[{other}]" + f"({x})" * (number - 1) + x,
        charge=0,
        role="molecule",
    )
    spins = int(ground_state_magnetic_moments[atomic_numbers[other]])
    atom = Component(
        name=other, smiles=f"[{other}]", charge=0, multiplicity=spins + 1, role="molecule"
    )
    return whole, atom, Component(name=x, smiles=f"[{x}-]", charge=-1, role="anion", count=2)
