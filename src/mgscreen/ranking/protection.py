"""Who of a formulation protects which electrode, how probably, and what is not known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgscreen.ranking.criteria import ELECTRON_HERE, FILM_HOLDS, OXIDISED_FIRST, REDUCED_FIRST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mgscreen.ranking.results import RankedAdditive

    Chances = Mapping[str, tuple[float | None, str]]

COVERED = 0.5
"""A side counts as covered from this probability on, in the sentences; the score knows no such
line."""


def sei_chance(member: RankedAdditive) -> tuple[float | None, str]:
    """Probability that a member forms an SEI; None with the reason where it is withheld."""
    why = withheld(member)
    if why:
        return None, why
    if member.p_sei is None:
        film = next((c for c in member.criteria if c.name == FILM_HOLDS), None)
        if film is not None and film.counts and member.p_reduced is not None:
            return None, f"its film: {film.reason}"
        return None, "no reduction potential"
    return member.p_sei, ""


def withheld(member: RankedAdditive) -> str:
    """Return why it is not known whether the reduction is the member's own; empty where it is."""
    by_name = {c.name: c for c in member.criteria}
    here, first = by_name.get(ELECTRON_HERE), by_name.get(REDUCED_FIRST)
    for criterion in (first, here):
        if criterion is not None and criterion.holds is None and criterion.probability is None:
            return criterion.reason
    return here.reason if here is not None and here.holds is None else ""


def cei_chance(member: RankedAdditive) -> tuple[float | None, str]:
    """Probability that a member forms a CEI; None with the reason where it has no potential."""
    by_name = {c.name: c for c in member.criteria}
    first = by_name.get(OXIDISED_FIRST)
    if member.p_cei is None:
        return None, first.reason if first is not None else "no oxidation potential"
    return member.p_cei, ""


def covered(film: str, chances: Chances) -> tuple[float | None, str]:
    """Return the chance that at least one member does it, of those that are known, and why."""
    known = {name: p for name, (p, _) in chances.items() if p is not None}
    unknown = {name: why for name, (p, why) in chances.items() if p is None}
    said = [
        f"{name} forms {'an' if film == 'SEI' else 'a'} {film} with probability {p:.2f}"
        for name, p in known.items()
    ]
    said += [f"{name} not known: {why}" for name, why in unknown.items()]
    if not known:
        return None, "; ".join(said)
    none_does = 1.0
    for p in known.values():
        none_does *= 1.0 - p
    return 1.0 - none_does, "; ".join(said)


def who(chances: Chances) -> str:
    """Return the member that does it most probably; empty where none is known to."""
    known = {name: p for name, (p, _) in chances.items() if p is not None and p >= COVERED}
    return max(known, key=lambda name: (known[name], name)) if known else ""


def best_possible(group: Sequence[RankedAdditive]) -> tuple[float, float]:
    """Return how well anode and cathode could be protected if what is not known turned out well."""
    anode = cathode = 1.0
    for member in group:
        anode *= 1.0 - _sei_at_best(member)
        cathode *= 1.0 - (1.0 if member.p_cei is None else member.p_cei)
    return 1.0 - anode, 1.0 - cathode


def _sei_at_best(member: RankedAdditive) -> float:
    if withheld(member) or (member.p_sei is None and member.p_reduced is None):
        return 1.0
    if member.film is not None and member.film.asked and member.p_reduced is not None:
        return member.p_reduced * member.film.high
    return 1.0 if member.p_sei is None else member.p_sei
