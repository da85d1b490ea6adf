"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _history()
    _observations()
    _judgements()


def _history() -> None:
    op.create_table(
        "boucle_events",
        sa.Column("seq", Serial, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("previous", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
    )
    op.create_index("boucle_events_model", "boucle_events", ["model", "seq"])
    op.create_table(
        "boucle_deployments",
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "boucle_settings",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _observations() -> None:
    op.create_table(
        "boucle_observations",
        sa.Column("position", Serial, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("latency", sa.Float, nullable=False),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.UniqueConstraint("id", "model", "version", name="boucle_observations_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("boucle_observations_arrival", "boucle_observations", ["model", "version", "position"])
    op.create_index("boucle_observations_time", "boucle_observations", ["model", "time", "version", "rows"])
    op.create_table(
        "boucle_labels",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("truth", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", "row", name="boucle_labels_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "boucle_business",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("value", sa.Float),
        sa.PrimaryKeyConstraint("id", "event", "time", name="boucle_business_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "boucle_cursors",
        sa.Column("segment", sa.String, primary_key=True),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )


def _judgements() -> None:
    op.create_table(
        "boucle_windows",
        sa.Column("model", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("start", sa.Float, nullable=False),
        sa.Column("end", sa.Float, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("model", "version", "number", name="boucle_windows_key"),
    )
    op.create_table(
        "boucle_verdicts",
        sa.Column("seq", Serial, primary_key=True),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
    )
    op.create_index("boucle_verdicts_kind", "boucle_verdicts", ["model", "kind", "seq"])
    op.create_table(
        "boucle_alarms",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened", sa.Float, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
        sa.Column("quiet", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("boucle_alarms_state", "boucle_alarms", ["model", "state"])
