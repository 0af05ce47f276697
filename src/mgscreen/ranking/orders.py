"""Orders of formulations that a source states, beside the computed one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from mgscreen.campaign.models import Campaign
    from mgscreen.ranking.pairs import RankedPair


class OrderCheck(BaseModel):
    """An order of formulations that a source states, and whether it comes out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    better: str
    worse: str
    holds: bool | None = Field(description="None: one of them was not ranked, or they tie")
    against: tuple[str, ...] = Field(default=(), description="criteria that stand against it")
    unknown: tuple[str, ...] = Field(
        default=(), description="criteria without a value on either side: they could not decide"
    )
    statement: str


def same_host(row: Mapping[Any, Any], options: Campaign) -> bool:
    """Whether the host that a record names, 'host: DME with ALCL4', is that of the campaign."""
    named = re.match(r"host: (\S+) with (.+)", str(row["conditions"] or ""))
    if named is None:
        return True
    salts = set(re.split(r",\s*", named.group(2)))
    return named.group(1) == options.host.solvent and salts <= set(options.host.salts)


def pair_of(pairs: Iterable[RankedPair], name: str) -> RankedPair | None:
    """Return the formulation of these members, 'PFTB + TFSI', or None."""
    members = set(re.split(r"\s*\+\s*", name))
    return next((p for p in pairs if set(p.members) == members), None)


def order_checks(
    table: pd.DataFrame, options: Campaign, pairs: Sequence[RankedPair]
) -> list[OrderCheck]:
    """Compare stated orders of formulations with the computed one.

    Parameters
    ----------
    table
        Values of the literature, with records ``computed_as`` and ``better_than``.
    options
        The campaign: a record belongs to a host.
    pairs
        Its formulations.
    """
    named = {
        (str(r["source"]), str(r["system"])): r
        for r in table[table["property"] == "computed_as"].to_dict("records")
    }
    found = []
    for row in table[table["property"] == "better_than"].to_dict("records"):
        source, better = str(row["source"]), str(row["system"])
        for worse in re.split(r"\s*;\s*", str(row["text"])):
            both = [named.get((source, name)) for name in (better, worse)]
            if None in both:
                raise InputError(f"no record says what stands for {better} and {worse} of {source}")
            ranked = [
                pair_of(pairs, str(r["text"]).partition(" ")[2])
                if r is not None and same_host(r, options)
                else None
                for r in both
            ]
            if any(p is not None for p in ranked):
                found.append(_order(source, (better, worse), ranked))
    return found


def _order(source: str, names: tuple[str, str], ranked: Sequence[RankedPair | None]) -> OrderCheck:
    better, worse = ranked
    head = f"{source} reports {names[0]} better than {names[1]}"
    base = {"source": source, "better": names[0], "worse": names[1]}
    if better is None or worse is None or better.score is None or worse.score is None:
        absent = [n for n, p in zip(names, ranked, strict=True) if p is None or p.score is None]
        return OrderCheck(
            **base, holds=None, statement=f"{head}: {', '.join(absent)} was not ranked here"
        )
    numbers = (
        f"{names[0]} = {better.formulation} rank {better.rank} ({better.rank_low}-"
        f"{better.rank_high}), score {better.score:.3f}; {names[1]} = {worse.formulation} rank "
        f"{worse.rank} ({worse.rank_low}-{worse.rank_high}), score {worse.score:.3f}"
    )
    against, unknown = _against(better, worse)
    if abs(better.score - worse.score) < _TIE:
        holds, verdict = None, f"{head}: they tie: {numbers}"
    elif better.score > worse.score:
        low, high = better.rank_high or 0, worse.rank_low or 0
        sure = "beyond the intervals" if low < high else "though the intervals overlap"
        holds, verdict = True, f"{head}, and so does the ranking, {sure}: {numbers}"
    else:
        stands = "stand" if len(against) > 1 else "stands"
        told = f"; against it {stands} {'; '.join(against)}" if against else ""
        holds, verdict = False, f"{head}: it does not come out: {numbers}{told}"
    if unknown:
        verdict += f"; not known for either, so without a say: {'; '.join(unknown)}"
    return OrderCheck(
        **base,
        holds=holds,
        against=() if holds else tuple(against),
        unknown=tuple(unknown),
        statement=verdict,
    )


_TIE = 1e-9


def _against(better: RankedPair, worse: RankedPair) -> tuple[list[str], list[str]]:
    """Return the criteria in which the better one loses, dearest first, and the open ones."""
    other = {c.name: c for c in worse.criteria}
    lost, unknown = [], []
    for mine in better.criteria:
        theirs = other[mine.name]
        label = mine.name.replace("_", " ")
        if mine.weight <= 0:
            continue
        if mine.value is None and theirs.value is None:
            unknown.append(f"'{label}' ({mine.reason})")
            continue
        cost = mine.weight * ((theirs.value or 0.0) - (mine.value or 0.0))
        if cost <= _TIE:
            continue
        value = "is not known" if mine.value is None else f"is {mine.value:.2f}"
        told = (
            f"'{label}' ({value} for {better.formulation}, {theirs.value:.2f} for "
            f"{worse.formulation}: {mine.reason})"
        )
        lost.append((cost, told))
    return [text for _, text in sorted(lost, key=lambda x: -x[0])], unknown
