"""Version 1: the tables as the first release made them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0001"
down_revision = None

_JSON = sa.JSON().with_variant(JSONB, "postgresql")
_TIME = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "meta", _text("key"), _text("value"), sa.PrimaryKeyConstraint("key", name="pk_meta")
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("name", "hash", "source", "path", "mgscreen_version")),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.UniqueConstraint("name", name="uq_campaigns_name"),
    )
    op.create_table(
        "candidates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("name", "description", "smiles", "formula")),
        sa.Column("charge", sa.Integer(), nullable=False),
        sa.Column("multiplicity", sa.Integer(), nullable=False),
        *(_text(name) for name in ("kind", "role_hypothesis", "why", "source")),
        sa.Column("is_host", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_candidates"),
        sa.UniqueConstraint("campaign_id", "name", name="uq_candidates_campaign_id_name"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name="fk_candidates_campaign_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_candidates_name", "candidates", ["name"])
    op.create_table(
        "structures",
        *(_text(name) for name in ("hash", "label", "formula")),
        sa.Column("charge", sa.Integer(), nullable=False),
        sa.Column("multiplicity", sa.Integer(), nullable=False),
        sa.Column("n_atoms", sa.Integer(), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_structures"),
    )
    op.create_index("ix_structures_formula", "structures", ["formula"])
    op.create_table(
        "calculations",
        *(
            _text(name)
            for name in ("hash", "kind", "level", "code", "code_version", "state", "reason")
        ),
        sa.Column("structure", sa.Text()),
        sa.Column("document", _JSON, nullable=False),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("wall_s", "cpu_s", "peak_memory_mb")
        ),
        _text("host"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_calculations"),
        sa.ForeignKeyConstraint(
            ["structure"], ["structures.hash"], name="fk_calculations_structure"
        ),
    )
    op.create_index("ix_calculations_kind", "calculations", ["kind"])
    op.create_index("ix_calculations_level", "calculations", ["level"])
    op.create_table(
        "properties",
        sa.Column("id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("calculation", "candidate", "form", "species", "property")),
        sa.Column("value", sa.Double()),
        sa.Column("text", sa.Text()),
        _text("unit"),
        sa.Column("uncertainty", sa.Double()),
        *(_text(name) for name in ("environment", "reference", "method", "state", "reason")),
        sa.PrimaryKeyConstraint("id", name="pk_properties"),
        sa.UniqueConstraint(
            "calculation",
            "candidate",
            "form",
            "property",
            name="uq_properties_calculation_candidate_form_property",
        ),
    )
    op.create_index("ix_properties_property_candidate", "properties", ["property", "candidate"])
    op.create_index("ix_properties_candidate_form", "properties", ["candidate", "form"])
    op.create_index("ix_properties_method", "properties", ["method"])
    _jobs_outputs_references()


def _jobs_outputs_references() -> None:
    op.create_table(
        "jobs",
        _text("uuid"),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(
            _text(name)
            for name in (
                *("name", "kind", "candidate", "form", "species", "level", "geometry_level"),
                *("state", "reason"),
            )
        ),
        sa.Column("calculation", sa.Text()),
        sa.Column("cached", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cost_s", sa.Double(), nullable=False),
        sa.Column("parents", _JSON, nullable=False),
        _text("generated_by"),
        sa.Column("payload", _JSON, nullable=False),
        *(sa.Column(name, _TIME) for name in ("submitted_at", "started_at", "finished_at")),
        sa.Column("wall_s", sa.Double()),
        sa.Column("peak_memory_mb", sa.Double()),
        sa.PrimaryKeyConstraint("uuid", "index", name="pk_jobs"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_jobs_campaign_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_jobs_campaign_id_state", "jobs", ["campaign_id", "state"])
    op.create_index("ix_jobs_calculation", "jobs", ["calculation"])
    op.create_table(
        "outputs",
        _text("uuid"),
        sa.Column("index", sa.Integer(), nullable=False),
        _text("name"),
        sa.Column("document", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("uuid", "index", name="pk_outputs"),
    )
    op.create_index("ix_outputs_name", "outputs", ["name"])
    op.create_table(
        "reference_values",
        sa.Column("id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("source", "place", "system", "candidate", "form", "property")),
        sa.Column("value", sa.Double()),
        sa.Column("text", sa.Text()),
        _text("unit"),
        sa.Column("uncertainty", sa.Double()),
        *(_text(name) for name in ("conditions", "conflict", "note", "url")),
        sa.PrimaryKeyConstraint("id", name="pk_reference_values"),
    )
    op.create_index("ix_reference_values_source", "reference_values", ["source"])
    op.create_index("ix_reference_values_system", "reference_values", ["system"])
