"""The review loop over a Label Studio in memory: there, answered, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from archive.callbacks import CallbackEvent, add_callback
from archive.clock import utc_now
from archive.corrections import apply_answers, find_corrections
from archive.database import Database
from archive.disagreements import choose_text, find_disagreements
from archive.documents import accept_document
from archive.history import EventKind, document_history
from archive.kept_settings import STUDIO_PEOPLE, read_setting
from archive.review_state import find_review_standing
from archive.review_tables import SettledBy
from archive.revisions import all_revisions
from archive.states import DocumentState
from archive.tables import AnnotationVersion, Delivery, ReviewState, RevisionKind
from tests.annotation.fake_studio import retype
from tests.archive.review_rows import FORMS, find_row, newest_texts
from tests.workers.review_rig import ReviewRig

TYPO = "items[0].amount"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ReviewRig]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.migrate()
    yield ReviewRig(database)
    database.close()


@pytest.fixture
def asked(rig: ReviewRig) -> tuple[str, str]:
    """A document, and its task before people: the buyer and an amount are doubtful."""
    found = rig.add("a.pdf", "buyer", TYPO)
    assert rig.push() == 1
    return found


def state(rig: ReviewRig, task_id: str) -> ReviewState:
    with rig.database.read() as session:
        return find_row(session, task_id).state


def shown(rig: ReviewRig, document_id: str) -> dict[str, str]:
    with rig.database.read() as session:
        return newest_texts(session, document_id)


def revisions(rig: ReviewRig, document_id: str) -> list[RevisionKind]:
    with rig.database.read() as session:
        return [row.kind for row in all_revisions(session, document_id)]


def test_correction_comes_back_once_and_ends_the_document(
    rig: ReviewRig, asked: tuple[str, str]
) -> None:
    document_id, task_id = asked
    with rig.database.write() as session:
        add_callback(session, "https://example.com/", [CallbackEvent.DOCUMENT_CORRECTED])
    annotation_id = rig.studio.answer(task_id, retype({"8": "9"}))
    assert rig.sweep() == 1
    assert shown(rig, document_id)[TYPO] == "9"
    assert state(rig, task_id) == ReviewState.SETTLED
    assert rig.document(document_id).state == DocumentState.DONE
    assert revisions(rig, document_id) == [RevisionKind.EXTRACTION, RevisionKind.CORRECTION]
    with rig.database.read() as session:
        said = {row.path: row for row in find_corrections(session, document_id)}
        assert {path: row.verdict for path, row in said.items()} == {
            "buyer": "confirmed",
            "signed": "confirmed",
            TYPO: "retyped",
        }
        typo = said[TYPO]
        assert (typo.before or {})["text"] == "8" and (typo.after or {})["text"] == "9"
        assert (typo.name, typo.annotation_id, typo.author) == ("items.amount", annotation_id, "1")
        assert typo.confidence == 0.5 and typo.reasons
        corrected = [
            event.detail
            for event in document_history(session, document_id)
            if event.kind == EventKind.CORRECTED
        ]
        assert [event["annotations"] for event in corrected] == [[annotation_id]]
        (delivery,) = session.scalars(select(Delivery))
        assert '"document.corrected"' in delivery.body and document_id in delivery.body
        (version,) = session.scalars(select(AnnotationVersion))
        assert (version.author, version.seconds) == ("1", 12.5)
        assert read_setting(session, STUDIO_PEOPLE) == {"1": "annotator1@example.com"}


def test_sweeping_again_changes_nothing(rig: ReviewRig, asked: tuple[str, str]) -> None:
    document_id, task_id = asked
    rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    before = rig.document(document_id).updated_at
    for _ in range(3):
        assert rig.sweep() == 0
    assert rig.document(document_id).updated_at == before
    assert len(revisions(rig, document_id)) == 2


def test_edit_after_submission_makes_another_revision(
    rig: ReviewRig, asked: tuple[str, str]
) -> None:
    document_id, task_id = asked
    annotation_id = rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    rig.studio.edit(annotation_id, retype({"9": "7"}))
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "7"
    assert len(revisions(rig, document_id)) == 3
    with rig.database.read() as session:
        standing = find_corrections(session, document_id)
        everything = find_corrections(session, document_id, replaced=True)
        texts = [(row.after or {})["text"] for row in everything if row.path == TYPO]
        assert texts == ["9", "7"], "what was said before stays on record"
        assert [row.path for row in standing].count(TYPO) == 1


def test_deleted_annotation_puts_the_document_back_into_review(
    rig: ReviewRig, asked: tuple[str, str]
) -> None:
    document_id, task_id = asked
    annotation_id = rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    rig.studio.delete_annotation(annotation_id)
    assert rig.sweep() == 1
    assert shown(rig, document_id)[TYPO] == "8"
    assert state(rig, task_id) == ReviewState.PUSHED
    assert rig.document(document_id).state == DocumentState.IN_REVIEW
    with rig.database.read() as session:
        assert find_corrections(session, document_id) == ()
    rig.studio.answer(task_id)
    rig.sweep()
    assert rig.document(document_id).state == DocumentState.DONE


def test_number_of_a_deleted_annotation_may_be_given_to_another(
    rig: ReviewRig, asked: tuple[str, str]
) -> None:
    """As Label Studio does on SQLite."""
    document_id, task_id = asked
    number = rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    rig.studio.delete_annotation(number)
    rig.sweep()
    again = rig.studio.answer(task_id, retype({"8": "7"}))
    rig.studio.annotations[number] = {**rig.studio.annotations.pop(again), "id": number}
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "7"
    assert rig.document(document_id).state == DocumentState.DONE
    rig.studio.delete_annotation(number)
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "8"


def test_skipped_task_is_not_answered(rig: ReviewRig, asked: tuple[str, str]) -> None:
    document_id, task_id = asked
    annotation_id = rig.studio.answer(task_id, lambda results: [])
    rig.studio.annotations[annotation_id]["was_cancelled"] = True
    rig.sweep()
    assert state(rig, task_id) == ReviewState.PUSHED
    assert rig.document(document_id).state == DocumentState.IN_REVIEW
    assert len(revisions(rig, document_id)) == 1


def test_two_who_disagree_are_settled_by_a_third(rig: ReviewRig, asked: tuple[str, str]) -> None:
    document_id, task_id = asked
    rig.studio.answer(task_id, retype({"8": "9"}), author=1)
    rig.sweep()
    rig.studio.answer(task_id, retype({"8": "7"}), author=2)
    rig.sweep()
    assert state(rig, task_id) == ReviewState.ANSWERED
    assert rig.document(document_id).state == DocumentState.IN_REVIEW
    with rig.database.read() as session:
        (one,) = find_disagreements(session, document_id)
        assert (one.path, one.texts, one.settled_at) == (TYPO, {"1": "9", "2": "7"}, None)
    rig.studio.answer(task_id, retype({"8": "7"}), author=3)
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "7"
    assert rig.document(document_id).state == DocumentState.DONE
    with rig.database.read() as session:
        (one,) = find_disagreements(session, document_id)
        assert one.settled_by == SettledBy.MAJORITY
        kinds = [event.kind for event in document_history(session, document_id)]
        assert kinds.count(EventKind.DISAGREED) == 1


def test_an_engineers_choice_stands_whatever_is_answered_later(
    rig: ReviewRig, asked: tuple[str, str]
) -> None:
    document_id, task_id = asked
    rig.studio.answer(task_id, retype({"8": "9"}), author=1)
    second = rig.studio.answer(task_id, retype({"8": "7"}), author=2)
    rig.sweep()
    with rig.database.write() as session:
        (one,) = find_disagreements(session, document_id)
        assert choose_text(session, one.id, "6", None, utc_now()) == task_id
        apply_answers(session, task_id, FORMS, utc_now())
    assert shown(rig, document_id)[TYPO] == "6"
    assert rig.document(document_id).state == DocumentState.DONE
    rig.studio.edit(second, retype({"7": "5"}))
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "6"
    assert rig.document(document_id).state == DocumentState.DONE
    with rig.database.read() as session:
        (one,) = find_disagreements(session, document_id)
        assert one.settled_by == SettledBy.CHOICE and one.chosen == "6"


def test_who_takes_it_back_ends_the_disagreement(rig: ReviewRig, asked: tuple[str, str]) -> None:
    document_id, task_id = asked
    rig.studio.answer(task_id, retype({"8": "9"}), author=1)
    second = rig.studio.answer(task_id, retype({"8": "7"}), author=2)
    rig.sweep()
    rig.studio.edit(second, retype({"7": "9"}))
    rig.sweep()
    with rig.database.read() as session:
        (one,) = find_disagreements(session, document_id)
        assert one.settled_by == SettledBy.AGREEMENT
    rig.studio.edit(second, retype({"9": "7"}))
    rig.sweep()
    with rig.database.read() as session:
        (again,) = find_disagreements(session, document_id)
        assert again.id == one.id and again.settled_at is None
    assert rig.document(document_id).state == DocumentState.IN_REVIEW


def test_answer_to_a_withdrawn_task_changes_nothing(rig: ReviewRig, asked: tuple[str, str]) -> None:
    document_id, task_id = asked
    with rig.database.write() as session:
        accept_document(session, document_id)
    rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "8"
    assert rig.document(document_id).state == DocumentState.DONE
    assert rig.clear() == 1
    assert rig.studio.tasks == {}
    assert rig.clear() == 0


def test_answer_that_cannot_be_read_is_kept_with_the_reason(
    rig: ReviewRig, asked: tuple[str, str]
) -> None:
    document_id, task_id = asked
    good = rig.studio.answer(task_id, retype({"8": "9"}))
    rig.sweep()

    def spoil(results: list) -> list:  # type: ignore[type-arg]
        for result in results:
            if result["type"] == "rectanglelabels":
                result["value"]["rectanglelabels"] = ["no such label"]
        return results

    rig.studio.edit(good, spoil)
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "9", "the last that can be read stands"
    with rig.database.read() as session:
        problems = [row.problem for row in session.scalars(select(AnnotationVersion))]
        assert sum(problem is not None for problem in problems) == 1
        assert find_review_standing(session).unread == 1
    rig.studio.edit(good, lambda results: rig.studio.find_by_our_id(task_id).results)
    rig.sweep()
    assert shown(rig, document_id)[TYPO] == "8"
