"""The review loop: projects, review tasks, answers, corrections, disagreements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from archive.column_types import UtcTime

revision = "0004"
down_revision = "0003"

_ID = sa.String(26)
_TIME = UtcTime()


def upgrade() -> None:
    _make_projects()
    _make_tasks()
    _make_versions()
    _make_corrections()
    _make_disagreements()


def _make_projects() -> None:
    op.create_table(
        "review_project",
        sa.Column("form_type", sa.String(100), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("config", sa.Text(), nullable=True),
        sa.Column("config_digest", sa.String(64), nullable=True),
        sa.Column("webhook", sa.String(400), nullable=True),
        sa.Column("swept_until", _TIME, nullable=True),
        sa.Column("pushed_at", _TIME, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("form_type"),
    )
    op.create_table(
        "abandoned_task",
        sa.Column("task_id", _ID, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("label_studio_task_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_table(
        "process_lease",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _make_tasks() -> None:
    op.create_table(
        "review_task",
        sa.Column("id", _ID, nullable=False),
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("base_revision", sa.Integer(), nullable=False),
        sa.Column("corrected_revision", sa.Integer(), nullable=True),
        sa.Column("form_type", sa.String(100), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("label_studio_task_id", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("audited", sa.Integer(), nullable=False),
        sa.Column("worth", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("look_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("pushed_at", _TIME, nullable=True),
        sa.Column("answered_at", _TIME, nullable=True),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_review_task_document_id", "review_task", ["document_id"])
    op.create_index("review_task_due", "review_task", ["form_type", "state", "due_at"])
    studio = ["project_id", "label_studio_task_id"]
    op.create_index("review_task_in_studio", "review_task", studio)
    op.create_index("review_task_to_look_at", "review_task", ["look_at"])


def _make_versions() -> None:
    op.create_table(
        "annotation_version",
        sa.Column("id", _ID, nullable=False),
        sa.Column("task_id", _ID, nullable=False),
        sa.Column("annotation_id", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(254), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("applied_at", _TIME, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["review_task.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "annotation_id", "updated_at", "digest"),
    )
    op.create_index("ix_annotation_version_task_id", "annotation_version", ["task_id"])
    op.create_index("annotation_version_to_apply", "annotation_version", ["applied_at", "id"])
    op.create_index("annotation_version_by_annotation", "annotation_version", ["annotation_id"])


def _make_corrections() -> None:
    op.create_table(
        "correction",
        sa.Column("id", _ID, nullable=False),
        sa.Column("task_id", _ID, nullable=False),
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("form_type", sa.String(100), nullable=False),
        sa.Column("path", sa.String(300), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("verdict", sa.String(24), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("author", sa.String(254), nullable=False),
        sa.Column("annotation_id", sa.BigInteger(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("audit", sa.Boolean(), nullable=False),
        sa.Column("printed_so", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("replaced_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["review_task.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "digest"),
    )
    op.create_index("correction_by_document", "correction", ["document_id", "id"])
    op.create_index("correction_by_name", "correction", ["form_type", "name", "id"])
    op.create_index("correction_by_audit", "correction", ["audit", "at"])


def _make_disagreements() -> None:
    op.create_table(
        "disagreement",
        sa.Column("id", _ID, nullable=False),
        sa.Column("task_id", _ID, nullable=False),
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("path", sa.String(300), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("arisen_at", _TIME, nullable=False),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.Column("settled_by", sa.String(24), nullable=True),
        sa.Column("chosen", sa.Text(), nullable=True),
        sa.Column("user_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["review_task.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "path"),
    )
    op.create_index("ix_disagreement_document_id", "disagreement", ["document_id"])
