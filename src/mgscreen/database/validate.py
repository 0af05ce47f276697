"""Computed values beside reported ones: differences and conditions, never a tuned verdict."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mgscreen.core.properties import PROPERTIES
from mgscreen.database.reference import read_references

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from mgscreen.database.database import Database
    from mgscreen.database.reference import Reference

COLUMNS = (
    "source",
    "system",
    "property",
    "reported",
    "computed",
    "difference",
    "unit",
    "method",
    "state",
    "candidate",
    "form",
    "environment",
    "reported_text",
    "computed_text",
    "uncertainty",
    "verdict",
    "conditions",
    "place",
    "conflict",
    "note",
    "url",
    "calculation",
)
"""Columns of the comparison; the first nine are the stable ones that `validate` prints."""

WITHIN, OUTSIDE = "within", "outside"
NO_TOLERANCE = "no tolerance stated"
UNRESOLVED = "no pass/fail"
OTHER_LEVEL = "other level"
NOT_COMPUTED = "not computed"
FAILED = "failed"
SAME, DIFFERENT = "agrees", "differs"
FITS = 0.15
"""eV: a value reported without its species fits a form within this. Conformers of one molecule at
one level of theory differ by as much (the HOMO of 1,2-dimethoxyethane by 0.13 eV)."""


def environment_of(conditions: str) -> str | None:
    """Return the surroundings that a record's conditions name, as property rows write them."""
    if "gas phase" in conditions:
        return "gas"
    continuum = re.search(r"C-PCM eps ([0-9.]+)", conditions)
    return f"C-PCM eps={float(continuum.group(1)):g}" if continuum else None


def level_of(conditions: str) -> str | None:
    """Return the level of theory that a record's conditions name first, if any."""
    first = conditions.split(";", 1)[0].strip()
    return first if re.match(r"[a-z]+:\S+$", first) else None


def comparison(
    database: Database,
    *,
    candidates: Sequence[str] | None = None,
    campaign: str | int | None = None,
    folder: Path | None = None,
) -> pd.DataFrame:
    """Return each literature value that mgscreen can compute beside every value it computed.

    A record stands beside the values of its candidate in its form, or in every form where the
    source does not say which; the same for gas phase and continuum. No tolerance is made up:

    ``within`` / ``outside``
        the difference is at most / more than the uncertainty that the source states;
    ``no tolerance stated``
        the source states none: the difference is given, and that is all;
    ``no pass/fail``
        the source does not resolve the species: ``verdict`` names the nearest form;
    ``other level``
        the record belongs to a level of theory and the value to another;
    ``agrees`` / ``differs``
        of texts;
    ``failed`` / ``not computed``
        there is no value; the verdict says why.

    Parameters
    ----------
    database
        Where the computed values are.
    candidates
        Only records of these.
    campaign
        Only values of this campaign; None: all.
    folder
        Tables of the literature values; None: those of mgscreen.
    """
    import pandas as pd

    records = [
        record
        for record in read_references(folder)
        if record.property in PROPERTIES
        and record.candidate
        and (candidates is None or record.candidate in candidates)
    ]
    values = database.frame_properties(
        candidates=sorted({record.candidate for record in records}),
        property=sorted({record.property for record in records}),
        campaign=campaign,
    )
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in values.to_dict("records"):
        value = {str(k): (None if _missing(v) else v) for k, v in row.items()}
        groups.setdefault((str(value["candidate"]), str(value["property"])), []).append(value)
    rows = [
        line
        for record in records
        for line in _compare(record, groups.get((record.candidate, record.property), []))
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    numeric = ["reported", "computed", "difference", "uncertainty"]
    return frame.astype(dict.fromkeys(numeric, "float64"))


def _missing(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN


def _compare(record: Reference, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = environment_of(record.conditions)
    values = [
        v
        for v in values
        if (not record.form or v["form"] == record.form)
        and (wanted is None or v["environment"] == wanted)
    ]
    if not values:
        return [_line(record, None, NOT_COMPUTED, "nothing to compare with in this database")]
    nearest = "" if record.form else _nearest(record, values)
    return [_line(record, value, *_judge(record, value, nearest)) for value in values]


def _judge(record: Reference, value: dict[str, Any], nearest: str) -> tuple[str, str]:
    """Return state and verdict of one pair."""
    difference = _difference(record, value)
    uncertainty = record.in_unit_of_property()[1]
    level = level_of(record.conditions)
    if value["state"] != "completed":
        state, verdict = FAILED, value["reason"] or "failed"
    elif record.text is not None:
        state, verdict = (SAME if _same_text(record, value["text"]) else DIFFERENT), ""
    elif difference is None:
        state, verdict = FAILED, value["text"] or "there is no number"
    elif not record.form:
        state, verdict = UNRESOLVED, nearest
    elif level is not None and level != value["method"]:
        state, verdict = OTHER_LEVEL, f"the record belongs to {level}"
    elif uncertainty is None:
        state, verdict = NO_TOLERANCE, ""
    else:
        state, verdict = (WITHIN if abs(difference) <= uncertainty else OUTSIDE), ""
    return state, verdict


def _same_text(record: Reference, text: str | None) -> bool:
    if text is not None and record.property.endswith("_atom"):
        # computed as "O5 of TFSI"; a source names the element
        found = re.match(r"[A-Z][a-z]?", text)
        return found is not None and found.group() == record.text
    return text == record.text


def _difference(record: Reference, value: dict[str, Any] | None) -> float | None:
    reported = record.in_unit_of_property()[0]
    if reported is None or value is None or value["value"] is None:
        return None
    return float(value["value"]) - reported


def _nearest(record: Reference, values: list[dict[str, Any]]) -> str:
    """Say plainly which of the computed values is nearest, and by how much it misses."""
    numbers = [
        (abs(d), d, v)
        for v in values
        if v["state"] == "completed" and (d := _difference(record, v)) is not None
    ]
    if not numbers:
        return ""
    _, difference, best = min(numbers, key=lambda n: n[0])
    who = best["species"] or f"{best['candidate']} ({best['form']})"
    unit = record.in_unit_of_property()[2]
    fitting = sum(size <= FITS for size, _, _ in numbers)
    return (
        f"{fitting or 'none'} of {len(numbers)} computed values fits within {FITS:g} {unit}; "
        f"nearest: {who}, {best['environment'] or 'gas'}, off by {difference:+.2f} {unit}; "
        "the source does not say which species it means"
    )


def _line(
    record: Reference, value: dict[str, Any] | None, state: str, verdict: str
) -> dict[str, Any]:
    reported, uncertainty, unit = record.in_unit_of_property()
    found = value or {}
    return {
        "source": record.source,
        "system": record.system,
        "property": record.property,
        "reported": reported,
        "computed": found.get("value"),
        "difference": _difference(record, value),
        "unit": unit,
        "method": found.get("method", ""),
        "state": state,
        "candidate": record.candidate,
        "form": found.get("form", record.form),
        "environment": found.get("environment", environment_of(record.conditions) or ""),
        "reported_text": record.text,
        "computed_text": found.get("text"),
        "uncertainty": uncertainty,
        "verdict": verdict,
        "conditions": record.conditions,
        "place": record.place,
        "conflict": record.conflict,
        "note": record.note,
        "url": record.url,
        "calculation": found.get("calculation", ""),
    }
