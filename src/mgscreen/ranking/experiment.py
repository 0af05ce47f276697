"""Measurements beside the ranking: rank correlation where there are enough systems, else a reason.

Systems are comparable where one source measured the same quantity under the same conditions and
the campaign ranks what they consist of (records ``computed_as`` of the reference tables). With
three of them or more, Spearman's rho and Kendall's tau-b are given; with fewer, a sentence that
says what is missing. An order that a source states without numbers (``better_than``) is compared
with that of the computed formulations, and where it does not come out, the criterion that stands
against it is named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database
    from mgscreen.ranking.coatings import RankedCoating
    from mgscreen.ranking.pairs import RankedPair

ENOUGH = 3
"""Systems from which on a rank correlation says anything."""
HIGHER = {
    "symmetric_cell_life": True,
    "coulombic_efficiency": True,
    "coulombic_efficiency_cycles": True,
    "full_cell_capacity": True,
    "exchange_current_density": True,
    "voltage_hysteresis": False,
    "interfacial_activation_energy": False,
    "charge_transfer_resistance": False,
    "sei_resistance": False,
    "full_cell_polarisation": False,
}
"""Quantities of cells that a good interphase improves, and whether more of it is better."""
MEASURED = ("chemicals", "public", "common", "martinelli-1985")
"""Sources of measured values of phases and reactions; those of other computations are left out."""


class System(BaseModel):
    """One measured system and what the campaign says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    measured: float
    computed_as: str = Field(default="", description="what stands for it; empty: nothing does")
    computed: float | None = Field(default=None, description="score, or the value at the level")


class Comparison(BaseModel):
    """One measured quantity beside the computed order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: str
    source: str
    conditions: str = ""
    unit: str = ""
    beside: str = Field(description="score, or the computed quantity with its level")
    systems: tuple[System, ...]
    comparable: int = Field(description="systems with a computed value")
    spearman: float | None = None
    kendall: float | None = None
    statement: str


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


class Experiment(BaseModel):
    """Everything that is measured beside one campaign."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: tuple[Comparison, ...]
    values: tuple[Comparison, ...]
    orders: tuple[OrderCheck, ...]

    def summary(self) -> str:
        """Return for how many measured quantities of cells there is a coefficient."""
        given = [c for c in self.cells if c.spearman is not None]
        if given:
            told = "; ".join(c.statement for c in given)
            return f"Rank correlation with cells for {len(given)} of {len(self.cells)}: {told}"
        most = max((c.comparable for c in self.cells), default=0)
        return (
            f"No rank correlation with experiment can be given: {len(self.cells)} measured "
            f"quantities of cells are on record, at most {most} of the systems of any is ranked "
            f"here, and it takes {ENOUGH} (mgscreen validate lists them)"
        )

    def statements(self) -> list[str]:
        """Return everything in sentences, orders first."""
        return [
            *(one.statement for one in self.orders),
            *(one.statement for one in (*self.cells, *self.values)),
        ]


def experiment(
    database: Database,
    campaign: str | int | None = None,
    *,
    pairs: Sequence[RankedPair] | None = None,
    coatings: Sequence[RankedCoating] | None = None,
) -> Experiment:
    """Put measurements beside the rankings of a campaign.

    Parameters
    ----------
    database, campaign
        Which campaign of which database.
    pairs, coatings
        Its rankings, where they are known already.

    Raises
    ------
    InputError
        If there is no such campaign.
    """
    from mgscreen.ranking.coatings import rank_coatings
    from mgscreen.ranking.pairs import rank_pairs
    from mgscreen.ranking.roles import read_campaign

    number = database.campaign_id(campaign)
    options = read_campaign(database, number)
    if pairs is None:
        pairs = rank_pairs(database, number, samples=100) if options.has_molecules else []
    if coatings is None:
        coatings = rank_coatings(database, number, samples=100)
    table = database.frame_references()
    return Experiment(
        cells=tuple(cell_comparisons(table, _scores(table, options, pairs, coatings))),
        values=tuple(value_comparisons(table, database.frame_properties(campaign=number))),
        orders=tuple(order_checks(table, options, pairs)),
    )


def _scores(
    table: pd.DataFrame,
    options: Campaign,
    pairs: Sequence[RankedPair],
    coatings: Sequence[RankedCoating],
) -> dict[tuple[str, str], tuple[str, float | None]]:
    """Return what stands for each measured system, and its score; by source and system."""
    found: dict[tuple[str, str], tuple[str, float | None]] = {}
    for row in table[table["property"] == "computed_as"].to_dict("records"):
        kind, _, name = str(row["text"]).partition(" ")
        score = None
        if kind == "pair" and _same_host(row, options):
            pair = _pair(pairs, name)
            score = None if pair is None else pair.score
        elif kind == "coating":
            score = next((c.score for c in coatings if c.phase == name), None)
        found[str(row["source"]), str(row["system"])] = (name, score)
    return found


def _same_host(row: Mapping[Any, Any], options: Campaign) -> bool:
    """Whether the host that a record names, 'host: DME with ALCL4', is that of the campaign."""
    named = re.match(r"host: (\S+) with (.+)", str(row["conditions"] or ""))
    if named is None:
        return True
    salts = set(re.split(r",\s*", named.group(2)))
    return named.group(1) == options.host.solvent and salts <= set(options.host.salts)


def _pair(pairs: Iterable[RankedPair], name: str) -> RankedPair | None:
    members = set(re.split(r"\s*\+\s*", name))
    return next((p for p in pairs if set(p.members) == members), None)


def cell_comparisons(
    table: pd.DataFrame, scores: Mapping[tuple[str, str], tuple[str, float | None]]
) -> list[Comparison]:
    """Compare measurements of cells with scores.

    Parameters
    ----------
    table
        Values of the literature, columns as ``Database.frame_references``.
    scores
        For each source and system, what stands for it and its score.
    """
    rows = table[table["property"].isin(HIGHER) & table["value"].notna()]
    found = []
    keys = ["source", "property", "conditions", "unit"]
    for (source, name, conditions, unit), group in rows.groupby(keys, sort=False, dropna=False):
        systems = [
            System(
                name=str(row["system"]),
                measured=float(row["value"]),
                computed_as=scores.get((str(source), str(row["system"])), ("", None))[0],
                computed=scores.get((str(source), str(row["system"])), ("", None))[1],
            )
            for row in group.to_dict("records")
        ]
        sign = 1.0 if HIGHER[str(name)] else -1.0
        known = {"quantity": str(name), "source": str(source), "unit": str(unit)}
        text = "" if conditions is None or conditions != conditions else str(conditions)  # noqa: PLR0124
        found.append(_compared(known, text, "score", systems, sign))
    return found


def value_comparisons(table: pd.DataFrame, properties: pd.DataFrame) -> list[Comparison]:
    """Compare measured properties of phases and reactions with computed ones, level by level.

    Parameters
    ----------
    table
        Values of the literature.
    properties
        Computed values of the campaign, columns as ``Database.frame_properties``.
    """
    from mgscreen.core.properties import PROPERTIES

    rows = table[
        table["source"].isin(MEASURED) & table["property"].isin(PROPERTIES) & table["value"].notna()
    ]
    good = properties[(properties["state"] == "completed") & properties["value"].notna()]
    found = []
    for name, group in rows.groupby("property", sort=True):
        measured = {
            str(r["candidate"] or r["system"]): (float(r["value"]), str(r["system"]))
            for r in group.to_dict("records")
            if not _missing(r["candidate"] or r["system"])
        }
        mine = good[(good["property"] == name) & good["candidate"].isin(measured)]
        sources = "/".join(sorted(set(group["source"])))
        known = {
            "quantity": str(name),
            "source": sources,
            "unit": PROPERTIES[str(name)].unit,
        }
        for level, same in mine.groupby("method", sort=True):
            computed = dict(zip(same["candidate"], same["value"], strict=True))
            systems = [
                System(
                    name=system,
                    measured=value,
                    computed_as=key if key in computed else "",
                    computed=float(computed[key]) if key in computed else None,
                )
                for key, (value, system) in measured.items()
            ]
            found.append(_compared(known, "", f"{name} at {level}", systems, 1.0))
    return found


def _compared(
    known: Mapping[str, str], conditions: str, beside: str, systems: list[System], sign: float
) -> Comparison:
    pairs = [(sign * s.measured, s.computed) for s in systems if s.computed is not None]
    spearman = kendall = None
    quantity = known["quantity"].replace("_", " ")
    place = ", ".join(x for x in (known["source"], conditions) if x)
    told = f"{quantity} ({place})"
    spread = {len({m for m, _ in pairs}), len({c for _, c in pairs})}
    if len(pairs) >= ENOUGH and min(spread) > 1:
        from scipy.stats import kendalltau, spearmanr

        measured, computed = zip(*pairs, strict=True)
        spearman = float(spearmanr(measured, computed).statistic)
        kendall = float(kendalltau(measured, computed).statistic)
        statement = (
            f"{told}: Spearman {spearman:.2f}, Kendall {kendall:.2f} against {beside}, "
            f"{len(pairs)} systems"
        )
    elif len(pairs) >= ENOUGH:
        statement = f"{told}: no rank correlation, all {len(pairs)} systems have the same value"
    else:
        names = ", ".join(s.name for s in systems if s.computed is not None)
        numbers = ", ".join(f"{s.name} {s.measured:g} {known['unit']}".strip() for s in systems)
        statement = (
            f"{told}: {numbers}; no rank correlation: it takes {ENOUGH} systems, and of these "
            f"{len(systems)} {names or 'none'} {'are' if len(pairs) > 1 else 'is'} ranked here"
        )
    return Comparison(
        **known,
        conditions=conditions,
        beside=beside,
        systems=tuple(systems),
        comparable=len(pairs),
        spearman=spearman,
        kendall=kendall,
        statement=statement,
    )


def _missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN


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
                _pair(pairs, str(r["text"]).partition(" ")[2])
                if r is not None and _same_host(r, options)
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
