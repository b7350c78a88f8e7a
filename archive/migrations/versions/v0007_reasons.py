"""Why a document or a step failed, in terms that can be said in any language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for table in ("document", "step"):
        op.add_column(table, sa.Column("reason_terms", sa.JSON(), nullable=True))
