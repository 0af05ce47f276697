"""Write what finished jobs leave, and find it again by its identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mgscreen.database import jobs as job_table
from mgscreen.database import records
from mgscreen.database.connection import Connected
from mgscreen.database.schema import now
from mgscreen.database.tables import JOBS, OUTPUTS, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from mgscreen.core.documents import Document
    from mgscreen.database.jobs import JobRef


class Results(Connected):
    """The part of a database that calculations and values go through."""

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
