"""The connection to the database: SQLite or PostgreSQL, with the same behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from archive.errors import DatabaseGone, StorageFull
from archive.migrations.upgrade import current_version, upgrade
from extraction.errors import FormloopError

_MIGRATION_LOCK: Final = 0x666F726D
_BEGIN: Final = "formloop_begin"
_SQLITE_TROUBLE: Final = ("locked", "busy", "unable to open", "disk i/o", "readonly")
_SQLITE_PRAGMAS: Final = (
    *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"),
    # Searches touch most pages: all connections share the system's cache, without copies.
    "mmap_size=1073741824",
)
_DISK_FULL: Final = "53100"


class Database:
    """``url`` as SQLAlchemy takes it. Give every process its own, made after a fork."""

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        """``timeout_s`` is how long a call waits for a lock or a connection."""
        self.url = _with_driver(url)
        self.engine = _make_engine(self.url, timeout_s)
        self._writer = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction whose changes are thrown away; DatabaseGone when there is none."""
        with translated(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at the end of the block and rolls back on an error.

        On SQLite it is the only writer from its start. Rows stay usable after the block.
        DatabaseGone when the database is locked or away, StorageFull when its disk is.
        """
        making = Session(self._writer, expire_on_commit=False)
        with translated(), making as session, session.begin():
            # Takes SQLite's lock now: a transaction that reads first could lose it later.
            session.connection()
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A long reading transaction that sees one moment of the whole database."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        engine = self.engine.execution_options(**level) if level else self.engine
        with translated(), Session(engine, expire_on_commit=False) as session:
            yield session

    def migrate(self, version: str = "head") -> str:
        """Brings the schema up to date; its version. SchemaTooNew for a newer one."""
        with translated(), self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            return upgrade(connection, version)

    def schema_version(self) -> str | None:
        """None for an empty database."""
        with translated(), self.engine.connect() as connection:
            return current_version(connection)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the driver that mean trouble outside of the code, as our own."""
    try:
        yield
    except DBAPIError as error:
        ours = find_trouble(error)
        if ours is None:
            raise
        raise ours from error


def find_trouble(error: DBAPIError) -> FormloopError | None:
    """What a driver's error says about the world; None where the code is at fault."""
    said = str(error.orig)
    if getattr(error.orig, "sqlstate", None) == _DISK_FULL or "disk is full" in said:
        return StorageFull(f"the database has no room left: {said}")
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return DatabaseGone(f"the connection to the database is gone: {said}")
    if not isinstance(error, OperationalError):
        return None
    from_sqlite = type(error.orig).__module__.startswith("sqlite3")
    if from_sqlite and not any(word in said.lower() for word in _SQLITE_TROUBLE):
        return None
    return DatabaseGone(f"the database does not answer: {said}")


def _with_driver(text_url: str) -> URL:
    url = make_url(text_url)
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _make_engine(url: URL, timeout_s: float) -> Engine:
    if url.get_backend_name() != "sqlite":
        lock_ms = int(timeout_s * 1000)
        options = {
            "connect_timeout": max(2, int(timeout_s)),
            # Every answer is short and many are asked for at once: a query that is shared out
            # does some of its work in each process, and takes the cores from the others.
            "options": f"-c lock_timeout={lock_ms} -c timezone=UTC "
            "-c max_parallel_workers_per_gather=0",
        }
        return create_engine(url, connect_args=options, pool_pre_ping=True, pool_timeout=timeout_s)
    # isolation_level None leaves BEGIN to us: Python's own would start it too late.
    engine = create_engine(
        url,
        connect_args={"timeout": timeout_s, "isolation_level": None, "check_same_thread": False},
        pool_timeout=timeout_s,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
