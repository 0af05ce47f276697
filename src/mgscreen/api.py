"""The results of a campaign in a notebook: frames of pandas, structures of ASE and pymatgen.

>>> from mgscreen.api import open_results
>>> results = open_results("results/example/mgscreen.db")  # doctest: +SKIP
>>> results.additives()[["rank", "candidate", "role"]]  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mgscreen.core.errors import InputError
from mgscreen.core.structure import AtomicStructure
from mgscreen.database.database import Database

if TYPE_CHECKING:
    import os
    from types import TracebackType

    import pandas as pd
    from ase import Atoms
    from pymatgen.core import Molecule, Structure

    from mgscreen.ranking.explain import Explanation

__all__ = ["Results", "open_results"]


def open_results(address: str | os.PathLike[str], campaign: str | int | None = None) -> Results:
    """Open the results of a campaign for reading.

    Parameters
    ----------
    address
        A database file, the folder that holds ``mgscreen.db``, or a PostgreSQL URL.
    campaign
        Name or id; None where the database holds one only.

    Raises
    ------
    InputError
        If there is no such database or campaign, or there are several campaigns and none is named.
    """
    text = str(address)
    if "://" not in text and Path(text).is_dir():
        text = str(Path(text) / "mgscreen.db")
    return Results(Database(text, read_only=True), campaign)


class Results:
    """What one campaign found; nothing here can change the database.

    Parameters
    ----------
    database
        Open database.
    campaign
        Name or id; None where the database holds one only.
    """

    def __init__(self, database: Database, campaign: str | int | None = None) -> None:
        self.database = database
        self.campaign_id = database.campaign_id(campaign)
        rows = {row["id"]: row["name"] for row in database.campaigns()}
        self.name = str(rows[self.campaign_id])

    def __repr__(self) -> str:
        return f"Results({self.name!r}, {self.database.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def properties(self, name: str | None = None, candidate: str | None = None) -> pd.DataFrame:
        """Return every value, or those of one property or one candidate.

        Columns as of ``mgscreen query``; a missing value has its reason beside it.
        """
        frame = self.database.frame_properties(campaign=self.campaign_id)
        if name is not None:
            from mgscreen.core.properties import PROPERTIES

            if name not in PROPERTIES:
                raise InputError(f"there is no property '{name}': see docs/properties.md")
            frame = frame[frame["property"] == name]
        if candidate is not None:
            frame = frame[frame["candidate"] == candidate]
        return frame.reset_index(drop=True)

    def jobs(self) -> pd.DataFrame:
        """Return every job with its state, reason, time and memory."""
        return self.database.frame_jobs(self.campaign_id)

    def references(self) -> pd.DataFrame:
        """Return the values of the literature, conflicting ones apart."""
        return self.database.frame_references()

    def additives(self) -> pd.DataFrame:
        """Rank the additives; see ``mgscreen.ranking.roles``."""
        return self._ranking("additives")

    def pairs(self) -> pd.DataFrame:
        """Rank single additives and pairs; see ``mgscreen.ranking.pairs``."""
        return self._ranking("pairs")

    def fragments(self) -> pd.DataFrame:
        """Rank fragments on the slabs by adsorption energy; see ``mgscreen.ranking.fragments``."""
        return self._ranking("fragments")

    def phases(self) -> pd.DataFrame:
        """Rank phases by the barrier of an ion in them; see ``mgscreen.ranking.phases``."""
        return self._ranking("phases")

    def coatings(self) -> pd.DataFrame:
        """Rank coatings and, apart from them, alloys; see ``mgscreen.ranking.coatings``."""
        return self._ranking("coatings")

    def rankings(self) -> dict[str, pd.DataFrame]:
        """Return the rankings of all parts that the campaign has, by part."""
        from mgscreen.export.rankings import rankings

        return rankings(self.database, self.campaign_id)

    def structures(self) -> pd.DataFrame:
        """Return one row for each structure: what computed it, for whom, with which values.

        ``name`` goes into ``atoms`` and ``pymatgen``; the column ``atoms`` is left out of it, since
        a campaign has many.
        """
        import pandas as pd

        from mgscreen.export.structures import entries

        return pd.DataFrame(
            [
                {
                    "name": e.name,
                    "candidate": e.candidates[0][0],
                    "form": e.candidates[0][1],
                    "species": e.candidates[0][2],
                    "kind": e.kind,
                    "level": e.level,
                    "role": e.role,
                    "formula": e.structure.formula,
                    "charge": e.structure.charge,
                    "multiplicity": e.structure.multiplicity,
                    "n_atoms": len(e.structure.symbols),
                    "energy_ev": e.energy_ev,
                    "calculation": e.calculation,
                }
                for e in entries(self.database, self.campaign_id)
            ]
        )

    def explain(self, candidate: str) -> Explanation:
        """Return the evidence behind the rank of a candidate."""
        from mgscreen.ranking.explain import explain

        return explain(self.database, self.campaign_id, candidate)

    def document(self, calculation: str) -> dict[str, Any]:
        """Return the whole document of a calculation, by its identity.

        Raises
        ------
        InputError
            If the database has none of this identity.
        """
        found = self.database.find_calculation(calculation)
        if found is None:
            raise InputError(f"there is no calculation '{calculation}' in this database")
        document: dict[str, Any] = found["document"]
        return document

    def atoms(self, calculation: str) -> Atoms:
        """Return a structure as ASE atoms, with its charge and multiplicity in ``info``.

        Parameters
        ----------
        calculation
            Identity of a calculation, for the structure that its values belong to, or a ``name``
            of ``structures()``, for any other that it holds.

        Raises
        ------
        InputError
            If there is no such calculation, or it has no such structure.
        """
        return self._structure(calculation).to_ase()

    def pymatgen(self, calculation: str) -> Structure | Molecule:
        """Return a structure as pymatgen's: a Structure where it is a crystal or a slab.

        Raises
        ------
        InputError
            See ``atoms``.
        """
        from pymatgen.core import Molecule, Structure

        found = self._structure(calculation)
        symbols, positions = list(found.symbols), [list(p) for p in found.positions]
        if found.cell is None or not any(found.pbc):
            return Molecule(
                symbols, positions, charge=found.charge, spin_multiplicity=found.multiplicity
            )
        return Structure(
            [list(v) for v in found.cell],
            symbols,
            positions,
            charge=found.charge,
            coords_are_cartesian=True,
        )

    def _structure(self, name: str) -> AtomicStructure:
        calculation, _, role = name.partition(":")
        document = self.document(calculation)
        if not role:
            if document["structure"] is None:
                raise InputError(f"calculation '{calculation}' has no structure")
            return AtomicStructure.model_validate(document["structure"])
        from mgscreen.export.structures import parts

        for other, given, _, _ in parts(document):
            if other == role:
                return AtomicStructure.model_validate(given)
        raise InputError(f"calculation '{calculation}' has no structure '{role}'")

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the HTML report; see ``mgscreen.report.html.write_report``."""
        from mgscreen.report.html import write_report

        return write_report(self.database, self.campaign_id, path)

    def _repr_html_(self) -> str:
        """Show what there is: state of the jobs, and the first five of each ranking."""
        from html import escape

        states = self.jobs()["state"].value_counts()
        said = ", ".join(f"{n} {str(state).lower()}" for state, n in states.items())
        parts_ = [
            f"<h3>mgscreen: {escape(self.name)}</h3><p>Jobs: {escape(said) or 'none'}.</p>",
        ]
        for part, frame in self.rankings().items():
            columns = [c for c in _SHOWN if c in frame]
            # pandas escapes what is in the cells
            shown = frame[columns].head().round(3).to_html(index=False, na_rep="")
            parts_.append(f"<h4>{escape(part.capitalize())} ({len(frame)})</h4>{shown}")
        return "".join(parts_)

    def sql(self, statement: str) -> pd.DataFrame:
        """Run one read-only SQL statement."""
        return self.database.query(statement)

    def _ranking(self, part: str) -> pd.DataFrame:
        from mgscreen.export.rankings import ranking

        return ranking(self.database, self.campaign_id, part)


_SHOWN = (
    *("rank", "rank_low", "rank_high", "candidate", "formulation", "fragment", "phase", "slab"),
    *("kind", "role", "score", "energy_ev", "barrier_ev", "spread_ev", "level", "state", "reason"),
)
