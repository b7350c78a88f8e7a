"""The rows of the review loop: what people are asked, what they answered, what it changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from archive.clock import utc_now
from archive.ids import LENGTH, new_id
from archive.row import Row
from extraction.json_values import Json, JsonObject

_Id = String(LENGTH)


class ReviewState(StrEnum):
    WAITING = "waiting"
    """To be put before people."""
    PUSHED = "pushed"
    """People can see it; nobody has answered, or all answers were deleted."""
    ANSWERED = "answered"
    """Somebody has answered, but people disagree."""
    SETTLED = "settled"
    """Answered, and nothing is open."""
    WITHDRAWN = "withdrawn"
    """Not asked any more: the document is read anew, or was accepted as it is."""


class SettledBy(StrEnum):
    MAJORITY = "majority"
    CHOICE = "choice"
    """An engineer chose."""
    AGREEMENT = "agreement"
    """Whoever disagreed changed or deleted what they had said."""


class ReviewProject(Row):
    """The project of a form type in Label Studio.

    ``config`` and ``config_digest`` are those it has now, ``swept_until`` the newest
    ``updated_at`` of an annotation up to which all were received, ``pushed_at`` when tasks
    were last imported, ``problem`` what keeps it from working, in words for people.
    """

    __tablename__ = "review_project"

    form_type: Mapped[str] = mapped_column(String(100), primary_key=True)
    project_id: Mapped[int | None] = mapped_column(BigInteger)
    config: Mapped[str | None] = mapped_column(Text)
    config_digest: Mapped[str | None] = mapped_column(String(64))
    webhook: Mapped[str | None] = mapped_column(String(400))
    swept_until: Mapped[datetime | None]
    pushed_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReviewTaskRow(Row):
    """A review task: what is asked of one generation of a document.

    ``body`` is ``annotation.task_json``'s. ``shown`` counts its regions, ``audited`` those
    of them that are only looked at to measure. ``base_revision`` is the record it asks
    about, ``corrected_revision`` the newest one made of its answers. ``look_at`` is set
    while Label Studio should be asked what became of its annotations. ``attempts`` and
    ``due_at`` are those of the push.
    """

    __tablename__ = "review_task"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), index=True
    )
    generation: Mapped[int]
    base_revision: Mapped[int]
    corrected_revision: Mapped[int | None]
    form_type: Mapped[str] = mapped_column(String(100))
    state: Mapped[ReviewState] = mapped_column(default=ReviewState.WAITING)
    project_id: Mapped[int | None] = mapped_column(BigInteger)
    label_studio_task_id: Mapped[int | None] = mapped_column(BigInteger)
    body: Mapped[JsonObject] = mapped_column(JSON)
    shown: Mapped[int]
    audited: Mapped[int]
    worth: Mapped[float] = mapped_column(Double)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=utc_now)
    reason: Mapped[str | None] = mapped_column(Text)
    reason_terms: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    look_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    pushed_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        Index("review_task_due", "form_type", "state", "due_at"),
        Index("review_task_in_studio", "project_id", "label_studio_task_id"),
        Index("review_task_to_look_at", "look_at"),
    )


class AbandonedTask(Row):
    """A task that may be in Label Studio and should not be: it is deleted there.

    Outlives the review task, which goes with its document. ``label_studio_task_id`` None:
    not known; it is looked for by ``task_id``, which is ours.
    """

    __tablename__ = "abandoned_task"

    task_id: Mapped[str] = mapped_column(_Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(BigInteger)
    label_studio_task_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class AnnotationVersion(Row):
    """One version of an annotation, as received, stored once however often it comes.

    ``deleted`` marks its end; ``updated_at`` is Label Studio's. ``applied_at`` is None until
    it was folded into the record, ``problem`` says why it could not be. ``author`` and
    ``seconds`` (how long the person had it open in all) are filled in when it is applied.
    """

    __tablename__ = "annotation_version"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    task_id: Mapped[str] = mapped_column(
        ForeignKey("review_task.id", ondelete="CASCADE"), index=True
    )
    annotation_id: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64))
    deleted: Mapped[bool] = mapped_column(default=False)
    payload: Mapped[JsonObject] = mapped_column(JSON)
    author: Mapped[str | None] = mapped_column(String(254))
    seconds: Mapped[float | None] = mapped_column(Double)
    received_at: Mapped[datetime] = mapped_column(default=utc_now)
    applied_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("task_id", "annotation_id", "updated_at", "digest"),
        Index("annotation_version_to_apply", "applied_at", "id"),
        Index("annotation_version_by_annotation", "annotation_id"),
    )


class CorrectionRow(Row):
    """What one version of an annotation says of one path. Written once and never changed
    but for ``replaced_at``: None while this version of the annotation stands.

    ``digest`` is of what it says, so that it is stored once. ``confidence`` and ``reasons``
    are those the region was shown with (None and [] for what was drawn).
    """

    __tablename__ = "correction"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    task_id: Mapped[str] = mapped_column(ForeignKey("review_task.id", ondelete="CASCADE"))
    document_id: Mapped[str] = mapped_column(ForeignKey("document.id", ondelete="CASCADE"))
    generation: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    form_type: Mapped[str] = mapped_column(String(100))
    path: Mapped[str] = mapped_column(String(300))
    name: Mapped[str] = mapped_column(String(300))
    verdict: Mapped[str] = mapped_column(String(24))
    before: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    author: Mapped[str] = mapped_column(String(254))
    annotation_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    audit: Mapped[bool]
    printed_so: Mapped[bool] = mapped_column(default=False)
    confidence: Mapped[float | None] = mapped_column(Double)
    reasons: Mapped[list[Json]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    replaced_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("task_id", "digest"),
        Index("correction_by_document", "document_id", "id"),
        Index("correction_by_name", "form_type", "name", "id"),
        Index("correction_by_audit", "audit", "at"),
    )


class DisagreementRow(Row):
    """People who answered the same path of a review task differently. ``texts`` by author.

    Open while ``settled_at`` is None. ``chosen`` is the text an engineer chose; it stands
    whatever is answered later.
    """

    __tablename__ = "disagreement"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    task_id: Mapped[str] = mapped_column(ForeignKey("review_task.id", ondelete="CASCADE"))
    document_id: Mapped[str] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), index=True
    )
    path: Mapped[str] = mapped_column(String(300))
    texts: Mapped[JsonObject] = mapped_column(JSON)
    arisen_at: Mapped[datetime] = mapped_column(default=utc_now)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[SettledBy | None]
    chosen: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))

    __table_args__ = (UniqueConstraint("task_id", "path"),)


class ProcessLease(Row):
    """Who alone may do a certain work until ``until``: ``review`` …"""

    __tablename__ = "process_lease"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime]
