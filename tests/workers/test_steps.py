from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive.blobs import Blobs, picture_key, reading_key
from archive.clock import utc_now
from archive.database import Database
from archive.documents import add_archive, cancel_document, find_document
from archive.errors import DatabaseGone, StorageFull
from archive.history import document_history
from archive.intake import Incoming, store_file
from archive.revisions import find_revision
from archive.settings import Settings
from archive.states import DocumentState, StepState
from archive.steps import StepKey, find_lost_steps, lease_step
from archive.tables import Document, Result, Step, StepKind
from extraction.pages.sources import SourceFile
from extraction.reading_json import reading_from_json
from extraction.values import PageReading, Record
from tests.archive.rows import find_steps
from tests.workers.fake_road import HEIGHT, WIDTH, FakeRoad, fake_file, file_to_source
from workers.app import make_app
from workers.leases import expire_leases, renewed
from workers.road import ReadPage
from workers.steps import Workplace, do_step, needs_review, patiently, producer_version


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    settings = Settings.from_environment(tmp_path, {"FORMLOOP_REDIS_URL": "memory://"})
    database = Database(settings.database_url, timeout_s=0.2)
    database.migrate()
    yield Workplace(
        database,
        Blobs(settings.storage_url),
        FakeRoad(),
        make_app(settings),
        "worker-1",
        patience_s=3.0,
    )
    database.close()


def upload(place: Workplace, data: bytes) -> str:
    with place.database.write() as session:
        archive_id = add_archive(session, "box", None).id
    incoming = Incoming("a.pdf", io.BytesIO(data))
    return store_file(place.database, place.blobs, archive_id, incoming, 10**9).id


def key(document_id: str, kind: StepKind, page: int = 0) -> StepKey:
    return StepKey(document_id, 1, kind, page)


def waiting(place: Workplace) -> list[StepKey]:
    """What waits now; waits that a failure brought are over."""
    with place.database.write() as session:
        session.execute(update(Step).values(due_at=utc_now() - timedelta(seconds=1)))
        rows = session.scalars(select(Step).where(Step.state == StepState.WAITING)).all()
        return [StepKey(r.document_id, r.generation, r.step, r.page) for r in rows]


def run_all(place: Workplace) -> None:
    while keys := waiting(place):
        for one in keys:
            do_step(place, one)


def found(place: Workplace, document_id: str) -> Document:
    with place.database.read() as session:
        return find_document(session, document_id)


def test_document_walks_the_road_to_its_record(place: Workplace) -> None:
    document_id = upload(place, fake_file(3))
    run_all(place)
    document = found(place, document_id)
    assert document.state == DocumentState.IN_REVIEW
    assert (document.pages, document.pages_done, document.pages_failed) == (3, 3, 0)
    with place.database.read() as session:
        record = find_revision(session, document_id).record
    about = record["document"]
    assert isinstance(about, dict)
    assert (about["name"], about["sha256"]) == ("a.pdf", document.sha256)


def test_page_leaves_its_picture_and_its_reading(place: Workplace) -> None:
    document_id = upload(place, fake_file(1))
    run_all(place)
    picture = place.blobs.read(picture_key(document_id, 1, 1))
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    stored = json.loads(place.blobs.read(reading_key(document_id, 1, 1)))
    reading = reading_from_json(stored)
    assert isinstance(reading, PageReading)
    assert reading.loose_words[0].text.endswith(" 1")


def test_last_page_is_followed_by_the_record_in_the_same_task(place: Workplace) -> None:
    document_id = upload(place, fake_file(2))
    do_step(place, key(document_id, StepKind.SPLIT))
    do_step(place, key(document_id, StepKind.PAGE, 2))
    assert found(place, document_id).state == DocumentState.EXTRACTING
    do_step(place, key(document_id, StepKind.PAGE, 1))
    assert found(place, document_id).state == DocumentState.IN_REVIEW
    with place.database.read() as session:
        last = next(s for s in find_steps(session, document_id) if s.step == StepKind.ASSEMBLE)
    assert (last.state, last.owner, last.attempts) == (StepState.DONE, "worker-1", 1)
    assert last.enqueued_at is None, "no message was sent for it"


class DyingRoad(FakeRoad):
    def assemble(
        self, source: SourceFile, readings: Sequence[PageReading], form_type: str | None
    ) -> Record:
        raise KeyboardInterrupt


def test_worker_that_dies_over_the_record_keeps_the_page_and_is_replaced(
    place: Workplace,
) -> None:
    document_id = upload(place, fake_file(1))
    do_step(place, key(document_id, StepKind.SPLIT))
    with pytest.raises(KeyboardInterrupt):
        do_step(replace(place, road=DyingRoad()), key(document_id, StepKind.PAGE, 1))
    assert found(place, document_id).pages_done == 1
    later = utc_now() + timedelta(hours=1)
    with place.database.read() as session:
        lost = [step.key for step in find_lost_steps(session, later)]
    assert lost == [key(document_id, StepKind.ASSEMBLE)]
    with place.database.write() as session:
        expire_leases(session, "worker-1", utc_now())
    do_step(place, lost[0])
    assert found(place, document_id).state == DocumentState.IN_REVIEW


def test_message_that_comes_twice_does_nothing_the_second_time(place: Workplace) -> None:
    document_id = upload(place, fake_file(2))
    run_all(place)
    before = found(place, document_id).updated_at
    for kind, page in ((StepKind.SPLIT, 0), (StepKind.PAGE, 1), (StepKind.ASSEMBLE, 0)):
        do_step(place, key(document_id, kind, page))
    assert found(place, document_id).updated_at == before
    with place.database.read() as session:
        assert len(session.scalars(select(Result)).all()) == 3


def test_page_that_cannot_be_read_is_set_aside_at_once_and_the_rest_goes_on(
    place: Workplace,
) -> None:
    document_id = upload(place, fake_file(3, bad=[2]))
    run_all(place)
    document = found(place, document_id)
    assert (document.pages_done, document.pages_failed) == (2, 1)
    assert document.state == DocumentState.IN_REVIEW
    with place.database.read() as session:
        (bad,) = [s for s in find_steps(session, document_id) if s.page == 2]
    assert bad.state == StepState.QUARANTINED
    assert bad.attempts == 1
    assert bad.reason == "the page is blank"


def test_engine_that_fails_is_tried_three_times(place: Workplace) -> None:
    document_id = upload(place, fake_file(1, fault=[1]))
    run_all(place)
    with place.database.read() as session:
        (page,) = [s for s in find_steps(session, document_id) if s.page == 1]
        kinds = [event.kind for event in document_history(session, document_id)]
    assert page.attempts == 3
    assert page.reason == "the engine failed"
    assert kinds.count("page_retried") == 2
    assert found(place, document_id).reason == "the engine failed"


def test_what_nobody_thought_of_is_tried_again(place: Workplace) -> None:
    document_id = upload(place, fake_file(1, flaky=[1]))
    run_all(place)
    assert found(place, document_id).pages_done == 1
    with place.database.read() as session:
        details = [event.detail for event in document_history(session, document_id)]
    assert any("something nobody thought of" in str(detail) for detail in details)


def test_file_that_is_none_fails_with_its_reason(place: Workplace) -> None:
    document_id = upload(place, b"no json")
    run_all(place)
    document = found(place, document_id)
    assert document.state == DocumentState.FAILED
    assert document.reason == "the file is damaged"


def test_full_disk_costs_no_attempt(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    document_id = upload(place, fake_file(1))
    do_step(place, key(document_id, StepKind.SPLIT))

    def full(*_: object) -> int:
        raise StorageFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "write", full)
        for _ in range(5):
            waiting(place)
            do_step(place, key(document_id, StepKind.PAGE, 1))
    with place.database.read() as session:
        (page,) = [s for s in find_steps(session, document_id) if s.page == 1]
    assert page.state == StepState.WAITING
    assert page.attempts == 0
    assert page.due_at > utc_now()
    run_all(place)
    assert found(place, document_id).pages_done == 1


def test_source_that_is_gone_is_not_tried_again(place: Workplace) -> None:
    document_id = upload(place, fake_file(1))
    place.blobs.delete(found(place, document_id).blob_key)
    run_all(place)
    document = found(place, document_id)
    assert document.state == DocumentState.FAILED
    assert "there is no blob" in (document.reason or "")


class During(FakeRoad):
    """A road on which something else happens while a page is read."""

    happening: Callable[[], None]

    def read(self, *given: object) -> ReadPage:
        self.happening()
        return super().read(*given)  # type: ignore[arg-type]


def test_page_of_a_document_cancelled_meanwhile_is_dropped(place: Workplace) -> None:
    document_id = upload(place, fake_file(1))
    do_step(place, key(document_id, StepKind.SPLIT))
    road = During()

    def cancel() -> None:
        with place.database.write() as session:
            cancel_document(session, document_id)

    road.happening = cancel
    do_step(replace(place, road=road), key(document_id, StepKind.PAGE, 1))
    assert found(place, document_id).state == DocumentState.CANCELLED
    with place.database.read() as session:
        assert not session.scalars(select(Result)).all()


def test_finished_page_waits_for_a_locked_database(place: Workplace) -> None:
    document_id = upload(place, fake_file(1))
    do_step(place, key(document_id, StepKind.SPLIT))
    locked, road = threading.Event(), During()

    def hold() -> None:
        with place.database.write():
            locked.set()
            threading.Event().wait(0.8)

    def lock() -> None:
        threading.Thread(target=hold).start()
        locked.wait(5)

    road.happening = lock
    do_step(replace(place, road=road), key(document_id, StepKind.PAGE, 1))
    assert found(place, document_id).pages_done == 1


def test_patience_has_an_end(place: Workplace) -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise DatabaseGone("away")

    with pytest.raises(DatabaseGone):
        patiently(replace(place, patience_s=0.6), fail)
    assert len(tries) == 2


def test_last_page_whose_worker_died_thrice_lets_the_others_be_put_together(
    place: Workplace,
) -> None:
    document_id = upload(place, fake_file(2))
    do_step(place, key(document_id, StepKind.SPLIT))
    do_step(place, key(document_id, StepKind.PAGE, 1))
    for attempt in range(3):
        with place.database.write() as session:
            lease = lease_step(session, key(document_id, StepKind.PAGE, 2), "w", utc_now())
            assert lease is not None, attempt
            assert expire_leases(session, "w", utc_now()) == 1
    do_step(place, key(document_id, StepKind.PAGE, 2))
    do_step(place, key(document_id, StepKind.ASSEMBLE))
    document = found(place, document_id)
    assert document.state == DocumentState.IN_REVIEW
    assert (document.pages_done, document.pages_failed) == (1, 1)


def test_leases_of_others_are_left_alone(place: Workplace) -> None:
    document_id = upload(place, fake_file(1))
    with place.database.write() as session:
        assert lease_step(session, key(document_id, StepKind.SPLIT), "other", utc_now())
        assert expire_leases(session, "worker-1", utc_now()) == 0


def test_lease_is_renewed_while_a_page_takes_long(place: Workplace) -> None:
    document_id = upload(place, fake_file(1))
    limits = replace(place.limits, lease_seconds=0.3)
    with place.database.write() as session:
        split = key(document_id, StepKind.SPLIT)
        lease = lease_step(session, split, "worker-1", utc_now(), limits)
    assert lease is not None
    with renewed(place.database, lease, limits):
        threading.Event().wait(0.8)
        assert step_of(place, split).leased_until > utc_now()  # type: ignore[operator]
    threading.Event().wait(0.5)
    assert step_of(place, split).leased_until < utc_now()  # type: ignore[operator]


def step_of(place: Workplace, one: StepKey) -> Step:
    with place.database.read() as session:
        row = session.get(Step, (one.document_id, one.generation, one.step, one.page))
        assert row is not None
        return row


def test_form_type_of_the_uploader_reaches_the_record(place: Workplace) -> None:
    with place.database.write() as session:
        archive_id = add_archive(session, "box", None).id
    incoming = Incoming("a.pdf", io.BytesIO(fake_file(1)))
    document = store_file(
        place.database, place.blobs, archive_id, incoming, 10**9, form_type="travel_claim"
    )
    run_all(place)
    assert found(place, document.id).found_form_type == "travel_claim"


def test_missing_page_asks_for_a_look() -> None:
    road = FakeRoad()
    record = road.assemble(file_to_source(fake_file(1)), [], None)
    accepted = replace(record, fields={}, groups={}, key_values=())
    assert not needs_review(accepted, 0)
    assert needs_review(accepted, 2)


def test_producer_version_is_short_and_tells_versions_apart() -> None:
    short = producer_version({"ocr": "a", "labeller": "b"})
    assert short == "labeller=b ocr=a"
    long = {"ocr": "x" * 300}
    assert len(producer_version(long)) <= 200
    assert producer_version(long) != producer_version({"ocr": "x" * 301})


def test_messages_for_pages_are_marked_as_sent_with_the_split(place: Workplace) -> None:
    document_id = upload(place, fake_file(2))
    do_step(place, key(document_id, StepKind.SPLIT))
    with place.database.read() as session:
        rows = _pages(session, document_id)
    assert [row.enqueued_at is not None for row in rows] == [True, True]


def _pages(session: Session, document_id: str) -> list[Step]:
    return [row for row in find_steps(session, document_id) if row.step == StepKind.PAGE]
