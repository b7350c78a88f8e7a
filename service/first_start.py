"""The first start: the schema, and the one user who lets in all others."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sqlalchemy.exc import ArgumentError

from archive.blobs import Blobs
from archive.database import Database
from archive.errors import Refused
from archive.people import FirstAdministrator, make_first_administrator
from archive.settings import Settings
from extraction.json_values import JsonObject, as_object

ADMIN_FILE = "admin.json"


def prepare(settings: Settings, url: str) -> FirstAdministrator | None:
    """Bring the database up to date; the first administrator, who also stands in
    ``admin.json``, or None where there are users already.

    Refused where an address in the settings is none that can be used.
    """
    _check_storage(settings.storage_url)
    database = _open_database(settings.database_url)
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


def _open_database(url: str) -> Database:
    try:
        return Database(url)
    except ArgumentError as error:
        raise Refused(f"FORMLOOP_DATABASE_URL cannot be used: {error}") from error


def _check_storage(url: str) -> None:
    """Whether the address is understood, not yet whether anything answers there."""
    try:
        Blobs(url)
    except (ImportError, ValueError) as error:
        raise Refused(f"FORMLOOP_STORAGE_URL cannot be used: {error}") from error


def tell_label_studio(file: Path, url: str, username: str, password: str) -> None:
    """How people come into our own Label Studio stands in ``admin.json``, too."""
    _change(file, {"label_studio": {"url": url, "username": username, "password": password}})


def renew_url(file: Path, url: str) -> None:
    """Where the service is served elsewhere than before, ``admin.json`` says so to scripts."""
    _change(file, {"url": url})


def _change(file: Path, news: JsonObject) -> None:
    try:
        told = as_object(json.loads(file.read_text(encoding="utf-8")))
        if told | news != told:
            _write_private(file, told | news)
    except (OSError, ValueError):
        # Its owner has removed or changed it: then it is no longer ours.
        return


def write_admin(file: Path, admin: FirstAdministrator, url: str) -> None:
    """Readable by its owner alone."""
    content: JsonObject = {
        "url": url,
        "username": admin.username,
        "password": admin.password,
        "token": admin.token,
    }
    _write_private(file, content)


def _write_private(file: Path, content: JsonObject) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")
