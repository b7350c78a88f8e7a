"""The same tests on both databases: ``database`` is a fresh one of each kind."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from archive.blobs import Blobs
from archive.database import Database
from archive.migrations.upgrade import newest_version
from archive.tables import Row
from tests.archive.postgres import Postgres, running_postgres

_numbers = itertools.count()

NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.close()
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """One for all tests, emptied before each: a database for each takes a gigabyte."""
    execute(postgres, "CREATE DATABASE migrated")
    url = postgres.url_of("migrated")
    database = Database(url)
    database.migrate()
    database.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """Makes a database without a schema; its address."""
    made = []

    def make() -> str:
        number = next(_numbers)
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'empty-{number}.db'}"
        server: Postgres = request.getfixturevalue("postgres")
        execute(server, f"CREATE DATABASE empty_{number}")
        made.append((server, f"empty_{number}"))
        return server.url_of(f"empty_{number}")

    yield make
    for server, name in made:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of a database with the newest schema and no rows."""
    if kind == "sqlite":
        file = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        return f"sqlite:///{file}"
    migrated: str = request.getfixturevalue("migrated_postgres")
    tables = ", ".join(table.name for table in Row.metadata.sorted_tables)
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables}")
        connection.execute(f"UPDATE alembic_version SET version_num = '{newest_version()}'")
    return migrated


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url)
    yield made
    made.close()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(str(tmp_path / "blobs"))


def execute(server: Postgres, statement: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement)
