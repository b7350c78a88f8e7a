"""What a task asks, and what Label Studio is sent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.labels import find_labels
from annotation.percent import PercentBox, box_to_percent, percent_to_box
from annotation.policy import ReviewPolicy
from annotation.routing import route_record
from annotation.task import record_to_task, task_to_label_studio
from annotation.task_json import task_from_json, task_to_json
from annotation.values import AskedRegion, ReviewTask
from extraction.errors import InputError
from extraction.json_values import JsonObject, as_list, as_object
from extraction.values import Box, Record
from tests.annotation.small_form import (
    DECLARATION,
    SEED,
    cell_box,
    cell_source,
    field,
    shown,
    small_record,
    small_task,
)

URLS = ["https://here/1.png", "https://here/2.png"]


def _sent(task: ReviewTask, record: Record) -> tuple[JsonObject, list[JsonObject]]:
    sent = task_to_label_studio(task, record, DECLARATION, URLS)
    prediction = as_object(as_list(sent["predictions"])[0])
    results = [as_object(item) for item in as_list(prediction["result"])]
    return as_object(sent["data"]), results


def test_only_doubtful_fields_are_shown_the_least_confident_first() -> None:
    record = small_record(
        {
            "buyer": replace(
                field("东凤公司", small_record().fields["buyer"].source), confidence=0.3
            ),
            "items[2].amount": replace(field("30", cell_source("amount", 2)), confidence=0.1),
        }
    )
    routing = route_record(record, DECLARATION, ReviewPolicy(audit_documents=0.0), SEED)
    task = record_to_task("t", routing.record, DECLARATION, routing)
    assert [region.name for region in task.regions] == ["items.amount", "buyer"]
    assert task.missing == ("signed",)


def test_a_cell_of_several_rows_is_one_region_with_all_its_paths() -> None:
    task = small_task(small_record(), "items[1].shelf")
    (region,) = task.regions
    assert region.paths == ("items[0].shelf", "items[1].shelf")
    assert (region.row, region.box) == (0, cell_box("shelf", 0, 2))


def test_region_ids_follow_from_task_and_path() -> None:
    record = small_record()
    few, more = small_task(record, "buyer"), small_task(record, "buyer", "total")
    assert shown(few, "buyer").region_id == shown(more, "buyer").region_id
    assert "#" not in shown(few, "buyer").region_id
    assert shown(more, "total").region_id != shown(more, "buyer").region_id


def test_failed_checks_and_missing_fields_are_said_in_words() -> None:
    record = small_record(
        {
            "total": field("98", small_record().fields["total"].source),
            "items[1].amount": field("22", cell_source("amount", 1)),
        }
    )
    routing = route_record(record, DECLARATION, ReviewPolicy(audit_documents=0.0), SEED)
    task = record_to_task("t", routing.record, DECLARATION, routing)
    assert task.notes == (
        "合计：分项之和60，合计98，与合计不一致",
        "货物：第2行数量22高于限额20",
        "没有找到必填的“签收日期”：表上若有，请框出并填写文字；若确实没有，不必处理。",
    )


def test_notes_are_escaped_for_the_page() -> None:
    odd = field("桃<b>", cell_source("article", 1))
    routing = route_record(
        small_record({"items[1].article": odd}),
        DECLARATION,
        ReviewPolicy(audit_documents=0.0),
        SEED,
    )
    task = record_to_task("t", routing.record, DECLARATION, routing)
    data, _ = _sent(task, routing.record)
    assert "<b>" not in str(data["notes"])
    assert "桃&lt;b&gt;" in str(data["notes"])


def test_a_task_with_more_doubt_is_worth_more_and_comes_first() -> None:
    sure = small_task(small_record(), "items[0].amount")
    required = small_task(small_record(), "buyer")
    merged = small_task(small_record(), "items[0].shelf")
    assert required.worth > sure.worth
    assert merged.worth > sure.worth
    scores = {}
    for name, task in (("sure", sure), ("required", required)):
        sent = task_to_label_studio(task, small_record(), DECLARATION, URLS)
        scores[name] = as_object(as_list(sent["predictions"])[0])["score"]
    assert scores["required"] < scores["sure"]  # type: ignore[operator]


def test_a_region_is_a_box_a_label_a_text_and_a_row_of_one_id() -> None:
    record = small_record()
    task = small_task(record, "items[1].amount")
    data, results = _sent(task, record)
    assert data["pages"] == URLS
    assert data["task_id"] == "task-1"
    assert {item["id"] for item in results} == {task.regions[0].region_id}
    values = {str(item["type"]): as_object(item["value"]) for item in results}
    assert values["rectanglelabels"]["rectanglelabels"] == ["货物·数量"]
    assert values["textarea"]["text"] == ["12"]
    assert values["number"]["number"] == 2
    assert {item["item_index"] for item in results} == {0}
    assert {item["score"] for item in results} == {0.5}
    assert (values["number"]["x"], values["number"]["width"]) == (70.0, 20.0)


def test_the_index_of_a_page_is_its_place_among_those_that_were_read() -> None:
    """A page that could not be read has no picture, and the next one takes its place."""
    record = small_record()
    later = replace(record.pages[1], number=3)
    source = replace(cell_source("amount", 2), page=3, box=Box(10, 10, 100, 40))
    record = replace(
        small_record({"items[2].amount": field("30", source)}), pages=(record.pages[0], later)
    )
    _, results = _sent(small_task(record, "items[2].amount"), record)
    assert {item["item_index"] for item in results} == {1}
    assert {item["original_width"] for item in results} == {800}


def test_a_picture_for_each_page_or_an_error() -> None:
    with pytest.raises(InputError, match="1 pictures for 2 pages"):
        task_to_label_studio(
            small_task(small_record(), "buyer"), small_record(), DECLARATION, URLS[:1]
        )


def test_what_is_audited_looks_like_what_is_doubted() -> None:
    record = small_record()
    doubted = small_task(record, "items[1].amount", "buyer")
    audited = replace(
        doubted,
        regions=tuple(
            replace(region, audit=True, reasons=("audit",), confidence=0.99)
            for region in doubted.regions
        ),
    )

    def without_score(task: ReviewTask) -> str:
        _, results = _sent(task, record)
        return json.dumps([{**item, "score": None} for item in results], ensure_ascii=False)

    data, _ = _sent(audited, record)
    assert without_score(audited) == without_score(doubted)
    assert "audit" not in json.dumps(task_to_label_studio(audited, record, DECLARATION, URLS))
    assert data == _sent(doubted, record)[0]


def test_every_label_that_is_sent_is_declared() -> None:
    policy = ReviewPolicy(audit_documents=1.0, audit_fields=1.0)
    routing = route_record(small_record(), DECLARATION, policy, SEED)
    task = record_to_task("t", routing.record, DECLARATION, routing)
    _, results = _sent(task, routing.record)
    titles = {label.title for label in find_labels(DECLARATION)}
    sent = {
        title
        for item in results
        if item["type"] == "rectanglelabels"
        for title in as_list(as_object(item["value"])["rectanglelabels"])
    }
    assert sent <= titles
    assert len(sent) == 6


sides = st.floats(0, 3000)
boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h), sides, sides, st.floats(1, 500), st.floats(1, 500)
)
regions = st.builds(
    AskedRegion,
    region_id=st.text(max_size=10),
    name=st.sampled_from(["total", "items.amount"]),
    row=st.none() | st.integers(0, 99),
    paths=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    text=st.text(),
    page=st.integers(1, 9),
    box=boxes,
    confidence=st.none() | st.floats(0, 1),
    reasons=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    audit=st.booleans(),
)
tasks = st.builds(
    ReviewTask,
    task_id=st.text(max_size=26),
    form_type=st.text(max_size=9),
    regions=st.lists(regions, max_size=3).map(tuple),
    missing=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    notes=st.lists(st.text(), max_size=3).map(tuple),
    worth=st.floats(0, 100),
)


@given(tasks)
def test_a_task_comes_back_from_the_database_as_it_was(task: ReviewTask) -> None:
    assert task_from_json(json.loads(json.dumps(task_to_json(task)))) == task


def test_a_damaged_task_is_refused() -> None:
    stored = task_to_json(small_task(small_record(), "buyer"))
    for key in stored:
        with pytest.raises(InputError, match="damaged"):
            task_from_json({name: item for name, item in stored.items() if name != key})


@given(boxes, st.integers(3500, 6000), st.integers(3500, 6000))
def test_boxes_survive_percent_to_half_a_pixel(box: Box, width: int, height: int) -> None:
    back = percent_to_box(box_to_percent(box, width, height), width, height)
    assert all(abs(one - other) <= 0.5 for one, other in zip(box, back, strict=True))


def test_what_lies_outside_the_page_is_cut_off() -> None:
    percent = box_to_percent(Box(-10, 50, 1100, 200), 1000, 100)
    assert percent == PercentBox(0.0, 50.0, 100.0, 50.0)
