"""The account at the end of a day: every page done once, or set aside with a reason."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive.blobs import Blobs, picture_key, reading_key
from archive.progress import archive_counts
from archive.states import DocumentState, StepState
from archive.tables import Document, Result, Revision, Step, StepKind
from tests.workers.rig import Rig

ENDED = {DocumentState.DONE, DocumentState.IN_REVIEW, DocumentState.FAILED}


def check_account(rig: Rig) -> Counter[str]:
    """Pages by how they ended; AssertionError for one that is lost, doubled or unexplained."""
    pages: Counter[str] = Counter()
    with rig.database.read() as session:
        documents = session.scalars(select(Document)).all()
        for document in documents:
            pages += _check_document(session, rig.blobs, document)
        counts = archive_counts(session, rig.archive_id)
        assert counts.pages == sum(d.pages or 0 for d in documents)
        assert counts.pages_done == pages["done"]
        assert counts.pages_failed == pages["quarantined"]
        assert counts.active == 0
        assert counts.documents == len(documents)
    return pages


def _check_document(session: Session, blobs: Blobs, document: Document) -> Counter[str]:
    assert document.state in ENDED, f"{document.name} is {document.state}"
    steps = session.scalars(select(Step).where(Step.document_id == document.id)).all()
    for step in steps:
        where = f"{document.name} {step.step} {step.page}"
        assert step.state in (StepState.DONE, StepState.QUARANTINED), f"{where} is {step.state}"
        results = _count_results(session, step)
        assert results == (step.state == StepState.DONE and step.step != StepKind.SPLIT), where
        if step.state == StepState.QUARANTINED:
            assert step.reason, f"{where} has no reason"
        elif step.step == StepKind.PAGE:
            assert blobs.exists(reading_key(document.id, document.generation, step.page)), where
            assert blobs.exists(picture_key(document.id, document.generation, step.page)), where
    states = Counter(str(step.state) for step in steps if step.step == StepKind.PAGE)
    if document.pages is not None:
        assert sum(states.values()) == document.pages
        assert states["done"] == document.pages_done
        assert states["quarantined"] == document.pages_failed
    _check_record(session, document, states["done"])
    return states


def _check_record(session: Session, document: Document, done: int) -> None:
    revisions = session.scalars(select(Revision).where(Revision.document_id == document.id)).all()
    if document.state == DocumentState.FAILED:
        assert document.reason, f"{document.name} failed without a reason"
        assert not revisions
        return
    assert len(revisions) == 1, f"{document.name} has {len(revisions)} records"
    pages = revisions[0].record["pages"]
    assert isinstance(pages, list)
    assert len(pages) == done


def _count_results(session: Session, step: Step) -> int:
    query = select(func.count()).where(
        Result.document_id == step.document_id,
        Result.generation == step.generation,
        Result.step == step.step,
        Result.page == step.page,
    )
    return session.scalar(query) or 0
