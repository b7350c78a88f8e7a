"""A draft of a declaration from boxes drawn on one blank form: what to take, not how it reads.

Somebody draws a box where each value goes, one over each column of a table, and one around
the title. The printed key beside or above a box becomes its key, a column's header its key.
What is typed into a box is the field's title; an English word before it is its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import yaml

from annotation.examples import ReviewedText, words_inside
from annotation.learned_keys import reads_like_key
from annotation.neighbours import PrintedGrid, find_printed_grids
from annotation.rows import level_part
from annotation.values import Answer, AnsweredRegion
from extraction.declarations import FormDeclaration, ValueKind
from extraction.errors import DeclarationError
from extraction.fields.key_match import bare, comparable
from extraction.json_values import Json, JsonObject
from extraction.values import Box, Cell, PageReading, Word
from models.windows import readings_to_words

TITLE, SINGLE, COLUMN = "form_title", "value", "column"
DRAWING: Final = FormDeclaration.model_validate_json(
    """
{"name": "drawing", "title": "新表", "titles": ["新表"], "fields": [
  {"name": "form_title", "title": "标题"},
  {"name": "value", "title": "填写处"},
  {"name": "column", "title": "表格列"}
]}
"""
)
"""The labels of the project in which a blank form is drawn on: made, shown and read back by
the same code as those of any form type."""

_NAMED: Final = re.compile(r"([a-z][a-z0-9_]*)\s*(.*)", re.DOTALL)
_KINDS: Final[Mapping[ValueKind, tuple[str, ...]]] = {
    "date": ("日期", "时间", "年月日"),
    "phone": ("电话", "手机"),
    "percent": ("率", "比例"),
    "number": ("金额", "数量", "单价", "合计", "得分", "分值", "元"),
    "year": ("年度",),
}
"""Words of a title that tell what kind of value it stands for; a guess to look over."""
_NEAR_LINE: Final = 0.5
_FIRST_GROUP: Final = "明细"


@dataclass(frozen=True, slots=True)
class _Named:
    """What a box is called: ``name`` is "" where nobody typed one."""

    name: str
    title: str


def answer_to_draft(
    answer: Answer, readings: Sequence[PageReading], name: str, title: str | None = None
) -> FormDeclaration:
    """The declaration that the drawn boxes make; DeclarationError where they make none.

    ``readings`` are of the blank form, in the order of its pages.
    """
    drawn = _with_pages(answer.regions or (), readings)
    grids = find_printed_grids(readings, [_as_text(region) for region in drawn])
    by_page = defaultdict(list)
    for grid in grids:
        by_page[_page_of(grid)].append(grid)
    _, words = readings_to_words(readings)
    printed_title = _find_title(drawn, words)
    fields = [*_title_field(printed_title)]
    fields += _single_fields([r for r in drawn if r.name == SINGLE], by_page, words)
    groups = list(_groups([r for r in drawn if r.name == COLUMN], by_page, readings))
    chosen = title or printed_title or name
    if not fields:
        raise DeclarationError("has neither a title nor a value; draw at least one", name=name)
    stored: JsonObject = {
        "name": name,
        "title": chosen,
        "titles": [*dict.fromkeys((printed_title or chosen, chosen))],
        "fields": [*_unique(fields)],
        "groups": [*_unique(groups)],
    }
    try:
        return FormDeclaration.model_validate(_tupled(stored))
    except ValueError as error:
        raise DeclarationError(f"the drawing makes no declaration: {error}", name=name) from error


def declaration_to_yaml(declaration: FormDeclaration) -> str:
    """As a file of ``forms``; what is as by default is left out."""
    stored = declaration.model_dump(mode="json", exclude_defaults=True)
    return str(yaml.safe_dump(stored, allow_unicode=True, sort_keys=False, width=100))


def _with_pages(
    regions: Sequence[AnsweredRegion], readings: Sequence[PageReading]
) -> list[AnsweredRegion]:
    """In reading order, with the numbers that the pages have in the file."""
    numbers = dict(enumerate((reading.number for reading in readings), start=1))
    placed = [replace(region, page=numbers.get(region.page, region.page)) for region in regions]
    return sorted(placed, key=lambda region: (region.page, region.box.top, region.box.x0))


def _as_text(region: AnsweredRegion) -> ReviewedText:
    return ReviewedText(region.name, region.page, region.box, "", "", (), audit=False)


def _page_of(grid: PrintedGrid) -> int:
    return next(iter(grid.at.values())).page


# --- single fields -----------------------------------------------------------------------


def _find_title(drawn: Sequence[AnsweredRegion], words: Sequence[Word]) -> str:
    for region in drawn:
        if region.name == TITLE:
            inside = words_inside(words, region.page, region.box)
            return "".join(words[number].text for number in inside) or region.text
    return ""


def _title_field(title: str) -> Iterator[JsonObject]:
    if title:
        yield {
            "name": "title",
            "title": "标题",
            "outside": True,
            "is_title": True,
            "required": True,
        }


def _single_fields(
    drawn: Sequence[AnsweredRegion],
    grids: Mapping[int, Sequence[PrintedGrid]],
    words: Sequence[Word],
) -> Iterator[JsonObject]:
    for number, region in enumerate(drawn, start=1):
        place = _cell_at(region, grids)
        key = place[0].key_of(place[1]) if place is not None else None
        inline = None if key is not None else _line_key(region, words)
        printed = (key.text if key is not None else inline) or ""
        named = _names(region.text, printed)
        if not named.title:
            raise DeclarationError(
                f"box {number} (page {region.page}) has no printed key near it; type its title"
            )
        field: JsonObject = {"name": named.name or f"field_{number}", "title": named.title}
        if (kind := guess_kind(named.title)) != "text":
            field["kind"] = kind
        if key is not None and reads_like_key(key.text):
            field["keys"] = [*_wordings(key.text)]
        if inline is not None:
            field["inline_keys"] = [inline]
        yield field


def _cell_at(
    region: AnsweredRegion, grids: Mapping[int, Sequence[PrintedGrid]]
) -> tuple[PrintedGrid, Cell] | None:
    for grid in grids.get(region.page, ()):
        for cell in dict.fromkeys(grid.at.values()):
            if cell.box.contains_point(*region.box.center):
                return grid, cell
    return None


def _line_key(region: AnsweredRegion, words: Sequence[Word]) -> str | None:
    """The text before the box on its line, without its colon."""
    level = [
        word
        for word in words
        if word.page == region.page
        and word.box.x0 < region.box.x0
        and level_part(word.box, region.box) >= _NEAR_LINE
    ]
    if not level:
        return None
    text = comparable(max(level, key=lambda word: word.box.x0).text.rstrip(" _＿"))
    return text.partition(":")[0] or None


def _names(typed: str, printed: str) -> _Named:
    """``applicant 申请人``, ``申请人`` or nothing, where the printed key is the title."""
    match = _NAMED.fullmatch(typed.strip())
    name, title = (match[1], match[2].strip()) if match else ("", typed.strip())
    return _Named(name, title or bare(comparable(printed)) or comparable(printed))


def _wordings(key: str) -> Iterator[str]:
    """As printed, and without what stands in brackets."""
    full = comparable(key)
    yield from dict.fromkeys(form for form in (full, bare(full)) if form)


def guess_kind(title: str) -> ValueKind:
    for kind, hints in _KINDS.items():
        if any(hint in title for hint in hints):
            return kind
    return "text"


# --- columns -----------------------------------------------------------------------------


def _groups(
    drawn: Sequence[AnsweredRegion],
    grids: Mapping[int, Sequence[PrintedGrid]],
    readings: Sequence[PageReading],
) -> Iterator[JsonObject]:
    for number, columns in enumerate(_beside(drawn), start=1):
        placed = [(region, place) for region in columns if (place := _header(region, grids))]
        if not placed:
            raise DeclarationError(
                f"no header was found over the columns on page {columns[0].page}; "
                "draw each box from its header down"
            )
        yield _group(number, placed)


def _beside(drawn: Sequence[AnsweredRegion]) -> list[list[AnsweredRegion]]:
    """Columns that stand level with each other, from the left."""
    groups: list[list[AnsweredRegion]] = []
    for region in drawn:
        for group in groups:
            if group[0].page == region.page and level_part(group[0].box, region.box) >= _NEAR_LINE:
                group.append(region)
                break
        else:
            groups.append([region])
    return [sorted(group, key=lambda region: region.box.x0) for group in groups]


def _header(
    region: AnsweredRegion, grids: Mapping[int, Sequence[PrintedGrid]]
) -> tuple[PrintedGrid, Cell] | None:
    """The highest printed cell in the box, or else the one right above it."""
    for grid in grids.get(region.page, ()):
        inside = sorted(
            (c for c in set(grid.at.values()) if region.box.contains_point(*c.box.center)),
            key=lambda cell: cell.row,
        )
        printed = [cell for cell in inside if cell.words]
        if printed and printed[0].row == inside[0].row:
            return grid, printed[0]
        if inside:
            above = grid.cell(inside[0].row - 1, inside[0].column)
            return (grid, above) if above is not None and above.words else None
    return None


def _group(
    number: int, placed: Sequence[tuple[AnsweredRegion, tuple[PrintedGrid, Cell]]]
) -> JsonObject:
    columns: list[JsonObject] = []
    for place, (region, (_, header)) in enumerate(placed, start=1):
        named = _names(region.text, header.text)
        column: JsonObject = {
            "name": named.name or f"column_{place}",
            "title": named.title,
            "keys": [*_wordings(header.text)],
        }
        if (kind := guess_kind(named.title)) != "text":
            column["kind"] = kind
        columns.append(column)
    grid, left = placed[0][1]
    start, section = grid.left_end(left, left.rows.stop)
    group: JsonObject = {
        "name": f"group_{number}",
        "title": comparable(section.text) if section is not None else _FIRST_GROUP,
        "columns": [*_unique(columns)],
        "row_by": [column["name"] for column in _unique(columns)[:2]],
    }
    if section is not None and reads_like_key(section.text):
        group["sections"] = [comparable(section.text)]
    if (end := _row_after(grid, placed, start)) is not None:
        group["end_keys"] = [end]
    return group


def _row_after(
    grid: PrintedGrid,
    placed: Sequence[tuple[AnsweredRegion, tuple[PrintedGrid, Cell]]],
    start: int,
) -> str | None:
    """What the first row below the boxes opens with."""
    boxes = [region.box for region, _ in placed]
    rows = [c.rows.stop for c in grid.at.values() if any(_holds(b, c) for b in boxes)]
    after = grid.cell(max(rows), start) if rows else None
    if after is None or not reads_like_key(after.text):
        return None
    return comparable(after.text)


def _holds(box: Box, cell: Cell) -> bool:
    return box.contains_point(*cell.box.center)


def _unique(items: Sequence[JsonObject]) -> list[JsonObject]:
    """Names that are given twice are told apart by a number."""
    taken: set[str] = set()
    named = []
    for item in items:
        name, number = str(item["name"]), 1
        while name in taken:
            number += 1
            name = f"{item['name']}_{number}"
        taken.add(name)
        named.append({**item, "name": name})
    return named


def _tupled(stored: Json) -> object:
    """Strict validation takes tuples where JSON has lists."""
    if isinstance(stored, list):
        return tuple(_tupled(one) for one in stored)
    if isinstance(stored, dict):
        return {name: _tupled(one) for name, one in stored.items()}
    return cast("object", stored)
