"""``formloop backup`` and ``formloop restore``: everything in one file, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archive.backup import BackupSummary, restore_backup, write_backup
from archive.blobs import Blobs
from archive.database import Database
from archive.settings import Settings
from extraction.errors import FormloopError
from service.client import find_data_folder
from service.terminal import messages, say_error

Work = Callable[[Database, Blobs], BackupSummary]


def back_up(file: Path, data: Path | None) -> int:
    """Write the back-up; the service may go on working meanwhile."""
    if file.exists():
        say_error(f"{file} exists already")
        return 1
    folder = find_data_folder(data)
    if not folder.is_dir():
        say_error(f"{folder}: there is no data folder; give --data")
        return 1
    return _with_data(data, lambda database, blobs: write_backup(database, blobs, file), file)


def restore(file: Path, data: Path | None) -> int:
    """Restore into an empty data folder, or an empty database and storage."""
    return _with_data(data, lambda database, blobs: restore_backup(file, database, blobs), file)


def _with_data(data: Path | None, work: Work, file: Path) -> int:
    settings = Settings.from_environment(data)
    database = Database(settings.database_url)
    try:
        summary = work(database, Blobs(settings.storage_url))
    except FormloopError as error:
        say_error(str(error))
        return 1
    except OSError as error:
        say_error(f"{file}: {error.strerror or error}")
        return 1
    finally:
        database.close()
    messages().print(
        f"{file}: {summary.rows:,} rows, {summary.blobs:,} files, {summary.bytes:,} bytes",
        highlight=False,
        markup=False,
    )
    for key in summary.missing:
        say_error(f"{key}: a row speaks of it, but it is not in the storage")
    return 1 if summary.missing else 0
