from __future__ import annotations

import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extraction.confidence import load_calibrator
from extraction.declarations import FormDeclaration, load_declarations
from extraction.errors import InputError
from extraction.record import (
    DocumentReading,
    assemble_record,
    record_from_json,
    record_to_json,
)
from extraction.values import (
    Box,
    Check,
    Field,
    KeyValue,
    PageSummary,
    Record,
    Source,
    Table,
    TableCell,
)
from tests.extraction.truth_forms import NAMES, TruthForm, grid_of, read_truth

EVALUATION = load_declarations()[1]
CALIBRATOR = load_calibrator()

places = st.integers(0, 50)
rounded = st.integers(0, 99999).map(lambda tenths: tenths / 10)
boxes = st.builds(Box, rounded, rounded, rounded, rounded)
confidences = st.none() | st.integers(0, 10000).map(lambda share: share / 10000)
texts = st.text(max_size=12)
names = st.text(string.ascii_lowercase, min_size=1, max_size=8)
sources = st.builds(
    Source, st.integers(1, 9), boxes, st.none() | places, st.none() | places, st.none() | places
)
fields = st.builds(
    Field,
    texts,
    st.none() | texts | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False),
    confidences,
    st.sampled_from(["accept", "review"]),
    st.lists(names, max_size=2).map(tuple),
    st.none() | sources,
)
rows = st.dictionaries(names, fields, max_size=2)
cells = st.builds(
    TableCell, places, places, places, places, texts, places, boxes, confidences, st.booleans()
)
tables = st.builds(
    Table,
    st.lists(places, max_size=2).map(tuple),
    places,
    places,
    st.none() | texts,
    st.lists(cells, max_size=2).map(tuple),
)
checks = st.builds(
    Check, names, st.none() | st.booleans(), texts, st.lists(names, max_size=2).map(tuple)
)
pages = st.builds(
    PageSummary,
    places,
    places,
    places,
    rounded,
    st.sampled_from(["ocr", "text_layer"]),
    st.dictionaries(names, rounded, max_size=2),
)
records = st.builds(
    Record,
    texts,
    texts,
    names,
    st.dictionaries(names, texts, max_size=2),
    rows,
    st.dictionaries(names, st.lists(rows, max_size=2).map(tuple), max_size=2),
    st.lists(tables, max_size=2).map(tuple),
    st.lists(checks, max_size=2).map(tuple),
    st.lists(pages, max_size=2).map(tuple),
    st.lists(st.builds(KeyValue, texts, texts, confidences, sources), max_size=2).map(tuple),
)


def assembled(
    form: TruthForm,
    declaration: FormDeclaration | None = EVALUATION,
    threshold: float = 0.9,
) -> Record:
    document = DocumentReading(
        "form.pdf", "0" * 64, {"ocr": "x"}, form.readings, form.grids, form.loose, form.labelled
    )
    return assemble_record(document, declaration, CALIBRATOR, threshold)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(records)
def test_any_record_survives_json(record: Record) -> None:
    stored = json.loads(json.dumps(record_to_json(record), ensure_ascii=False))
    assert record_from_json(stored) == record


@pytest.mark.parametrize("name", NAMES)
def test_an_assembled_record_has_the_declared_shape(name: str) -> None:
    document = record_to_json(assembled(read_truth(name)))
    assert document["schema"] == "formloop.record/1"
    assert list(document) == [
        "schema",
        "document",
        "form_type",
        "producer",
        "fields",
        "groups",
        "tables",
        "checks",
        "pages",
    ]
    assert document["form_type"] == "project_self_evaluation"
    assert list(document["fields"]) == [item.name for item in EVALUATION.fields]  # type: ignore[arg-type]
    year = document["fields"]["year"]  # type: ignore[index, call-overload]
    assert set(year) == {"text", "value", "confidence", "route", "reasons", "source"}  # type: ignore[arg-type]
    assert json.loads(json.dumps(document)) == document


def test_boxes_and_confidences_are_rounded() -> None:
    document = record_to_json(assembled(read_truth("seed_000")))
    for item in document["fields"].values():  # type: ignore[union-attr]
        assert item["confidence"] == round(item["confidence"], 4)  # type: ignore[index, call-overload, arg-type]
        assert all(side == round(side, 1) for side in item["source"]["box"])  # type: ignore[index, call-overload, union-attr]


def test_only_the_fields_of_a_failed_check_go_to_review() -> None:
    """At a threshold of 0 no confidence is too low, so that the checks alone decide."""
    record = assembled(read_truth("seed_004"), threshold=0.0)
    review = {
        f"indicators[{number}].{column}": item.reasons
        for number, row in enumerate(record.groups["indicators"])
        for column, item in row.items()
        if item.route == "review"
    }
    assert set(review) == {"indicators[11].score", "indicators[11].weight"}
    assert all("check_failed:score_at_most_weight" in reasons for reasons in review.values())
    assert record.groups["indicators"][11]["score"].text == "2.7"


def test_a_required_field_that_is_missing_is_reviewed() -> None:
    form = TruthForm({}, (), (grid_of([["项目名称", ""], ["甲", "乙"]]),), (), {})
    record = assembled(form)
    assert record.fields["project_name"].reasons[0] == "missing_required"
    assert record.fields["leader"].route == "accept"
    assert record.fields["leader"].source is None


def test_a_joined_table_keeps_page_and_box_of_each_cell() -> None:
    form = read_truth("seed_001")
    (table,) = assembled(form).tables
    assert table.pages == (1, 2)
    assert table.joined_because
    assert len(table.cells) == sum(len(reading.grids[0].cells) for reading in form.readings)
    assert {cell.page for cell in table.cells if cell.row >= 24} == {2}


def test_an_unknown_form_has_tables_and_pairs_and_no_invented_fields() -> None:
    rows = [["姓名", "王小明", "性别", "男"], ["地址", ("人民路1号", 1, 3), None, None]]
    form = TruthForm({}, (), (grid_of(rows),), (), {})
    record = assembled(form, None)
    assert record.form_type == "unknown"
    assert (record.fields, record.groups, record.checks) == ({}, {}, ())
    assert [(pair.key, pair.value) for pair in record.key_values] == [
        ("姓名", "王小明"),
        ("性别", "男"),
        ("地址", "人民路1号"),
    ]
    assert len(record.tables) == 1
    assert record_to_json(record)["key_values"]


def test_column_headers_are_no_key_value_pairs() -> None:
    rows = [["序号", "姓名", "单位", "电话"], ["1", "王小明", "水务局", "88827103"]]
    form = TruthForm({}, (), (grid_of(rows),), (), {})
    assert assembled(form, None).key_values == ()


@pytest.mark.parametrize("document", [{}, {"schema": "formloop.record/2"}])
def test_other_documents_are_refused(document: dict[str, str]) -> None:
    with pytest.raises(InputError, match="is no record"):
        record_from_json(document)  # type: ignore[arg-type]


def test_a_damaged_record_is_refused() -> None:
    document = record_to_json(assembled(read_truth("seed_000")))
    del document["pages"]
    with pytest.raises(InputError, match="damaged"):
        record_from_json(document)
