"""What the database has counted of its own tables, kept up with what was written into them.

PostgreSQL plans by guesses until a table was counted for the first time, and autovacuum does
that late, or never where it is off: after a large upload or a restore, lists sorted or filtered
by a field would be slow until then.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from archive.database import Database, translated

LEAST_ROWS: Final = 1000
"""Written since a table was counted: fewer change no plan."""
LEAST_SHARE: Final = 0.1
_CHANGED: Final = text(
    """
    SELECT relname FROM pg_stat_user_tables
    WHERE schemaname = current_schema()
        AND n_mod_since_analyze >= :rows
        AND n_mod_since_analyze >= :share * n_live_tup
    ORDER BY relname
    """
)


def renew_statistics(database: Database) -> tuple[str, ...]:
    """Let the tables be counted anew that changed much since the last time; their names.

    SQLite finds and counts them itself, and does not say which. Nothing that reads or writes
    waits for it on PostgreSQL. DatabaseGone where the database does not answer.
    """
    if database.is_sqlite:
        with database.write() as session:
            session.execute(text("PRAGMA optimize"))
        return ()
    with database.read() as session:
        limits = {"rows": LEAST_ROWS, "share": LEAST_SHARE}
        changed = tuple(session.scalars(_CHANGED, limits))
    quote = database.engine.dialect.identifier_preparer.quote
    for name in changed:
        # Each in a transaction of its own, so that what was counted is of use at once.
        with translated(), database.engine.begin() as connection:
            connection.execute(text(f"ANALYZE {quote(name)}"))
    return changed
