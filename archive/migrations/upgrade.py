"""Running the migrations from Python, on a connection that the caller has opened."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from archive.errors import SchemaTooNew

FOLDER: Final = Path(__file__).parent


def upgrade(connection: Connection, version: str = "head") -> str:
    """Brings the schema to ``version``, inside the caller's transaction; the version.

    SchemaTooNew when the database has a version that this code does not know.
    """
    found = current_version(connection)
    if found is not None and found not in known_versions():
        raise SchemaTooNew(
            f"the database has schema {found}, which this version of formloop does not know: "
            "install the newer formloop that wrote it"
        )
    command.upgrade(_config(connection), version)
    return current_version(connection) or ""


def newest_version() -> str:
    """The version of the schema that this code is written for."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def known_versions() -> frozenset[str]:
    """Every version that this code can start from."""
    scripts = ScriptDirectory.from_config(_config(None)).walk_revisions()
    return frozenset(script.revision for script in scripts)


def current_version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
