"""What the page of a document shows of its record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extraction.declarations import load_declarations
from extraction.values import Box, Check, Field, Source
from service.web.document_view import find_changes
from service.web.languages import find_language
from service.web.record_view import (
    checks_to_rules,
    confidence_to_band,
    field_to_band,
    record_to_marks,
    record_to_view,
)
from service.web.words import reasons_in_words, rule_counts, rule_in_words
from tests.service.web.stage import form_record

DECLARATIONS = load_declarations()
ZH, EN = find_language("zh"), find_language("en")


@pytest.mark.parametrize(
    ("confidence", "band"),
    [(None, "none"), (0.0, "low"), (0.8499, "low"), (0.85, "medium"), (0.95, "high"), (1, "high")],
)
def test_bands_of_confidence(confidence: float | None, band: str) -> None:
    assert confidence_to_band(confidence) == band


def test_a_field_that_is_asked_about_is_not_shown_as_sure() -> None:
    """ "Low confidence" stood beside a green 96.8 %, since the promise asks for more."""
    record = form_record(pages=1)
    asked = replace(
        record.fields["project_name"],
        confidence=0.968,
        route="review",
        reasons=("low_confidence",),
    )
    assert field_to_band(asked) == "medium"
    assert field_to_band(replace(asked, route="accept", reasons=())) == "high"


def test_a_box_is_one_mark_for_its_cell_and_all_its_fields() -> None:
    record = form_record(pages=1)
    first = record.fields["project_name"]
    twin = replace(
        first, text="又一个", confidence=0.5, route="review", reasons=("low_confidence",)
    )
    record = replace(record, fields={**record.fields, "twin": twin})
    marks = [mark for mark in record_to_marks(record) if mark.box == first.source.box]
    assert len(marks) == 1
    assert marks[0].of_field
    assert (marks[0].level, marks[0].band) == ("review", "low")
    assert "又一个" in marks[0].caption


def test_every_cell_of_a_table_has_its_mark_and_small_marks_lie_on_top() -> None:
    record = form_record()
    view = record_to_view(record, DECLARATIONS)
    ids = {mark.id for page in view.pages for mark in page.marks}
    assert {item.mark for table in view.tables for row in table.rows for item in row} <= ids
    for page in view.pages:
        areas = [mark.box.area for mark in page.marks]
        assert areas == sorted(areas, reverse=True)


def test_a_field_that_stands_nowhere_has_no_mark() -> None:
    record = form_record()
    missing = Field("", None, None, "review", ("missing_required",), None)
    view = record_to_view(replace(record, fields={"year": missing}), DECLARATIONS)
    assert view.fields[0].mark is None
    assert view.review_count == 1
    assert reasons_in_words(missing.reasons, EN, {}) == "Required but missing"


def test_rules_are_grouped_and_what_failed_comes_first() -> None:
    checks = (
        Check("phone_format", True, "a", ()),
        Check("execution_rate", None, "b", ()),
        Check("total_score", True, "c", ()),
        Check("total_score", False, "d", ()),
    )
    declaration = next(item for item in DECLARATIONS if item.name == "project_self_evaluation")
    rules = checks_to_rules(checks, {}, declaration)
    assert [(rule.name, rule.state) for rule in rules] == [
        ("total_score", "failed"),
        ("execution_rate", "unknown"),
        ("phone_format", "passed"),
    ]
    assert rule_counts(rules[0], EN) == "1 fails · 1 holds"
    assert rule_in_words(rules[0], ZH) == "总分 (得分) = 项目资金·得分 + 绩效指标·得分 之和"
    assert rule_in_words(rules[1], EN) == "项目资金: 执行率 = 全年执行数 ÷ 全年预算数"


def test_a_rule_that_is_no_longer_declared_keeps_its_name() -> None:
    (rule,) = checks_to_rules((Check("old_rule", False, "x", ()),), {})
    assert rule_in_words(rule, ZH) == "old_rule"
    said = reasons_in_words(("check_failed:old_rule", "odd"), EN, {"old_rule": rule})
    assert said == "Check fails (old_rule); odd"


def test_the_fields_that_a_failed_rule_puts_in_doubt_come_first() -> None:
    record = form_record()
    check = Check("total_score", False, "m", ("project_name", "total_score"))
    view = record_to_view(replace(record, checks=(check,)), DECLARATIONS)
    assert [item.path for item in view.rules[0].runs[0].fields] == ["total_score", "project_name"]


def test_column_widths_are_shares_of_the_whole() -> None:
    (table,) = record_to_view(form_record()).tables
    assert sum(table.widths) == pytest.approx(100)
    assert table.widths[1] > table.widths[0]


def test_changes_between_revisions() -> None:
    before = form_record(pages=1)
    fields = dict(before.fields)
    fields["leader"] = replace(fields["leader"], text="郭春睿")
    del fields["phone"]
    fields["year"] = Field("2021", 2021, 0.9, "accept", (), Source(1, Box(0, 0, 1, 1)))
    changes = find_changes(before, replace(before, fields=fields))
    assert [(item.title, item.before, item.after) for item in changes] == [
        ("leader", "郭睿", "郭春睿"),
        ("year", "", "2021"),
        ("phone", "55578007", ""),
    ]


def test_an_unknown_form_is_shown_by_its_own_names() -> None:
    view = record_to_view(replace(form_record(), form_type="unknown"), DECLARATIONS)
    assert view.form_title == ""
    assert view.fields[0].title == "project_name"
