"""Displacement of a metal from its halide by the anode metal: MX_n + (n/2) Mg -> (n/2) MgX2 + M.

All of them crystals here; molecules in a solvent are a case of ``solution_reaction``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.calculations.reactions import ReactionDocument, ReactionTerm, failed, finish
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.energetics.reactions import Term, equation, formula_composition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CRYSTALS = "total energies of crystals at rest: no zero-point or thermal terms"


@calculation("reaction", ReactionDocument)
def displacement_reaction(
    chloride: str,
    crystals: dict[str, CrystalDocument | None],
    missing: list[str],
    level: str,
    metal: str = "Mg",
) -> ReactionDocument:
    """Return the energy of MX_n + (n/2) Mg -> (n/2) MgX2 + M, all of them crystals.

    Parameters
    ----------
    chloride
        Formula of the halide of the nobler metal.
    crystals
        Relaxed crystals by formula: the chloride, the metal that it leaves, ``metal`` and its
        halide. None: its job did not end well.
    missing
        Those of the four that the library of crystals does not have; then there is no energy.
    level
        Level of the crystals, for a reaction without one.
    metal
        Of the anode.

    Raises
    ------
    ScientificFailureError
        Inside the frame: a crystal is missing or failed, or energies are of different conventions.
    """
    reaction = displacement(chloride, metal)
    document = ReactionDocument(
        reaction="displacement",
        level=level,
        product_phases=[name for name, n in reaction if n > 0],
        equation=equation(Term(name, n, {}) for name, n in reaction),
        caveats=[CRYSTALS],
    )
    try:
        _fill_crystals(document, reaction, crystals, missing)
    except ScientificFailureError as error:
        return failed(document, str(error))
    consumed = next(-n for name, n in reaction if name == metal)
    if document.energy_ev is not None:
        document.energy_per_metal_ev = document.energy_ev / consumed
    return document


def _fill_crystals(
    document: ReactionDocument,
    reaction: Sequence[tuple[str, float]],
    crystals: Mapping[str, CrystalDocument | None],
    missing: Sequence[str],
) -> None:
    if missing:
        raise ScientificFailureError(f"the library has no crystal of {', '.join(missing)}")
    found: list[CrystalDocument] = []
    for name, coefficient in reaction:
        crystal = _crystal(crystals.get(name), name)
        composition = formula_composition(name)
        if crystal.structure is None or not _same_ratio(crystal.structure.symbols, composition):
            raise ScientificFailureError(f"the crystal of {name} has another composition")
        energy = (crystal.energy_per_atom_ev or 0.0) * sum(composition.values())
        document.terms.append(
            ReactionTerm(
                name=name, coefficient=coefficient, composition=composition, energy_ev=energy
            )
        )
        document.warnings += [f"{name}: {text}" for text in crystal.warnings]
        found.append(crystal)
    if len({(c.level, c.code_version, c.energy_convention) for c in found}) > 1:
        raise ScientificFailureError("the crystals are of different levels of theory")
    first = found[0]
    document.level, document.settings = first.level, first.settings
    document.code, document.code_version = first.code, first.code_version
    document.converged = {"relaxation": True}
    finish(document)


def _crystal(given: CrystalDocument | None, name: str) -> CrystalDocument:
    if given is None:
        raise ScientificFailureError(f"the relaxation of {name} did not end well")
    crystal = CrystalDocument.model_validate(given)
    if crystal.state == "failed" or crystal.energy_per_atom_ev is None:
        why = crystal.reason or "no energy"
        raise ScientificFailureError(f"the relaxation of {name} failed: {why}")
    return crystal


def displacement(chloride: str, metal: str = "Mg") -> list[tuple[str, float]]:
    """Return the formulas of a displacement reaction with their coefficients.

    The halide stands first, then the metal, its halide and what it leaves behind.

    Raises
    ------
    InputError
        If the formula is not that of a binary halide of another element, such as BiCl3.
    """
    from mgscreen.energetics.electrodes import electrode

    count = formula_composition(chloride)
    halogens = [e for e in count if e in {"F", "Cl", "Br", "I"}]
    others = [e for e in count if e not in halogens]
    if len(halogens) != 1 or len(others) != 1 or metal in others:
        raise InputError(
            f"'{chloride}' cannot be displaced by {metal}: expected a binary halide of another "
            "metal, such as BiCl3"
        )
    halogen, other = halogens[0], others[0]
    valence = electrode(metal).charge
    product = f"{metal}{halogen}{valence if valence > 1 else ''}"
    metals = count[halogen] / valence
    return [(chloride, -1.0), (metal, -metals), (product, metals), (other, count[other])]


def _same_ratio(symbols: Sequence[str], composition: Mapping[str, float]) -> bool:
    count = Counter(symbols)
    if count.keys() != composition.keys():
        return False
    ratios = [count[e] / n for e, n in composition.items()]
    return max(ratios) - min(ratios) < 1e-9  # noqa: PLR2004 - ratios of small integers
