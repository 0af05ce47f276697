"""Coatings and alloy interphases: what is known of each, and the order by the declared criteria.

Insulating films and metallic alloys are ranked apart: an alloy conducts electrons, so a band gap is
no merit of it, and it lives at the potential of the anode. A value is that of the DFT level where
there is one, else the mean over the potentials; the spread over levels is part of its uncertainty.
Missing values are shown and never filled in.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.database.remember import remembered
from mgscreen.ranking.binding import BINDING, CoatingValue, bindings, has_slabs
from mgscreen.ranking.calibration import Calibration, of_potentials
from mgscreen.ranking.score import Sampling
from mgscreen.ranking.sensitivity import Change, sensitivity
from mgscreen.ranking.weighing import Scale, weigh

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mgscreen.campaign.criteria import CriterionSpec
    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database

__all__ = [
    "CoatingValue",
    "Kind",
    "RankedCoating",
    "choose",
    "coating_sensitivity",
    "criteria_of",
    "gather",
    "order_of",
    "phase_calibrations",
    "rank_coatings",
    "scale_of",
]

Kind = Literal["insulator", "alloy", "unknown"]
SHOWN = (
    "percolating_barrier",
    "reduction_limit",
    "oxidation_limit",
    "band_gap",
    "reaction_with_anode",
    "reaction_with_cathode",
    "formation_energy",
    "formation_energy_legacy",
    "energy_above_hull",
    "alloy_voltage",
)
METALLIC_EV = 0.05


class RankedCoating(BaseModel):
    """A phase with its rank in its class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    phase: str
    kind: Kind
    score: float | None
    score_high: float | None
    pareto: bool | None = Field(description="on the Pareto front; None where a value is missing")
    state: Literal["completed", "partial", "failed"]
    reason: str
    soluble: str = Field(default="", description="what the literature says of its solubility")
    values: tuple[CoatingValue, ...]

    def get(self, name: str) -> CoatingValue:
        """Return one value; an empty one where there is none."""
        found = next((v for v in self.values if v.property == name), None)
        return found or CoatingValue(property=name, reason="not computed")


@remembered
def rank_coatings(
    database: Database, campaign: str | int | None = None, *, samples: int | None = None
) -> list[RankedCoating]:
    """Rank the phases of a campaign: insulators, then alloys, then those of unknown class.

    Raises
    ------
    InputError
        If there is no such campaign.
    """
    from mgscreen.ranking.roles import read_campaign

    number = database.campaign_id(campaign)
    options = read_campaign(database, number)
    gathered = gather(database, number)
    sampling = Sampling(
        samples=options.ranking.samples if samples is None else samples, seed=options.ranking.seed
    )
    found: list[RankedCoating] = []
    for kind in ("insulator", "alloy", "unknown"):
        rows = [(name, one) for name, one in gathered.items() if one["kind"] == kind]
        found += order_of(rows, criteria_of(options, kind), sampling)
    return found


def criteria_of(campaign: Campaign, kind: str) -> tuple[CriterionSpec, ...]:
    """Return the criteria of a class of phases; binding only where slabs of phases are computed."""
    found = campaign.ranking.alloys if kind == "alloy" else campaign.ranking.coatings
    if has_slabs(campaign):
        return found
    kept = tuple(spec for spec in found if spec.property not in BINDING)
    return kept if any(spec.weight > 0 for spec in kept) else found


def coating_sensitivity(
    database: Database, campaign: str | int | None = None, kind: Kind = "insulator"
) -> list[Change]:
    """Return what would change the first place of a class."""
    from mgscreen.ranking.roles import read_campaign

    number = database.campaign_id(campaign)
    options = read_campaign(database, number)
    rows = [(n, o) for n, o in gather(database, number).items() if o["kind"] == kind]
    if not rows:
        return []
    criteria = criteria_of(options, kind)
    scales = [scale_of(spec) for spec in criteria]
    return sensitivity(weigh(_frame(rows, criteria), scales, Sampling(samples=100)), scales)


@remembered
def gather(database: Database, campaign: int) -> dict[str, dict[str, Any]]:
    """Return what is known of each phase: its class, its values, its solubility, its failures."""
    frame = database.frame_properties(campaign=campaign)
    wanted = frame[frame["property"].isin([*SHOWN, "conductor"])]
    solubility = _solubility(database)
    calibrations = phase_calibrations(database)
    bound = bindings(database, campaign)
    phases: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(frame[frame["property"].isin(_OF_PHASES)]["candidate"]):
        rows = wanted[wanted["candidate"] == name]
        values = {p: _value(rows[rows["property"] == p], p, calibrations.get(p)) for p in SHOWN}
        values.update(bound.get(str(name), {}))
        phases[str(name)] = {
            "values": values,
            "kind": _kind(rows, values),
            "soluble": solubility.get(str(name), ""),
        }
    return phases


_OF_PHASES = ("formation_energy", "percolating_barrier", "band_gap")


def phase_calibrations(database: Database) -> dict[str, Calibration]:
    """Return how far potentials are from DFT, by property, over all phases of the database."""
    frame = database.frame_properties(property=SHOWN, state="completed")
    good = frame[frame["value"].notna()]
    found = {}
    for name, group in good.groupby("property", sort=True):
        by_level: dict[str, dict[str, float]] = {}
        for phase, method, value in zip(
            group["candidate"], group["method"], group["value"], strict=True
        ):
            by_level.setdefault(str(phase), {})[str(method)] = float(value)
        one = of_potentials(str(name), by_level, str(group["unit"].iloc[0]))
        if one is not None:
            found[str(name)] = one
    return found


def _kind(rows: pd.DataFrame, values: dict[str, CoatingValue]) -> Kind:
    """Return the class: DFT's gap decides, else the elements (only metals: an alloy)."""
    gap = values["band_gap"].value
    if gap is not None:
        return "alloy" if gap < METALLIC_EV else "insulator"
    from pymatgen.core import Composition

    try:
        elements = Composition(str(rows["candidate"].iloc[0])).elements
    except (ValueError, IndexError):
        return "unknown"
    return "alloy" if all(e.is_metal for e in elements) else "insulator"


def _value(rows: pd.DataFrame, name: str, calibration: Calibration | None) -> CoatingValue:
    unit = str(rows["unit"].iloc[0]) if len(rows) else ""
    good = rows[(rows["state"] == "completed") & rows["value"].notna()]
    if not len(good):
        reasons = [str(r) for r in rows["reason"] if r]
        return CoatingValue(
            property=name, unit=unit, reason=reasons[0] if reasons else "not computed"
        )
    # hops and charge states of one phase: the caller's property is already that of the phase
    by_level = {str(m): float(v) for m, v in zip(good["method"], good["value"], strict=True)}
    first = {m: v for m, v in by_level.items() if not m.startswith("mlip:")} or by_level
    numbers = list(first.values())
    spread = list(by_level.values())
    sd = None
    if len(spread) > 1:
        mean = sum(spread) / len(spread)
        sd = (sum((v - mean) ** 2 for v in spread) / (len(spread) - 1)) ** 0.5
    level = next(iter(first)) if len(first) == 1 else f"mean of {len(first)} levels"
    note = ""
    if calibration is not None and all(m.startswith("mlip:") for m in first):
        sd = ((sd or 0.0) ** 2 + calibration.rms**2) ** 0.5
        note = calibration.statement
    return CoatingValue(
        property=name,
        value=sum(numbers) / len(numbers),
        sd=sd,
        unit=unit,
        level=level,
        by_level=by_level,
        reference=str(good["reference"].iloc[0]),
        reason="; ".join(x for x in (str(good["reason"].iloc[0]), note) if x),
        calculations=tuple(dict.fromkeys(map(str, good["calculation"]))),
    )


def choose(value: CoatingValue, spec: CriterionSpec) -> tuple[float | None, float]:
    """Return the number that a criterion uses, and its standard deviation.

    With ``levels`` the first pattern that matches any level decides; without, the value as it is.
    """
    number, sd = value.value, value.sd or 0.0
    if spec.levels:
        number = None
        for pattern in spec.levels:
            hits = [v for m, v in value.by_level.items() if fnmatch.fnmatch(m, pattern)]
            if hits:
                number = sum(hits) / len(hits)
                break
    return number, (sd**2 + spec.uncertainty**2) ** 0.5


def scale_of(spec: CriterionSpec) -> Scale:
    """Return the scale that a criterion declares."""
    return Scale(spec.property, spec.worst, spec.best, spec.weight, spec.at_least, spec.at_most)


def _frame(
    rows: Sequence[tuple[str, dict[str, Any]]], criteria: Sequence[CriterionSpec]
) -> pd.DataFrame:
    import pandas as pd

    table = []
    for name, one in rows:
        row: dict[str, Any] = {"candidate": name}
        for spec in criteria:
            value = one["values"].get(spec.property) or CoatingValue(property=spec.property)
            row[spec.property], row[f"{spec.property}_sd"] = choose(value, spec)
        table.append(row)
    columns = [c for spec in criteria for c in (spec.property, f"{spec.property}_sd")]
    frame = pd.DataFrame(table, columns=["candidate", *columns])
    return frame.astype(dict.fromkeys(columns, "float64"))


def order_of(
    rows: Sequence[tuple[str, dict[str, Any]]],
    criteria: Sequence[CriterionSpec],
    sampling: Sampling,
) -> list[RankedCoating]:
    """Rank phases of one class by declared criteria; the order of ``rows`` changes nothing.

    Parameters
    ----------
    rows
        Name and what is known of each phase, as ``gather`` gives it.
    criteria
        Those of the class.
    sampling
        Of the intervals.
    """
    import pandas as pd

    if not rows:
        return []
    table = weigh(_frame(rows, criteria), [scale_of(spec) for spec in criteria], sampling)
    by_name = dict(rows)
    found = []
    for row in table.to_dict("records"):
        name = str(row["candidate"])
        one = by_name[name]
        ranked = not pd.isna(row["rank"])
        missing = [s.property for s in criteria if s.weight > 0 and pd.isna(row[s.property])]
        found.append(
            RankedCoating(
                rank=int(row["rank"]) if ranked else None,
                rank_low=int(row["rank_low"]) if ranked else None,
                rank_high=int(row["rank_high"]) if ranked else None,
                phase=name,
                kind=one["kind"],
                score=float(row["score"]) if ranked else None,
                score_high=float(row["score_high"]) if ranked else None,
                pareto=None if pd.isna(row["pareto"]) else bool(row["pareto"]),
                state="failed" if not ranked else ("partial" if missing else "completed"),
                reason=_sentence(one, missing, row, criteria),
                soluble=one["soluble"],
                values=tuple(one["values"].values()),
            )
        )
    return found


def _sentence(
    one: dict[str, Any],
    missing: Sequence[str],
    row: dict[Any, Any],
    criteria: Sequence[CriterionSpec],
) -> str:
    import pandas as pd

    known = {
        s.property: float(row[f"utility_{s.property}"])
        for s in criteria
        if s.weight > 0 and not pd.isna(row[f"utility_{s.property}"])
    }
    parts = []
    if known:
        best = max(known, key=lambda k: (known[k], k))
        worst = min(known, key=lambda k: (known[k], k))
        parts.append(f"strongest in {_told(one, best)}")
        if known[worst] < known[best]:
            parts.append(f"weakest in {_told(one, worst)}")
    if missing:
        parts.append(f"no value of {', '.join(m.replace('_', ' ') for m in missing)}")
    if one["soluble"]:
        parts.append(one["soluble"])
    return "; ".join(parts)


def _told(one: dict[str, Any], name: str) -> str:
    value: CoatingValue = one["values"][name]
    return f"{name.replace('_', ' ')} ({value.value:.2f} {value.unit})"


def _solubility(database: Database) -> dict[str, str]:
    frame = database.frame_references()
    rows = frame[frame["property"] == "solubility"]
    found = {}
    for row in rows.to_dict("records"):
        note = f": {row['note']}" if isinstance(row["note"], str) and row["note"] else ""
        found[str(row["system"])] = f"{row['text']} ({row['source']}{note})"
    return found
