"""Documents of which people judged fields, as rows, with the calibration that read them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from scipy.special import expit, logit
from sqlalchemy.orm import Session

from archive.clock import utc_now
from archive.ids import new_id
from archive.tables import CorrectionRow, ReviewTaskRow, Revision, RevisionKind
from extraction.confidence import Calibrator
from extraction.record_json import record_to_json
from tests.annotation.small_form import DECLARATION, small_record
from tests.archive.rows import new_document

TRUTH = 0.6, -0.5
"""What people find, as a stretch of what the base says."""
PER_DOCUMENT = 10


def add_judged(session: Session, read_by: Calibrator, documents: int, seed: int = 0) -> None:
    """Documents with ``PER_DOCUMENT`` judged fields each; the same seed gives the same fields,
    whatever calibration they were read by."""
    rng = np.random.default_rng(seed)
    slope, offset = (1.0, 0.0) if (made := read_by.stretch) is None else (made.slope, made.offset)
    for number in range(documents):
        said = rng.beta(6, 1, PER_DOCUMENT)
        right = rng.random(PER_DOCUMENT) < expit(TRUTH[0] * logit(said) + TRUTH[1])
        told = expit(slope * logit(said) + offset)
        task = add_read(session, f"{seed}-{number}-{read_by.name}.pdf", read_by.name)
        for confidence, is_right in zip(told, right, strict=True):
            add_answer(session, task, round(float(confidence), 4), right=bool(is_right))


def add_read(session: Session, name: str, calibration: str, at: datetime | None = None) -> str:
    """A document that was read, with a review task; the id of the task."""
    document = new_document(session, name)
    record = small_record()
    session.add(
        Revision(
            document_id=document.id,
            number=1,
            kind=RevisionKind.EXTRACTION,
            generation=1,
            producer={"calibration": calibration} if calibration else {},
            record=record_to_json(record),
            created_at=at or utc_now(),
        )
    )
    task = ReviewTaskRow(
        document_id=document.id,
        generation=1,
        base_revision=1,
        form_type=DECLARATION.name,
        body={},
        shown=1,
        audited=0,
        worth=1.0,
    )
    session.add(task)
    session.flush()
    return task.id


def add_answer(
    session: Session,
    task_id: str,
    confidence: float,
    *,
    right: bool = True,
    audit: bool = False,
    at: datetime | None = None,
) -> None:
    task = session.get_one(ReviewTaskRow, task_id)
    stand = {"text": "a", "page": 1, "box": None}
    session.add(
        CorrectionRow(
            task_id=task_id,
            document_id=task.document_id,
            generation=1,
            digest=new_id(),
            form_type=task.form_type,
            path="total",
            name="total",
            verdict="confirmed" if right else "removed",
            before=stand,
            after=stand if right else None,
            author="ann@x",
            annotation_id=1,
            at=at or utc_now(),
            audit=audit,
            confidence=confidence,
            reasons=["audit"] if audit else ["low_confidence"],
        )
    )
    session.flush()
