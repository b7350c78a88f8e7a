"""What holds for the folding of any answers, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from annotation.correction import fold
from annotation.values import Answer, AnsweredRegion, AskedRegion, Mark
from extraction.declarations import field_paths
from extraction.record_json import record_from_json, record_to_json
from extraction.values import Box
from tests.annotation.small_form import (
    DECLARATION,
    HEIGHT,
    NOON,
    WIDTH,
    answer,
    retyped,
    small_record,
    small_task,
    texts,
    unchanged,
)

RECORD = small_record()
TASK = small_task(
    RECORD,
    *("buyer", "total", "items[0].shelf", "items[1].article", "items[1].amount"),
    *("items[2].limit", "items[2].amount"),
)
NAMES = field_paths(DECLARATION)
said = st.sampled_from(["", "8", "12", "苹果", "２０", "2026-11-20"])
marks = st.frozensets(st.sampled_from(Mark), max_size=1)
boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.integers(0, WIDTH - 300),
    st.integers(0, HEIGHT - 200),
    st.integers(20, 300),
    st.integers(20, 200),
)


@st.composite
def answered(draw: st.DrawFn, region: AskedRegion) -> AnsweredRegion | None:
    """Left alone mostly, else deleted or changed in any part."""
    kept = unchanged(region)
    match draw(st.integers(0, 6)):
        case 0:
            return None
        case 1:
            return replace(kept, text=draw(said))
        case 2:
            return replace(kept, box=draw(boxes), marks=draw(marks))
        case 3:
            row = draw(st.none() | st.integers(0, 5))
            return replace(kept, name=draw(st.sampled_from(NAMES)), row=row)
        case _:
            return kept


drawn_regions = st.builds(
    AnsweredRegion,
    region_id=st.sampled_from(["n1", "n2", "n3"]),
    name=st.sampled_from((*NAMES, "")),
    row=st.none() | st.integers(0, 5),
    text=said,
    page=st.integers(1, 2),
    box=boxes,
    marks=marks,
)


@st.composite
def any_answer(draw: st.DrawFn) -> Answer:
    regions = [draw(answered(region)) for region in TASK.regions]
    drawn = draw(st.lists(drawn_regions, max_size=3, unique_by=lambda region: region.region_id))
    return Answer(
        annotation_id=draw(st.integers(1, 4)),
        updated_at=NOON + timedelta(minutes=draw(st.integers(0, 2))),
        author=draw(st.sampled_from(["anna", "ben", "cleo"])),
        seconds=20.0,
        regions=None
        if draw(st.integers(0, 9)) == 0
        else tuple(region for region in (*regions, *drawn) if region is not None),
    )


@given(st.lists(any_answer(), max_size=5), st.data())
def test_neither_order_nor_repetition_makes_a_difference(
    answers: list[Answer], data: st.DataObject
) -> None:
    expected = fold(TASK, RECORD, answers, DECLARATION)
    repeated = data.draw(st.lists(st.sampled_from(answers), max_size=4)) if answers else []
    shuffled = data.draw(st.permutations([*answers, *repeated]))
    again = fold(TASK, RECORD, shuffled, DECLARATION)
    assert again == expected


@given(any_answer())
def test_a_changed_record_is_a_whole_record(one: Answer) -> None:
    """It can be stored, and every row of a group has all columns."""
    folded = fold(TASK, RECORD, [one], DECLARATION)
    rows = folded.record.groups["items"]
    assert all(set(row) == {"shelf", "article", "limit", "amount"} for row in rows)
    stored = record_to_json(folded.record)
    assert record_to_json(record_from_json(stored)) == stored
    assert not folded.disagreements


@given(any_answer())
def test_what_nobody_was_shown_keeps_its_text(one: Answer) -> None:
    """Unless a box was given to it, or its row was struck out."""
    folded = fold(TASK, RECORD, [one], DECLARATION)
    named = {item.path for item in folded.corrections}
    if len(folded.record.groups["items"]) != len(RECORD.groups["items"]):
        return
    if any("[3]" in path or "[4]" in path for path in named):
        return
    after = texts(folded.record)
    assert all(after[path] == text for path, text in texts(RECORD).items() if path not in named)


@given(st.integers(1, 3))
def test_answers_that_only_confirm_change_no_text(people: int) -> None:
    answers = [
        answer(TASK, author=f"person {number}", annotation_id=number) for number in range(people)
    ]
    folded = fold(TASK, RECORD, answers, DECLARATION)
    assert texts(folded.record) == texts(RECORD)
    assert [cell.text for table in folded.record.tables for cell in table.cells] == [
        cell.text for table in RECORD.tables for cell in table.cells
    ]
    assert folded.disagreements == ()


@given(st.sampled_from(TASK.regions), st.text("甲乙丙12.-", min_size=1, max_size=6))
def test_retyping_changes_the_paths_of_its_region_and_no_others(
    region: AskedRegion, text: str
) -> None:
    path = region.paths[0]
    folded = fold(TASK, RECORD, [answer(TASK, {path: retyped(TASK, path, text)})], DECLARATION)
    before, after = texts(RECORD), texts(folded.record)
    changed = {each for each in before if before[each] != after[each]}
    assert changed == (set(region.paths) if text != region.text else set())
    assert all(after[each] == text for each in region.paths)


def test_three_boxes_for_one_field_that_was_deleted() -> None:
    """One of them was matched twice."""
    drawn = [
        AnsweredRegion(f"n{number}", "buyer", None, str(number), 1, Box(0, 0, 20, 20))
        for number in range(3)
    ]
    folded = fold(TASK, RECORD, [answer(TASK, {"buyer": None}, drawn)], DECLARATION)
    assert folded.record.fields["buyer"].text == "012"
