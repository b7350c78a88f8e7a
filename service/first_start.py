"""The first start: the schema, and the one user who lets in all others."""

from __future__ import annotations

import json
import os
from pathlib import Path

from archive.database import Database
from archive.people import FirstAdministrator, make_first_administrator
from archive.settings import Settings

ADMIN_FILE = "admin.json"


def prepare(settings: Settings, url: str) -> FirstAdministrator | None:
    """Bring the database up to date; the first administrator, who also stands in
    ``admin.json``, or None where there are users already."""
    database = Database(settings.database_url)
    try:
        database.migrate()
        with database.write() as session:
            admin = make_first_administrator(session)
            if admin is not None:
                # Before the commit: a password that nobody could be told is no way in.
                write_admin(settings.data / ADMIN_FILE, admin, url)
    finally:
        database.close()
    return admin


def write_admin(file: Path, admin: FirstAdministrator, url: str) -> None:
    """Readable by its owner alone."""
    content = {
        "url": url,
        "username": admin.username,
        "password": admin.password,
        "token": admin.token,
    }
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")
