"""Training examples from the rows and readings of corrected documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from archive.blobs import Blobs, reading_key
from archive.clock import utc_now
from archive.database import Database
from archive.reviewed import find_reviewed_generation
from archive.reviews import withdraw_tasks
from archive.tables import Document, Result
from extraction.reading_json import reading_to_json
from tests.annotation.corrected_forms import small_reading
from tests.archive.review_rows import FORMS, add_reviewed
from tests.archive.saying import say
from workers.training_data import read_examples


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'test.db'}")
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(str(tmp_path / "blobs"))


def keep_reading(session: Session, blobs: Blobs, document: Document) -> None:
    """What the page's step left: the reading that the small record was made of."""
    key = reading_key(document.id, 1, 1)
    blobs.write(key, json.dumps(reading_to_json(small_reading())).encode())
    session.flush()
    for result in session.query(Result).filter_by(document_id=document.id):
        result.result_key = key


def test_examples_hold_what_stands_of_each_corrected_document(
    database: Database, blobs: Blobs
) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer", "total")
        keep_reading(session, blobs, document)
        other, _ = add_reviewed(session, "b.pdf", "buyer")
        say(session, task_id, 1, {"50": "51"})
    (example,) = read_examples(database, blobs, FORMS)
    assert (example.document_id, example.revision, example.form_type) == (document.id, 2, "order")
    assert set(example.labels.values()) == {"buyer", "total"}
    assert {text.text for text in example.texts} == {"东风公司", "51"}
    assert list(read_examples(database, blobs, FORMS, other.archive_id)) == []
    assert len(list(read_examples(database, blobs, FORMS, document.archive_id))) == 1
    assert list(read_examples(database, blobs, {})) == []


def test_what_people_said_before_a_withdrawal_is_still_learnt_from(
    database: Database, blobs: Blobs
) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "total")
        keep_reading(session, blobs, document)
        say(session, task_id, 1)
        withdraw_tasks(session, document.id, utc_now())
        assert find_reviewed_generation(session, document.id) == 1
    assert len(list(read_examples(database, blobs, FORMS))) == 1
