"""What PostgreSQL knows of a table after much was written into it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, sleep

import pytest
from sqlalchemy import insert, text

from archive.clock import utc_now
from archive.database import Database
from archive.documents import add_archive
from archive.ids import new_id
from archive.statistics import LEAST_ROWS, renew_statistics
from archive.tables import Document, FieldValue
from tests.archive.conftest import NewDatabase

PAUSE_S, LONGEST_S = 0.05, 15.0


def fill(database: Database, count: int) -> None:
    """So many documents at once, each with a field of one of ten values."""
    now = utc_now()
    with database.write() as session:
        archive_id = add_archive(session, "large", None).id
        documents = [
            {
                "id": new_id(),
                "archive_id": archive_id,
                "name": f"{number}.pdf",
                "sha256": new_id().zfill(64),
                "size": 1,
                "blob_key": "s",
                "generation": 1,
                "revision": 1,
                "created_at": now,
                "updated_at": now,
            }
            for number in range(count)
        ]
        values = [
            {
                "document_id": document["id"],
                "path": "unit",
                "revision": 1,
                "name": "unit",
                "text": str(number % 10),
                "value": str(number % 10),
                "route": "accept",
            }
            for number, document in enumerate(documents)
        ]
        session.execute(insert(Document), documents)
        session.execute(insert(FieldValue), values)


def wait_for(found: Callable[[], bool]) -> None:
    """What a transaction wrote is counted a moment after it ended."""
    until = monotonic() + LONGEST_S
    while not found():
        assert monotonic() < until
        sleep(PAUSE_S)


@pytest.fixture
def database(empty_url: NewDatabase) -> Iterator[Database]:
    """Of its own: what was counted of a table outlasts its rows."""
    made = Database(empty_url())
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def uncounted(database: Database) -> Database:
    """A PostgreSQL that counts nothing by itself."""
    with database.engine.begin() as connection:
        for table in ("document", "field_value"):
            # It would do the same within a minute, which is what is not waited for here.
            connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
    return database


def distinct_values(database: Database) -> float | None:
    """Of a field's texts as the planner knows them; None where it knows nothing."""
    query = "SELECT n_distinct FROM pg_stats WHERE tablename = 'field_value' AND attname = 'text'"
    with database.read() as session:
        known = session.scalar(text(query))
    return None if known is None else float(known)


def changed_rows(database: Database, table: str) -> int:
    query = "SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = :table"
    with database.read() as session:
        return int(session.scalar(text(query), {"table": table}) or 0)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_tables_that_grew_at_once_are_counted_once(uncounted: Database) -> None:
    database = uncounted
    assert renew_statistics(database) == ()
    fill(database, LEAST_ROWS)
    wait_for(lambda: changed_rows(database, "document") >= LEAST_ROWS)
    wait_for(lambda: changed_rows(database, "field_value") >= LEAST_ROWS)
    assert distinct_values(database) is None
    assert set(renew_statistics(database)) == {"document", "field_value"}
    assert distinct_values(database) == 10
    wait_for(lambda: changed_rows(database, "field_value") == 0)
    wait_for(lambda: changed_rows(database, "document") == 0)
    assert renew_statistics(database) == ()


@pytest.mark.parametrize("kind", ["postgresql"])
def test_few_changes_are_not_worth_it(uncounted: Database) -> None:
    fill(uncounted, 20)
    wait_for(lambda: changed_rows(uncounted, "document") == 20)
    assert renew_statistics(uncounted) == ()


def test_it_stops_nobody_and_breaks_nothing(database: Database) -> None:
    fill(database, 5)
    with database.read() as session:
        session.scalars(text("SELECT id FROM document")).all()
        assert renew_statistics(database) == ()
    fill(database, 5)
