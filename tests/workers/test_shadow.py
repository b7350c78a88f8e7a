from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

from archive.blobs import Blobs, reading_key
from archive.database import Database
from archive.documents import add_archive
from archive.intake import Incoming, store_file
from archive.states import DocumentState
from archive.tables import Document, Result, StepKind, TrainingKind, TrainingState
from archive.training_runs import RunSettings, find_run, queue_run
from extraction.declarations import load_declarations
from extraction.reading_json import reading_to_json
from extraction.values import Field
from tests.models.examples import make_reading, write_tiny_version
from tests.service.worlds import sample_record
from workers.shadow import find_changes
from workers.train_process import take_run
from workers.training import TrainingPlace

ROWS = [[["项目名称"], ["甲"]], [["年度"], ["2026"]]]


def test_only_fields_that_are_read_otherwise_are_changes() -> None:
    before = sample_record()
    assert list(find_changes(before, before)) == []
    other = Field("乙", "乙", 0.4, "review", (), None)
    fields = {"project_name": other, "leader": other}
    after = replace(before, fields=fields, form_type="another")
    changes = {change.path: change for change in find_changes(before, after)}
    assert set(changes) == {"form_type", "project_name", "leader", "total_budget"}
    assert changes["leader"].before is None
    assert changes["total_budget"].after is None
    assert changes["form_type"].after is not None
    assert changes["form_type"].after.text == "another"


def test_confidences_alone_are_no_change() -> None:
    before = sample_record()
    sure = {name: replace(field, confidence=1.0) for name, field in before.fields.items()}
    assert list(find_changes(before, replace(before, fields=sure))) == []


def test_a_shadow_run_reads_stored_pages_again_and_changes_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    blobs = Blobs(str(tmp_path / "blobs"))
    place = TrainingPlace(database, blobs, tmp_path, load_declarations(), "trainer", 1)
    write_tiny_version(place.registry.own, "other")
    document_id = store_read_document(database, blobs)
    with database.write() as session:
        settings = RunSettings(documents=5)
        run = queue_run(session, TrainingKind.SHADOW, settings, version="other")
    assert take_run(place) == run.id
    with database.read() as session:
        done = find_run(session, run.id)
        document = session.get(Document, document_id)
    assert done.state == TrainingState.DONE, done.reason
    assert done.result["documents"] == 1
    assert done.result["champion"] == place.registry.find_current().name
    assert document is not None
    assert document.revision == 0
    database.close()


def store_read_document(database: Database, blobs: Blobs) -> str:
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
    incoming = Incoming("a.pdf", io.BytesIO(b"%PDF-1.7 a file"))
    document_id = store_file(database, blobs, archive_id, incoming, 10**6).id
    key = reading_key(document_id, 1, 1)
    blobs.write(key, json.dumps(reading_to_json(make_reading(ROWS))).encode())
    with database.write() as session:
        document = session.get(Document, document_id)
        assert document is not None
        document.state = DocumentState.DONE
        session.add(
            Result(
                document_id=document_id,
                generation=1,
                page=1,
                step=StepKind.PAGE,
                producer_version="test",
                result_key=key,
            )
        )
    return document_id
