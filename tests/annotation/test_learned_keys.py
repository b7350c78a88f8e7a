"""Keys learnt from corrected documents of a form whose declaration knows others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from annotation.examples import ReviewedText, TrainingExample
from annotation.learned_keys import (
    KeyUse,
    LearnedKey,
    declaration_with_keys,
    keep_refusals,
    learn_keys,
    learned_from_json,
    learned_to_json,
)
from extraction.declarations import FormDeclaration
from extraction.errors import DeclarationError
from extraction.fields.find import find_drafts
from extraction.values import Box, Cell, Grid, PageReading, Word

DECLARATION = FormDeclaration.model_validate_json(
    """
{"name": "order", "title": "订货单", "titles": ["订货单"],
 "fields": [
  {"name": "title", "title": "标题", "outside": true, "is_title": true},
  {"name": "buyer", "title": "买方", "keys": ["买方"]},
  {"name": "goal", "title": "目标", "keys": ["目标"]},
  {"name": "filler", "title": "填表人", "keys": ["填表人"]},
  {"name": "total", "title": "合计", "kind": "number", "in_row": ["合计"],
   "in_column": "items.amount"}],
 "groups": [{"name": "items", "title": "货物", "row_by": ["article"], "columns": [
  {"name": "article", "title": "品名", "keys": ["品名"]},
  {"name": "amount", "title": "数量", "kind": "number", "keys": ["数量"]}]}]}
"""
)
TABLE = (
    "采购单位|甲公司|愿景|愿景",
    "采购单位|甲公司|按时送到货物|按时送到货物",
    "明细一览|货名|件数|附注",
    "明细一览|苹果|12|好",
    "明细一览|香蕉|30|好",
    "总共||42|",
)


def _grid(rows: tuple[str, ...]) -> Grid:
    """Equal texts beside and below each other are one cell."""
    texts = [row.split("|") for row in rows]
    cells, done = [], set[tuple[int, int]]()
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            if (row, column) in done:
                continue
            high, wide = 1, 1
            while text and row + high < len(texts) and texts[row + high][column] == text:
                high += 1
            while text and column + wide < len(line) and line[column + wide] == text:
                wide += 1
            done |= {(row + i, column + j) for i in range(high) for j in range(wide)}
            box = Box(100 * column, 40 * row, 100 * (column + wide), 40 * (row + high))
            words = (Word(text, box.padded(-4), 0.9, 0.9, 1),) if text else ()
            cells.append(Cell(row, column, high, wide, box, 1, words))
    return Grid(len(texts), len(texts[0]), tuple(cells))


def _example(
    number: int, values: Mapping[str, str], rows: tuple[str, ...] = TABLE
) -> TrainingExample:
    """``values`` maps the text of a cell to the field that people say it is."""
    grid = _grid(rows)
    line = Word("制表：王五", Box(0, 400, 200, 430), 0.9, 0.9, 1)
    reading = PageReading(1, 600, 800, 100.0, "ocr", (grid,), (line,))
    example = TrainingExample(f"document-{number}", "order", 1, "", (reading,), {}, (), False)
    texts = tuple(
        ReviewedText(values[word.text], 1, word.box, word.text, word.text, (at,), False)
        for at, word in enumerate(example.words)
        if word.text in values
    )
    last = len(example.words) - 1
    written = ReviewedText("filler", 1, line.box, "王五", "", (last,), False)
    return replace(example, texts=(*texts, written))


VALUES = {
    "甲公司": "buyer",
    "按时送到货物": "goal",
    "苹果": "items.article",
    "香蕉": "items.article",
    "12": "items.amount",
    "30": "items.amount",
    "42": "total",
}


def _learn(*numbers: int) -> set[tuple[KeyUse, str, str]]:
    keys = learn_keys([_example(number, VALUES) for number in numbers], DECLARATION)
    return {(key.use, key.name, key.text) for key in keys}


def test_what_stands_beside_and_above_values_is_learnt() -> None:
    assert _learn(1, 2) == {
        (KeyUse.KEY, "buyer", "采购单位"),
        (KeyUse.KEY, "goal", "愿景"),
        (KeyUse.KEY, "items.article", "货名"),
        (KeyUse.KEY, "items.amount", "件数"),
        (KeyUse.IN_ROW, "total", "总共"),
        (KeyUse.SECTION, "items", "明细一览"),
        (KeyUse.INLINE, "filler", "制表"),
    }


def test_one_document_teaches_nothing() -> None:
    assert _learn(1) == set()
    assert _learn(1, 1) == set(), "the same document twice"


def test_many_rows_under_a_header_make_up_for_another_document() -> None:
    rows = (*TABLE[:5], "明细一览|梨|7|好", TABLE[5])
    whole = replace(_example(1, VALUES | {"梨": "items.article"}, rows), is_whole=True)
    assert {key.text for key in learn_keys([whole], DECLARATION)} == {"货名"}
    assert not learn_keys([replace(whole, is_whole=False)], DECLARATION)


def test_learnt_keys_find_the_values_of_the_next_document() -> None:
    learned = learn_keys([_example(number, VALUES) for number in (1, 2)], DECLARATION)
    known = declaration_with_keys(DECLARATION, learned)
    before = find_drafts(DECLARATION, (_grid(TABLE),), (), {})
    after = find_drafts(known, (_grid(TABLE),), (), {})
    assert before.fields["buyer"].text == ""
    assert after.fields["buyer"].text == "甲公司"
    assert after.fields["goal"].text == "按时送到货物"
    assert after.fields["total"].text == "42"
    assert [row["amount"].text for row in after.groups["items"]] == ["12", "30"]


def test_a_refused_key_is_not_used_and_stays_refused() -> None:
    refused = LearnedKey(KeyUse.KEY, "buyer", "采购单位", 2, refused=True)
    assert declaration_with_keys(DECLARATION, [refused]) is DECLARATION
    learned = learn_keys([_example(number, VALUES) for number in (1, 2, 3)], DECLARATION)
    kept = {key.place: key for key in keep_refusals(learned, [refused])}
    assert kept[refused.place].refused and kept[refused.place].documents == 3
    assert keep_refusals((), [refused]) == (refused,)


def test_a_text_beside_two_fields_is_the_key_of_neither() -> None:
    rows = ("单位|甲公司|单位|张三",)
    values = {"甲公司": "buyer", "张三": "goal"}
    examples = [_example(number, values, rows) for number in (1, 2)]
    assert not [key for key in learn_keys(examples, DECLARATION) if key.text == "单位"]


def test_the_key_of_another_field_and_values_are_no_keys() -> None:
    rows = ("买方|张三|2021-04-05|李四",)
    values = {"张三": "goal", "李四": "filler"}
    examples = [_example(number, values, rows) for number in (1, 2)]
    found = {(key.name, key.text) for key in learn_keys(examples, DECLARATION)}
    assert found == {("filler", "制表")}


def test_a_first_row_that_nobody_was_asked_about_is_no_header() -> None:
    values = {text: name for text, name in VALUES.items() if text not in ("苹果", "12")}
    keys = learn_keys([_example(number, values) for number in (1, 2)], DECLARATION)
    assert not [key for key in keys if key.name.startswith("items.")]


def test_learnt_keys_survive_their_file() -> None:
    learned = learn_keys([_example(number, VALUES) for number in (1, 2)], DECLARATION)
    assert learned_from_json(learned_to_json(learned)) == learned
    with pytest.raises(DeclarationError, match=r"keys\[0\]"):
        learned_from_json({"keys": [{"use": "nonsense"}]})
