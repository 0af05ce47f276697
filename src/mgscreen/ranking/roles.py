"""Roles of additives, judged against the host electrolyte, and their ranking.

An *SEI former* is reduced before the host (solvent, salts, complexes), the added electron lands on
it and not on the metal ion, it is reduced at the anode (0 V against the metal) on every energy
scale, and, in a campaign that computes phases and barriers, the film that its fragments form
insulates electrons, lets the ion pass and does not dissolve (`mgscreen.ranking.chain`). A *CEI
former* is oxidised before the host; whether that happens inside the cathode's window is a verdict
of its own, since a sacrificial oxidation that needs a higher potential than the cell reaches
protects nothing in it. What the evidence cannot decide is "unknown", never "inert".

That no bond breaks in an adiabatic reduction is a remark and no veto: a minimisation stops at a
barrier that a reaction at room temperature crosses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mgscreen.database.remember import remembered
from mgscreen.ranking.calibration import next_level
from mgscreen.ranking.collect import collect
from mgscreen.ranking.criteria import (
    FILM_HOLDS,
    IN_WINDOW,
    OXIDISED_FIRST,
    REDUCED_FIRST,
    SEI_CRITERIA,
    JudgedSide,
    ReductionChance,
    film_criterion,
    judge_side,
    margin_of,
    oxidation_criteria,
    reduction_criteria,
)
from mgscreen.ranking.evidence import POTENTIALS, SIDES, Evidence, Value
from mgscreen.ranking.results import Criterion, RankedAdditive, Role, Standing
from mgscreen.ranking.score import Sampling, rank_table

if TYPE_CHECKING:
    import pandas as pd

    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database
    from mgscreen.ranking.chain import FilmChain

__all__ = ["RankedAdditive", "load_evidence", "rank_additives", "rank_evidence", "read_campaign"]


@remembered
def rank_additives(
    database: Database, campaign: str | int | None = None, *, samples: int | None = None
) -> list[RankedAdditive]:
    """Rank the candidates of a campaign, best first.

    Parameters
    ----------
    database
        The results database.
    campaign
        Name or id; None where the database holds one only.
    samples
        Overrides ``ranking.samples`` of the campaign.

    Returns
    -------
    list of RankedAdditive
        Ranked candidates, then those without a score (missing, failed), then the host.

    Raises
    ------
    InputError
        If there is no such campaign.
    """
    return rank_evidence(
        load_evidence(database, campaign), database_candidates(database, campaign), samples=samples
    )


@remembered
def load_evidence(database: Database, campaign: str | int | None = None) -> Evidence:
    """Collect the evidence of a campaign from the database.

    Raises
    ------
    InputError
        If there is no such campaign.
    """
    number = database.campaign_id(campaign)
    from mgscreen.ranking.chains import film_chains

    evidence = collect(
        read_campaign(database, number),
        database.frame_properties(campaign=number),
        database_candidates(database, number),
    )
    potentials = database.frame_properties(property=POTENTIALS)
    evidence.calibrations = next_level(potentials, evidence.method)
    evidence.caveats += [one.statement for one in evidence.calibrations.values()]
    evidence.films = film_chains(database, number, evidence)
    return evidence


def database_candidates(database: Database, campaign: str | int | None = None) -> pd.DataFrame:
    """Return the candidates of one campaign, without the bare metal ion: a reference, no rival."""
    frame = database.frame_candidates(database.campaign_id(campaign))
    return frame[frame["kind"] != "metal"].reset_index(drop=True)


def read_campaign(database: Database, campaign: str | int | None = None) -> Campaign:
    """Return the campaign whose text the database holds.

    Raises
    ------
    InputError
        If the stored text is no valid campaign of this version of mgscreen.
    """
    import tomllib

    from pydantic import ValidationError

    from mgscreen.campaign.models import Campaign
    from mgscreen.core.errors import InputError

    text, path = database.campaign_source(campaign)
    try:
        return Campaign.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"the campaign stored from '{path}' cannot be read: {first}") from None


def rank_evidence(
    evidence: Evidence, candidates: pd.DataFrame, *, samples: int | None = None
) -> list[RankedAdditive]:
    """Rank the candidates of a frame; see `rank_additives`."""
    described = dict(zip(candidates["name"], candidates["description"], strict=True))
    limits = {
        (side, kind): evidence.host_limit(side, kind) for side in SIDES for kind in evidence.kinds()
    }
    others = sorted(name for name in described if name not in evidence.host)
    sides = {
        name: (
            judge_side(evidence, name, "reduction", limits),
            judge_side(evidence, name, "oxidation", limits),
        )
        for name in others
    }
    options = evidence.campaign.ranking
    table = rank_table(
        _core_frame(sides, evidence.films),
        evidence.offsets,
        Sampling(samples=options.samples if samples is None else samples, seed=options.seed),
    )
    ranked = [
        _ranked(evidence, described[name], sides[name], {str(k): v for k, v in row.items()})
        for name, row in zip(table["candidate"], table.to_dict("records"), strict=True)
    ]
    order = {"missing": 1, "failed": 2}
    ranked.sort(key=lambda r: order.get(r.state, 0))
    return ranked + [_host(evidence, name, described[name]) for name in evidence.host]


def _core_frame(
    sides: dict[str, tuple[JudgedSide, JudgedSide]], films: dict[str, FilmChain]
) -> pd.DataFrame:
    import pandas as pd

    from mgscreen.ranking.score import COLUMNS, FILM

    columns = (*COLUMNS, *FILM)

    rows = []
    for name, both in sides.items():
        row: dict[str, Any] = {"candidate": name}
        for side in both:
            known = side.potential_v is not None and side.limit is not None
            row[side.side] = side.potential_v if known else None
            row[f"{side.side}_sd"] = side.sd
            row[f"{side.side}_host"] = None if side.limit is None else side.limit.potential_v
            row[f"{side.side}_host_sd"] = None if side.limit is None else side.limit.sd
        row["fraction"] = both[0].fraction
        film = films.get(name)
        row["film_low"], row["film_high"] = (1.0, 1.0) if film is None else (film.low, film.high)
        rows.append(row)
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype(dict.fromkeys(columns[1:], "float64"))


def _ranked(
    evidence: Evidence, description: str, sides: tuple[JudgedSide, JudgedSide], row: dict[str, Any]
) -> RankedAdditive:
    red, ox = sides
    red.probability, ox.probability = _number(row["p_reduced_first"]), _number(row["p_cei"])
    chance = ReductionChance(
        at_anode=_number(row["p_anode"]), on_candidate=_number(row["p_on_candidate"])
    )
    film = evidence.films.get(row["candidate"])
    criteria = (
        *reduction_criteria(evidence, red, chance),
        *([film_criterion(film)] if film is not None else []),
        *oxidation_criteria(evidence, ox),
    )
    sei = _all([c.holds for c in criteria if c.counts and c.name in SEI_CRITERIA])
    cei = next(c.holds for c in criteria if c.name == OXIDISED_FIRST)
    score = _number(row["score"])
    caveats = tuple(
        dict.fromkeys((*red.caveats, *ox.caveats, *(film.caveats if film is not None else ())))
    )
    known = film is None or film.value is not None
    margins = tuple(m for m in (margin_of(red), margin_of(ox)) if m is not None)
    return RankedAdditive(
        rank=_whole(row["rank"]),
        rank_low=_whole(row["rank_low"]),
        rank_high=_whole(row["rank_high"]),
        candidate=row["candidate"],
        description=description,
        role=_role(sei, cei),
        score=score,
        state=_standing(evidence, row["candidate"], score, red, ox, film),
        reason=_sentence(sei, cei, criteria),
        score_high=_number(row["score_high"]),
        p_sei=_number(row["p_sei"]) if known else None,
        p_reduced=_number(row["p_reduced"]),
        p_cei=ox.probability,
        criteria=criteria,
        margins=margins,
        evidence=_used(evidence, red, ox),
        film=film,
        caveats=caveats,
    )


def _all(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _role(sei: bool | None, cei: bool | None) -> Role:
    if sei and cei:
        return "both"
    if sei:
        return "SEI former"
    if cei:
        return "CEI former"
    return "inert" if sei is False and cei is False else "unknown"


def _standing(
    evidence: Evidence,
    name: str,
    score: float | None,
    red: JudgedSide,
    ox: JudgedSide,
    film: FilmChain | None,
) -> Standing:
    if score is not None:
        open_film = film is not None and film.low < film.high and not red.missing
        return "partial" if red.missing or ox.missing or open_film else "completed"
    rows = evidence.by_candidate.get(name, [])
    return "failed" if any(v.state == "failed" for v in rows) else "missing"


def _sentence(sei: bool | None, cei: bool | None, criteria: tuple[Criterion, ...]) -> str:
    by_name = {c.name: c for c in criteria}
    parts = []
    if sei:
        film = by_name.get(FILM_HOLDS)
        told = f"; {film.reason}" if film is not None and film.counts else ""
        first_reason = by_name[REDUCED_FIRST].reason
        parts.append(f"reduced {first_reason}, at the anode on every scale{told}")
    else:
        blocking = [
            c for c in criteria if c.name in SEI_CRITERIA and c.holds is not True and c.reason
        ]
        denied = [c for c in blocking if c.holds is False] or blocking
        label = "no SEI former" if sei is False else "SEI unknown"
        # one cause is enough here: each criterion has its own sentence
        parts.append(f"{label}: {denied[0].reason}" if denied else label)
    first = by_name[OXIDISED_FIRST]
    if cei:
        window = by_name[IN_WINDOW]
        inside = {True: "and inside", False: "but not inside", None: "and perhaps inside"}
        parts.append(f"oxidised {first.reason}, {inside[window.holds]} the cathode's window")
    else:
        label = "no CEI former" if cei is False else "CEI unknown"
        parts.append(f"{label}: {first.reason}")
    if cei and not sei:
        parts.reverse()
    return "; ".join(parts)


def _used(evidence: Evidence, red: JudgedSide, ox: JudgedSide) -> tuple[Value, ...]:
    """Return the values that the rank stands on, the host's among them."""
    found: list[Value | None] = []
    for side in (red, ox):
        found += [side.value, side.offer.fraction, side.offer.bonds]
        if side.value is not None and side.side == "reduction" and not side.offer.alone:
            found.append(evidence.get(side.value.candidate, side.offer.form, "reduction_on_metal"))
        if side.limit is not None:
            found.append(side.limit.value)
    return tuple(v for v in found if v is not None)


def _host(evidence: Evidence, name: str, description: str) -> RankedAdditive:
    members = [
        m
        for side in SIDES
        for m in evidence.host_members(side, evidence.kinds()[0])
        if m.candidate == name
    ]
    said = [
        f"{m.side} {m.potential_v:.2f} V" if m.potential_v is not None else m.reason
        for m in members
    ]
    return RankedAdditive(
        rank=None,
        rank_low=None,
        rank_high=None,
        candidate=name,
        description=description,
        role="host",
        score=None,
        state="host",
        reason=f"part of the host, which roles are relative to: {', '.join(said)}",
        evidence=tuple(m.value for m in members if m.value is not None),
    )


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)  # noqa: PLR0124


def _whole(value: Any) -> int | None:
    import pandas as pd

    return None if value is None or pd.isna(value) else int(value)
