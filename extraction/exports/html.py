"""A record as one HTML file that needs nothing else: pages with boxes, fields beside them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image as Picture

from extraction.exports.naming import (
    NO_TITLES,
    PASSED,
    ROUTES,
    NamedField,
    Titles,
    form_title,
    group_columns,
    group_path,
    reasons_to_words,
    record_to_named_fields,
)
from extraction.values import Box, Field, Image, PageSummary, Record, TableCell

Level = Literal["plain", "pair", "accept", "review", "wrong"]
"""How much a box asks for attention: a cell, a value of an undeclared key, a trusted field, a
doubtful one, one that a failed check names."""

_LEVELS: tuple[Level, ...] = ("plain", "pair", "accept", "review", "wrong")
_MOST_PICTURE_BYTES = 1_000_000
_LONGEST_SIDE_PX = 2200
_QUALITIES = (82, 70, 55, 40)

_ENVIRONMENT = Environment(
    loader=PackageLoader("extraction.exports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on a page that stands for one cell, and for one or more fields in it."""

    id: str
    page: int
    box: Box
    level: Level
    caption: str


def record_to_html(
    record: Record, images: Sequence[Image] = (), titles: Titles = NO_TITLES
) -> bytes:
    """The page's bytes in UTF-8. ``images`` are those of ``record.pages``, upright, in order."""
    named = tuple(record_to_named_fields(record, titles))
    marks = record_to_marks(record, titles)
    by_place = {(mark.page, mark.box): mark.id for mark in marks}
    page = _ENVIRONMENT.get_template("record.html").render(
        record=record,
        titles=titles,
        form_title=form_title(record, titles),
        fields=[item for item in named if item.path in record.fields],
        reviewed=sum(item.field.route == "review" for item in named),
        total=len(named),
        pages=[
            (page, _picture_address(image), [mark for mark in marks if mark.page == page.number])
            for page, image in _pages_with_images(record.pages, images)
        ],
        mark_of=lambda place: by_place[(place.page, place.box)],
        levels=_field_levels(record),
        group_columns=group_columns,
        group_path=group_path,
        table_rows=table_rows,
        passed=PASSED,
        routes=ROUTES,
        reasons_to_words=reasons_to_words,
        path_titles={item.path: item.title for item in named},
        places={
            item.path: by_place[(source.page, source.box)]
            for item in named
            if (source := item.field.source) is not None
        },
    )
    return page.encode("utf-8")


def record_to_marks(record: Record, titles: Titles = NO_TITLES) -> tuple[Mark, ...]:
    """One mark for every distinct box, the fields' over the cells', in order of appearance."""
    levels = _field_levels(record)
    marks: dict[tuple[int, Box], Mark] = {}
    for named in record_to_named_fields(record):
        if (source := named.field.source) is not None:
            mark = Mark("", source.page, source.box, levels[named.path], _caption(named))
            earlier = marks.get((mark.page, mark.box))
            marks[(mark.page, mark.box)] = _joined(earlier, mark) if earlier else mark
    for pair in record.key_values:
        place = (pair.source.page, pair.source.box)
        marks.setdefault(place, Mark("", *place, "pair", f"{pair.key}：{pair.value}"))
    for table in record.tables:
        for cell in table.cells:
            caption = cell.text if cell.text else "（空）"
            marks.setdefault((cell.page, cell.box), Mark("", cell.page, cell.box, "plain", caption))
    return tuple(replace(mark, id=f"m{number}") for number, mark in enumerate(marks.values()))


def table_rows(record: Record, table: int) -> list[list[TableCell]]:
    """The cells of a table row by row, as HTML sets them."""
    rows: list[list[TableCell]] = [[] for _ in range(record.tables[table].rows)]
    for cell in sorted(record.tables[table].cells, key=lambda cell: (cell.row, cell.column)):
        rows[cell.row].append(cell)
    return rows


def image_to_jpeg(image: Image, most_bytes: int = _MOST_PICTURE_BYTES) -> bytes:
    """A picture small enough to be embedded; halved in size where no quality is enough."""
    picture = Picture.fromarray(image)
    picture.thumbnail((_LONGEST_SIDE_PX, _LONGEST_SIDE_PX))
    while True:
        for quality in _QUALITIES:
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= most_bytes or max(picture.size) <= 1:
                return out.getvalue()
        picture = picture.resize((max(picture.width // 2, 1), max(picture.height // 2, 1)))


def _pages_with_images(
    pages: tuple[PageSummary, ...], images: Sequence[Image]
) -> Iterator[tuple[PageSummary, Image | None]]:
    for place, page in enumerate(pages):
        yield page, images[place] if place < len(images) else None


def _picture_address(image: Image | None) -> str:
    if image is None:
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(image_to_jpeg(image)).decode("ascii")


def _field_levels(record: Record) -> Mapping[str, Level]:
    """A level for every field by path; a failed check outweighs the route."""
    wrong = {name for check in record.checks if check.passed is False for name in check.fields}
    return {
        named.path: "wrong" if named.path in wrong else _route_level(named.field)
        for named in record_to_named_fields(record)
    }


def _route_level(field: Field) -> Level:
    return "accept" if field.route == "accept" else "review"


def _caption(named: NamedField) -> str:
    confidence = named.field.confidence
    shown = "" if confidence is None else f"（{confidence:.3f}）"
    return f"{named.title}：{named.field.text}{shown}"


def _joined(first: Mark, second: Mark) -> Mark:
    """One mark for two fields in one box: the worse level, both captions."""
    level = max(first.level, second.level, key=_LEVELS.index)
    return replace(first, level=level, caption=f"{first.caption}\n{second.caption}")
