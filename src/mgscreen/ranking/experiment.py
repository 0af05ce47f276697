"""Measurements beside the ranking: rank correlation where there are enough systems, else a reason.

Systems are comparable where one source measured the same quantity under the same conditions and
the campaign ranks what they consist of (records ``computed_as`` of the reference tables). With
three of them or more, Spearman's rho and Kendall's tau-b are given; with fewer, a sentence that
says what is missing. An order that a source states without numbers (``better_than``) is compared
with that of the computed formulations, and where it does not come out, the criterion that stands
against it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.ranking.orders import OrderCheck, order_checks, pair_of, same_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
        pairs = rank_pairs(database, number) if options.has_molecules else []
    if coatings is None:
        coatings = rank_coatings(database, number)
    table = measurements()
    return Experiment(
        cells=tuple(cell_comparisons(table, _scores(table, options, pairs, coatings))),
        values=tuple(value_comparisons(table, database.frame_properties(campaign=number))),
        orders=tuple(order_checks(table, options, pairs)),
    )


def measurements(folder: Path | None = None) -> pd.DataFrame:
    """Return the reference tables that ship, or those of a folder, in the units of properties.

    They are read from the files, so that an older database is compared with what is known now.
    """
    import pandas as pd

    from mgscreen.database.reference import read_references

    rows = []
    for one in read_references(folder):
        value, uncertainty, unit = one.in_unit_of_property()
        rows.append({**one.model_dump(), "value": value, "uncertainty": uncertainty, "unit": unit})
    return pd.DataFrame(rows)


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
        if kind == "pair" and same_host(row, options):
            pair = pair_of(pairs, name)
            score = None if pair is None else pair.score
        elif kind == "coating":
            score = next((c.score for c in coatings if c.phase == name), None)
        found[str(row["source"]), str(row["system"])] = (name, score)
    return found


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
        spearman, kendall = correlations(pairs)
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


def correlations(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return Spearman's rho and Kendall's tau-b of pairs of values; NaN where one side is constant.

    As ``scipy.stats`` has them, without the second that its import takes.
    """
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(pairs, dtype=float)
    with np.errstate(invalid="ignore"):
        spearman = np.corrcoef(frame.rank().to_numpy(), rowvar=False)[0, 1]
        a, b = (np.sign(np.subtract.outer(v, v)) for v in frame.to_numpy().T)
        kendall = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
    return float(spearman), float(kendall)


def _missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN
