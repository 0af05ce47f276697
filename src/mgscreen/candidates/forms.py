"""From a candidate and a form to a species: components, charge, label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgscreen.candidates.formulas import HALIDES, METAL_CHARGES, Part, parse_formula
from mgscreen.core.species import Component, Species

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mgscreen.candidates.model import Candidate
    from mgscreen.core.species import Form
    from mgscreen.core.structure import Role


def signed(charge: int) -> str:
    """Write a charge as chemists do: ``-``, ``2+``, or nothing for zero."""
    if charge == 0:
        return ""
    size = "" if abs(charge) == 1 else str(abs(charge))
    return f"{size}{'+' if charge > 0 else '-'}"


def metal_component(metal: str, count: int = 1) -> Component:
    """Return the cation of an anode metal."""
    charge = METAL_CHARGES[metal]
    size = "" if charge == 1 else str(charge)
    return Component(
        name=metal, smiles=f"[{metal}+{size}]", charge=charge, count=count, role="metal"
    )


def metal_species(metal: str, candidate: str) -> Species:
    """Return the bare cation of an anode metal."""
    ion = metal_component(metal)
    return Species(
        candidate=candidate,
        form="metal-ion",
        label=f"{metal}{signed(ion.charge)}",
        components=(ion,),
        charge=ion.charge,
    )


def make_species(candidate: Candidate, form: Form, metal: str, solvent: Candidate) -> Species:
    """Return a candidate in one of its forms.

    Parameters
    ----------
    candidate
        The molecule or ion.
    form
        The form.
    metal
        The anode metal.
    solvent
        The host solvent, which fills the shell of a solvated contact ion pair.

    Raises
    ------
    ValueError
        If the candidate cannot have this form; the text says why.
    """
    name, charge = candidate.name, candidate.charge
    if form in {"ion", "molecule"}:
        return _alone(candidate, form)
    if form == "metal-ion":
        ion = metal_component(metal)
        if (candidate.formula, charge) != (metal, ion.charge):
            raise ValueError(f"'{name}' is not the ion of the anode metal {metal}")
        return metal_species(metal, name)
    if form == "complex":
        raise ValueError(
            "clusters are given by their formula under host.complexes: 'complex' is no form of a "
            "candidate"
        )
    if charge >= 0:
        what = "a neutral molecule" if charge == 0 else "a cation"
        raise ValueError(f"'{name}' is {what}: a {form} needs an anion")
    ion = metal_component(metal)
    parts = [ion, component_of(candidate, "anion")]
    total = ion.charge + charge
    inside = f"{metal}{name}"
    if form == "salt":
        count, rest = divmod(ion.charge, -charge)
        if rest:
            raise ValueError(
                f"'{name}' ({signed(charge)}) makes no neutral salt with one {metal}"
                f"{signed(ion.charge)}"
            )
        parts[1] = component_of(candidate, "anion", count)
        total = 0
        inside = f"{metal}({name}){count}" if count > 1 else inside
    elif form == "solvated-contact-ion-pair":
        count = _shell(metal, candidate, solvent)
        parts.append(component_of(solvent, "solvent", count))
        inside += f"({solvent.name}){count if count > 1 else ''}"
    label = inside if form == "salt" else f"[{inside}]{signed(total)}"
    return _species(name, form, label, parts)


def component_of(candidate: Candidate, role: Role, count: int = 1) -> Component:
    """Return a candidate as a part of a species."""
    return Component(
        name=candidate.name,
        smiles=candidate.smiles,
        charge=candidate.charge,
        multiplicity=candidate.multiplicity,
        count=count,
        role=role,
    )


def make_complex(
    formula: str, find: Callable[[str], Candidate], candidate: str | None = None
) -> Species:
    """Return a cluster from its formula.

    Parameters
    ----------
    formula
        For instance ``Mg2Cl2(DME)4``.
    find
        Gives the candidate of a name in parentheses; what it raises goes through.
    candidate
        Whose species it is; the formula itself by default.

    Raises
    ------
    ValueError
        If the formula cannot be read, or if such a cluster cannot be built.
    """
    parsed = parse_formula(formula)
    parts = [_part(part, find) for part in parsed]
    metals = [p for p in parts if p.role == "metal"]
    if len(metals) != 1:
        known = ", ".join(METAL_CHARGES)
        raise ValueError(f"expected one kind of metal in the cluster ({known})")
    if len(parts) == 1 and metals[0].count == 1:
        raise ValueError("the cluster is a bare ion: expected ligands, such as Mg(DME)3")
    if metals[0].count > 1:
        _check_core(parts, metals[0])
    # the metal leads, as guesses are built around it
    parts.sort(key=lambda p: {"metal": 0, "anion": 1, "cation": 2}.get(p.role, 3))
    total = sum(p.charge * p.count for p in parts)
    label = f"[{formula}]{signed(total)}" if total else formula
    return _species(candidate or formula, "complex", label, parts)


CORES = {(2, 2), (2, 3), (3, 4)}
"""Metal and bridging halide ions of the clusters that can be built: M2X2, M2X3, M3X4."""


def _check_core(parts: Sequence[Component], metal: Component) -> None:
    anions = [p for p in parts if p.role == "anion"]
    if len(anions) != 1 or anions[0].name not in HALIDES:
        raise ValueError(
            "a cluster of several metal ions needs one kind of halide that bridges them"
        )
    if (metal.count, anions[0].count) not in CORES:
        known = ", ".join(f"{metal.name}{m}{anions[0].name}{x}" for m, x in sorted(CORES))
        raise ValueError(
            f"no core {metal.name}{metal.count}{anions[0].name}{anions[0].count} is known "
            f"(known: {known})"
        )


def _part(part: Part, find: Callable[[str], Candidate]) -> Component:
    if part.element and part.name in METAL_CHARGES:
        return metal_component(part.name, part.count)
    if part.element:
        return Component(
            name=part.name, smiles=f"[{part.name}-]", charge=-1, count=part.count, role="anion"
        )
    found = find(part.name)
    role: Role = "solvent" if found.charge == 0 else "anion" if found.charge < 0 else "cation"
    return component_of(found, role, part.count)


def _alone(candidate: Candidate, form: Form) -> Species:
    charge = candidate.charge
    if form == "ion" and charge == 0:
        raise ValueError(f"'{candidate.name}' is neutral: its form is 'molecule', not 'ion'")
    if form == "molecule" and charge != 0:
        raise ValueError(
            f"'{candidate.name}' has the charge {charge:+d}: its form is 'ion', not 'molecule'"
        )
    role: Role = "molecule" if charge == 0 else "anion" if charge < 0 else "cation"
    part = component_of(candidate, role)
    return _species(candidate.name, form, f"{candidate.name}{signed(charge)}", [part])


def _shell(metal: str, anion: Candidate, solvent: Candidate) -> int:
    from mgscreen.candidates.donors import solvent_count
    from mgscreen.candidates.model import read_smiles

    return solvent_count(metal, read_smiles(anion.smiles), read_smiles(solvent.smiles))


def _species(candidate: str, form: Form, label: str, parts: Sequence[Component]) -> Species:
    unpaired = sum((p.multiplicity - 1) * p.count for p in parts)
    return Species(
        candidate=candidate,
        form=form,
        label=label,
        components=tuple(parts),
        charge=sum(p.charge * p.count for p in parts),
        multiplicity=1 + unpaired,
    )
