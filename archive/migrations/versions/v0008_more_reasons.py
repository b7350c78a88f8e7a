"""Why a file was refused, a review task waits or a training failed, in terms that can be said
in any language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for table in ("refusal", "review_task", "training_run"):
        op.add_column(table, sa.Column("reason_terms", sa.JSON(), nullable=True))
