"""A declaration drafted from boxes that somebody drew on a blank form."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from annotation.drawn_form import (
    COLUMN,
    DRAWING,
    SINGLE,
    TITLE,
    answer_to_draft,
    declaration_to_yaml,
    guess_kind,
)
from annotation.labels import find_labels
from annotation.values import Answer, AnsweredRegion
from extraction.declarations import check_declaration
from extraction.errors import DeclarationError
from extraction.fields.find import find_drafts
from extraction.values import Box, Cell, Grid, PageReading, Word

BLANK = (
    ("申请部门", "", "填报日期", ""),
    ("物品名称", "数量（个）", "单价", "备注"),
    ("", "", "", ""),
    ("", "", "", ""),
    ("合计", "", "", ""),
)
FILLED = (
    ("申请部门", "财务科", "填报日期", "2021-04-05"),
    ("物品名称", "数量（个）", "单价", "备注"),
    ("订书机", "12", "8.5", ""),
    ("打印纸", "30", "22", "急"),
    ("合计", "42", "", ""),
)


def _reading(rows: tuple[tuple[str, ...], ...]) -> PageReading:
    cells = []
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            box = _box(row, column)
            words = (Word(text, box.padded(-4), 0.9, 0.9, 1),) if text else ()
            cells.append(Cell(row, column, 1, 1, box, 1, words))
    loose = (
        Word("办公用品申领单", Box(100, 20, 400, 60), 0.9, 0.9, 1),
        Word("经手人：", Box(0, 500, 90, 530), 0.9, 0.9, 1),
    )
    return PageReading(1, 600, 800, 100.0, "ocr", (Grid(len(rows), 4, tuple(cells)),), loose)


def _box(row: int, column: int, rows: int = 1) -> Box:
    return Box(100 * column, 100 + 40 * row, 100 * (column + 1), 100 + 40 * (row + rows))


def _region(name: str, box: Box, text: str = "") -> AnsweredRegion:
    return AnsweredRegion(f"{name}-{box}", name, None, text, 1, box)


DRAWN = (
    _region(TITLE, Box(95, 15, 405, 65)),
    _region(SINGLE, _box(0, 1), "department"),
    _region(SINGLE, _box(0, 3)),
    _region(SINGLE, Box(95, 500, 250, 530), "clerk 经手人"),
    _region(COLUMN, _box(1, 0, 3)),
    _region(COLUMN, _box(2, 1, 2)),
    _region(COLUMN, _box(2, 2, 2), "price"),
)


def _answer(*regions: AnsweredRegion) -> Answer:
    return Answer(1, datetime(2026, 1, 1, tzinfo=UTC), "people", 60.0, regions)


def test_keys_are_what_is_printed_beside_and_above_the_boxes() -> None:
    draft = answer_to_draft(_answer(*DRAWN), (_reading(BLANK),), "supplies")
    assert (draft.title, draft.titles) == ("办公用品申领单", ("办公用品申领单",))
    fields = {item.name: item for item in draft.fields}
    assert list(fields) == ["title", "department", "field_2", "clerk"]
    assert fields["department"].title == "申请部门"
    assert fields["department"].keys == ("申请部门",)
    assert (fields["field_2"].kind, fields["field_2"].keys) == ("date", ("填报日期",))
    assert fields["clerk"].inline_keys == ("经手人",)
    (group,) = draft.groups
    assert [column.name for column in group.columns] == ["column_1", "column_2", "price"]
    assert group.columns[1].keys == ("数量(个)", "数量")
    assert group.columns[1].kind == "number"
    assert group.end_keys == ("合计",)


def test_the_draft_reads_a_filled_form() -> None:
    draft = answer_to_draft(_answer(*DRAWN), (_reading(BLANK),), "supplies")
    filled = _reading(FILLED)
    found = find_drafts(draft, filled.grids, filled.loose_words, {})
    assert found.fields["department"].text == "财务科"
    assert found.fields["field_2"].text == "2021-04-05"
    rows = [[row[name].text for name in row] for row in found.groups["group_1"]]
    assert rows == [["订书机", "12", "8.5"], ["打印纸", "30", "22"]]


def test_the_written_draft_passes_the_check(tmp_path: Path) -> None:
    draft = answer_to_draft(_answer(*DRAWN), (_reading(BLANK),), "supplies")
    path = tmp_path / "supplies.yaml"
    path.write_text(declaration_to_yaml(draft), encoding="utf-8")
    assert check_declaration(path) == draft


def test_names_that_are_typed_twice_are_told_apart() -> None:
    twice = (_region(SINGLE, _box(0, 1), "who"), _region(SINGLE, _box(0, 3), "who"))
    draft = answer_to_draft(_answer(*twice), (_reading(BLANK),), "supplies", "申领单")
    assert [item.name for item in draft.fields] == ["who", "who_2"]
    assert draft.titles == ("申领单",)


def test_a_drawing_that_makes_nothing_says_what_to_do() -> None:
    with pytest.raises(DeclarationError, match="draw at least one"):
        answer_to_draft(_answer(), (_reading(BLANK),), "supplies")
    lonely = _region(SINGLE, Box(500, 700, 590, 730))
    with pytest.raises(DeclarationError, match="type its title"):
        answer_to_draft(_answer(lonely), (_reading(BLANK),), "supplies")


def test_the_drawing_project_has_the_labels_that_are_read_back() -> None:
    assert {label.name for label in find_labels(DRAWING)} == {TITLE, SINGLE, COLUMN}


def test_kinds_are_guessed_from_titles() -> None:
    guesses = {title: guess_kind(title) for title in ("联系电话", "执行率", "金额（元）", "姓名")}
    assert guesses == {
        "联系电话": "phone",
        "执行率": "percent",
        "金额（元）": "number",
        "姓名": "text",
    }
