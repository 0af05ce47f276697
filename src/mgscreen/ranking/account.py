"""From the rank of a pair, a coating, a phase or a fragment back to each number behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError
from mgscreen.ranking.coatings import choose, coating_sensitivity, criteria_of, rank_coatings
from mgscreen.ranking.collect import values_of
from mgscreen.ranking.explain import Explanation, Item, Reference, explain, item_of
from mgscreen.ranking.films import link
from mgscreen.ranking.fragments import PROPERTY, rank_fragments, strongest
from mgscreen.ranking.pairs import pair_sensitivity, pairs_of
from mgscreen.ranking.phases import rank_phases
from mgscreen.ranking.roles import database_candidates, rank_additives, read_campaign
from mgscreen.ranking.score import Sampling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Group

    from mgscreen.database.database import Database
    from mgscreen.ranking.coatings import RankedCoating
    from mgscreen.ranking.fragments import RankedFragment
    from mgscreen.ranking.pairs import PairCriterion
    from mgscreen.ranking.phases import RankedPhase
    from mgscreen.ranking.sensitivity import Change

SAME_AS = {"percolating_barrier": ("migration_barrier", "diffusion_activation_energy")}
"""Reported quantities that a computed one is compared with, besides its namesake."""
_SHOWN = 0.005
WEIGHTED = (
    "A value becomes a utility between 0 (worst) and 1 (best), in the mean over its error; the "
    "score is their mean by weight, times the chance that hard limits hold. A criterion without a "
    "value adds nothing, and the interval of ranks is that much wider."
)


class Line(BaseModel):
    """One criterion of a rank: value, what it is worth, and how well it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float | None
    unit: str = ""
    sd: float | None = Field(default=None, description="error that the criterion uses")
    level: str = ""
    by_level: dict[str, float] = Field(default_factory=dict)
    utility: float | None = Field(default=None, description="0 worst, 1 best")
    weight: float | None = None
    reported: tuple[str, ...] = Field(default=(), description="reference values")
    reason: str = ""
    calculations: tuple[str, ...] = ()


class Account(BaseModel):
    """Why something that is no single additive stands where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign: str
    kind: str = Field(description="pair, coating, phase or fragment")
    name: str
    headline: str
    reason: str
    how: str
    lines: tuple[Line, ...]
    items: tuple[Item, ...]
    members: tuple[Explanation, ...] = Field(default=(), description="of a pair")
    references: tuple[Reference, ...] = ()
    changes: tuple[str, ...] = Field(default=(), description="what would change the first place")
    caveats: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-compatible data."""
        return self.model_dump(mode="json")

    def render(self) -> Group:
        """Return it for a terminal, as a rich renderable."""
        from mgscreen.ranking.render import render_account

        return render_account(self)


def explain_any(database: Database, campaign: str | int | None, name: str) -> Explanation | Account:
    """Explain the rank of an additive, a pair (``A+B``), a coating, a phase or a fragment.

    Raises
    ------
    InputError
        If there is no such campaign, or nothing of this name in it (with the nearest name).
    """
    number = database.campaign_id(campaign)
    candidates = [str(n) for n in database_candidates(database, number)["name"]]
    if "+" in name and name not in candidates:
        return _pair(database, number, [part.strip() for part in name.split("+")])
    options = read_campaign(database, number)
    coatings = rank_coatings(database, number, samples=None)
    fragments = rank_fragments(database, number) if options.surfaces is not None else []
    phases = rank_phases(database, number) if options.migration is not None else []
    groups: tuple[tuple[str, list[str]], ...] = (
        ("additive", candidates),
        ("coating", [c.phase for c in coatings]),
        ("fragment", [f.fragment for f in fragments]),
        ("phase", [p.phase for p in phases]),
    )
    kind, found = _find(name, groups)
    if kind == "additive":
        return explain(database, number, found)
    if kind == "coating":
        return _coating(database, number, found, coatings, phases)
    if kind == "phase":
        return _phase(database, number, found, phases)
    return _fragment(database, number, [f for f in fragments if f.fragment == found], fragments)


def _find(name: str, groups: Sequence[tuple[str, list[str]]]) -> tuple[str, str]:
    """Return kind and name as it is written; case matters only where it has to."""
    for exact in (True, False):
        for kind, names in groups:
            for one in names:
                if one == name or (not exact and one.casefold() == name.casefold()):
                    return kind, one
    from rapidfuzz import process

    close = process.extractOne(name, [n for _, names in groups for n in names])
    hint = f": did you mean '{close[0]}'?" if close is not None else ""
    raise InputError(
        f"there is no candidate, coating, fragment or phase '{name}' in the campaign{hint}"
    )


def _pair(database: Database, number: int, parts: list[str]) -> Account:
    options = read_campaign(database, number)
    ranked = rank_additives(database, number, samples=100)
    names = [r.candidate for r in ranked if r.state in {"completed", "partial"}]
    members = [_find(part, [("additive", names)])[1] for part in parts]
    if len(set(members)) != len(members) or len(members) > 2:  # noqa: PLR2004 - a pair
        raise InputError(f"'{'+'.join(parts)}' is no pair: expected two different additives, A+B")
    sampling = Sampling(samples=options.ranking.samples, seed=options.ranking.seed)
    pairs = pairs_of(ranked, options.ranking.pairs, sampling)
    mine = next(p for p in pairs if set(p.members) == set(members))
    place = "not ranked"
    if mine.rank is not None:
        place = f"rank {mine.rank} of {len(pairs)} (90 %: {mine.rank_low}-{mine.rank_high})"
    score = "" if mine.score is None else f", score {mine.score:.3f}"
    if mine.state == "partial" and mine.score_high is not None:
        score += f" (up to {mine.score_high:.3f}: not everything is known)"
    explained = tuple(explain(database, number, member) for member in mine.members)
    used = [item for one in explained for item in one.items if item.used]
    return Account(
        campaign=options.name,
        kind="pair",
        name=mine.formulation,
        headline=f"{mine.formulation}: {place}{score}",
        reason=mine.reason,
        how=f"Every criterion is a probability. {WEIGHTED}",
        lines=tuple(
            Line(
                name=c.name,
                value=c.value,
                utility=c.value,
                weight=c.weight,
                reason=f"{c.reason}{_room(c)}",
            )
            for c in mine.criteria
        ),
        items=tuple(used),
        members=explained,
        changes=changes_text(pair_sensitivity(ranked, options.ranking.pairs), pairs[0].formulation),
        caveats=tuple(dict.fromkeys(c for one in explained for c in one.caveats)),
    )


def _room(criterion: PairCriterion) -> str:
    if criterion.value is None or criterion.high is None:
        return ""
    more = criterion.high > criterion.value + _SHOWN
    return f"; up to {criterion.high:.2f} if what is not known turns out well" if more else ""


def _coating(
    database: Database,
    number: int,
    name: str,
    ranked: list[RankedCoating],
    phases: list[RankedPhase],
) -> Account:
    options = read_campaign(database, number)
    mine = next(r for r in ranked if r.phase == name)
    same = [r for r in ranked if r.kind == mine.kind and r.rank is not None]
    criteria = criteria_of(options, mine.kind)
    weights = {spec.property: spec.weight for spec in criteria}
    items, references = _provenance(database, number, name, set(weights))
    lines = []
    for spec in criteria:
        value = mine.get(spec.property)
        number_, sd = choose(value, spec)
        judged = link(spec, name, value)
        lines.append(
            Line(
                name=spec.property,
                value=number_,
                unit=value.unit,
                sd=sd if number_ is not None else None,
                level=value.level,
                by_level=value.by_level,
                utility=judged.low if number_ is not None else None,
                weight=spec.weight,
                reported=_reported(references, spec.property),
                reason=value.reason,
                calculations=value.calculations,
            )
        )
    kind = {"insulator": "coating", "alloy": "alloy interphase"}.get(mine.kind, "phase")
    place = f"{kind}, not ranked ({mine.reason})"
    if mine.rank is not None:
        place = f"{kind}, rank {mine.rank} of {len(same)} (90 %: {mine.rank_low}-{mine.rank_high})"
    score = "" if mine.score is None else f", score {mine.score:.3f}"
    front = {True: ", on the Pareto front", False: ", dominated"}.get(mine.pareto or False, "")
    barrier = next((p for p in phases if p.phase == name and p.rank is not None), None)
    caveats = [
        f"{item.value.property}: {warning}"
        for item in items
        for warning in item.warnings
        if item.used
    ]
    if barrier is not None:
        caveats.insert(
            0, f"by its barrier alone it is number {barrier.rank}: {barrier.mechanism}".strip(": ")
        )
    if mine.soluble:
        caveats.insert(0, mine.soluble)
    changes = coating_sensitivity(database, number, mine.kind)
    return Account(
        campaign=options.name,
        kind="coating",
        name=name,
        headline=f"{name}: {place}{score}{'' if mine.pareto is None else front}",
        reason=mine.reason,
        how=WEIGHTED,
        lines=tuple(lines),
        items=items,
        references=_beside(references, items),
        changes=changes_text(changes, same[0].phase) if same else (),
        caveats=tuple(dict.fromkeys(caveats)),
    )


def _phase(database: Database, number: int, name: str, ranked: list[RankedPhase]) -> Account:
    mine = next(r for r in ranked if r.phase == name)
    of = sum(r.rank is not None for r in ranked)
    items, references = _provenance(database, number, name, {"percolating_barrier"})
    place = f"rank {mine.rank} of {of}" if mine.rank is not None else f"not ranked: {mine.reason}"
    line = Line(
        name="percolating_barrier",
        value=mine.barrier_ev,
        unit="eV",
        sd=None if mine.spread_ev is None else mine.spread_ev / 2.0,
        level=mine.level,
        by_level=mine.by_level,
        reported=_reported(references, "percolating_barrier"),
        reason=mine.reason or mine.mechanism,
        calculations=tuple(
            i.value.calculation for i in items if i.value.property == "percolating_barrier"
        ),
    )
    return Account(
        campaign=_name(database, number),
        kind="phase",
        name=name,
        headline=f"{name}: {mine.species} migration, {place}",
        reason=mine.mechanism or mine.reason,
        how="Phases are ranked by the barrier of the lowest path that percolates.",
        lines=(line,),
        items=items,
        references=_beside(references, items),
    )


def _fragment(
    database: Database, number: int, mine: list[RankedFragment], ranked: list[RankedFragment]
) -> Account:
    section = read_campaign(database, number).surfaces
    assert section is not None  # noqa: S101 - there are fragments
    name, wanted = mine[0].fragment, PROPERTY[section.reference]
    items, references = _provenance(database, number, name, {wanted})
    lines, told = [], []
    for one in mine:
        of = sum(r.rank is not None and r.slab == one.slab for r in ranked)
        place = f"rank {one.rank} of {of}" if one.rank is not None else one.state
        told.append(f"on {one.slab} {place}")
        lines.append(
            Line(
                name=f"{wanted} on {one.slab}",
                value=one.energy_ev,
                unit="eV",
                sd=None if one.spread_ev is None else one.spread_ev / 2.0,
                level=one.level,
                by_level=one.by_level,
                reported=_reported(references, wanted),
                reason=one.reason or f"{one.site}; {one.event}; against {one.reference}",
                calculations=tuple(
                    i.value.calculation
                    for i in items
                    if i.value.property == wanted and i.value.form == one.slab
                ),
            )
        )
    verdicts = [
        f"{v.slab}, {v.level}, {v.reference}: {v.fragment} binds most strongly ({v.reason})"
        for v in strongest(database, number)
        if v.reference == section.reference
    ]
    return Account(
        campaign=_name(database, number),
        kind="fragment",
        name=name,
        headline=f"{name}: {', '.join(told)}",
        reason="; ".join(dict.fromkeys(r.event for r in mine if r.event)),
        how=(
            "Fragments are ranked by their adsorption energy on one reference for all of them, "
            "DFT before the median of potentials; what falls apart is listed without a rank."
        ),
        lines=tuple(lines),
        items=items,
        references=_beside(references, items),
        caveats=tuple(
            dict.fromkeys((*verdicts, *(w for i in items if i.used for w in i.warnings)))
        ),
    )


def _name(database: Database, number: int) -> str:
    return read_campaign(database, number).name


def _provenance(
    database: Database, number: int, name: str, used: set[str]
) -> tuple[tuple[Item, ...], list[Reference]]:
    """Return all values of a phase or fragment with what they stand on, and the literature's."""
    frame = database.frame_properties(campaign=number, candidates=[name])
    values = sorted(values_of(frame), key=lambda v: (v.property, v.form, v.method))
    documents = database.find_calculations(sorted({v.calculation for v in values}))
    table = database.frame_references()
    mine = table[(table["system"] == name) | (table["candidate"] == name)]
    columns = [c for c in Reference.model_fields if c in mine.columns]
    references = [
        Reference(**{str(k): v for k, v in row.items() if v is not None and v == v})  # noqa: PLR0124
        for row in mine[columns].to_dict("records")
    ]
    items = tuple(
        item_of(
            value,
            used=value.property in used and value.state == "completed",
            beside=[r for r in references if _same(r, value.property)],
            row=documents.get(value.calculation, {}),
        )
        for value in values
    )
    return items, references


def _same(reference: Reference, name: str) -> bool:
    return reference.property in {name, *SAME_AS.get(name, ())}


def _reported(references: Iterable[Reference], name: str) -> tuple[str, ...]:
    from mgscreen.ranking.render import reference_text

    return tuple(reference_text(r) for r in references if _same(r, name))


def _beside(references: list[Reference], items: Sequence[Item]) -> tuple[Reference, ...]:
    used = [r for item in items for r in item.references]
    return tuple(r for r in references if r not in used)


def changes_text(changes: Iterable[Change], first: str) -> tuple[str, ...]:
    """Return what would change the first place, in words."""
    told = []
    for one in changes:
        what = one.criterion.replace("_", " ")
        if one.kind == "weight":
            told.append(
                f"{one.winner} would be first in place of {first} if {what} had the weight "
                f"{one.then:.2f} instead of {one.now:g}"
            )
        else:
            told.append(
                f"{one.winner} would be first if {what} of {first} were {one.then:.2f} instead of "
                f"{one.now:.2f}"
            )
    return tuple(told)
