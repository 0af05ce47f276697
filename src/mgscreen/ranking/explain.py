"""From a rank back to each number behind it, with its method, error, source and file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError
from mgscreen.core.properties import PROPERTIES
from mgscreen.ranking.evidence import Value, host_caveats
from mgscreen.ranking.results import RankedAdditive
from mgscreen.ranking.roles import database_candidates, load_evidence, rank_evidence
from mgscreen.ranking.score import FRACTION_SD, SHARED

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group

    from mgscreen.database.database import Database
    from mgscreen.ranking.evidence import Evidence


class Reference(BaseModel):
    """A literature value beside a computed one; they are compared, never mixed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    place: str = ""
    system: str = ""
    form: str = ""
    property: str
    value: float | None = None
    text: str | None = None
    unit: str = ""
    uncertainty: float | None = None
    conditions: str = ""
    conflict: str = ""
    note: str = ""


class Item(BaseModel):
    """One value of a candidate with everything that it stands on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Value
    meaning: str
    used: bool = Field(description="whether the rank depends on it")
    references: tuple[Reference, ...] = ()
    code: str = ""
    warnings: tuple[str, ...] = ()
    recovery: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    structure: str = Field(default="", description="identity of the structure")
    kind: str = Field(default="", description="of the calculation")
    settings: dict[str, Any] = Field(default_factory=dict, description="of the engine: its input")
    cpu_s: float = 0.0


class Explanation(BaseModel):
    """Why a candidate stands where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign: str
    ranked: RankedAdditive
    of: int = Field(description="number of candidates with a rank")
    level: str = Field(description="level of theory of the potentials")
    scales: tuple[str, ...]
    uncertainty_v: float
    how: str
    host: tuple[str, ...]
    items: tuple[Item, ...]
    references: tuple[Reference, ...] = Field(
        default=(), description="literature values of the candidate without a computed counterpart"
    )
    caveats: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-compatible data."""
        return self.model_dump(mode="json")

    def render(self) -> Group:
        """Return it for a terminal, as a rich renderable."""
        from mgscreen.ranking.render import render

        return render(self)

    def text(self, width: int = 100) -> str:
        """Return it as plain text."""
        from io import StringIO

        from rich.console import Console

        stream = StringIO()
        Console(file=stream, width=width, color_system=None, highlight=False).print(self.render())
        return stream.getvalue()


def explain(database: Database, campaign: str | int | None, name: str) -> Explanation:
    """Explain the rank of one candidate.

    Parameters
    ----------
    database
        The results database.
    campaign
        Name or id; None where the database holds one only.
    name
        The candidate.

    Raises
    ------
    InputError
        If there is no such campaign, or no such candidate in it (with the nearest name).
    """
    candidates = database_candidates(database, campaign)
    name = _known(name, candidates["name"].tolist())
    evidence = load_evidence(database, campaign)
    ranked = rank_evidence(evidence, candidates)
    mine = next(r for r in ranked if r.candidate == name)
    of = sum(r.rank is not None for r in ranked)
    return explain_ranked(database, evidence, [mine], of)[0]


def explain_ranked(
    database: Database, evidence: Evidence, chosen: list[RankedAdditive], of: int
) -> list[Explanation]:
    """Explain candidates that are ranked already; see `explain`.

    Parameters
    ----------
    database, evidence
        Where the ranking came from.
    chosen
        The candidates.
    of
        Number of candidates with a rank.
    """
    frame = database.frame_references()
    names = {r.candidate for r in chosen}
    hashes = {v.calculation for n in names for v in evidence.by_candidate.get(n, [])}
    documents = database.find_calculations(sorted(hashes))
    caveats = (*host_caveats(evidence), *evidence.caveats)
    return [_explanation(evidence, mine, frame, documents, of, caveats) for mine in chosen]


def _explanation(
    evidence: Evidence,
    mine: RankedAdditive,
    frame: pd.DataFrame,
    documents: dict[str, dict[str, Any]],
    of: int,
    caveats: tuple[str, ...],
) -> Explanation:
    values = evidence.by_candidate.get(mine.candidate, [])
    references = _references(frame, mine.candidate)
    used = {(v.calculation, v.form, v.property) for v in mine.evidence}
    items = tuple(
        _item(v, (v.calculation, v.form, v.property) in used, references, documents)
        for v in sorted(values, key=lambda v: (v.form, v.property, v.method))
    )
    beside = [r for item in items for r in item.references]
    return Explanation(
        campaign=evidence.campaign.name,
        ranked=mine,
        of=of,
        level=evidence.method,
        scales=tuple(s.reference for s in evidence.scales.scales),
        uncertainty_v=evidence.campaign.ranking.uncertainty,
        how=how(evidence),
        host=evidence.host,
        items=items,
        references=tuple(r for r in references if r not in beside),
        caveats=(*mine.caveats, *caveats),
    )


def how(evidence: Evidence) -> str:
    """Return how the score comes about, in words."""
    u = evidence.campaign.ranking.uncertainty
    return (
        f"A computed potential is taken as wrong by {u:g} V (one standard deviation), of whose "
        f"variance a part of {SHARED:g} is common to all molecules of one level of theory. "
        "P(SEI) = P(reduced before the host) x P(reduced at 0 V at the anode, mean over the "
        f"scales) x P(the electron is on the candidate; fractions +-{FRACTION_SD:g}). "
        "P(CEI) = P(oxidised before the host). "
        "Score = 1 - (1 - P(SEI)) (1 - P(CEI)); a side that was not computed counts nothing."
    )


def _known(name: str, names: list[str]) -> str:
    if name in names:
        return name
    same = [n for n in names if n.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    from rapidfuzz import process

    close = process.extractOne(name, names)
    hint = f": did you mean '{close[0]}'?" if close is not None else ""
    raise InputError(f"there is no candidate '{name}' in the campaign{hint}")


def _references(frame: pd.DataFrame, name: str) -> list[Reference]:
    mine = frame[frame["candidate"] == name]
    columns = [c for c in Reference.model_fields if c in mine.columns]
    return [
        Reference(**{c: v for c, v in zip(columns, row, strict=True) if v is not None and v == v})  # noqa: PLR0124 - NaN is not itself
        for row in zip(*(mine[c].astype(object) for c in columns), strict=True)
    ]


def _item(
    value: Value,
    used: bool,
    references: list[Reference],
    documents: dict[str, dict[str, Any]],
) -> Item:
    beside = [
        r
        for r in references
        if r.property == value.property and (not r.form or r.form == value.form)
    ]
    return item_of(value, used=used, beside=beside, row=documents.get(value.calculation, {}))


def item_of(value: Value, *, used: bool, beside: list[Reference], row: dict[str, Any]) -> Item:
    """Return a value with its calculation: code, input, files.

    Parameters
    ----------
    value
        The row.
    used
        Whether a rank depends on it.
    beside
        Values of the literature for the same quantity.
    row
        The calculation, as ``Database.find_calculations`` gives it; empty: there is none.
    """
    info = PROPERTIES.get(value.property)
    document = row.get("document") or {}
    return Item(
        value=value,
        meaning=info.description if info is not None else "",
        used=used,
        references=tuple(beside),
        code=" ".join(str(row.get(k) or "") for k in ("code", "code_version")).strip(),
        warnings=tuple(document.get("warnings") or ()),
        recovery=tuple(document.get("recovery") or ()),
        files=dict(document.get("files") or {}),
        structure=str(row.get("structure") or ""),
        kind=str(row.get("kind") or ""),
        settings=dict(document.get("settings") or {}),
        cpu_s=float(row.get("cpu_s") or 0.0),
    )
