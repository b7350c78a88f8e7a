"""``formloop models add-ocr`` and its kin: a recogniser that was tuned elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from archive.clock import utc_now
from archive.database import Database
from archive.migrations.upgrade import newest_version
from archive.promise import taking_over
from archive.settings import Settings
from extraction.errors import FormloopError
from models.line_pictures import read_line_list
from models.ocr_gate import add_ocr
from models.ocr_versions import OcrVersion, OcrVersions
from service.client import find_data_folder
from service.client_options import AddOcrOptions
from service.terminal import answers, messages, say_error


def add(options: AddOcrOptions) -> int:
    """Hold it against the one in use, and take it into use where it passes; 1 where not."""

    def work(versions: OcrVersions) -> int:
        lines = read_line_list(options.lines)
        version, verdict = add_ocr(options.folder, lines, versions, utc_now())
        messages().print(version_to_words(version), highlight=False, markup=False)
        if not verdict.passed:
            codes = ", ".join(reason.code.replace("_", " ") for reason in verdict.reasons)
            say_error(f"{version.name}: refused: {codes}; {version.parent} stays in use")
            return 1
        return _take_over(versions, options.data, lambda: versions.promote(version.name))

    return _with_versions(options.data, work)


def promote(name: str, data: Path | None) -> int:
    def work(versions: OcrVersions) -> int:
        return _take_over(versions, data, lambda: versions.promote(name))

    return _with_versions(data, work)


def roll_back(data: Path | None) -> int:
    def work(versions: OcrVersions) -> int:
        return _take_over(versions, data, versions.roll_back)

    return _with_versions(data, work)


def version_to_words(version: OcrVersion) -> str:
    """Its accuracy beside that of the one that it was held against."""
    return (
        f"{version.name}: {100 * version.accuracy:.2f} % of {version.lines:,} lines read exactly;"
        f" {version.parent}: {100 * version.parent_accuracy:.2f} %"
    )


def _take_over(versions: OcrVersions, data: Path | None, change: Callable[[], object]) -> int:
    """Where no service has begun yet, there is no promise that would begin anew."""
    database = Database(Settings.from_environment(data).database_url)
    try:
        if database.schema_version() == newest_version():
            with taking_over(database, utc_now()):
                change()
        else:
            change()
    finally:
        database.close()
    answers().print(f"in use: {versions.current()}", highlight=False, markup=False)
    return 0


def _with_versions(data: Path | None, work: Callable[[OcrVersions], int]) -> int:
    folder = find_data_folder(data)
    if not folder.is_dir():
        say_error(f"{folder}: there is no data folder; give --data")
        return 1
    try:
        return work(OcrVersions.of_data(folder))
    except FormloopError as error:
        say_error(str(error))
    except OSError as error:
        say_error(f"{error.filename or folder}: {error.strerror or error}")
    return 1
