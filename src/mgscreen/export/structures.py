"""All structures of a campaign, each with what was computed for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mgscreen.core.structure import AtomicStructure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from mgscreen.database.database import Database

ENERGIES = ("total_energy_ev", "energy_ev")
"""Fields of documents that hold the energy of their own structure."""
_BATCH = 200


@dataclass(frozen=True)
class Entry:
    """A structure within a calculation.

    Attributes
    ----------
    calculation
        Identity of the calculation.
    role
        ``result`` for the structure that its values belong to, else what it is: ``vacancy-1
        saddle``.
    structure
        The atoms.
    structure_hash
        Their identity: equal for equal atoms, whatever computed them.
    kind, level, code, code_version, state
        Of the calculation.
    energy_ev
        Energy of these atoms at this level, where the calculation gives one.
    candidates
        Candidate, form and species of each job that asked for it.
    values
        Number of each property by its name, of the first candidate.
    remarks
        More numbers of this structure alone: barrier of a saddle, site of an adsorbate.
    created_at
        When it was computed, ISO 8601.
    """

    calculation: str
    role: str
    structure: AtomicStructure
    structure_hash: str
    kind: str
    level: str
    code: str
    code_version: str
    state: str
    energy_ev: float | None
    candidates: tuple[tuple[str, str, str], ...]
    values: Mapping[str, float] = field(default_factory=dict)
    remarks: Mapping[str, float | str] = field(default_factory=dict)
    created_at: str = ""

    @property
    def name(self) -> str:
        """Unique among the structures of a campaign."""
        return self.calculation if self.role == "result" else f"{self.calculation}:{self.role}"


def entries(database: Database, campaign: str | int | None) -> Iterator[Entry]:
    """Give every structure of a campaign's calculations, in the order of its jobs.

    Parameters
    ----------
    database
        Opened for reading.
    campaign
        Name or id.
    """
    number = database.campaign_id(campaign)
    jobs = database.frame_jobs(number)
    mine = jobs[jobs["calculation"].notna()]
    asked: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    rows = mine[["calculation", "candidate", "form", "species"]].itertuples(index=False, name=None)
    for calculation, *of in rows:
        one = (str(of[0]), str(of[1]), str(of[2]))
        if one not in asked[str(calculation)]:
            asked[str(calculation)].append(one)
    values = _values(database.frame_properties(campaign=number))
    names = list(asked)
    for start in range(0, len(names), _BATCH):
        part = names[start : start + _BATCH]
        found = database.find_calculations(part)
        for name in part:
            if name in found:
                yield from _of(found[name], tuple(asked[name]), values)


def _values(frame: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, float]]:
    found: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    good = frame[frame["value"].notna() & (frame["state"] == "completed")]
    columns = ["calculation", "candidate", "form", "property", "value"]
    for calculation, candidate, form, name, value in good[columns].itertuples(
        index=False, name=None
    ):
        found[calculation, candidate, form][name] = float(value)
    return found


def _of(
    row: dict[str, Any],
    asked: tuple[tuple[str, str, str], ...],
    values: dict[tuple[str, str, str], dict[str, float]],
) -> Iterator[Entry]:
    from mgscreen.database.records import structure_hash

    document = row["document"]
    first = asked[0]
    for role, given, energy, remarks in parts(document):
        atoms = AtomicStructure.model_validate(
            {k: v for k, v in given.items() if not k.startswith("@")}
        )
        yield Entry(
            calculation=str(row["hash"]),
            role=role,
            structure=atoms,
            structure_hash=structure_hash(atoms),
            kind=str(row["kind"]),
            level=_level(document),
            code=str(row["code"]),
            code_version=str(row["code_version"]),
            state=str(row["state"]),
            energy_ev=energy,
            candidates=asked,
            values=values.get((str(row["hash"]), first[0], first[1]), {})
            if role == "result"
            else {},
            remarks=remarks,
            created_at=row["created_at"].isoformat(),
        )


def _level(document: Mapping[str, Any]) -> str:
    level, geometry = str(document.get("level", "")), str(document.get("geometry_level") or "")
    return level if geometry in {"", level} else f"{level}//{geometry}"


def parts(
    document: Mapping[str, Any],
) -> Iterator[tuple[str, Mapping[str, Any], float | None, dict[str, float | str]]]:
    """Give role, atoms, energy and remarks of each structure that a document holds."""
    main = document.get("structure")
    if main:
        energy = next((document[k] for k in ENERGIES if document.get(k) is not None), None)
        yield "result", main, energy, {}
    for n, end in enumerate(document.get("ends") or []):
        if end.get("structure"):
            site = "-".join(str(x) for x in (end.get("site"), n) if x is not None)
            remarks: dict[str, float | str] = {
                "site": str(end.get("site", "")),
                "stage": str(end.get("stage", "")),
            }
            if end.get("difference_ev") is not None:
                remarks["energy_less_slab_ev"] = float(end["difference_ev"])
            yield f"end {site}", end["structure"], None, remarks
    for hop in document.get("hops") or []:
        energies = hop.get("energies_ev") or []
        for what in ("initial", "saddle", "final"):
            if not hop.get(what):
                continue
            notes: dict[str, float | str] = {"hop": str(hop["name"])}
            if what == "saddle" and hop.get("barrier_ev") is not None:
                notes["barrier_ev"] = float(hop["barrier_ev"])
            elif what == "final" and energies:
                notes["energy_above_initial_ev"] = float(energies[-1])
            yield f"{hop['name']} {what}", hop[what], None, notes
