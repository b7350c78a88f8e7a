"""``formloop backup`` and ``formloop restore``: everything in one file, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from archive.backup import BackupSummary, Folders, restore_backup, write_backup
from archive.blobs import Blobs
from archive.database import Database
from archive.settings import Settings
from extraction.errors import FormloopError
from models.ocr_versions import OCR_FOLDER
from models.registry import OWN_FOLDER
from service.client import find_data_folder
from service.terminal import messages, say_error

KEPT_FOLDERS: Final = (OWN_FOLDER, OCR_FOLDER)
"""Of the data folder: versions of the model and of the recogniser, and which are in use."""

Work = Callable[[Database, Blobs, Folders], BackupSummary]


def back_up(file: Path, data: Path | None) -> int:
    """Write the back-up; the service may go on working meanwhile."""
    if file.exists():
        say_error(f"{file} exists already")
        return 1
    folder = find_data_folder(data)
    if not folder.is_dir():
        say_error(f"{folder}: there is no data folder; give --data")
        return 1
    return _with_data(
        data, lambda database, blobs, folders: write_backup(database, blobs, file, folders), file
    )


def restore(file: Path, data: Path | None) -> int:
    """Restore into an empty data folder, or an empty database and storage."""
    return _with_data(
        data, lambda database, blobs, folders: restore_backup(file, database, blobs, folders), file
    )


def _with_data(data: Path | None, work: Work, file: Path) -> int:
    settings = Settings.from_environment(data)
    database = Database(settings.database_url)
    try:
        folders = {name: settings.data / name for name in KEPT_FOLDERS}
        summary = work(database, Blobs(settings.storage_url), folders)
    except FormloopError as error:
        say_error(str(error))
        return 1
    except OSError as error:
        say_error(f"{file}: {error.strerror or error}")
        return 1
    finally:
        database.close()
    files = summary.blobs + summary.files
    messages().print(
        f"{file}: {summary.rows:,} rows, {files:,} files, {summary.bytes:,} bytes",
        highlight=False,
        markup=False,
    )
    for key in summary.missing:
        say_error(f"{key}: a row speaks of it, but it is not in the storage")
    return 1 if summary.missing else 0
