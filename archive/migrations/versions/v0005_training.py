"""Training runs, and the version of the model that a document is to be read by."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ID: Final = sa.String(26)
_TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "training_run",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("cause", sa.String(24), nullable=False),
        sa.Column("user_id", _ID, nullable=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(200), nullable=True),
        sa.Column("leased_until", _TIME, nullable=True),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("data_digest", sa.String(64), nullable=True),
        sa.Column("version", sa.String(100), nullable=True),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME, nullable=True),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("training_run_by_state", "training_run", ["state", "id"])
    op.create_table(
        "asked_version",
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("version", sa.String(100), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id"),
    )
