"""What can be searched for of a document is what its newest record says, on both databases."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.database import Database
from archive.revisions import add_revision
from archive.tables import Document, DocumentText, FieldValue, RevisionKind
from extraction.values import Field
from tests.archive.rows import field, new_document, record_json


def add(session: Session, document: Document, **fields: Field) -> None:
    add_revision(session, document, record_json("a.pdf", **fields), RevisionKind.CORRECTION)


def searched(database: Database) -> tuple[dict[str, tuple[object, ...]], list[str]]:
    """Its values by path, and the lines of its text."""
    with database.read() as session:
        values: dict[str, tuple[object, ...]] = {
            row.path: (row.revision, row.text, row.value, row.number, row.route)
            for row in session.scalars(select(FieldValue))
        }
        return values, session.scalars(select(DocumentText.text)).one().split("\n")


def test_values_and_text_follow_the_newest_record(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        same, gone = field("王小明"), field("旧")
        add(session, document, payee=same, total=field("8", 8.0, "review"), note=gone)
    with database.write() as session:
        add(session, document := session.get_one(Document, document.id), payee=same)
        add(session, document, payee=same, total=field("９", 9.0), year=field("2026", 2026))
    values, lines = searched(database)
    assert values == {
        "payee": (3, "王小明", "王小明", None, "accept"),
        "total": (3, "9", "9.0", 9.0, "accept"),
        "year": (3, "2026", "2026", 2026.0, "accept"),
    }
    assert lines == ["a.pdf", "王小明", "9", "9.0", "2026"]


def test_a_record_that_says_the_same_is_searched_like_the_first(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        add(session, document, payee=field("王小明"))
        add(session, document, payee=field("王小明"))
        assert (document.revision, document.doubtful) == (2, 0)
    values, lines = searched(database)
    assert values == {"payee": (2, "王小明", "王小明", None, "accept")}
    assert lines == ["a.pdf", "王小明"]


def test_a_record_of_nothing_leaves_no_value(database: Database) -> None:
    with database.write() as session:
        document = new_document(session)
        add(session, document, payee=field("王小明"))
        add(session, document)
        assert document.lowest_confidence is None
    assert searched(database) == ({}, ["a.pdf"])
