from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from archive.callbacks import (
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    CallbackEvent,
    add_callback,
    all_callbacks,
    claim_delivery,
    find_deliveries,
    find_due_deliveries,
    record_delivered,
    record_refused,
    remove_callback,
    replay_delivery,
    sign_body,
    wait_after,
)
from archive.database import Database
from archive.documents import add_archive
from archive.errors import Refused
from archive.tables import DeliveryState
from tests.archive.rows import extract, later, new_document, record_json

FINISHED = [CallbackEvent.DOCUMENT_FINISHED]
HOOK = "https://example.org/hook"


def test_a_document_that_ends_is_told_once_to_those_who_want_it(database: Database) -> None:
    with database.write() as session:
        document = new_document(session, "报销单.pdf")
        wants = add_callback(session, HOOK, FINISHED)
        add_callback(session, HOOK, [CallbackEvent.ARCHIVE_FINISHED])
        other = add_archive(session, "other", None)
        add_callback(session, HOOK, FINISHED, archive_id=other.id)
        add_callback(session, HOOK, FINISHED).active = False
        extract(session, document, record_json())
        (due,) = find_due_deliveries(session, later(1))
        assert (due.url, due.secret, due.event) == (HOOK, wants.secret, "document.finished")
        told = json.loads(due.body)
        assert told["document"]["id"] == document.id
        assert (told["document"]["state"], told["document"]["name"]) == ("done", "报销单.pdf")


def test_a_delivery_is_claimed_by_one_sender_and_tried_again_with_growing_waits(
    database: Database,
) -> None:
    with database.write() as session:
        add_callback(session, HOOK, FINISHED)
        extract(session, new_document(session), record_json())
        now = later(1)
        (due,) = find_due_deliveries(session, now)
        for attempt in range(1, MOST_ATTEMPTS + 1):
            assert claim_delivery(session, due.id, now)
            assert not claim_delivery(session, due.id, now)
            record_refused(session, due.id, 503, "busy", now)
            assert find_due_deliveries(session, now) == ()
            (row,) = find_deliveries(session)
            assert (row.attempts, row.last_status, row.last_error) == (attempt, 503, "busy")
            now += LONGEST_WAIT
        assert row.state == DeliveryState.FAILED
        assert find_due_deliveries(session, now) == ()
        replay_delivery(session, due.id, now)
        assert find_due_deliveries(session, now)[0].body == due.body
        assert claim_delivery(session, due.id, now)
        record_delivered(session, due.id, 200, now)
        assert row.state == DeliveryState.DELIVERED and row.last_error is None
        assert not claim_delivery(session, due.id, now + LONGEST_WAIT)


def test_a_sender_that_died_does_not_lose_the_delivery(database: Database) -> None:
    with database.write() as session:
        add_callback(session, HOOK, FINISHED)
        extract(session, new_document(session), record_json())
        (due,) = find_due_deliveries(session, later(1))
        claim_delivery(session, due.id, later(1))
        assert find_due_deliveries(session, later(5)) == ()
        assert len(find_due_deliveries(session, later(20))) == 1


def test_waits_double_up_to_a_limit() -> None:
    waits = [wait_after(attempt) for attempt in range(1, 100)]
    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert waits == sorted(waits) and waits[-1] == LONGEST_WAIT


@pytest.mark.parametrize(
    "address", ["ftp://x", "javascript:alert(1)", "/hook", "https://", "https://a:b@x/", "x" * 3000]
)
def test_an_address_that_is_none_is_refused(database: Database, address: str) -> None:
    with database.write() as session, pytest.raises(Refused):
        add_callback(session, address, FINISHED)


def test_the_deliveries_of_a_removed_callback_go_with_it(database: Database) -> None:
    with database.write() as session:
        row = add_callback(session, HOOK, FINISHED)
        extract(session, new_document(session), record_json())
        session.flush()
        remove_callback(session, row.id)
        session.flush()
        assert all_callbacks(session) == find_deliveries(session) == ()


def test_the_signature_is_what_the_documentation_says() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = int(at.timestamp())
    mac = hmac.new(b"secret", f"{seconds}.{{}}".encode(), hashlib.sha256).hexdigest()
    assert sign_body("secret", "{}", at) == f"t={seconds},v1={mac}"
