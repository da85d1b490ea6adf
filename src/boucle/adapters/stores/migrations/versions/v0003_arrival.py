"""The order in which labels arrived: a judgement reads what is new, not everything again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("boucle_labels", sa.Column("arrival", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("boucle_labels_arrival", "boucle_labels", ["arrival"])
