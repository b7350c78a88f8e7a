"""Sorting by a field reads one index: paths and numbers in it."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.drop_index("field_value_by_name", "field_value")
    op.create_index("field_value_by_name", "field_value", ["name", "document_id", "path", "number"])
