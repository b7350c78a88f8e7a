"""The rows of training: what was asked for, how far it is, what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from archive.clock import utc_now
from archive.ids import LENGTH, new_id
from archive.row import Row
from extraction.json_values import JsonObject

_Id = String(LENGTH)


class TrainingKind(StrEnum):
    TRAIN = "train"
    """A new version from the base on all corrections so far."""
    SHADOW = "shadow"
    """What another version would read in documents that were read already."""


class TrainingState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AskedVersion(Row):
    """The version of the model that a document is to be read by; without a row, the one in
    use."""

    __tablename__ = "asked_version"

    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[str] = mapped_column(String(100))


class TrainingRun(Row):
    """A piece of work of the training process, which holds it while ``leased_until`` lasts.

    ``cause`` says who wanted it: ``person`` or ``policy``. ``settings`` are
    ``archive.training_runs.RunSettings``. ``version`` is the one that was made, or that is
    looked at; ``result`` what was found.
    """

    __tablename__ = "training_run"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    kind: Mapped[TrainingKind]
    state: Mapped[TrainingState] = mapped_column(default=TrainingState.QUEUED)
    cause: Mapped[str] = mapped_column(String(24))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    settings: Mapped[JsonObject] = mapped_column(JSON)
    attempts: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(200))
    leased_until: Mapped[datetime | None]
    progress: Mapped[JsonObject] = mapped_column(JSON, default=dict)
    data_digest: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[str | None] = mapped_column(String(100))
    result: Mapped[JsonObject] = mapped_column(JSON, default=dict)
    reason: Mapped[str | None] = mapped_column(Text)
    reason_terms: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index("training_run_by_state", "state", "id"),)
