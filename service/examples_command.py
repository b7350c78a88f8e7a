"""``formloop examples``: what people corrected, as data to train on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from annotation.examples import TrainingExample
from annotation.examples_json import dataset_digest, examples_to_jsonl
from annotation.exports.hugging_face import write_hugging_face
from annotation.exports.lines import PagePicture
from annotation.exports.recognition import write_recognition
from archive.blobs import Blobs, picture_key
from archive.database import Database
from archive.documents import find_archive, find_archive_named
from archive.errors import NotFound
from archive.reviewed import find_reviewed_generation
from archive.settings import Settings
from extraction.declarations import load_declarations
from extraction.errors import DamagedInput, FormloopError
from extraction.values import Image
from service.client import find_data_folder
from service.client_options import ExamplesOptions
from service.terminal import messages, say_error
from workers.training_data import read_examples

JSONL_FILE: Final = "examples.jsonl"

Write = Callable[[Path, Sequence[TrainingExample], PagePicture], None]


def run(options: ExamplesOptions) -> int:
    """Write the examples; 1 where they cannot be read or written, 2 for a wrong call."""
    if (options.archive is None) == (not options.all):
        say_error("name an archive, or give --all")
        return 2
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        say_error(f"{options.out} is not empty; name a new folder")
        return 1
    folder = find_data_folder(options.data)
    if not folder.is_dir():
        say_error(f"{folder}: there is no data folder; give --data")
        return 1
    settings = Settings.from_environment(options.data)
    database = Database(settings.database_url)
    try:
        return _write(options, database, Blobs(settings.storage_url))
    except FormloopError as error:
        say_error(str(error))
        return 1
    except OSError as error:
        say_error(f"{options.out}: {error.strerror or error}")
        return 1
    finally:
        database.close()


def _write(options: ExamplesOptions, database: Database, blobs: Blobs) -> int:
    archive_id = None if options.archive is None else _find_archive_id(database, options.archive)
    declarations = {item.name: item for item in load_declarations()}
    examples = tuple(read_examples(database, blobs, declarations, archive_id))
    if not examples:
        say_error("nothing was corrected there yet")
        return 1
    with database.read() as session:
        generations = {
            example.document_id: find_reviewed_generation(session, example.document_id) or 1
            for example in examples
        }
    options.out.mkdir(parents=True, exist_ok=True)
    _WRITERS[options.format](options.out, examples, _picture_reader(blobs, generations))
    words = sum(len(example.labels) for example in examples)
    texts = sum(len(example.texts) for example in examples)
    digest = dataset_digest(examples)[:12]
    messages().print(
        f"{options.out}: {len(examples):,} documents, {words:,} words with a label,"
        f" {texts:,} texts, digest {digest}",
        highlight=False,
        markup=False,
    )
    return 0


def _find_archive_id(database: Database, name: str) -> str:
    with database.read() as session:
        found = find_archive_named(session, name)
        if found is not None:
            return found.id
        try:
            return find_archive(session, name).id
        except NotFound as error:
            raise NotFound(f"there is no archive {name!r}; formloop status lists them") from error


def _picture_reader(blobs: Blobs, generations: Mapping[str, int]) -> PagePicture:
    def read_picture(document_id: str, page: int) -> Image:
        data = blobs.read(picture_key(document_id, generations[document_id], page))
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise DamagedInput("its stored picture cannot be read", name=document_id, page=page)
        return np.ascontiguousarray(pixels[:, :, ::-1], dtype=np.uint8)

    return read_picture


def _write_jsonl(
    folder: Path, examples: Sequence[TrainingExample], read_picture: PagePicture
) -> None:
    with (folder / JSONL_FILE).open("w", encoding="utf-8") as file:
        file.writelines(examples_to_jsonl(examples))


def _write_recognition(
    folder: Path, examples: Sequence[TrainingExample], read_picture: PagePicture
) -> None:
    write_recognition(folder, examples, read_picture)


_WRITERS: Final[Mapping[str, Write]] = {
    "jsonl": _write_jsonl,
    "recognition": _write_recognition,
    "datasets": write_hugging_face,
}
