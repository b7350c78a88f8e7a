"""The rows. Migrations write the schema; a test holds the two together."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from archive.clock import utc_now
from archive.ids import LENGTH, new_id
from archive.review_tables import AbandonedTask as AbandonedTask
from archive.review_tables import AnnotationVersion as AnnotationVersion
from archive.review_tables import CorrectionRow as CorrectionRow
from archive.review_tables import DisagreementRow as DisagreementRow
from archive.review_tables import ProcessLease as ProcessLease
from archive.review_tables import ReviewProject as ReviewProject
from archive.review_tables import ReviewState as ReviewState
from archive.review_tables import ReviewTaskRow as ReviewTaskRow
from archive.row import Row as Row
from archive.states import DocumentState, StepState
from archive.training_tables import AskedVersion as AskedVersion
from archive.training_tables import TrainingKind as TrainingKind
from archive.training_tables import TrainingRun as TrainingRun
from archive.training_tables import TrainingState as TrainingState
from extraction.json_values import Json, JsonObject

_Id = String(LENGTH)


class Role(StrEnum):
    VIEWER = "viewer"
    UPLOADER = "uploader"
    ANNOTATOR = "annotator"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"


class StepKind(StrEnum):
    SPLIT = "split"
    PAGE = "page"
    ASSEMBLE = "assemble"


class RevisionKind(StrEnum):
    EXTRACTION = "extraction"
    CORRECTION = "correction"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class User(Row):
    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    password_digest: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role]
    language: Mapped[str] = mapped_column(String(8), default="zh")
    active: Mapped[bool] = mapped_column(default=True)
    wrong_passwords: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ApiToken(Row):
    """``digest`` is the SHA-256 of the secret, which is shown once and not kept."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Json]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class WebSession(Row):
    __tablename__ = "web_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]


class Archive(Row):
    """A box of documents. ``finished_at`` is None while a machine has work in it."""

    __tablename__ = "archive"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(400))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    priority: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


class Refusal(Row):
    """A file that was not accepted, and why."""

    __tablename__ = "refusal"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    archive_id: Mapped[str] = mapped_column(
        ForeignKey("archive.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    reason_terms: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Document(Row):
    """One file. A duplicate is ``done``, has no steps and names its original.

    ``reason`` says why it failed, ``reason_terms`` what ``reasons`` makes it of.
    ``pages`` is None until the file was split. ``form_type`` is what the uploader asked
    for, ``found_form_type`` what the newest revision says. ``revision`` 0 means none yet.
    """

    __tablename__ = "document"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    archive_id: Mapped[str] = mapped_column(ForeignKey("archive.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    blob_key: Mapped[str] = mapped_column(String(200))
    duplicate_of: Mapped[str | None] = mapped_column(ForeignKey("document.id"), index=True)
    form_type: Mapped[str | None] = mapped_column(String(100))
    found_form_type: Mapped[str | None] = mapped_column(String(100))
    priority: Mapped[int] = mapped_column(default=0)
    state: Mapped[DocumentState] = mapped_column(default=DocumentState.RECEIVED)
    reason: Mapped[str | None] = mapped_column(Text)
    reason_terms: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    generation: Mapped[int] = mapped_column(default=1)
    pages: Mapped[int | None]
    pages_done: Mapped[int] = mapped_column(default=0)
    pages_failed: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0)
    doubtful: Mapped[int] = mapped_column(default=0)
    lowest_confidence: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("document_by_archive", "archive_id", "state"),
        Index("document_in_order", "archive_id", "id"),
        Index("document_by_state", "state", "id"),
        Index("document_by_confidence", "archive_id", "lowest_confidence"),
        # Two uploads of the same bytes at the same moment: the second becomes a duplicate.
        Index(
            "document_original",
            "sha256",
            unique=True,
            sqlite_where=text("duplicate_of IS NULL"),
            postgresql_where=text("duplicate_of IS NULL"),
        ),
    )


class Step(Row):
    """A piece of work: ``split`` and ``assemble`` have page 0, pages count from 1.

    ``token`` fences the holder of the lease; ``due_at`` is when it may be tried (again),
    ``enqueued_at`` when it was last put into the queue.
    """

    __tablename__ = "step"

    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    step: Mapped[StepKind] = mapped_column(primary_key=True)
    page: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    archive_id: Mapped[str] = mapped_column(_Id)
    state: Mapped[StepState] = mapped_column(default=StepState.WAITING)
    priority: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(200))
    token: Mapped[str | None] = mapped_column(_Id)
    leased_until: Mapped[datetime | None]
    due_at: Mapped[datetime] = mapped_column(default=utc_now)
    enqueued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    reason_terms: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (
        Index("step_by_state", "state", "priority", "created_at"),
        Index("step_finished", "archive_id", "finished_at"),
    )


class Result(Row):
    """What a step made, once for each version of its producer."""

    __tablename__ = "result"

    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    page: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    step: Mapped[StepKind] = mapped_column(primary_key=True)
    producer_version: Mapped[str] = mapped_column(String(200), primary_key=True)
    result_key: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Revision(Row):
    """A record of a document; a correction stands beside what the machine said."""

    __tablename__ = "revision"

    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[RevisionKind]
    generation: Mapped[int]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    producer: Mapped[JsonObject] = mapped_column(JSON)
    record: Mapped[JsonObject] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class FieldValue(Row):
    """A field of the newest revision, to filter and sort by.

    ``path`` is ``total`` or ``items[0].amount``, ``name`` the same without row numbers.
    ``number`` is the value where it is one.
    """

    __tablename__ = "field_value"

    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    path: Mapped[str] = mapped_column(String(300), primary_key=True)
    revision: Mapped[int]
    name: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    value: Mapped[str | None] = mapped_column(Text)
    number: Mapped[float | None] = mapped_column(Double)
    confidence: Mapped[float | None] = mapped_column(Double)
    route: Mapped[str] = mapped_column(String(10))

    __table_args__ = (
        Index("field_value_by_number", "name", "number", "document_id"),
        # Path and number so that sorting by a field reads the index alone.
        Index("field_value_by_name", "name", "document_id", "path", "number"),
    )


class DocumentText(Row):
    """All that can be searched for in a document, folded, one line for each text."""

    __tablename__ = "document_text"

    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    text: Mapped[str] = mapped_column(Text)


class Event(Row):
    """One line of a document's history."""

    __tablename__ = "event"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(default=utc_now)
    kind: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[str | None] = mapped_column(_Id)
    page: Mapped[int | None]
    detail: Mapped[JsonObject] = mapped_column(JSON)


class AuditEntry(Row):
    """Who did what to what. Outlives what it speaks of, so it has no foreign keys."""

    __tablename__ = "audit_entry"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    user_id: Mapped[str | None] = mapped_column(_Id)
    username: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[JsonObject] = mapped_column(JSON)

    __table_args__ = (
        Index("audit_entry_by_user_id", "user_id", "id"),
        Index("audit_entry_by_action", "action", "id"),
        Index("audit_entry_by_subject", "subject", "id"),
    )


class Callback(Row):
    """Where to send what happens. ``archive_id`` None means: of all archives."""

    __tablename__ = "callback"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    url: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[str] = mapped_column(String(64))
    events: Mapped[list[Json]] = mapped_column(JSON)
    archive_id: Mapped[str | None] = mapped_column(ForeignKey("archive.id", ondelete="CASCADE"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Delivery(Row):
    __tablename__ = "delivery"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    callback_id: Mapped[str] = mapped_column(
        ForeignKey("callback.id", ondelete="CASCADE"), index=True
    )
    event: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(_Id)
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    delivered_at: Mapped[datetime | None]

    __table_args__ = (Index("delivery_due", "state", "due_at"),)


class Setting(Row):
    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[JsonObject] = mapped_column(JSON)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


class Heartbeat(Row):
    """When a process last said that it lives."""

    __tablename__ = "heartbeat"

    owner: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


class Canary(Row):
    """A task that does nothing but finish: proof that queue and workers work."""

    __tablename__ = "canary"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    sent_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(200))


class PendingDeletion(Row):
    """Blobs to delete: everything under ``prefix``. Survives a crash after the rows went."""

    __tablename__ = "pending_deletion"

    prefix: Mapped[str] = mapped_column(String(200), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
