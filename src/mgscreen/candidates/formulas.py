"""Formulas of clusters: ``Mg(DME)3``, ``Mg2Cl2(DME)4``, ``Mg(TFSI)2``."""

from __future__ import annotations

import re
from dataclasses import dataclass

METAL_CHARGES = {"Mg": 2, "Ca": 2, "Zn": 2, "Li": 1, "Na": 1, "K": 1, "Al": 3}
"""Charge (e) of the cation of each anode metal."""
HALIDES = ("F", "Cl", "Br", "I")
MAX_COUNT = 24

_TOKEN = re.compile(
    r"\((?P<name>[A-Za-z0-9][A-Za-z0-9_.+-]{0,63})\)(?P<times>[0-9]{0,4})"
    r"|(?P<element>[A-Z][a-z]?)(?P<number>[0-9]{0,4})",
    re.ASCII,
)


@dataclass(frozen=True)
class Part:
    """One kind of ion or molecule in a formula: a bare element symbol, or a candidate's name."""

    name: str
    count: int
    element: bool


def parse_formula(text: str) -> tuple[Part, ...]:
    """Split a cluster's formula into its parts, in the order of the text.

    A symbol outside parentheses is an ion (an anode metal or a halide); a name in parentheses is a
    candidate, of the library or the campaign.

    Parameters
    ----------
    text
        For instance ``Mg2Cl2(DME)4``.

    Raises
    ------
    ValueError
        With one sentence that says what was expected.
    """
    parts: list[Part] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(
                f"cannot read {text[at : at + 20]!a}: expected element symbols and names in "
                "parentheses with their numbers, such as Mg2Cl2(DME)4"
            )
        element = match["element"] is not None
        name = match["element"] if element else match["name"]
        digits = match["number"] if element else match["times"]
        parts.append(Part(name, _count(name, digits), element))
        _check_element(parts[-1])
        at = match.end()
    if not parts:
        raise ValueError("the formula is empty: expected one such as Mg(DME)3")
    names = [p.name for p in parts]
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise ValueError(f"'{twice}' stands twice in the formula: write it once, with its number")
    return tuple(parts)


def _count(name: str, digits: str) -> int:
    count = int(digits) if digits else 1
    if digits.startswith("0") or not 1 <= count <= MAX_COUNT:
        raise ValueError(f"'{name}' has the number {digits}: expected 1 to {MAX_COUNT}")
    return count


def _check_element(part: Part) -> None:
    if part.element and part.name not in METAL_CHARGES and part.name not in HALIDES:
        known = ", ".join([*METAL_CHARGES, *HALIDES])
        raise ValueError(
            f"'{part.name}' outside parentheses is no ion that is known here ({known}): "
            "put names of candidates in parentheses"
        )
