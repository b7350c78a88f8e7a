"""Corrections that make a check fail newly: what nobody was shown is asked after."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from annotation.task_json import task_from_json
from archive.clock import utc_now
from archive.corrections import apply_answers
from archive.database import Database
from archive.documents import find_document, reprocess_document
from archive.reviewed import find_reviewed
from archive.revisions import find_revision
from archive.states import DocumentState
from archive.tables import ReviewState, ReviewTaskRow
from extraction.record_json import record_from_json
from tests.archive.review_rows import FORMS, add_reviewed, find_row, newest_texts
from tests.archive.saying import say

AMOUNT, LIMIT = "items[0].amount", "items[0].limit"
OVER = {"8": "11"}
"""More than the limit of the row, which is accepted and not shown."""


def open_tasks(session: Session, document_id: str) -> list[ReviewTaskRow]:
    query = select(ReviewTaskRow).where(
        ReviewTaskRow.document_id == document_id, ReviewTaskRow.state != ReviewState.WITHDRAWN
    )
    return list(session.scalars(query.order_by(ReviewTaskRow.id)))


def state(session: Session, document_id: str) -> DocumentState:
    return find_document(session, document_id).state


def asked_paths(row: ReviewTaskRow) -> set[str]:
    return {path for region in task_from_json(row.body).regions for path in region.paths}


def test_what_a_correction_made_doubtful_is_asked_once(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", AMOUNT)
        say(session, task_id, 1, OVER)
        for _ in range(3):
            apply_answers(session, task_id, FORMS, utc_now())
        first, further = open_tasks(session, document.id)
        assert (first.id, first.state) == (task_id, ReviewState.SETTLED)
        assert asked_paths(further) == {LIMIT} and further.audited == 0
        assert further.base_revision == first.corrected_revision == 2
        assert state(session, document.id) == DocumentState.IN_REVIEW
        reasons = task_from_json(further.body).regions[0].reasons
        assert "check_failed:limit" in reasons


def test_document_is_done_when_the_follow_up_is_answered(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", AMOUNT)
        say(session, task_id, 1, OVER)
        further = open_tasks(session, document.id)[1].id
        say(session, further, 2, {"10": "19"})
        assert state(session, document.id) == DocumentState.DONE
        texts = newest_texts(session, document.id)
        assert (texts[AMOUNT], texts[LIMIT]) == ("11", "19")
        for again in (task_id, further, task_id):
            apply_answers(session, again, FORMS, utc_now())
        assert state(session, document.id) == DocumentState.DONE
        assert find_document(session, document.id).revision == 3
        reviewed = find_reviewed(session, document.id)
        assert reviewed is not None and reviewed.revision == 2, "what is learnt from keeps its base"


def test_form_that_is_printed_so_is_done_after_one_follow_up(database: Database) -> None:
    """People confirm both sides of a check that does not hold."""
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", AMOUNT)
        say(session, task_id, 1, OVER)
        say(session, open_tasks(session, document.id)[1].id, 2)
        assert state(session, document.id) == DocumentState.DONE
        assert len(open_tasks(session, document.id)) == 2
        record = record_from_json(find_revision(session, document.id).record)
        assert record.groups["items"][0]["limit"].route == "accept"


@pytest.mark.parametrize("answered", [False, True])
def test_correction_taken_back_withdraws_the_follow_up(database: Database, answered: bool) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", AMOUNT)
        say(session, task_id, 1, OVER)
        further = open_tasks(session, document.id)[1].id
        if answered:
            say(session, further, 2)
        say(session, task_id, 1, {"8": "9"}, minutes=5)
        assert [row.id for row in open_tasks(session, document.id)] == [task_id]
        assert find_row(session, further).state == ReviewState.WITHDRAWN
        assert state(session, document.id) == DocumentState.DONE
        assert newest_texts(session, document.id)[AMOUNT] == "9"


def test_other_correction_is_asked_after_anew(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", AMOUNT)
        say(session, task_id, 1, OVER)
        before = open_tasks(session, document.id)[1].id
        say(session, task_id, 1, {"8": "12"}, minutes=5)
        _, further = open_tasks(session, document.id)
        assert further.id != before and further.base_revision == 3
        assert state(session, document.id) == DocumentState.IN_REVIEW


def test_nothing_is_asked_further_while_people_disagree(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", AMOUNT)
        say(session, task_id, 1, OVER)
        say(session, task_id, 2, {"8": "12"}, author=12, minutes=1)
        assert [row.id for row in open_tasks(session, document.id)] == [task_id]
        say(session, task_id, 3, OVER, author=13, minutes=2)
        assert len(open_tasks(session, document.id)) == 2


def test_reading_again_withdraws_follow_ups_too(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", AMOUNT)
        say(session, task_id, 1, OVER)
        reprocess_document(session, document.id)
        assert open_tasks(session, document.id) == []
