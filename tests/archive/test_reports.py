"""Questions over many rows, on both databases."""

from archive.database import Database
from archive.documents import add_archive, add_document, find_document
from archive.reports import find_newest_records, find_owned_blobs, find_totals
from archive.revisions import add_revision
from archive.states import DocumentState, StepState
from archive.tables import RevisionKind, StepKind
from tests.archive.rows import field, record_json


def add(database: Database, *digests: str) -> list[str]:
    with database.write() as session:
        archive = add_archive(session, "box", None)
        return [
            add_document(session, archive.id, f"{d}.pdf", d, 1, f"sources/{d}-{n}").id
            for n, d in enumerate(digests)
        ]


def test_newest_records_keep_the_order_and_follow_duplicates(database: Database) -> None:
    first, twin, without = add(database, "a" * 64, "a" * 64, "b" * 64)
    with database.write() as session:
        for text in ("old", "new"):
            document = find_document(session, first)
            add_revision(
                session,
                document,
                record_json(total=field(text)),
                RevisionKind.EXTRACTION,
            )
    with database.read() as session:
        found = find_newest_records(session, [without, twin, first, "unknown"])
    assert [(row.id, revision.number) for row, revision in found] == [(twin, 2), (first, 2)]


def test_many_documents_are_more_than_a_database_takes_at_once(database: Database) -> None:
    [document_id] = add(database, "c" * 64)
    keys = [f"sources/x-{number}" for number in range(1200)] + [f"sources/{'c' * 64}-0"]
    with database.read() as session:
        assert find_owned_blobs(session, keys) == {keys[-1]}
        assert find_newest_records(session, [document_id] * 1200) == ()


def test_totals_count_everything(database: Database) -> None:
    add(database, "d" * 64, "d" * 64, "e" * 64)
    with database.read() as session:
        totals = find_totals(session)
    assert totals.archives == 1
    assert totals.documents == {DocumentState.RECEIVED: 2, DocumentState.DONE: 1}
    assert totals.steps == {(StepKind.SPLIT, StepState.WAITING): 2}
    assert totals.oldest_waiting_at is not None
