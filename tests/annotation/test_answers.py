"""Annotations as Label Studio hands them over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from annotation.answers import annotation_to_answer, deleted_payload
from annotation.correction import standing_answers
from annotation.task import task_to_label_studio
from annotation.values import Answer, Mark
from extraction.declarations import load_declarations
from extraction.errors import InputError
from extraction.json_values import JsonObject, as_list, as_object
from extraction.values import Box
from tests.annotation.small_form import DECLARATION, answer, small_record, small_task

PLACE: JsonObject = {"x": 10, "y": 20, "width": 5.5, "height": 1, "rotation": 0}


def _result(kind: str, key: str = "r1", **value: object) -> JsonObject:
    item: JsonObject = {
        "id": key,
        "type": kind,
        "original_width": 2000,
        "original_height": 1000,
        "item_index": 1,
        "value": {**PLACE, **value},  # type: ignore[dict-item]
    }
    return item


def _annotation(*results: JsonObject, **changes: object) -> JsonObject:
    stored: JsonObject = {
        "id": 7,
        "created_at": "2026-11-21T11:00:00Z",
        "updated_at": "2026-11-21T12:00:00.250000Z",
        "completed_by": 3,
        "lead_time": 12.5,
        "was_cancelled": False,
        "result": [*results],
    }
    return {**stored, **changes}  # type: ignore[dict-item]


def test_what_was_sent_and_left_alone_comes_back_as_it_was() -> None:
    record = small_record()
    task = small_task(record, "buyer", "items[1].amount", "items[0].shelf")
    sent = task_to_label_studio(task, record, DECLARATION, ["u1", "u2"])
    prediction = as_object(as_list(sent["predictions"])[0])
    back = annotation_to_answer(_annotation(*as_list(prediction["result"])), DECLARATION)  # type: ignore[arg-type]
    by_id = {region.region_id: region for region in back.regions or ()}
    for expected in answer(task).regions or ():
        assert by_id[expected.region_id] == expected
    assert len(by_id) == len(task.regions)


def test_an_annotation_made_in_a_browser_is_read() -> None:
    """By Label Studio 1.23.2: moved, retyped, relabelled, marked, drawn, and left empty."""
    file = Path(__file__).with_name("annotation_from_browser.json")
    annotation: JsonObject = json.loads(file.read_text(encoding="utf-8"))
    form = next(item for item in load_declarations() if item.name == "project_self_evaluation")
    read = annotation_to_answer(annotation, form)
    assert (read.annotation_id, read.author, read.seconds) == (1, "1", 67.979)
    found = {
        region.region_id: (region.name, region.row, region.text, set(region.marks))
        for region in read.regions or ()
    }
    assert found == {
        "0332a75506": ("funds.budget_annual", 1, "60.000000", set()),
        "1ed2397efb": ("indicators.deviation", 8, "", set()),
        "cda416a315": ("indicators.actual", 9, "改过的文字", set()),
        "f1b4463339": ("funds.score", 2, "", set()),
        "f3c36dbc51": ("indicators.weight", 1, "7", {Mark.PRINTED_SO}),
        "o7PULM70gx": ("project_name", None, "2021年中关村国际讲堂", set()),
    }
    drawn = next(region for region in read.regions or () if region.region_id == "o7PULM70gx")
    assert all(
        abs(one - other) < 1
        for one, other in zip(drawn.box, (355.4, 177.7, 1606.2, 214.9), strict=True)
    )


def test_results_that_share_an_id_are_one_region() -> None:
    read = annotation_to_answer(
        _annotation(
            _result("rectanglelabels", rectanglelabels=["货物·数量"]),
            _result("number", number=3),
            _result("textarea", text=["1 2\n", "元"]),
            _result("choices", choices=["printed_so", "看不清"]),
        ),
        DECLARATION,
    )
    assert read.updated_at == datetime(2026, 11, 21, 12, 0, 0, 250000, UTC)
    assert (read.annotation_id, read.author, read.seconds) == (7, "3", 12.5)
    (region,) = read.regions or ()
    assert (region.name, region.row, region.text) == ("items.amount", 2, "1 2元")
    assert (region.page, region.box) == (2, Box(200, 200, 310, 210))
    assert region.marks == {Mark.PRINTED_SO, Mark.ILLEGIBLE}


def test_a_webhook_wraps_the_same_annotation() -> None:
    annotation = _annotation(_result("rectanglelabels", rectanglelabels=["买方"]))
    webhook: JsonObject = {"action": "ANNOTATION_UPDATED", "annotation": annotation}
    assert annotation_to_answer(webhook, DECLARATION) == annotation_to_answer(
        annotation, DECLARATION
    )


def test_the_author_is_an_address_where_it_is_known() -> None:
    person: JsonObject = {"id": 3, "email": "anna@example.com"}
    assert (
        annotation_to_answer(_annotation(completed_by=person), DECLARATION).author
        == "anna@example.com"
    )
    assert annotation_to_answer(_annotation(completed_by=None), DECLARATION).author == ""


def test_a_skipped_annotation_answers_nothing_and_may_be_taken_up_again() -> None:
    skipped = annotation_to_answer(_annotation(was_cancelled=True), DECLARATION)
    later = annotation_to_answer(_annotation(updated_at="2026-11-21T12:00:01Z"), DECLARATION)
    assert skipped.regions is None
    assert standing_answers([later, skipped]) == (later,)


def test_a_deletion_outlasts_every_version() -> None:
    gone = annotation_to_answer(deleted_payload(7), DECLARATION)
    later = annotation_to_answer(_annotation(updated_at="2099-01-01T00:00:00Z"), DECLARATION)
    assert standing_answers([gone, later]) == ()
    assert standing_answers([later, gone]) == ()


def test_a_box_without_a_label_has_no_name() -> None:
    read = annotation_to_answer(_annotation(_result("textarea", text=["x"])), DECLARATION)
    assert [region.name for region in read.regions or ()] == [""]


def test_results_that_are_no_boxes_are_left_out() -> None:
    relation: JsonObject = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    choice: JsonObject = {"id": "c", "type": "choices", "value": {"choices": ["x"]}}
    assert annotation_to_answer(_annotation(relation, choice), DECLARATION).regions == ()


def test_a_retired_label_still_means_its_field() -> None:
    annotation = _annotation(_result("rectanglelabels", rectanglelabels=["采购方"]))
    read = annotation_to_answer(annotation, DECLARATION, {"采购方": "buyer"})
    assert [region.name for region in read.regions or ()] == ["buyer"]


@pytest.mark.parametrize(
    ("annotation", "named"),
    [
        ({"result": []}, "is no annotation: id"),
        (_annotation(updated_at=None, created_at=None), "annotation 7.*updated_at"),
        (_annotation(updated_at="yesterday"), "annotation 7.*yesterday"),
        (_annotation(result=None), "annotation 7.*expected a list"),
        (_annotation(lead_time="long"), "annotation 7.*'long'"),
        (_annotation(_result("rectanglelabels", rectanglelabels=["旧名"])), "region r1.*旧名"),
        (_annotation(_result("number", number=0)), "region r1.*row 0"),
        (_annotation(_result("number", number=1.5)), "region r1.*row 1.5"),
        (_annotation(_result("choices", choices=["好"])), "region r1.*好"),
        (_annotation(_result("textarea", x="left", text=["x"])), "region r1.*'left'"),
        (_annotation({**_result("textarea"), "original_width": 0}), "region r1.*0"),
    ],
)
def test_what_cannot_be_read_is_named(annotation: JsonObject, named: str) -> None:
    with pytest.raises(InputError, match=named):
        annotation_to_answer(annotation, DECLARATION)


def test_one_version_has_one_meaning_whatever_the_order_of_its_results() -> None:
    results = [
        _result("rectanglelabels", rectanglelabels=["买方"]),
        _result("textarea", text=["甲"]),
        _result("rectanglelabels", key="r2", rectanglelabels=["合计"]),
    ]
    forward: Answer = annotation_to_answer(_annotation(*results), DECLARATION)
    backward = annotation_to_answer(_annotation(*reversed(results)), DECLARATION)
    assert forward == backward
