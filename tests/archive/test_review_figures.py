"""Figures of reviewing from the rows, on both databases."""

from __future__ import annotations

from annotation.values import Verdict
from archive.annotations import receive_deletion
from archive.clock import utc_now
from archive.corrections import apply_answers, find_corrections
from archive.database import Database
from archive.disagreements import choose_text, find_disagreements
from archive.figures import read_figures, reviewed_form_types
from archive.reviewed import row_to_correction
from archive.tables import ReviewTaskRow
from tests.archive.review_rows import FORMS, add_reviewed
from tests.archive.saying import NOON, say


def test_answers_are_counted_once_however_many_agree(database: Database) -> None:
    with database.write() as session:
        _, first = add_reviewed(session, "a.pdf", "buyer", "total")
        say(session, first, 1, {"50": "51"})
        say(session, first, 2, {"50": "51"}, author=12, minutes=1)
        _, waiting = add_reviewed(session, "b.pdf", "buyer")
        shown = session.get_one(ReviewTaskRow, waiting).shown
    with database.read() as session:
        figures = read_figures(session)
        assert read_figures(session, "order") == figures
        assert read_figures(session, "nothing").answers.shown == 0
        assert reviewed_form_types(session) == ("order",)
    # The two that are doubtful, and the one that is missing.
    assert (figures.answers.shown, figures.answers.changed) == (3, 1)
    assert figures.answers.confirmed == 2
    assert (figures.waiting, figures.boxes_waiting) == (1, shown)
    assert figures.times.documents == 1
    assert figures.times.median_per_document == 21 + 22
    assert (figures.agreement.fields, figures.agreement.share) == (3, 1.0)
    assert {cause.name for cause in figures.fields} == {"buyer", "total", "signed"}
    reasons = {cause.name: cause.shown for cause in figures.reasons}
    assert reasons["low_confidence"] == 2


def test_what_was_changed_since_or_deleted_does_not_count(database: Database) -> None:
    with database.write() as session:
        _, task_id = add_reviewed(session, "a.pdf", "buyer", "total")
        say(session, task_id, 1, {"50": "51", "东风公司": "西风公司"})
        assert read_figures(session).answers.changed == 2
        say(session, task_id, 1, {"50": "51"}, minutes=2)
        assert read_figures(session).answers.changed == 1
        receive_deletion(session, task_id, 1, utc_now())
        apply_answers(session, task_id, FORMS, utc_now())
        figures = read_figures(session)
    assert (figures.answers.shown, figures.waiting) == (0, 1)


def test_disagreements_count_until_they_are_settled(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "total")
        say(session, task_id, 1, {"50": "51"})
        say(session, task_id, 2, {"50": "52"}, author=12, minutes=1)
        assert read_figures(session).disagreements == 1
        assert read_figures(session).agreement.share == 0.5
        (row,) = find_disagreements(session, document.id)
        choose_text(session, row.id, "52", None, utc_now())
        apply_answers(session, task_id, FORMS, utc_now())
        assert read_figures(session).disagreements == 0


def test_corrections_come_back_as_they_were_folded(database: Database) -> None:
    with database.write() as session:
        document, task_id = add_reviewed(session, "a.pdf", "buyer", "total")
        say(session, task_id, 1, {"50": "51"})
        rows = find_corrections(session, document.id)
        found = {row.path: row_to_correction(row) for row in rows}
    assert found["total"].verdict is Verdict.RETYPED
    assert found["total"].after is not None and found["total"].after.text == "51"
    assert found["total"].at == NOON
    assert found["signed"].before is None
