"""Tables of the results database; the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 3
"""One step in ``migrations`` for each; see ``mgscreen.database.upgrade``."""
JSONType = JSON().with_variant(JSONB, "postgresql")


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        dict[str, Any]: JSONType,
        list[Any]: JSONType,
        datetime: DateTime(timezone=True),
        str: Text(),
    }


class MetaRow(Base):
    """Schema version and the like, by key."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class CampaignRow(Base):
    """A campaign file that was run."""

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str]
    """of the parsed content: another hash means that the file was edited"""
    source: Mapped[str]
    """the TOML text"""
    path: Mapped[str] = mapped_column(default="")
    mgscreen_version: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class CandidateRow(Base):
    """A candidate of a campaign."""

    __tablename__ = "candidates"
    __table_args__ = (UniqueConstraint("campaign_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(index=True)
    description: Mapped[str] = mapped_column(default="")
    smiles: Mapped[str] = mapped_column(default="")
    formula: Mapped[str] = mapped_column(default="")
    charge: Mapped[int] = mapped_column(default=0)
    multiplicity: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(default="")
    """anion, cation, solvent, additive, ..."""
    role_hypothesis: Mapped[str] = mapped_column(default="")
    why: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    is_host: Mapped[bool] = mapped_column(default=False)
    """part of the host electrolyte: reported, and what roles are relative to"""


class StructureRow(Base):
    """Atoms, by the hash of their identity."""

    __tablename__ = "structures"

    hash: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(default="")
    formula: Mapped[str] = mapped_column(index=True)
    charge: Mapped[int]
    multiplicity: Mapped[int]
    n_atoms: Mapped[int]
    data: Mapped[dict[str, Any]]


class CalculationRow(Base):
    """One finished calculation, completed or failed, by its identity."""

    __tablename__ = "calculations"

    hash: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    level: Mapped[str] = mapped_column(default="", index=True)
    code: Mapped[str] = mapped_column(default="")
    code_version: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    """completed or failed"""
    reason: Mapped[str] = mapped_column(default="")
    structure: Mapped[str | None] = mapped_column(ForeignKey("structures.hash"))
    document: Mapped[dict[str, Any]]
    wall_s: Mapped[float] = mapped_column(default=0.0)
    cpu_s: Mapped[float] = mapped_column(default=0.0)
    peak_memory_mb: Mapped[float] = mapped_column(default=0.0)
    host: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class PropertyRow(Base):
    """One value, or one stated absence of a value, of a candidate in a form."""

    __tablename__ = "properties"
    __table_args__ = (
        UniqueConstraint("calculation", "candidate", "form", "property"),
        Index(None, "property", "candidate"),
        Index(None, "candidate", "form"),
        Index(None, "method"),
        # the lowest of a property, and those within a range
        Index(None, "property", "value"),
        # what failed, of very many that did not
        Index(
            "ix_properties_failed",
            "state",
            "candidate",
            sqlite_where=text("state <> 'completed'"),
            postgresql_where=text("state <> 'completed'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    calculation: Mapped[str]
    """identity of the calculation; ``job:<uuid>`` where none could run"""
    candidate: Mapped[str]
    form: Mapped[str]
    species: Mapped[str] = mapped_column(default="")
    property: Mapped[str]
    value: Mapped[float | None]
    text: Mapped[str | None]
    unit: Mapped[str] = mapped_column(default="")
    uncertainty: Mapped[float | None]
    environment: Mapped[str] = mapped_column(default="")
    reference: Mapped[str] = mapped_column(default="")
    method: Mapped[str] = mapped_column(default="")
    """level of theory, with ``//`` and the level of the geometry"""
    state: Mapped[str] = mapped_column(default="completed")
    reason: Mapped[str] = mapped_column(default="")


class JobRow(Base):
    """One job of a campaign's DAG and where it stands."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "campaign_id", "state"),
        Index(None, "campaign_id", "position"),
        Index(None, "calculation"),
    )

    uuid: Mapped[str] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, default=1)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    """order in the DAG"""
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="")
    candidate: Mapped[str] = mapped_column(default="")
    form: Mapped[str] = mapped_column(default="")
    species: Mapped[str] = mapped_column(default="")
    level: Mapped[str] = mapped_column(default="")
    geometry_level: Mapped[str] = mapped_column(default="")
    """level of the geometry that it uses, where another job made it"""
    state: Mapped[str] = mapped_column(default="WAITING")
    """WAITING, READY, SUBMITTED, RUNNING, COMPLETED, FAILED, LOST"""
    reason: Mapped[str] = mapped_column(default="")
    calculation: Mapped[str | None]
    cached: Mapped[bool] = mapped_column(default=False)
    """taken over from the database, not computed by this job"""
    attempts: Mapped[int] = mapped_column(default=0)
    cost_s: Mapped[float] = mapped_column(default=0.0)
    """estimated CPU seconds"""
    parents: Mapped[list[Any]] = mapped_column(default=list)
    """uuids"""
    generated_by: Mapped[str] = mapped_column(default="")
    """``uuid:index:replace`` (or detour, addition) of the job that made this one at run time"""
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """the jobflow Job as JSON"""
    submitted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    wall_s: Mapped[float | None]
    peak_memory_mb: Mapped[float | None]


class OutputRow(Base):
    """Output of a jobflow job; the rows behind the maggma store."""

    __tablename__ = "outputs"

    uuid: Mapped[str] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, default=1)
    name: Mapped[str] = mapped_column(default="", index=True)
    document: Mapped[dict[str, Any]]


class ReferenceRow(Base):
    """A value from the literature, with its place and conditions; conflicts are kept apart."""

    __tablename__ = "reference_values"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(index=True)
    place: Mapped[str] = mapped_column(default="")
    """where in the source"""
    system: Mapped[str] = mapped_column(index=True)
    candidate: Mapped[str] = mapped_column(default="")
    form: Mapped[str] = mapped_column(default="")
    """empty where the source does not say which"""
    property: Mapped[str]
    value: Mapped[float | None]
    text: Mapped[str | None]
    unit: Mapped[str] = mapped_column(default="")
    uncertainty: Mapped[float | None]
    conditions: Mapped[str] = mapped_column(default="")
    conflict: Mapped[str] = mapped_column(default="")
    """name of the conflict that this record is one side of"""
    note: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
