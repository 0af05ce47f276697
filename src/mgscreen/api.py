"""The results of a campaign in a notebook: frames of pandas, structures of ASE.

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
        from mgscreen.ranking.roles import rank_additives

        return self._frame(rank_additives(self.database, self.campaign_id))

    def pairs(self) -> pd.DataFrame:
        """Rank single additives and pairs; see ``mgscreen.ranking.pairs``."""
        from mgscreen.ranking.pairs import rank_pairs

        return self._frame(rank_pairs(self.database, self.campaign_id))

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
        """Return the structure that the values of a calculation belong to, as ASE atoms.

        Raises
        ------
        InputError
            If there is no such calculation, or it has no structure.
        """
        found = self.document(calculation)["structure"]
        if found is None:
            raise InputError(f"calculation '{calculation}' has no structure")
        return AtomicStructure.model_validate(found).to_ase()

    def sql(self, statement: str) -> pd.DataFrame:
        """Run one read-only SQL statement."""
        return self.database.query(statement)

    @staticmethod
    def _frame(ranked: list[Any]) -> pd.DataFrame:
        import pandas as pd

        frame = pd.DataFrame([one.model_dump(mode="json") for one in ranked])
        for column in ("rank", "rank_low", "rank_high"):
            if column in frame:
                frame[column] = frame[column].astype("Int64")
        return frame
