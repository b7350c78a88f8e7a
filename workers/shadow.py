"""A shadow run: what another version would read in documents that were read already.

The pages are not read again: only the labels, and what follows from them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select

from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.errors import BlobMissing
from archive.revisions import named_fields
from archive.states import DocumentState
from archive.steps import find_results
from archive.tables import Document, TrainingRun
from archive.training_runs import finish_run, renew_run, run_to_settings
from extraction.grid.sides import RulingModels
from extraction.json_values import JsonObject
from extraction.limits import Limits
from extraction.ocr.reader import Reader
from extraction.pages.sources import SourceFile
from extraction.pipeline import Stations, readings_to_record
from extraction.reading_json import reading_from_json
from extraction.values import Field, PageReading, Record
from models.recalibrate import find_calibrator
from workers.learned_keys import read_declarations
from workers.stations import THRESHOLD, load_labeller
from workers.training import TrainingPlace

MOST_EXAMPLES = 60


@dataclass(frozen=True, slots=True)
class Change:
    """A field that the other version reads otherwise; None: it has none there."""

    path: str
    name: str
    before: Field | None
    after: Field | None


@dataclass(frozen=True, slots=True)
class _StoredReader:
    """Stands where a reader would: the pages were read before."""

    version: str = "stored"


def shadow(place: TrainingPlace, run: TrainingRun) -> None:
    """Compare the run's version with the one in use, document by document."""
    assert run.version is not None
    champion = _stations(place, place.registry.find_current().name)
    challenger = _stations(place, run.version)
    limit = run_to_settings(run).documents
    documents = _find_documents(place.database, limit)
    counts: Counter[str] = Counter()
    by_field: Counter[str] = Counter()
    examples: list[JsonObject] = []
    for number, document in enumerate(documents):
        readings = _readings(place.database, place.blobs, document)
        if not readings:
            continue
        source = SourceFile(document.name, document.name, b"", document.sha256)
        own = readings_to_record(source, readings, champion, document.form_type)
        other = readings_to_record(source, readings, challenger, document.form_type)
        changes = tuple(find_changes(own, other))
        counts.update(documents=1, fields=sum(1 for _ in named_fields(own)))
        counts.update(changed_documents=bool(changes), changed=len(changes))
        by_field.update(change.name for change in changes)
        examples += [_to_json(document, change) for change in changes]
        _tell(place, run, number + 1, len(documents))
    result: JsonObject = {
        "champion": champion.labeller.version,
        **{name: counts[name] for name in ("documents", "fields", "changed_documents", "changed")},
        "by_field": dict(by_field.most_common()),
        "examples": [*examples[:MOST_EXAMPLES]],
    }
    with place.database.write() as session:
        finish_run(session, run.id, place.owner, utc_now(), result)


def find_changes(before: Record, after: Record) -> Iterator[Change]:
    """The fields whose printed text or place differs, in the order of their paths."""
    if before.form_type != after.form_type:
        kinds = [Field(r.form_type or "", None, None, "accept", (), None) for r in (before, after)]
        yield Change("form_type", "form_type", *kinds)
    old, new = _fields(before), _fields(after)
    for path in dict.fromkeys((*old, *new)):
        (name, first), (_, second) = old.get(path, (path, None)), new.get(path, (path, None))
        if (first.text if first else "") != (second.text if second else ""):
            yield Change(path, new[path][0] if path in new else name, first, second)


def _fields(record: Record) -> Mapping[str, tuple[str, Field]]:
    return {
        item.path: (item.name, item.field)
        for item in named_fields(record)
        if not item.path.startswith("key_values[")
    }


def _stations(place: TrainingPlace, version: str) -> Stations:
    path = place.registry.find(version)
    # Nothing is read: what reading would need is left out.
    return Stations(
        rulings=cast(RulingModels, None),
        reader=cast(Reader, _StoredReader()),
        labeller=load_labeller(path, place.threads),
        declarations=read_declarations(place.database, place.declarations),
        calibrator=find_calibrator(path),
        limits=Limits(),
        threshold=THRESHOLD,
    )


def _find_documents(database: Database, limit: int) -> tuple[Document, ...]:
    """The newest that were read to the end."""
    query = (
        select(Document)
        .where(
            Document.state.in_((DocumentState.DONE, DocumentState.IN_REVIEW)),
            Document.duplicate_of.is_(None),
        )
        .order_by(Document.id.desc())
        .limit(limit)
    )
    with database.read() as session:
        return tuple(session.scalars(query))


def _readings(database: Database, blobs: Blobs, document: Document) -> Sequence[PageReading]:
    with database.read() as session:
        keys = [r.result_key for r in find_results(session, document.id, document.generation)]
    try:
        return [reading_from_json(json.loads(blobs.read(key))) for key in keys]
    except BlobMissing:
        return ()


def _tell(place: TrainingPlace, run: TrainingRun, done: int, total: int) -> None:
    progress: JsonObject = {"stage": "comparing", "step": done, "steps": total}
    with place.database.write() as session:
        renew_run(session, run.id, place.owner, utc_now(), progress)


def _to_json(document: Document, change: Change) -> JsonObject:
    return {
        "document_id": document.id,
        "document": document.name,
        "path": change.path,
        "before": None if change.before is None else change.before.text,
        "after": None if change.after is None else change.after.text,
        "confidence": None if change.after is None else change.after.confidence,
    }
