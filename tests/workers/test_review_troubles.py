"""What goes wrong between the service and Label Studio, and that nothing is lost by it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from annotation.errors import StudioGone, StudioRefused
from annotation.studio_json import BY_NUMBER, BY_WORTH, StudioProject
from archive.clock import utc_now
from archive.database import Database
from archive.documents import reprocess_document
from archive.review_state import find_review_problem
from archive.states import DocumentState
from archive.tables import ReviewProject, ReviewState
from tests.annotation.fake_studio import FakeStudio, retype
from tests.archive.review_rows import FORMS, find_row, newest_texts
from tests.workers.review_rig import KEY, URL, ReviewRig
from workers.review_place import ReviewPlace, told
from workers.review_projects import HOOK_HEADER, hook_secret, keep_projects
from workers.review_push import PAUSE, push_due_tasks
from workers.review_sweep import sweep

TYPO = "items[0].amount"
GONE = StudioGone("no Label Studio answers at http://x: start it")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ReviewRig]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    yield ReviewRig(database)
    database.close()


def state(rig: ReviewRig, task_id: str) -> ReviewState:
    with rig.database.read() as session:
        return find_row(session, task_id).state


def problem(rig: ReviewRig) -> str | None:
    with rig.database.read() as session:
        return find_review_problem(session)


def project(rig: ReviewRig) -> ReviewProject:
    with rig.database.read() as session:
        return session.get_one(ReviewProject, "order")


def due_again(rig: ReviewRig, task_id: str) -> None:
    with rig.database.write() as session:
        find_row(session, task_id).due_at = utc_now() - timedelta(seconds=1)


def test_project_is_made_as_declared_with_its_webhook(rig: ReviewRig) -> None:
    keep_projects(rig.place)
    keep_projects(rig.place)
    (made,) = rig.studio.projects.values()
    assert made.title == "订货单" and "数量" in made.config
    ((number, url),) = rig.studio.webhooks
    assert (number, url) == (made.project_id, f"{URL}/hooks/label-studio")
    assert rig.studio.webhooks[number, url] == {HOOK_HEADER: hook_secret(KEY)}


def test_task_before_people_has_addresses_of_its_pages(rig: ReviewRig) -> None:
    _, task_id = rig.add("a.pdf", "buyer", TYPO)
    assert rig.push() == 1
    data = rig.studio.find_by_our_id(task_id).data
    pages = data["pages"]
    assert isinstance(pages, list) and len(pages) == 2
    assert all(str(page).startswith(f"{URL}/asked-pictures/") for page in pages)
    assert state(rig, task_id) == ReviewState.PUSHED


def test_down_for_a_while_then_all_goes_on(rig: ReviewRig) -> None:
    document_id, task_id = rig.add("a.pdf", "buyer", TYPO)
    rig.push()
    rig.studio.answer(task_id, retype({"8": "9"}))
    _, waiting = rig.add("b.pdf", "buyer")
    rig.studio.trouble = GONE
    for action in (keep_projects, push_due_tasks, sweep):
        assert not told(rig.place, action)
    assert problem(rig) == str(GONE)
    rig.studio.trouble = None
    due_again(rig, waiting)
    assert told(rig.place, push_due_tasks) and told(rig.place, sweep)
    rig.apply()
    assert problem(rig) is None
    assert state(rig, waiting) == ReviewState.PUSHED
    with rig.database.read() as session:
        assert newest_texts(session, document_id)[TYPO] == "9"


@pytest.mark.parametrize("calls", range(5))
def test_gone_after_any_number_of_calls_nothing_is_lost_or_doubled(
    rig: ReviewRig, calls: int
) -> None:
    ids = [rig.add(f"{number}.pdf", "buyer", TYPO)[1] for number in range(3)]
    rig.studio.trouble, rig.studio.calls_left = GONE, calls
    for action in (keep_projects, push_due_tasks, sweep):
        told(rig.place, action)
    rig.studio.trouble = None
    for task_id in ids:
        due_again(rig, task_id)
    rig.push()
    assert {str(one.data["task_id"]) for one in rig.studio.tasks.values()} == set(ids)
    assert len(rig.studio.tasks) == len(rig.studio.projects) + 2 == 3
    for task_id in ids:
        rig.studio.answer(task_id)
    rig.sweep()
    assert {state(rig, task_id) for task_id in ids} == {ReviewState.SETTLED}


def test_process_that_died_between_the_import_and_its_note(rig: ReviewRig) -> None:
    _, task_id = rig.add("a.pdf", "buyer")
    rig.push()
    with rig.database.write() as session:
        row = find_row(session, task_id)
        row.state, row.label_studio_task_id = ReviewState.WAITING, None
    # Meanwhile somebody answers what we do not know to be there.
    document = rig.studio.answer(task_id)
    assert document
    due_again(rig, task_id)
    assert push_due_tasks(rig.place) == 1
    assert len(rig.studio.tasks) == 1
    rig.sweep()
    assert state(rig, task_id) == ReviewState.SETTLED


def test_token_revoked_says_what_to_do_and_postpones_nothing(rig: ReviewRig) -> None:
    for number in range(3):
        rig.add(f"{number}.pdf", "buyer")
    keep_projects(rig.place)
    rig.studio.trouble = StudioRefused("does not accept the token: copy one from its page")
    assert not told(rig.place, push_due_tasks)
    assert "copy one" in str(problem(rig))
    assert project(rig).problem is None
    rig.studio.trouble = None
    assert push_due_tasks(rig.place, utc_now() + timedelta(minutes=1)) == 3


def test_one_task_that_is_refused_keeps_no_other_out(rig: ReviewRig) -> None:
    ids = [rig.add(f"{number}.pdf", "buyer")[1] for number in range(8)]
    rig.studio.refused = lambda task: ids[5] in str(task["data"])
    assert rig.push() == 7
    assert state(rig, ids[5]) == ReviewState.WAITING
    with rig.database.read() as session:
        assert find_row(session, ids[5]).reason == "a prediction is not right"


def test_task_deleted_by_hand_is_made_again(rig: ReviewRig) -> None:
    document_id, task_id = rig.add("a.pdf", "buyer", TYPO)
    _, other = rig.add("b.pdf", "buyer")
    rig.push()
    rig.studio.delete_task(rig.studio.find_by_our_id(task_id).task_id)
    assert rig.check() == 1
    assert rig.check() == 0
    assert push_due_tasks(rig.place, utc_now() + timedelta(seconds=5)) == 1
    rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    assert rig.document(document_id).state == DocumentState.DONE
    assert state(rig, other) == ReviewState.PUSHED


def test_answers_stay_when_their_task_is_deleted_by_hand(rig: ReviewRig) -> None:
    document_id, task_id = rig.add("a.pdf", "buyer", TYPO)
    rig.push()
    rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    rig.studio.delete_task(rig.studio.find_by_our_id(task_id).task_id)
    rig.sweep()
    assert rig.check() == 0
    assert state(rig, task_id) == ReviewState.SETTLED
    with rig.database.read() as session:
        assert newest_texts(session, document_id)[TYPO] == "9"


def test_project_deleted_by_hand_is_made_again_with_its_tasks(rig: ReviewRig) -> None:
    _, task_id = rig.add("a.pdf", "buyer", TYPO)
    _, settled = rig.add("b.pdf", "buyer")
    rig.push()
    rig.studio.answer(settled)
    rig.sweep()
    (old,) = rig.studio.projects
    rig.studio.delete_project(old)
    assert not told(rig.place, sweep)
    assert rig.push() == 1
    (new,) = rig.studio.projects
    assert new != old and project(rig).project_id == new
    assert [one.data["task_id"] for one in rig.studio.tasks.values()] == [task_id]
    assert state(rig, settled) == ReviewState.SETTLED


def test_a_new_label_studio_in_place_of_the_old_one(rig: ReviewRig) -> None:
    """Its numbers begin anew: what they meant before must not be mixed up."""
    first = rig.add("a.pdf", "buyer", TYPO)
    second = rig.add("b.pdf", "buyer", TYPO)
    rig.push()
    rig.studio.answer(first[1], retype({"8": "9"}))
    rig.sweep()
    rig.studio = FakeStudio()
    rig.push()
    assert [one.data["task_id"] for one in rig.studio.tasks.values()] == [second[1]]
    rig.studio.answer(second[1], retype({"8": "7"}))
    rig.sweep()
    assert len(rig.studio.projects) == 1
    with rig.database.read() as session:
        assert newest_texts(session, first[0])[TYPO] == "9"
        assert newest_texts(session, second[0])[TYPO] == "7"


def test_the_project_of_a_stranger_is_left_alone(rig: ReviewRig) -> None:
    rig.add("a.pdf", "buyer")
    rig.push()
    other = StudioProject(1, "theirs", "not ours", "<View/>")
    rig.studio = FakeStudio(projects={1: other}, _ids=itertools.count(2))
    rig.push()
    assert rig.studio.projects[1] == other
    assert [one.project_id for one in rig.studio.tasks.values()] == [2]


@pytest.mark.parametrize(("found", "left"), [(BY_NUMBER, BY_WORTH), ("Uniform", "Uniform")])
def test_a_project_that_hands_out_by_number_hands_out_by_worth(
    rig: ReviewRig, found: str, left: str
) -> None:
    """As projects were made once; an order that somebody chose stays."""
    rig.push()
    number, made = next(iter(rig.studio.projects.items()))
    assert made.sampling == BY_WORTH
    rig.studio.projects[number] = replace(made, sampling=found)
    rig.push()
    assert rig.studio.projects[number].sampling == left


def test_deletion_told_by_a_webhook_is_believed_only_when_it_is_so(rig: ReviewRig) -> None:
    document_id, task_id = rig.add("a.pdf", "buyer", TYPO)
    rig.push()
    annotation_id = rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    for _ in range(2):
        with rig.database.write() as session:
            find_row(session, task_id).look_at = utc_now()
        assert rig.look() == 1
        assert rig.look() == 0
        assert state(rig, task_id) == ReviewState.SETTLED
    rig.studio.delete_annotation(annotation_id)
    with rig.database.write() as session:
        find_row(session, task_id).look_at = utc_now()
    rig.look()
    assert state(rig, task_id) == ReviewState.PUSHED
    assert rig.document(document_id).state == DocumentState.IN_REVIEW


def test_looked_at_task_whose_number_was_given_to_another(rig: ReviewRig) -> None:
    _, lost = rig.add("a.pdf", "buyer", TYPO)
    _, other = rig.add("b.pdf", "buyer", TYPO)
    rig.push()
    number = rig.studio.find_by_our_id(lost).task_id
    rig.studio.delete_task(number)
    rig.studio.tasks[number] = replace(rig.studio.find_by_our_id(other), task_id=number)
    rig.studio.answer(other, retype({"8": "9"}))
    with rig.database.write() as session:
        find_row(session, lost).look_at = utc_now()
    rig.look()
    assert state(rig, lost) == ReviewState.WAITING


def test_large_backlog_waits_between_imports_and_a_trickle_does_not(
    rig: ReviewRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.review_push.FEW", 3)
    rig.add("first.pdf", "buyer")
    rig.push()
    rig.add("second.pdf", "buyer")
    now = utc_now() + timedelta(minutes=1)
    assert push_due_tasks(rig.place, now) == 1
    rig.add("third.pdf", "buyer")
    assert push_due_tasks(rig.place, now + timedelta(seconds=2)) == 1
    for number in range(4):
        rig.add(f"{number}.pdf", "buyer")
    assert push_due_tasks(rig.place, now + timedelta(seconds=4)) == 0
    assert push_due_tasks(rig.place, now + timedelta(seconds=2) + PAUSE) == 4


def test_changed_declaration_keeps_labels_that_are_in_use(rig: ReviewRig) -> None:
    _, task_id = rig.add("a.pdf", "buyer", TYPO)
    rig.push()
    rig.studio.answer(task_id)
    rig.sweep()
    form = FORMS["order"]
    renamed = [
        one.model_copy(update={"title": "购方"}) if one.name == "buyer" else one
        for one in form.fields
    ]
    changed = form.model_copy(update={"fields": tuple(renamed)})
    place = ReviewPlace(rig.database, rig.studio, {"order": changed}, URL, KEY)
    keep_projects(place)
    (made,) = rig.studio.projects.values()
    assert "购方" in made.config and "买方" in made.config
    assert project(rig).problem is None
    before = made.config
    keep_projects(place)
    (made,) = rig.studio.projects.values()
    assert made.config == before


def test_document_read_anew_leaves_one_task_before_people(rig: ReviewRig) -> None:
    document_id, _ = rig.add("a.pdf", "buyer")
    rig.push()
    with rig.database.write() as session:
        reprocess_document(session, document_id)
    rig.clear()
    assert rig.studio.tasks == {}
