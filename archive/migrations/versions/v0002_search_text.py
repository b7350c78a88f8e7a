"""One searchable text for each document, filled from the names and fields there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.search_text import fold_lines

revision = "0002"
down_revision = "0001"

_BATCH = 500

_document = sa.table("document", sa.column("id", sa.String), sa.column("name", sa.Text))
_value = sa.table(
    "field_value",
    sa.column("document_id", sa.String),
    sa.column("path", sa.String),
    sa.column("text", sa.Text),
    sa.column("value", sa.Text),
)


def upgrade() -> None:
    made = op.create_table(
        "document_text",
        sa.Column("document_id", sa.String(26), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id"),
    )
    connection = op.get_bind()
    read = sa.select(_value.c.document_id).distinct()
    named = connection.execute(
        sa.select(_document.c.id, _document.c.name).where(_document.c.id.in_(read))
    ).all()
    for start in range(0, len(named), _BATCH):
        texts = {row.id: [row.name] for row in named[start : start + _BATCH]}
        fields = sa.select(_value).where(_value.c.document_id.in_(texts)).order_by(_value.c.path)
        for field in connection.execute(fields):
            texts[field.document_id] += [field.text, field.value or ""]
        rows = [{"document_id": key, "text": fold_lines(lines)} for key, lines in texts.items()]
        connection.execute(made.insert(), rows)
