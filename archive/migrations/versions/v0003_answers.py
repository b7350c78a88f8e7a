"""Indexes that answer without a look at the rows: numbers of fields, the audit log's order."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0003"
down_revision = "0002"

_AUDIT_COLUMNS: Final = ("user_id", "action", "subject")


def upgrade() -> None:
    op.drop_index("field_value_by_number", "field_value")
    op.create_index("field_value_by_number", "field_value", ["name", "number", "document_id"])
    for column in _AUDIT_COLUMNS:
        op.drop_index(f"ix_audit_entry_{column}", "audit_entry")
        op.create_index(f"audit_entry_by_{column}", "audit_entry", [column, "id"])
