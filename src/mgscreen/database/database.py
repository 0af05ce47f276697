"""The one door to the database: everything that other rooms write or ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import delete, func, insert, select, update

from mgscreen import __version__
from mgscreen.core.errors import InputError
from mgscreen.core.identity import digest
from mgscreen.database import jobs as job_table
from mgscreen.database.engine import plain_text
from mgscreen.database.results import Results
from mgscreen.database.tables import CAMPAIGNS, CANDIDATES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from mgscreen.campaign.models import Campaign
    from mgscreen.database.jobs import Job, Tally


class CandidateLike(Protocol):
    """What the database stores of a candidate."""

    name: str
    description: str
    smiles: str
    formula: str
    charge: int
    multiplicity: int
    kind: str
    role_hypothesis: str
    why: str
    source: str
    is_host: bool


_CANDIDATE_FIELDS = tuple(CandidateLike.__annotations__)


def campaign_hash(campaign: Campaign) -> str:
    """Return the identity of what a campaign asks for; its resources do not enter."""
    content = campaign.model_dump(mode="python", exclude={"execution"})
    return digest({"campaign": content, "mgscreen": __version__})


class Database(Results):
    """A results database.

    Parameters
    ----------
    address
        Path of a SQLite file, or a URL ``postgresql://user@host/name``.
    read_only
        Open it such that the database itself refuses every write. A reader never waits for a
        writer and never blocks one.

    Raises
    ------
    InputError
        If ``address`` is no database of mgscreen, or one of a newer mgscreen.
    """

    # campaigns

    def register_campaign(
        self,
        campaign: Campaign,
        text: str,
        path: str | os.PathLike[str],
        candidates: Iterable[CandidateLike],
    ) -> int:
        """Insert or update a campaign and its candidates; return its id.

        Where the same name has other content (or another version of mgscreen), its jobs are
        removed, since they belong to what was asked before. All results stay: what the new
        content asks for again is found by its identity.
        """
        identity = campaign_hash(campaign)
        values = {
            "hash": identity,
            "source": plain_text(text),
            "path": plain_text(str(path)),
            "mgscreen_version": __version__,
        }
        with self.writing() as c:
            old = c.execute(
                select(CAMPAIGNS.c.id, CAMPAIGNS.c.hash).where(CAMPAIGNS.c.name == campaign.name)
            ).one_or_none()
            if old is None:
                found = c.execute(insert(CAMPAIGNS).values(name=campaign.name, **values))
                assert found.inserted_primary_key is not None  # noqa: S101 - for the type checker
                campaign_id = int(found.inserted_primary_key[0])
            else:
                campaign_id = old.id
                if old.hash != identity:
                    job_table.remove_jobs(c, campaign_id)
                c.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id).values(values))
            c.execute(delete(CANDIDATES).where(CANDIDATES.c.campaign_id == campaign_id))
            rows = [
                {"campaign_id": campaign_id, **{k: getattr(x, k) for k in _CANDIDATE_FIELDS}}
                for x in candidates
            ]
            if rows:
                c.execute(insert(CANDIDATES), rows)
        return campaign_id

    def campaigns(self) -> list[dict[str, Any]]:
        """Return the campaigns (id, name, path, hash, version, times), without their text."""
        columns = [col for col in CAMPAIGNS.columns if col.name != "source"]
        with self.reading() as c:
            rows = c.execute(select(*columns).order_by(CAMPAIGNS.c.id)).mappings().all()
        return [{k: job_table.aware(v) for k, v in row.items()} for row in rows]

    def campaign_id(self, campaign: str | int | None = None) -> int:
        """Return the id of a campaign by name or id; of the only one, if none is named.

        Raises
        ------
        InputError
            If there is no such campaign, or if there are several and none is named.
        """
        with self.reading() as c:
            rows = c.execute(select(CAMPAIGNS.c.id, CAMPAIGNS.c.name)).all()
        known = ", ".join(sorted(str(row.name) for row in rows)) or "none"
        if campaign is None and len(rows) == 1:
            return int(rows[0].id)
        if campaign is None:
            raise InputError(f"name a campaign: the database holds {known}")
        for row in rows:
            if campaign in {row.id, row.name}:
                return int(row.id)
        raise InputError(f"there is no campaign '{campaign}' in the database (it holds: {known})")

    def campaign_source(self, campaign: str | int | None = None) -> tuple[str, str]:
        """Return the TOML text of a campaign and the path that it was read from."""
        name = self.campaign_id(campaign)
        with self.reading() as c:
            row = c.execute(
                select(CAMPAIGNS.c.source, CAMPAIGNS.c.path).where(CAMPAIGNS.c.id == name)
            ).one()
        return str(row.source), str(row.path)

    # jobs

    def add_jobs(self, campaign_id: int, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert jobs, each a mapping of column names of ``JobRow`` with at least ``uuid``.

        ``position`` defaults to the place in ``rows``; a job that is there keeps its state.
        """
        with self.writing() as c:
            job_table.add_jobs(c, campaign_id, rows)

    def jobs(self, campaign_id: int, states: Sequence[str] | None = None) -> list[Job]:
        """Return the jobs of a campaign in the order of its DAG, without their payloads."""
        with self.reading() as c:
            return job_table.light_jobs(c, campaign_id, states)

    def payloads(self, uuids: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]:
        """Return the jobflow jobs as JSON, by (uuid, index)."""
        with self.reading() as c:
            return job_table.payloads(c, uuids)

    def count_states(self, campaign_id: int) -> dict[str, int]:
        """Return how many jobs of a campaign are in each state."""
        with self.reading() as c:
            return job_table.count_states(c, campaign_id)

    def tallies(self, campaign_id: int) -> list[Tally]:
        """Count jobs by kind, level and state, in the order of the DAG."""
        with self.reading() as c:
            return job_table.tallies(c, campaign_id)

    def set_job_state(
        self, uuid: str, index: int, state: str, reason: str | None = None, **values: Any
    ) -> None:
        """Set the state of one job, and its times, attempts, calculation or ``cached``."""
        change = {"uuid": uuid, "index": index, "state": state, **values}
        if reason is not None:
            change["reason"] = reason
        self.set_job_states([change])

    def set_job_states(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Change many jobs in one transaction; each mapping names uuid, index and new values."""
        with self.writing() as c:
            job_table.set_states(c, changes)

    def reset_jobs(self, campaign_id: int, states: Sequence[str] = ("FAILED", "LOST")) -> int:
        """Set the jobs in these states back to WAITING; return how many there were."""
        with self.writing() as c:
            return job_table.reset_jobs(c, campaign_id, states)

    def remove_jobs(self, campaign_id: int) -> int:
        """Remove all jobs of a campaign and their outputs; results stay."""
        with self.writing() as c:
            return job_table.remove_jobs(c, campaign_id)

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        from mgscreen.database.schema import Base

        with self.reading() as c:
            query = select(func.count()).select_from(Base.metadata.tables[table])
            return int(c.execute(query).scalar_one())

    # frames

    def frame_properties(
        self,
        *,
        candidates: Sequence[str] | None = None,
        form: str | None = None,
        property: str | Sequence[str] | None = None,  # noqa: A002 - the name of the column
        method: str | None = None,
        environment: str | None = None,
        state: str | None = None,
        campaign: str | int | None = None,
    ) -> pd.DataFrame:
        """Return property rows as a frame; see ``mgscreen.database.frames.properties``."""
        from mgscreen.database import frames

        return frames.properties(
            self,
            frames.Filter(
                candidates=candidates,
                form=form,
                property=property,
                method=method,
                environment=environment,
                state=state,
                campaign=campaign,
            ),
        )

    def frame_jobs(self, campaign: str | int | None = None) -> pd.DataFrame:
        """Return the jobs of a campaign (None: of all) as a frame."""
        from mgscreen.database import frames

        return frames.jobs(self, campaign)

    def frame_candidates(self, campaign: str | int | None = None) -> pd.DataFrame:
        """Return the candidates of a campaign (None: of all) as a frame."""
        from mgscreen.database import frames

        return frames.candidates(self, campaign)

    def frame_calculations(self) -> pd.DataFrame:
        """Return the calculations as a frame, without their documents."""
        from mgscreen.database import frames

        return frames.calculations(self)

    def frame_references(self) -> pd.DataFrame:
        """Return the literature values as a frame."""
        from mgscreen.database import frames

        return frames.references(self)

    def query(self, sql: str, *, timeout_s: float = 60.0) -> pd.DataFrame:
        """Run one read-only SQL statement; see ``mgscreen.database.query.run_sql``."""
        from mgscreen.database.query import run_sql

        return run_sql(self.address, sql, timeout_s=timeout_s)
