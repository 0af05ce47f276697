"""The one door to the database: everything that other rooms write or ask."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from mgscreen import __version__
from mgscreen.core.errors import InputError, MgscreenError
from mgscreen.core.identity import digest
from mgscreen.database import jobs as job_table
from mgscreen.database import records
from mgscreen.database.engine import describe, open_engine, parse_address, plain_text
from mgscreen.database.schema import now
from mgscreen.database.tables import CAMPAIGNS, CANDIDATES, JOBS, OUTPUTS, chunks

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from sqlalchemy import Connection

    from mgscreen.campaign.models import Campaign
    from mgscreen.core.documents import Document
    from mgscreen.database.jobs import Job, JobRef


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


class Database:
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

    def __init__(self, address: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self._url = parse_address(address)
        self.read_only = read_only
        self.engine = open_engine(self._url, read_only=read_only)

    def __repr__(self) -> str:
        return f"Database('{describe(self._url)}', read_only={self.read_only})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Path or URL (with the password, for another process of the same user)."""
        if self._url.drivername == "sqlite":
            return str(self._url.database)
        return self._url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Close all connections; the last one of SQLite folds the log into the file."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a block as one write transaction: all of it, or nothing."""
        if self.read_only:
            raise InputError(f"the database '{describe(self._url)}' is open for reading only")
        with self._explained(), self.engine.execution_options(mgscreen_write=True).begin() as c:
            yield c

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run a block on one consistent state of the database."""
        with self._explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise MgscreenError(f"the database '{describe(self._url)}' failed: {reason}") from error

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

    # results

    def record(
        self,
        job: JobRef,
        document: Document | None,
        output: Mapping[str, Any] | None,
        state: str,
        reason: str = "",
        *,
        new_jobs: Iterable[Mapping[str, Any]] = (),
        **values: Any,
    ) -> None:
        """Store everything that a finished job leaves, in one transaction.

        Calculation, structure, property rows, output, the jobs that it generated and its own
        state become visible together or not at all, and a repeated call changes nothing else.

        Parameters
        ----------
        job
            Who it was, and the labels of its property rows.
        document
            Its result; None where it has none (it could not run, or it is no calculation).
        output
            jobflow's output document (``output``, ``completed_at``, ``metadata``, ...), with the
            references of other jobs as JSON; None to store none.
        state
            New state of the job.
        reason
            Why it failed; the document's reason if empty.
        new_jobs
            Rows of jobs that it generated (as for ``add_jobs``).
        **values
            Other columns of the job: ``started_at``, ``finished_at``, ``wall_s``,
            ``peak_memory_mb``, ``attempts``.
        """
        with self.writing() as c:
            self._record(c, job, document, output)
            why = reason or (document.reason if document is not None else "")
            change: dict[str, Any] = {
                "uuid": job.uuid,
                "index": job.index,
                "state": state,
                "reason": why,
                "cached": False,
                **values,
            }
            if document is not None and document.input_hash:
                change["calculation"] = document.input_hash
                records.remove_stand_ins(c, job)
            elif state == "FAILED":
                failed = records.property_values(job, None, why)
                records.write_properties(c, job, job.stand_in, failed)
            job_table.set_states(c, [change])
            added = list(new_jobs)
            if added:
                owner = c.execute(
                    select(JOBS.c.campaign_id).where(
                        JOBS.c.uuid == job.uuid, JOBS.c.index == job.index
                    )
                ).scalar_one()
                job_table.add_jobs(c, owner, added)

    @staticmethod
    def _record(
        c: Connection, job: JobRef, document: Document | None, output: Mapping[str, Any] | None
    ) -> None:
        if document is not None and document.input_hash:
            records.write_calculation(c, job, document)
            values = records.property_values(job, document, "")
            records.write_properties(c, job, document.input_hash, values)
        if output is not None:
            records.write_output(c, job, output)

    def record_failures(
        self, failures: Iterable[tuple[JobRef, str]], state: str = "FAILED"
    ) -> None:
        """Record jobs that could not run, each with its reason, in one transaction.

        Each property that they would have given gets a row that says that it failed, and why.
        """
        with self.writing() as c:
            changes = []
            for job, reason in failures:
                rows = records.property_values(job, None, reason)
                records.write_properties(c, job, job.stand_in, rows)
                changes.append(
                    {
                        "uuid": job.uuid,
                        "index": job.index,
                        "state": state,
                        "reason": reason,
                        "finished_at": now(),
                    }
                )
            job_table.set_states(c, changes)

    def take_over(
        self,
        job: JobRef,
        calculation: str,
        output: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> None:
        """Finish a job with a calculation that the database has already, in one transaction.

        Adds the property rows of this candidate and form, the output row (the calculation's
        document, unless ``output`` is given) and marks the job as cached.

        Raises
        ------
        KeyError
            If there is no such calculation.
        """
        with self.writing() as c:
            found = records.find_calculations(c, [calculation]).get(calculation)
            if found is None:
                raise KeyError(calculation)
            records.copy_properties(c, job, calculation)
            records.remove_stand_ins(c, job)
            if output is None:
                output = {
                    "output": found["document"],
                    "name": job.name,
                    "metadata": {},
                    "hosts": [],
                }
            records.write_output(c, job, output)
            change = {
                "uuid": job.uuid,
                "index": job.index,
                "state": "COMPLETED" if found["state"] == "completed" else "FAILED",
                "reason": found["reason"],
                "calculation": calculation,
                "cached": True,
                "finished_at": now(),
                **values,
            }
            job_table.set_states(c, [change])

    def find_calculation(self, identity: str) -> dict[str, Any] | None:
        """Return a finished calculation by its identity: all columns, ``document`` as JSON."""
        return self.find_calculations([identity]).get(identity)

    def find_calculations(self, identities: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return those of the calculations that are finished, by identity."""
        with self.reading() as c:
            return records.find_calculations(c, identities)

    def known_calculations(self, identities: Iterable[str]) -> dict[str, str]:
        """Return the state (completed or failed) of those that are finished, by identity."""
        with self.reading() as c:
            return records.known_calculations(c, identities)

    def outputs_of(self, uuids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the newest output document (highest index) of each job, in bulk."""
        found: dict[str, dict[str, Any]] = {}
        with self.reading() as c:
            for part in chunks(set(uuids)):
                query = (
                    select(OUTPUTS.c.uuid, OUTPUTS.c.document)
                    .where(OUTPUTS.c.uuid.in_(part))
                    .order_by(OUTPUTS.c.index)
                )
                found.update(dict(c.execute(query).all()))
        return found

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
