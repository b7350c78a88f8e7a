"""What people corrected, as examples to learn from, and as a version of the data."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence

from annotation.examples import Reviewed, TrainingExample, example_labels, reviewed_to_example
from archive.blobs import Blobs
from archive.database import Database
from archive.errors import BlobMissing
from archive.reviewed import ReviewedRows, find_reviewed, find_reviewed_ids
from extraction.declarations import FormDeclaration
from extraction.declarations import labels as declared_labels
from extraction.reading_json import reading_from_json
from models.labelled_forms import LabelledForm
from models.training_set import (
    MISSING,
    CorrectedForm,
    TrainingSet,
    hold_layouts,
    make_training_set,
)
from models.windows import readings_to_words

_log = logging.getLogger(__name__)


def read_examples(
    database: Database,
    blobs: Blobs,
    declarations: Mapping[str, FormDeclaration],
    archive_id: str | None = None,
) -> Iterator[TrainingExample]:
    """One for each document, of all or of an archive, that people answered anything of, in
    the order of their ids."""
    with database.read() as session:
        document_ids = find_reviewed_ids(session, archive_id)
    yield from read_examples_of(database, blobs, declarations, document_ids)


def read_examples_of(
    database: Database,
    blobs: Blobs,
    declarations: Mapping[str, FormDeclaration],
    document_ids: Sequence[str],
) -> Iterator[TrainingExample]:
    """Documents whose form type is not declared any more, or whose pages are gone, are left
    out."""
    for document_id in document_ids:
        with database.read() as session:
            rows = find_reviewed(session, document_id)
        declaration = None if rows is None else declarations.get(rows.form_type)
        if rows is None or declaration is None:
            continue
        try:
            reviewed = _to_reviewed(rows, blobs)
        except BlobMissing as error:
            _log.warning("left out of the training: %s", error)
            continue
        yield reviewed_to_example(reviewed, declaration)


def examples_to_set(
    examples: Sequence[TrainingExample],
    declarations: Sequence[FormDeclaration],
    decided: Mapping[str, bool],
) -> tuple[TrainingSet, dict[str, bool]]:
    """The version of the data, and which layouts are held out; ``decided`` before."""
    forms = [example_to_form(example) for example in examples]
    kept = [form for form in forms if any(label != MISSING for label in form.form.labels)]
    layouts = hold_layouts((form.form.family for form in kept), decided)
    held = [layout for layout, is_held in layouts.items() if is_held]
    return make_training_set(kept, declared_labels(tuple(declarations)), held), layouts


def example_to_form(example: TrainingExample) -> CorrectedForm:
    """The example as the models learn it; words that nobody was asked about are missing."""
    placed, _ = readings_to_words(example.readings)
    labels = tuple(label or MISSING for label in example_labels(example))
    family = f"{example.form_type}/{example.layout}"
    form = LabelledForm(family, 0, "corrected", placed, labels)
    return CorrectedForm(example.document_id, form)


def _to_reviewed(rows: ReviewedRows, blobs: Blobs) -> Reviewed:
    readings = tuple(reading_from_json(json.loads(blobs.read(key))) for key in rows.reading_keys)
    return Reviewed(
        document_id=rows.document_id,
        revision=rows.revision,
        record=rows.record,
        readings=readings,
        corrections=rows.corrections,
        open_paths=rows.open_paths,
        settled=rows.settled,
    )
