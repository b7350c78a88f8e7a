"""Why something failed, stored so that pages can say it in their language."""

from __future__ import annotations

from io import BytesIO

import pypdfium2 as pdfium
import pytest

from archive.database import Database
from archive.documents import add_archive, add_refusal, find_refusals, retry_document
from archive.reasons import (
    NO_PAGE,
    Reason,
    detail_to_reason,
    error_to_reason,
    find_reason,
    reason_detail,
    worker_died,
)
from archive.steps import StepKey, fail_step
from archive.tables import Document, Refusal, StepKind
from extraction.errors import EngineError, TooLarge
from extraction.limits import Limits
from extraction.pages.read import read_pages
from tests.archive.rows import find_steps, new_document, split, take


def test_an_error_keeps_its_category_and_its_numbers() -> None:
    error = TooLarge("more than 500 pages", facts={"pages": 500})
    assert error_to_reason(error) == Reason("too_large", "more than 500 pages", {"pages": 500})
    assert error_to_reason(EngineError("no answer")) == Reason("engine", "no answer")


def test_an_error_that_nobody_thought_of_is_told_apart_and_cut() -> None:
    reason = error_to_reason(ValueError("x" * 5000))
    assert reason.category == "unexpected"
    assert reason.text.startswith("ValueError: xxx") and len(reason.text) == 1000
    assert reason.facts == {"error": reason.text}


@pytest.mark.parametrize(
    ("limits", "fact"),
    [
        (Limits(max_bytes=10), "megabytes"),
        (Limits(max_pages=0), "pages"),
        (Limits(max_pixels=1), "million_pixels"),
    ],
)
def test_the_limit_that_a_file_breaks_is_a_fact(limits: Limits, fact: str) -> None:
    document = pdfium.PdfDocument.new()
    document.new_page(200, 200)
    packed = BytesIO()
    document.save(packed)
    first = next(iter(read_pages(packed.getvalue(), "a.pdf", limits)))
    assert isinstance(first, TooLarge)
    assert set(first.facts) == {fact}


def test_a_refusal_keeps_its_numbers_and_an_old_one_its_category(database: Database) -> None:
    reason = Reason("too_large", "larger than 500 MB", {"megabytes": 500})
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
        add_refusal(session, archive_id, "a.tiff", reason)
        old = Refusal(archive_id=archive_id, name="b.docx", category="unsupported", reason="no PDF")
        session.add(old)
    with database.read() as session:
        kept = {row.name: find_reason(row) for row in find_refusals(session, archive_id)}
    assert kept == {"a.tiff": reason, "b.docx": Reason("unsupported", "no PDF")}


def test_what_is_stored_comes_back_and_is_forgotten_at_a_retry(database: Database) -> None:
    reason = Reason("too_large", "more than 500 pages", {"pages": 500})
    with database.write() as session:
        document = new_document(session)
        key = StepKey(document.id, 1, StepKind.SPLIT, 0)
        fail_step(session, take(session, key), reason, retryable=False)
        document_id = document.id
    with database.write() as session:
        document = session.get_one(Document, document_id)
        (step,) = find_steps(session, document_id)
        assert find_reason(document) == find_reason(step) == reason
        retry_document(session, document_id)
        assert (document.reason, document.reason_terms, step.reason_terms) == (None, None, None)


def test_a_file_without_a_page_says_so(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        split(session, document, 0)
        assert find_reason(document) == NO_PAGE


def test_reasons_of_before_stay_as_they_were_written(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        assert find_reason(document) is None
        document.reason = "is encrypted"
        assert find_reason(document) == Reason("", "is encrypted")
    assert detail_to_reason({"reason": "flaky"}) == Reason("", "flaky")
    assert detail_to_reason({"pages": 2}) is None


def test_an_event_says_why() -> None:
    assert detail_to_reason(reason_detail(worker_died(3))) == worker_died(3)
    assert reason_detail(None) == {}
