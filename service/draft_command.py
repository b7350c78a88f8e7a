"""``formloop forms draw`` and ``formloop forms draft``: a new form type from one blank form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import cv2

from annotation.answers import annotation_to_answer
from annotation.drawn_form import DRAWING, answer_to_draft, declaration_to_yaml
from annotation.labels import labelling_config
from extraction.errors import DeclarationError, FormloopError, InputError
from extraction.grid.sides import load_ruling_models
from extraction.json_values import Json, JsonObject, as_list, as_object
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pages.read import read_pages
from extraction.pipeline import read_page
from extraction.reading_json import reading_from_json, reading_to_json
from service.client_options import DraftOptions
from service.terminal import messages, say_error

READINGS_FILE: Final = "readings.json"
CONFIG_FILE: Final = "label-studio.xml"


def draw(file: Path, out: Path) -> int:
    """Write what is drawn on (pictures, the project's configuration) and what was read."""
    try:
        count = _read_blank(file, out)
    except FormloopError as error:
        say_error(str(error))
        return 1
    except OSError as error:
        say_error(f"{file}: {error.strerror or error}")
        return 1
    line = f"{out}: {count} pages; draw on page-*.png, then: formloop forms draft {out}"
    messages().print(line, highlight=False, markup=False)
    return 0


def draft(options: DraftOptions) -> int:
    """Write the declaration that the drawn boxes make; its name is that of the file."""
    out, place = options.out, options.folder / READINGS_FILE
    if out.exists():
        say_error(f"{out} exists already")
        return 1
    try:
        stored = _read_json(place)
        readings = tuple(reading_from_json(as_object(one)) for one in as_list(stored))
        place = options.annotation
        answer = annotation_to_answer(find_annotation(_read_json(place)), DRAWING)
        declaration = answer_to_draft(answer, readings, out.stem, options.title)
        place = out
        out.write_text(declaration_to_yaml(declaration), encoding="utf-8")
    except FormloopError as error:
        say_error(str(error) if isinstance(error, DeclarationError) else f"{place}: {error}")
        return 1
    except OSError as error:
        say_error(f"{place}: {error.strerror or error}")
        return 1
    except ValueError as error:
        say_error(f"{place}: cannot be read: {error}")
        return 1
    messages().print(f"{out}: look it over, then: formloop forms check {out}", markup=False)
    return 0


def find_annotation(stored: Json) -> Mapping[str, Json]:
    """The annotation of an export of one task, of a task, or itself."""
    item = stored
    if isinstance(item, list):
        if len(item) != 1:
            raise InputError(f"holds {len(item)} tasks; export the one of the blank form")
        item = item[0]
    found: JsonObject = as_object(item)
    if "annotations" in found:
        annotations = as_list(found["annotations"])
        if not annotations:
            raise InputError("holds no annotation; submit the drawing first")
        found = as_object(annotations[-1])
    return {"updated_at": "1970-01-01T00:00:00Z", **found}


def _read_json(file: Path) -> Json:
    return cast("Json", json.loads(file.read_text(encoding="utf-8")))


def _read_blank(file: Path, out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    reader = Reader()
    rulings = load_ruling_models(reader.engine, reader.threads)
    readings: list[Json] = []
    for raw in read_pages(file.read_bytes(), file.name, Limits()):
        if isinstance(raw, InputError):
            raise raw.at(name=file.name)
        page, reading = read_page(raw, rulings, reader)
        picture = cv2.cvtColor(page.image, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(out / f"page-{len(readings) + 1}.png"), picture)
        readings.append(cast("Json", reading_to_json(reading)))
    text = json.dumps(readings, ensure_ascii=False)
    (out / READINGS_FILE).write_text(text, encoding="utf-8")
    (out / CONFIG_FILE).write_text(labelling_config(DRAWING), encoding="utf-8")
    return len(readings)
