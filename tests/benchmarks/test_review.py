"""The bench of reviewing: its figures from a small form whose truth is known."""

from __future__ import annotations

from dataclasses import replace

from annotation.simulated import align_form
from benchmarks.review import (
    HABITS,
    Habit,
    ReviewedSample,
    answer_sample,
    effort_row,
    review_samples,
    truth_to_form,
)
from benchmarks.truth import Truth
from tests.annotation.small_form import DECLARATION, small_record, small_task, texts

PRINTED = {path: text for path, text in texts(small_record()).items() if text}
TRUTH = Truth("order", PRINTED, {"items": 3}, ())


def sample(*shown: str) -> ReviewedSample:
    """A total and an amount are wrong; ``shown`` are the fields that people see."""
    record = small_record()
    wrong = small_record(
        {
            "total": replace(record.fields["total"], text="56"),
            "items[1].limit": replace(record.groups["items"][1]["limit"], text="28"),
        }
    )
    true_form = truth_to_form(TRUTH)
    rows = align_form(wrong, true_form)
    task = small_task(wrong, *shown)
    return ReviewedSample("office200", wrong, TRUTH, true_form, DECLARATION, task, rows)


def test_a_truth_of_paths_becomes_rows() -> None:
    form = truth_to_form(TRUTH)
    assert form.fields["total"] == "50"
    assert form.groups["items"][1] == {
        "shelf": "甲",
        "article": "梨",
        "limit": "20",
        "amount": "12",
    }


def test_effort_counts_fields_shown_and_the_wrong_ones_among_them() -> None:
    level, fields, boxes, shown, share, wrong, found, of_wrong = effort_row(
        "office200", [sample("total")]
    )
    # A failed check shows the column of its row, and what is missing is shown by words.
    asked = sample("total")
    assert (int(fields), int(boxes)) == (len(PRINTED), len(asked.task.regions))
    assert (int(shown), share) == (len(asked.shown), f"{len(asked.shown) / len(PRINTED):.3f}")
    assert (level, wrong) == ("office200", "2")
    assert int(found) == sum(path in asked.shown for path in ("total", "items[1].limit"))
    assert of_wrong == f"{int(found) / 2:.2f}"


def test_people_without_mistakes_leave_only_what_they_were_not_shown() -> None:
    outcome = review_samples([sample("total", "items[1].limit")], HABITS[0], 3)
    assert (outcome.wrong_before, outcome.wrong_after) == (6, 0)
    assert outcome.answers == 3


def test_a_third_person_is_asked_only_where_two_disagree() -> None:
    careful, answers = answer_sample(sample("total"), Habit("two", 0.0, 0.0, 2), 1)
    assert (answers, careful.disagreements) == (2, ())
    given = [answer_sample(sample("total"), Habit("two", 0.5, 0.0, 2), n)[1] for n in range(6)]
    assert 3 in given
