"""The tables of the live state. JSON stands in text columns, so that SQLite and PostgreSQL keep the same bytes."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0004"
"""The newest migration; a test holds it to the scripts in ``migrations``."""
VERSION_TABLE = "boucle_schema"

# SQLite gives out row numbers only to a column declared INTEGER; PostgreSQL needs 64 bits.
Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

# Alembic's own table, which it keeps out of the metadata that it compares.
schema = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)

events = Table(
    "boucle_events",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("model", String, nullable=False),
    Column("version", Integer),
    Column("actor", String, nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("digest", String, nullable=False),
    Index("boucle_events_model", "model", "seq"),
)

deployments = Table(
    "boucle_deployments",
    metadata,
    Column("model", String, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("state", Text, nullable=False),
)

observations = Table(
    "boucle_observations",
    metadata,
    Column("position", Serial, primary_key=True),
    Column("id", String, nullable=False),
    Column("model", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("role", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("latency", Float, nullable=False),
    Column("error", String, nullable=False),
    Column("key", String, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("outputs", Text, nullable=False),
    UniqueConstraint("id", "model", "version", name="boucle_observations_once"),
    Index("boucle_observations_arrival", "model", "version", "position"),
    Index("boucle_observations_time", "model", "time", "version", "rows"),
    sqlite_autoincrement=True,
)

labels = Table(
    "boucle_labels",
    metadata,
    Column("id", String, nullable=False),
    Column("row", Integer, nullable=False),
    Column("time", Float, nullable=False),
    Column("truth", Text, nullable=False),
    Column("arrival", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("id", "row", name="boucle_labels_key"),
    Index("boucle_labels_arrival", "arrival"),
    sqlite_with_rowid=False,
)

business = Table(
    "boucle_business",
    metadata,
    Column("id", String, nullable=False),
    Column("event", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("value", Float),
    PrimaryKeyConstraint("id", "event", "time", name="boucle_business_key"),
    sqlite_with_rowid=False,
)

cursors = Table(
    "boucle_cursors",
    metadata,
    Column("segment", String, primary_key=True),
    Column("offset", BigInteger, nullable=False),
)

windows = Table(
    "boucle_windows",
    metadata,
    Column("model", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("start", Float, nullable=False),
    Column("end", Float, nullable=False),
    Column("profile", Text, nullable=False),
    PrimaryKeyConstraint("model", "version", "number", name="boucle_windows_key"),
)

verdicts = Table(
    "boucle_verdicts",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("model", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("time", Float, nullable=False),
    Column("verdict", Text, nullable=False),
    Index("boucle_verdicts_kind", "model", "kind", "seq"),
)

alarms = Table(
    "boucle_alarms",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("model", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("version", Integer),
    Column("state", String, nullable=False),
    Column("opened", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("quiet", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("boucle_alarms_state", "model", "state"),
    sqlite_autoincrement=True,
)

settings = Table(
    "boucle_settings",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

keys = Table(
    "boucle_keys",
    metadata,
    Column("digest", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("models", Text),
    Column("rate", String),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("revoked", Float),
)

people = Table(
    "boucle_people",
    metadata,
    Column("subject", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String),
    Column("given", String, nullable=False),
    Column("first", Float, nullable=False),
    Column("last", Float, nullable=False),
)

sessions = Table(
    "boucle_sessions",
    metadata,
    Column("digest", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("by", String, nullable=False),
    Column("holder", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("ended", Float),
)


def create(connection: Connection) -> None:
    """Make every table of an empty database, and say that it is at HEAD."""
    schema.create(connection, checkfirst=False)
    metadata.create_all(connection, checkfirst=False)
    connection.execute(schema.insert(), {"version_num": HEAD})
