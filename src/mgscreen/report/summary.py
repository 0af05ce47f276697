"""The answer of a campaign, one sentence for each of its parts, with value, level and interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mgscreen.ranking.coatings import CoatingValue, RankedCoating
    from mgscreen.ranking.fragments import RankedFragment
    from mgscreen.ranking.pairs import RankedPair
    from mgscreen.ranking.phases import RankedPhase
    from mgscreen.ranking.results import RankedAdditive

FILMS = {"SEI": ("anode", "SEI former"), "CEI": ("cathode", "CEI former")}


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes
    ----------
    question
        What was asked, a few words.
    name
        The winner; ``nobody`` where there is none.
    sentence
        Value, interval, level and why.
    anchor
        Where in the page the evidence is.
    """

    question: str
    name: str
    sentence: str
    anchor: str


def of_additives(ranked: Sequence[RankedAdditive], level: str) -> list[Answer]:
    """Return who protects the anode and who the cathode; candidates without that role never win."""
    judged = [r for r in ranked if r.state in {"completed", "partial"}]
    if not judged:
        return []
    found = []
    for film, (side, role) in FILMS.items():
        chance = {r.candidate: r.p_sei if film == "SEI" else r.p_cei for r in judged}
        mine = [r for r in judged if r.role in {role, "both"}]
        order = sorted(
            (r for r in mine or judged if chance[r.candidate] is not None),
            key=lambda r: (-(chance[r.candidate] or 0.0), r.candidate),
        )
        question = f"Additive for the {side}"
        if not order:
            sentence = f"no candidate has a value that decides about the {side}"
            found.append(Answer(question, "nobody", f"{sentence}.", "ranking"))
            continue
        best = order[0]
        words = (
            f"P({film}) {chance[best.candidate]:.2f}, rank {best.rank} of "
            f"{sum(r.rank is not None for r in ranked)} (90 %: {best.rank_low}-{best.rank_high}), "
            f"at {level}; {best.reason}"
        )
        if mine:
            found.append(Answer(question, best.candidate, f"{words}.", "ranking"))
        else:
            sentence = f"no candidate is granted this role; nearest is {best.candidate}: {words}"
            found.append(Answer(question, "nobody", f"{sentence}.", "ranking"))
    return found


def of_pairs(pairs: Sequence[RankedPair], level: str) -> list[Answer]:
    """Return the best pair, and how it stands to the best single additive."""
    two = [p for p in pairs if len(p.members) > 1 and p.rank is not None]
    one = [p for p in pairs if len(p.members) == 1 and p.rank is not None]
    if not two:
        return []
    best = two[0]
    bound = "≥ " if best.state == "partial" else ""
    words = (
        f"score {bound}{best.score:.2f}, rank {best.rank} of {len(two) + len(one)} formulations "
        f"(90 %: {best.rank_low}-{best.rank_high}), at {level}"
    )
    if best.reason:
        words += f"; {best.reason}"
    if one:
        words += f"; best single additive: {one[0].formulation} with {one[0].score:.2f}"
    return [Answer("Pair", best.formulation, f"{words}.", "pairs")]


def of_coatings(ranked: Sequence[RankedCoating]) -> list[Answer]:
    """Return the best film, and the best alloy interphase where there are any."""
    found = []
    for kind, question in (("insulator", "Coating"), ("alloy", "Alloy interphase")):
        rows = [r for r in ranked if r.kind == kind]
        first = [r for r in rows if r.rank == 1]
        if not first:
            continue
        best = first[0]
        bound = "≥ " if best.state == "partial" else ""
        words = (
            f"score {bound}{best.score:.2f}, rank 1 of {sum(r.rank is not None for r in rows)} "
            f"(90 %: {best.rank_low}-{best.rank_high})"
        )
        told = [t for t in (_value(best.get(name)) for name in _TOLD[kind]) if t]
        if told:
            words += f"; {', '.join(told)}"
        missing = best.reason.partition("no value of ")[2].partition(";")[0]
        if missing:
            words += f"; no value of {missing}"
        names = ", ".join(r.phase for r in first)
        found.append(Answer(question, names, f"{words}.", "coatings"))
    return found


_TOLD = {
    "insulator": ("percolating_barrier", "reduction_limit", "oxidation_limit", "band_gap"),
    "alloy": ("percolating_barrier", "alloy_voltage", "formation_energy"),
}


def _value(value: CoatingValue) -> str:
    if value.value is None:
        return ""
    spread = "" if value.sd is None else f" ± {value.sd:.2f}"
    name = value.property.replace("_", " ")
    return f"{name} {value.value:.2f}{spread} {value.unit} ({value.level})"


def of_phases(ranked: Sequence[RankedPhase]) -> list[Answer]:
    """Return the phase with the lowest barrier."""
    first = [r for r in ranked if r.rank == 1 and r.barrier_ev is not None]
    if not first:
        return []
    best = first[0]
    levels = ", ".join(f"{v:.2f} at {m}" for m, v in best.by_level.items())
    spread = "one level, so no spread" if len(best.by_level) == 1 else levels
    words = (
        f"{best.barrier_ev:.2f} eV by {best.mechanism or 'the lowest path'} ({best.level}; "
        f"{spread}), first of {sum(r.rank is not None for r in ranked)} phases"
    )
    if best.reported:
        words += f"; reported: {'; '.join(best.reported)}"
    ion = best.species or "the ion"
    names = ", ".join(r.phase for r in first)
    return [Answer(f"Lowest barrier for {ion}", names, f"{words}.", "migration")]


def of_fragments(ranked: Iterable[RankedFragment]) -> list[Answer]:
    """Return, slab by slab, the fragment that is bound most strongly."""
    rows = list(ranked)
    found = []
    for slab in dict.fromkeys(r.slab for r in rows):
        here = [r for r in rows if r.slab == slab and r.energy_ev is not None]
        best = next((r for r in here if r.rank == 1), None)
        if best is None:
            continue
        spread = "one level, so no spread"
        if best.spread_ev is not None:
            low, high = min(best.by_level.values()), max(best.by_level.values())
            spread = f"{low:.2f} to {high:.2f} over {len(best.by_level)} levels"
        words = (
            f"{best.energy_ev:.2f} eV against {best.reference} at {best.site} ({best.level}; "
            f"{spread}), first of {len(here)} on {slab}"
        )
        found.append(
            Answer("Most strongly bound fragment", best.fragment, f"{words}.", "adsorption")
        )
    return found


def as_rows(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Return the answers as plain rows."""
    return [vars(a) for a in answers]
