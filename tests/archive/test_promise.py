"""The promise over rows: what the audit found, kept up to date, judged and stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from annotation.policy import ReviewPolicy
from annotation.promise import NEVER
from annotation.quality import POOREST
from annotation.standing import PromiseGoal, PromiseState, standing_to_json
from annotation.values import Verdict
from archive import audited, recent
from archive.audited import find_audited, find_judged, is_wrong, refresh_audited
from archive.database import Database
from archive.ids import new_id
from archive.kept_settings import write_review_policy, write_setting
from archive.promise import (
    PROMISE,
    begin_anew,
    find_promised_policy,
    find_standing,
    refresh_promise,
    write_goal,
)
from archive.recent import find_recent, refresh_recent, simulated_work
from archive.tables import CorrectionRow, ReviewTaskRow
from extraction.json_values import JsonObject
from tests.annotation.small_form import DECLARATION
from tests.archive.review_rows import add_reviewed
from tests.archive.rows import START


def say(
    session: Session,
    task_id: str,
    path: str,
    verdict: str = "confirmed",
    *,
    audit: bool = True,
    at: datetime = START,
    texts: tuple[str, str] = ("a", "a"),
    author: str = "ann@x",
) -> CorrectionRow:
    """One answer about one path, as applying an annotation stores it."""
    task = session.get_one(ReviewTaskRow, task_id)
    before, after = ({"text": text, "page": 1, "box": None} for text in texts)
    row = CorrectionRow(
        task_id=task_id,
        document_id=task.document_id,
        generation=1,
        digest=new_id(),
        form_type=task.form_type,
        path=path,
        name=path,
        verdict=verdict,
        before=before,
        after=after,
        author=author,
        annotation_id=1,
        at=at,
        audit=audit,
        confidence=0.97 if audit else 0.5,
        reasons=["audit"] if audit else ["low_confidence"],
    )
    session.add(row)
    session.flush()
    return row


@pytest.fixture
def paths() -> list[str]:
    return ["buyer", "items[0].amount", "total"]


def test_audited_fields_are_right_or_wrong_by_document(
    database: Database, paths: list[str]
) -> None:
    one, two, three = paths
    with database.write() as session:
        _, task = add_reviewed(session, "a.pdf", three)
        say(session, task, one)
        say(session, task, two, "retyped", texts=("1O0", "100"))
        refresh_audited(session, START)
        (found,) = find_audited(session)
    assert found.at == START and found.document.document_id == task
    assert sorted(field.wrong for field in found.document.fields) == [False, True]
    assert all(field.level < NEVER for field in found.document.fields)
    assert f"form:{DECLARATION.name}" in found.document.groups


def test_what_was_taken_back_or_said_later_is_read_anew(
    database: Database, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        _, task = add_reviewed(session, "a.pdf", paths[2])
        _, untouched = add_reviewed(session, "b.pdf", paths[2])
        say(session, untouched, paths[0])
        row = say(session, task, paths[0])
        refresh_audited(session, START)
        row.replaced_at = START
        say(session, task, paths[0], "removed", at=START + timedelta(minutes=5))
        read: list[str] = []
        whole = audited._read_document

        def noted(session: Session, task_id: str, known: dict[str, ReviewPolicy]) -> object:
            read.append(task_id)
            return whole(session, task_id, known)

        monkeypatch.setattr(audited, "_read_document", noted)
        refresh_audited(session, START)
        wrong = {one.document.document_id: one.document.fields for one in find_audited(session)}
    assert read == [task]
    assert wrong[task][0].wrong and not wrong[untouched][0].wrong


def test_either_of_two_people_can_call_a_field_wrong(database: Database, paths: list[str]) -> None:
    with database.write() as session:
        _, task = add_reviewed(session, "a.pdf", paths[2])
        say(session, task, paths[0], "retyped", texts=("a", "b"), author="bob@x")
        say(session, task, paths[0])
        refresh_audited(session, START)
        (found,) = find_audited(session)
    assert [field.wrong for field in found.document.fields] == [True]


def test_what_nobody_could_read_is_not_counted(database: Database, paths: list[str]) -> None:
    with database.write() as session:
        _, task = add_reviewed(session, "a.pdf", paths[2])
        say(session, task, paths[0])
        say(session, task, paths[1], "illegible")
        refresh_audited(session, START)
        (found,) = find_audited(session)
    assert len(found.document.fields) == 1


@pytest.mark.parametrize(
    ("verdict", "before", "after", "wrong"),
    [
        (Verdict.CONFIRMED, "a", "a", False),
        (Verdict.MOVED, "a", "a", False),
        (Verdict.RETYPED, "（1）", "(1)", False),
        (Verdict.RETYPED, "1", "7", True),
        (Verdict.RENAMED, "a", "a", True),
        (Verdict.REMOVED, "a", "", True),
        (Verdict.ROW_REMOVED, "a", "", True),
    ],
)
def test_a_field_is_wrong_when_its_text_is_not_what_is_printed(
    verdict: Verdict, before: str, after: str, wrong: bool
) -> None:
    stands: tuple[JsonObject, JsonObject] = ({"text": before}, {"text": after})
    assert is_wrong(verdict, *stands) is wrong


def test_before_anything_was_read_simulated_scans_decide(database: Database) -> None:
    with database.write() as session:
        standing = find_standing(session)
        assert standing.state is PromiseState.SIMULATED and not standing.kept
        assert standing.goal == PromiseGoal() and standing.automation > 0
        assert refresh_promise(session, START) == find_standing(session)


def test_another_goal_is_kept_and_moves_the_threshold(database: Database) -> None:
    with database.write() as session:
        usual = refresh_promise(session, START)
        strict = write_goal(session, PromiseGoal(0.001, 0.99), START)
    with database.read() as session:
        assert find_standing(session) == strict
    assert strict.goal.target == 0.001
    assert strict.threshold > usual.threshold and strict.automation < usual.automation


def test_another_model_begins_anew(database: Database, paths: list[str]) -> None:
    with database.write() as session:
        _, task = add_reviewed(session, "a.pdf", paths[2])
        say(session, task, paths[0], at=START)
        assert refresh_promise(session, START).documents == 1
        assert begin_anew(session, START + timedelta(hours=1)).documents == 0
        say(session, task, paths[1], at=START + timedelta(hours=2))
        assert refresh_promise(session, START + timedelta(hours=3)).documents == 1


def test_judged_fields_carry_what_they_stand_for(database: Database, paths: list[str]) -> None:
    with database.write() as session:
        _, task = add_reviewed(session, "a.pdf", paths[2])
        say(session, task, paths[0])
        say(session, task, paths[2], "retyped", audit=False, texts=("a", "b"))
        judged = find_judged(session, (DECLARATION,))
    weights = {one.right: one.weight for one in judged}
    assert weights == {True: pytest.approx(50.0), False: 1.0}


def test_the_promise_gives_the_threshold_that_routes(database: Database) -> None:
    with database.write() as session:
        threshold = refresh_promise(session, START).threshold
        assert find_promised_policy(session, "order", 0).threshold == threshold
        write_review_policy(session, "order", ReviewPolicy(threshold=0.9999))
        write_review_policy(session, "other", ReviewPolicy(threshold=0.5, audit_fields=1.0))
        assert find_promised_policy(session, "order", 0).threshold == 0.9999
        other = find_promised_policy(session, "other", 0)
    assert (other.threshold, other.audit_fields) == (threshold, 1.0)


def test_scans_poorer_than_what_is_proved_are_shown_whole(database: Database) -> None:
    with database.write() as session:
        standing = replace(refresh_promise(session, START), poorest=POOREST - 1)
        write_setting(session, PROMISE, standing_to_json(standing))
        thresholds = [
            find_promised_policy(session, "order", quality).threshold
            for quality in range(POOREST + 1)
        ]
    assert thresholds == [standing.threshold, standing.threshold, 1.0]


def test_doubtful_fields_of_drawn_documents_count_though_nothing_was_audited(
    database: Database, paths: list[str]
) -> None:
    """Where all fields go to people nothing is accepted, so nothing is drawn for the audit."""
    with database.write() as session:
        write_review_policy(
            session, DECLARATION.name, ReviewPolicy(audit_documents=1.0, audit_fields=1.0)
        )
        _, task = add_reviewed(session, "a.pdf", *paths)
        for path in paths:
            say(session, task, path, audit=False)
        refresh_audited(session, START)
        (found,) = find_audited(session)
        assert len(found.document.fields) == len(paths)
        write_review_policy(
            session, DECLARATION.name, ReviewPolicy(audit_documents=0.0, audit_fields=1.0)
        )
        refresh_audited(session, START)
        assert find_audited(session) == ()


def test_each_record_is_read_once_for_what_came_lately(
    database: Database, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        assert find_recent(session).mixture is None
        for number in range(3):
            add_reviewed(session, f"{number}.pdf", *paths)
        refresh_recent(session, START)
        before = find_recent(session)
        assert before != simulated_work() and 0 < max(before.automation(POOREST)) <= 1
        monkeypatch.setattr(recent, "acceptable_levels", None)
        refresh_recent(session, START)
        assert find_recent(session) == before
