"""Forms of no declared type: lists, records of pairs, timetables, plain text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from models.synthesis.bands import Band, BandCell, bands_to_table, shares_to_borders
from models.synthesis.cell_values import value_of
from models.synthesis.content import DATA, Author
from models.synthesis.specification import (
    BLACK,
    KEY,
    OTHER,
    Align,
    Colour,
    LineSpec,
    Ruling,
    TableSpec,
)

Block = LineSpec | TableSpec
_WHITE: Colour = (255, 255, 255)
_FILLS: tuple[Colour, ...] = (
    (217, 217, 217),
    (242, 242, 242),
    (221, 235, 247),
    (226, 239, 218),
    (255, 242, 204),
    (68, 114, 196),
    (84, 130, 53),
    (47, 84, 150),
    (191, 143, 0),
    (192, 0, 0),
)
_RULINGS: tuple[Ruling, ...] = ("full", "full", "full", "full", "open", "half", "three", "none")


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str
    width: float
    merged: bool


@dataclass(frozen=True, slots=True)
class OtherForm:
    """A kind of form as its data file has it."""

    form_id: str
    held_out: bool
    build: str
    titles: tuple[str, ...]
    unit_line: bool
    rows: tuple[int, int]
    columns: tuple[Column, ...]
    groups: tuple[tuple[str, int, int], ...]
    total: str
    pairs: tuple[tuple[str, str], ...]
    blocks: tuple[tuple[str, str], ...]


@cache
def other_forms() -> tuple[OtherForm, ...]:
    stored = json.loads((DATA / "other_forms.json").read_text("utf-8"))
    return tuple(
        OtherForm(
            form_id=entry["id"],
            held_out=entry.get("held_out", False),
            build=entry["build"],
            titles=tuple(entry["titles"].split(" ")),
            unit_line=entry.get("unit_line", False),
            rows=tuple(entry.get("rows", (4, 20))),
            columns=tuple(
                Column(column[0], column[1], column[2], len(column) > 3)
                for column in entry.get("columns", entry.get("list", ()))
            ),
            groups=tuple(tuple(group) for group in entry.get("groups", ())),
            total=entry.get("total", ""),
            pairs=tuple(tuple(pair) for pair in entry.get("pairs", ())),
            blocks=tuple(tuple(block) for block in entry.get("blocks", ())),
        )
        for entry in stored
    )


def draw_other(author: Author, form: OtherForm, size_pt: float) -> tuple[Block, ...]:
    """The body of the form: its tables and lines, without the title."""
    if form.build == "prose":
        return _prose_lines(author, size_pt)
    if form.build == "loose_list":
        return _loose_list(author, size_pt)
    if form.build == "timetable":
        return (_timetable(author),)
    if form.build == "pairs":
        return (_pairs_table(author, form),)
    if form.build == "two_lists":
        listed = [entry for entry in other_forms() if entry.build == "list"]
        picked = [listed[int(i)] for i in author.rng.choice(len(listed), 2, replace=False)]
        caption = LineSpec(((f"二、{author.pick(picked[1].titles)}", KEY),), size_pt + 1, "left")
        return (_list_table(author, picked[0], 8), caption, _list_table(author, picked[1], 10))
    return (_list_table(author, form, form.rows[1]),)


def draw_fill(author: Author) -> tuple[Colour | None, Colour]:
    """Fill of the header cells and the ink on it."""
    if author.chance(0.6):
        return None, BLACK
    fill = _FILLS[author.number(0, len(_FILLS) - 1)]
    return fill, (_WHITE if sum(fill) < 420 else BLACK)


def _list_table(author: Author, form: OtherForm, most: int) -> TableSpec:
    """A header of one or two rows, then records; some columns may be left out."""
    kept = [c for c in form.columns if author.chance(0.93)] or list(form.columns)
    whole = len(kept) == len(form.columns)
    ruling = _RULINGS[author.number(0, len(_RULINGS) - 1)]
    header = _list_header(author, kept, form.groups if whole else ())
    rows = author.number(min(form.rows[0], most), most)
    records = _records(author, kept, rows)
    bands = [header, records]
    if form.total and author.chance(0.7):
        bands.append(_total_row(author, kept, form.total))
    return bands_to_table(tuple(bands), ruling)


def _borders(columns: list[Column]) -> tuple[int, ...]:
    return shares_to_borders(tuple(column.width for column in columns))


def _list_header(
    author: Author, columns: list[Column], groups: tuple[tuple[str, int, int], ...]
) -> Band:
    fill, ink = draw_fill(author)
    bold = author.chance(0.4)
    borders = _borders(columns)
    grouped = {i for _, first, last in groups for i in range(first, last + 1)}
    rows = 2 if groups else 1
    cells = [
        BandCell(borders[first], borders[last + 1], 0, name, KEY, bold=bold, fill=fill, ink=ink)
        for name, first, last in groups
    ]
    for index, column in enumerate(columns):
        row, span = (1, 1) if index in grouped else (0, rows)
        cells.append(
            BandCell(
                borders[index],
                borders[index + 1],
                row,
                column.name,
                KEY,
                span,
                bold=bold,
                fill=fill,
                ink=ink,
            )
        )
    return Band(rows, tuple(cells), header=tuple(range(rows)))


def _records(author: Author, columns: list[Column], rows: int) -> Band:
    borders = _borders(columns)
    cells = []
    for index, column in enumerate(columns):
        align: Align = _align_of(column.kind, author)
        row = 0
        while row < rows:
            span = author.number(1, min(4, rows - row)) if column.merged else 1
            serial = column.kind == "serial"
            text = str(row + 1) if serial else value_of(column.kind, author)
            if author.chance(0.05) and not serial:
                text = author.pick(("", "", author.phrase("signs")))
            cells.append(
                BandCell(borders[index], borders[index + 1], row, text, OTHER, span, align)
            )
            row += span
    return Band(rows, tuple(cells))


def _align_of(kind: str, author: Author) -> Align:
    if kind.startswith("money"):
        return "right" if author.chance(0.7) else "center"
    if kind in ("sentence", "goal", "reason", "subject", "project"):
        return "left" if author.chance(0.7) else "center"
    return "center"


def _total_row(author: Author, columns: list[Column], name: str) -> Band:
    borders = _borders(columns)
    joined = author.number(1, max(1, min(3, len(columns) - 1)))
    cells = [BandCell(0, borders[joined], 0, name, KEY)]
    for index in range(joined, len(columns)):
        kind = columns[index].kind
        text = value_of(kind, author) if kind.startswith(("money", "int")) else ""
        cells.append(BandCell(borders[index], borders[index + 1], 0, text, OTHER))
    return Band(1, tuple(cells))


def _timetable(author: Author) -> TableSpec:
    days = author.number(5, 7)
    periods = author.number(4, 8)
    borders = shares_to_borders((0.6, 0.7, *(1.0,) * days))
    fill, ink = draw_fill(author)
    cells = [BandCell(0, borders[2], 0, author.pick(("", "节次", "时间")), KEY, fill=fill, ink=ink)]
    for day in range(days):
        name = f"{author.pick(('星期',))}{'一二三四五六日'[day]}"
        cells.append(BandCell(borders[day + 2], borders[day + 3], 0, name, KEY, fill=fill, ink=ink))
    half = periods // 2
    for name, first, count in (("上午", 0, half), ("下午", half, periods - half)):
        cells.append(BandCell(0, borders[1], first + 1, name, KEY, rowspan=count))
    for period in range(periods):
        cells.append(BandCell(borders[1], borders[2], period + 1, f"第{period + 1}节", KEY))
        for day in range(days):
            text = author.phrase("courses") if author.chance(0.9) else ""
            if author.chance(0.3):
                text += f"\n{author.person()}"
            cells.append(BandCell(borders[day + 2], borders[day + 3], period + 1, text, OTHER))
    return bands_to_table((Band(periods + 1, tuple(cells), header=(0,)),))


def _pairs_table(author: Author, form: OtherForm) -> TableSpec:
    """Pairs of keys and values, long blocks beside or under their key, perhaps a list."""
    per_row = author.number(1, 3)
    bands = [_pairs_band(author, list(form.pairs), per_row)]
    if form.columns:
        columns = list(form.columns)
        bands += [_list_header(author, columns, ()), _records(author, columns, author.number(2, 8))]
    key_end = author.number(60, 200)
    for key, kind in form.blocks:
        cells = (
            BandCell(0, key_end, 0, key, KEY),
            BandCell(key_end, 1000, 0, value_of(kind, author), OTHER, align="left"),
        )
        bands.append(Band(1, cells))
    return bands_to_table(tuple(bands))


def _pairs_band(author: Author, pairs: list[tuple[str, str]], per_row: int) -> Band:
    cells: list[BandCell] = []
    value = float(author.rng.uniform(1.2, 2.5))
    row = 0
    while pairs:
        count = min(per_row, len(pairs))
        borders = shares_to_borders((1.0, value) * count)
        for number in range(count):
            key, kind = pairs.pop(0)
            at = borders[2 * number : 2 * number + 3]
            text = "" if author.chance(0.06) else value_of(kind, author)
            cells.append(BandCell(at[0], at[1], row, key, KEY))
            cells.append(BandCell(at[1], at[2], row, text, OTHER))
        row += 1
    return Band(row, tuple(cells))


def _prose_lines(author: Author, size_pt: float) -> tuple[Block, ...]:
    size = size_pt + author.number(1, 5)
    lines = []
    for number in range(author.number(3, 9)):
        if author.chance(0.25):
            head = f"{'一二三四五六七八九'[number]}、{author.expand('{verb}{work}')}"
            lines.append(LineSpec(((head, OTHER),), size, "left", bold=author.chance(0.5)))
        text = "　　" + author.sentences("prose", author.number(40, 260), False, False)
        lines.append(LineSpec(((text, OTHER),), size, "left"))
    for text in (author.unit(), author.date()):
        lines.append(LineSpec(((text, OTHER),), size, "right"))
    return tuple(lines)


def _loose_list(author: Author, size_pt: float) -> tuple[Block, ...]:
    kinds = [
        author.pick(("person", "unit", "phone", "goods", "money", "date", "percent", "place"))
        for _ in range(author.number(2, 4))
    ]
    return tuple(
        LineSpec(
            tuple((value_of(kind, author), OTHER) for kind in ("serial", *kinds)),
            size_pt + 1,
            space_pt=4,
        )
        for _ in range(author.number(8, 30))
    )
