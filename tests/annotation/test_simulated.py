"""Annotators made up from the truth: what they hand in, and what becomes of the record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotation.correction import fold
from annotation.simulated import Annotator, TrueForm, align_rows, answer_task, mistype
from annotation.values import Answer, Mark, ReviewTask
from extraction.values import Box, Record
from tests.annotation.small_form import (
    DECLARATION,
    NOON,
    field,
    item_row,
    small_record,
    small_task,
    texts,
)

CAREFUL = Annotator("anna")
ROWS = (
    {"shelf": "甲", "article": "苹果", "limit": "10", "amount": "8"},
    {"shelf": "甲", "article": "梨", "limit": "20", "amount": "12"},
    {"shelf": "乙", "article": "香蕉", "limit": "30", "amount": "30"},
)
TRUTH = TrueForm(
    {"buyer": "东风公司", "signed": "2026-11-21", "total": "50"},
    {"items": ROWS},
    {"signed": (1, Box(600, 1200, 800, 1240))},
)


def given(
    task: ReviewTask, record: Record, annotator: Annotator = CAREFUL, truth: TrueForm = TRUTH
) -> Answer:
    return answer_task(task, record, truth, annotator, annotation_id=1, at=NOON)


def after(task: ReviewTask, record: Record, answer: Answer) -> dict[str, str]:
    return texts(fold(task, record, [answer], DECLARATION).record)


def test_a_careful_person_makes_the_record_right() -> None:
    wrong = {
        "total": replace(small_record().fields["total"], text="56"),
        "items[1].amount": replace(small_record().groups["items"][1]["amount"], text="72"),
    }
    record = small_record(wrong)
    task = small_task(record, "total", "items[1].amount", "buyer")
    corrected = after(task, record, given(task, record))
    assert corrected == {**texts(small_record()), "signed": "2026-11-21"}


def test_what_was_not_shown_stays_wrong() -> None:
    record = small_record({"total": replace(small_record().fields["total"], text="56")})
    task = small_task(record, "buyer")
    assert after(task, record, given(task, record))["total"] == "56"


def test_a_row_that_is_none_is_struck_out() -> None:
    record = small_record()
    extra = (*record.groups["items"], item_row(3, "印章", "公司", "专用"))
    record = replace(record, groups={"items": extra})
    task = small_task(record, "items[3].article")
    answer = given(task, record)
    assert answer.regions is not None
    marks = [region.marks for region in answer.regions if region.name == "items.article"]
    assert marks == [frozenset({Mark.NO_SUCH_ROW})]
    assert "items[3].article" not in after(task, record, answer)


def test_a_box_where_nothing_is_printed_is_deleted() -> None:
    record = small_record()
    blank = replace(TRUTH, fields={"buyer": "", "total": "50"})
    task = small_task(record, "buyer")
    answer = given(task, record, truth=blank)
    assert answer.regions == ()
    assert after(task, record, answer)["buyer"] == ""


def test_rows_are_aligned_in_order_though_some_are_lost_or_too_many() -> None:
    lost = (ROWS[0], ROWS[2])
    assert align_rows(lost, ROWS) == (0, 2)
    extra = (ROWS[0], {"shelf": "页", "article": "码", "limit": "第", "amount": "1页"}, ROWS[1])
    assert align_rows(extra, ROWS) == (0, None, 1)
    blank = ({"article": ""}, {"article": ""})
    assert align_rows(blank, blank) == (0, 1)
    assert align_rows((), ROWS) == ()
    assert align_rows(ROWS, ()) == (None, None, None)


def test_the_same_seed_makes_the_same_mistakes_and_another_others() -> None:
    record = small_record({"buyer": field("西", small_record().fields["buyer"].source)})
    task = small_task(record, "buyer")
    long = replace(TRUTH, fields={**TRUTH.fields, "buyer": "东风第一汽车制造厂有限公司" * 4})
    clumsy = Annotator("anna", typing_errors=0.2)
    one = given(task, record, clumsy, long)
    assert one == given(task, record, clumsy, long)
    assert one != given(task, record, replace(clumsy, seed=1), long)
    assert one.seconds > given(small_task(small_record(), "buyer"), small_record()).seconds


def test_mistakes_come_at_the_rate_that_is_set() -> None:
    rng = np.random.default_rng(3)
    text = "一二三四五六七八九十" * 2000
    typed = mistype(text, 0.0, rng)
    assert typed == text
    slips = sum(mistype("甲", 0.1, rng) != "甲" for _ in range(5000))
    assert slips / 5000 == pytest.approx(0.1, abs=0.02)


def test_overlooked_errors_stay_at_the_rate_that_is_set() -> None:
    record = small_record({"total": replace(small_record().fields["total"], text="56")})
    stayed = 0
    for number in range(400):
        task = replace(small_task(record, "total"), task_id=f"task-{number}")
        answer = given(task, record, Annotator("anna", overlooks=0.25))
        assert answer.regions is not None
        stayed += any(region.name == "total" and region.text == "56" for region in answer.regions)
    assert stayed / 400 == pytest.approx(0.25, abs=0.06)
