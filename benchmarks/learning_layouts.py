"""Forms of layouts that no training drew, from a data file: fixed headers, drawn values.

While a form is drawn, the label of a cell or line is the path of the field that it prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, TypedDict, cast

import numpy as np
import yaml

from models.synthesis.bands import Band, BandCell, bands_to_table, shares_to_borders
from models.synthesis.cell_values import value_of
from models.synthesis.content import Author, author_of
from models.synthesis.faces import printable
from models.synthesis.indicators import Indicator, draw_indicators, draw_levels
from models.synthesis.specification import KEY, OTHER, FormSpec, LineSpec, Row, Style, TableSpec
from models.synthesis.styling import draw_sheet, draw_style

DATA: Final = Path(__file__).parent / "learning_data"
FORMS: Final = DATA / "forms"
BLANK_SHARE: Final = 0.04
OPTIONAL_SHARE: Final = 0.7
SPANS: Final = {"first": "span1", "second": "span2", "name": "span3"}
SECTION_END: Final = 60
"""Thousandths of the table's width."""

Pair = tuple[str, str, str]
Column = tuple[str, str, str, float]
"""Header, field, kind of value and width, perhaps with a fifth: ``optional``."""


class Rows(TypedDict, total=False):
    """A group of rows: ``first`` names a column whose texts are the same on every form,
    ``content`` where its rows come from, ``closing`` the last row and its fields by column."""

    section: str
    group: str
    content: str
    count: tuple[int, int]
    first: tuple[str, str, Sequence[str]]
    columns: Sequence[Column]
    closing: tuple[str, Mapping[str, str]]


class Bands(TypedDict, total=False):
    """One band of the table, of one of these kinds."""

    pairs: Sequence[Sequence[Pair]]
    below: Sequence[Pair]
    rows: Rows


class Layout(TypedDict, total=False):
    family: str
    form_type: str
    title: str
    year: str
    bands: Sequence[Bands]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A band with the fields and rows that it prints."""

    band: Band
    fields: Mapping[str, str]
    groups: Mapping[str, tuple[Row, ...]]


@cache
def layouts() -> Mapping[str, Layout]:
    stored = yaml.safe_load((DATA / "layouts.yaml").read_text(encoding="utf-8"))
    return {entry["family"]: cast("Layout", entry) for entry in stored}


def draw_layout(family: str, seed: int) -> FormSpec:
    """The form of the seed: its values, type and number of rows, not its headers."""
    layout = layouts()[family]
    rng = np.random.default_rng([seed, 4])
    author = author_of(rng)
    style = replace(draw_style(rng, "test"), double_frame=False, dashed=False)
    drawn = [_draw_band(band, author, style) for band in layout["bands"]]
    fields = {"title": layout["title"]}
    lines = [LineSpec(((layout["title"], "title"),), style.title_pt, bold=True)]
    if "year" in layout:
        fields["year"] = str(author.year)
        text = layout["year"].format(author.year)
        lines.append(LineSpec(((text, "year"),), style.size_pt))
    for part in drawn:
        fields |= part.fields
    return FormSpec(
        form_type=layout["form_type"],
        family=family,
        sheet=draw_sheet(rng),
        style=style,
        blocks=(*lines, bands_to_table(tuple(part.band for part in drawn))),
        fields=fields,
        groups={name: rows for part in drawn for name, rows in part.groups.items()},
    )


def _draw_band(band: Bands, author: Author, style: Style) -> _Drawn:
    if "pairs" in band:
        return _draw_pairs(band["pairs"], author, style)
    if "below" in band:
        return _draw_below(band["below"], author, style)
    return _draw_rows(band["rows"], author, style)


def _draw_pairs(rows: Sequence[Sequence[Pair]], author: Author, style: Style) -> _Drawn:
    cells: list[BandCell] = []
    fields: dict[str, str] = {}
    for number, pairs in enumerate(rows):
        borders = shares_to_borders((1.0, 2.2) * len(pairs))
        for place, (key, field, kind) in enumerate(pairs):
            x0, middle, x1 = borders[2 * place : 2 * place + 3]
            text = _value(kind, author, style)
            cells.append(BandCell(x0, middle, number, _wording(key, author), KEY))
            cells.append(BandCell(middle, x1, number, text, field or OTHER))
            if field:
                fields[field] = text
    return _Drawn(Band(len(rows), tuple(cells)), fields, {})


def _draw_below(pairs: Sequence[Pair], author: Author, style: Style) -> _Drawn:
    borders = shares_to_borders((1.0,) * len(pairs))
    cells: list[BandCell] = []
    fields: dict[str, str] = {}
    for place, (key, field, kind) in enumerate(pairs):
        x0, x1 = borders[place : place + 2]
        fields[field] = _value(kind, author, style)
        cells.append(BandCell(x0, x1, 0, _wording(key, author), KEY))
        cells.append(BandCell(x0, x1, 1, fields[field], field, align="left"))
    return _Drawn(Band(2, tuple(cells)), fields, {})


def _draw_rows(rows: Rows, author: Author, style: Style) -> _Drawn:
    kept = [one for one in rows["columns"] if len(one) < 5 or author.chance(OPTIONAL_SHARE)]
    columns = [(_wording(one[0], author), *one[1:4]) for one in kept]
    texts = [*_row_texts(rows, author, style)]
    if "first" in rows:
        header, name, _ = rows["first"]
        columns.insert(0, (_wording(header, author), name, "fixed", 1.4))
    borders = shares_to_borders(tuple(column[3] for column in columns), SECTION_END)
    closing = rows.get("closing")
    count = 1 + len(texts) + (closing is not None)
    cells = [BandCell(0, SECTION_END, 0, rows["section"], KEY, rowspan=count)]
    for place, (header, name, kind, _) in enumerate(columns):
        x0, x1 = borders[place : place + 2]
        cells.append(BandCell(x0, x1, 0, header, KEY))
        for number, row in enumerate(texts):
            text, span = row[kind if kind in SPANS else name or kind]
            path = f"{rows['group']}[{number}].{name}" if name else OTHER
            if span:
                cells.append(BandCell(x0, x1, number + 1, text, path, rowspan=span))
    fields: dict[str, str] = {}
    if closing is not None:
        key, totals = closing
        fields = {field: author.digits(2) for field in totals.values()}
        named = {totals[one[1]]: at for at, one in enumerate(columns) if one[1] in totals}
        cells += _closing_cells(_wording(key, author), count - 1, borders, fields, named)
    group = tuple(
        {name: row[kind if kind in SPANS else name][0] for _, name, kind, _ in columns if name}
        for row in texts
    )
    return _Drawn(Band(count, tuple(cells), header=(0,)), fields, {rows["group"]: group})


def _closing_cells(
    key: str,
    row: int,
    borders: Sequence[int],
    fields: Mapping[str, str],
    places: Mapping[str, int],
) -> Iterator[BandCell]:
    first = min(places.values())
    yield BandCell(SECTION_END, borders[first], row, key, KEY)
    named = {place: field for field, place in places.items()}
    for place in range(first, len(borders) - 1):
        field = named.get(place, OTHER)
        text = fields.get(field, "")
        yield BandCell(borders[place], borders[place + 1], row, text, field)


_Texts = Mapping[str, tuple[str, int]]
"""Column, or kind of a merged one → text and the rows that its cell covers from here on."""


def _row_texts(rows: Rows, author: Author, style: Style) -> Iterator[_Texts]:
    if rows.get("content") == "indicators":
        count = author.number(*rows["count"])
        for number, one in enumerate(draw_indicators(author, draw_levels(author, count), 90)):
            yield _indicator_texts(rows, one, number, author, style)
        return
    fixed = rows["first"][2] if "first" in rows else ()
    for number in range(len(fixed) or author.number(*rows["count"])):
        texts = {
            name or kind: (_cell_text(kind, number, author, style), 1)
            for _, name, kind, *_ in rows["columns"]
        }
        if "first" in rows:
            texts[rows["first"][1]] = fixed[number], 1
        yield texts


def _indicator_texts(
    rows: Rows, indicator: Indicator, number: int, author: Author, style: Style
) -> _Texts:
    done = indicator.achievement
    known = {
        "first": indicator.first,
        "second": indicator.second,
        "name": done.name,
        "planned": done.planned,
        "reached": done.reached,
        "points": indicator.points,
        "earned": indicator.earned,
    }
    texts: dict[str, tuple[str, int]] = {}
    for _, name, kind, *_ in rows["columns"]:
        text = known[kind] if kind in known else _cell_text(kind, number, author, style)
        span = getattr(indicator, SPANS[kind]) if kind in SPANS else 1
        texts[kind if kind in SPANS else name or kind] = printed(text, style), span
    return texts


def _cell_text(kind: str, number: int, author: Author, style: Style) -> str:
    return str(number + 1) if kind == "serial" else _value(kind, author, style)


def _wording(key: str, author: Author) -> str:
    return author.pick(tuple(key.split("|")))


def _value(kind: str, author: Author, style: Style) -> str:
    return "" if author.chance(BLANK_SHARE) else printed(value_of(kind, author), style)


def printed(text: str, style: Style) -> str:
    """Without the characters that the face has not."""
    return printable(text.replace("\n", ""), style.face, style.latin)


def tables(spec: FormSpec) -> tuple[TableSpec, ...]:
    return tuple(block for block in spec.blocks if isinstance(block, TableSpec))
