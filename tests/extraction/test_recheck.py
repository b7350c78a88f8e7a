"""Values and checks of a record whose texts were changed."""

from __future__ import annotations

from dataclasses import replace

from extraction.declarations import FormDeclaration
from extraction.recheck import recheck_record
from extraction.values import Box, Check, Field, Record, Source

DECLARATION = FormDeclaration.model_validate_json(
    """
{
  "name": "bill", "title": "账单", "titles": ["账单"],
  "fields": [{"name": "total", "title": "合计", "kind": "number"},
             {"name": "note", "title": "备注"}],
  "groups": [{"name": "items", "title": "明细", "row_by": ["amount"], "columns": [
    {"name": "amount", "title": "金额", "kind": "number"},
    {"name": "share", "title": "比例", "kind": "percent"}]}],
  "checks": [{"kind": "sum_equals_total", "name": "total", "total": "total",
              "of": ["items.amount"]}]
}
"""
)


def _field(text: str, at: int) -> Field:
    source = Source(1, Box(0, at, 10, at + 10), 0, at, 0)
    return Field(text, None, 0.7, "review", ("low_confidence",), source)


def _record(total: str) -> Record:
    return Record(
        name="bill.pdf",
        sha256="",
        form_type="bill",
        producer={},
        fields={"total": _field(total, 9)},
        groups={"items": ({"amount": _field("3", 1)}, {"amount": _field("4", 2)})},
        tables=(),
        checks=(Check("old", False, "", ()),),
        pages=(),
    )


def test_values_and_checks_follow_the_texts() -> None:
    right = recheck_record(_record("7"), DECLARATION)
    wrong = recheck_record(_record("8"), DECLARATION)
    assert right.fields["total"].value == 7.0
    assert right.groups["items"][1]["amount"].value == 4.0
    assert [(check.name, check.passed) for check in right.checks] == [("total", True)]
    assert [(check.name, check.passed) for check in wrong.checks] == [("total", False)]


def test_all_else_stays_and_a_second_time_changes_nothing() -> None:
    """Also a field and a column that the record lacks are not made up."""
    once = recheck_record(_record("7"), DECLARATION)
    assert recheck_record(once, DECLARATION) == once
    assert set(once.fields) == {"total"}
    assert set(once.groups["items"][0]) == {"amount"}
    assert replace(once.fields["total"], value=None) == _record("7").fields["total"]


def test_a_field_that_is_declared_no_more_keeps_its_value() -> None:
    gone = replace(_field("12", 5), value="twelve")
    record = replace(_record("7"), fields={**_record("7").fields, "gone": gone})
    assert recheck_record(record, DECLARATION).fields["gone"] == gone


def test_the_same_text_is_read_as_each_field_declares_it() -> None:
    kinds = {"number": 7.0, "percent": 0.07, "text": "7"}
    for kind, value in kinds.items():
        total = DECLARATION.fields[0].model_copy(update={"kind": kind})
        form = DECLARATION.model_copy(update={"fields": (total, DECLARATION.fields[1])})
        assert recheck_record(_record("7"), form).fields["total"].value == value
