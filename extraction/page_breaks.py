"""Mend the rows of a group where a page ends: cut rows and merged cells cut in two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from extraction.declarations import GroupDeclaration
from extraction.drafts import FieldDraft, Row
from extraction.normalise import text_to_value


def mend_rows(group: GroupDeclaration, rows: Sequence[Row]) -> tuple[tuple[int, Row], ...]:
    """The rows of one block of columns as if printed on one endless page, with their numbers.

    A merged cell that is blank beside a page break takes the text from the other page; a
    row that only prints the end of a sentence goes to the row before it.
    """
    mended: list[dict[str, FieldDraft]] = []
    kept: list[int] = []
    broken = False
    for number, row in enumerate(rows):
        own = dict(row)
        breaks = bool(mended) and _page(group, own) > _page(group, rows[number - 1])
        following = rows[number + 1] if number + 1 < len(rows) else None
        if breaks and _is_cut(group, mended[-1], own, following):
            mended[-1] = _joined(group, mended[-1], own)
            broken = True
            continue
        if mended and (breaks or broken):
            _fill_merged(group, mended, own)
        elif mended:
            _carry_on(group, rows[number - 1], mended[-1], own)
        broken = False
        mended.append(own)
        kept.append(number)
    return tuple(zip(kept, mended, strict=True))


def _page(group: GroupDeclaration, row: Row) -> int:
    """The page of the row's own cells; a merged one may print its text on another page."""
    own = (row[column.name].source for column in group.columns if not column.merged)
    return max((source.page for source in own if source is not None), default=0)


def _fill_merged(
    group: GroupDeclaration, above: list[dict[str, FieldDraft]], row: dict[str, FieldDraft]
) -> None:
    for column in group.columns:
        if not column.merged:
            continue
        last, own = above[-1][column.name], row[column.name]
        if not own.text and last.text and own.source is not None:
            row[column.name] = last
        elif own.text and not last.text and last.source is not None:
            for other in reversed(above):
                if other[column.name].source != last.source:
                    break
                other[column.name] = own


def _carry_on(
    group: GroupDeclaration, before: Row, mended: Row, row: dict[str, FieldDraft]
) -> None:
    """A cell that was filled above and covers this row, too, is filled here as well."""
    for column in group.columns:
        own, was = row[column.name], before[column.name]
        if column.merged and not own.text and own.source and own.source == was.source:
            row[column.name] = mended[column.name]


def _is_cut(group: GroupDeclaration, above: Row, row: Row, below: Row | None) -> bool:
    """The row prints no name and no number of its own where the one above does."""
    numbers = [column.name for column in group.columns if column.kind != "text"]
    merged = [column.name for column in group.columns if column.merged]
    names = merged[-1:] if numbers else merged[-2:]
    if not names or any(row[name].text for name in (*names, *numbers)):
        return False
    if below is not None and any(_shared(row[name], below[name]) for name in names):
        return False
    if any(_shared(row[name], above[name]) for name in names):
        return False
    return not numbers or any(above[name].text for name in numbers)


def _shared(a: FieldDraft, b: FieldDraft) -> bool:
    return a.source is not None and a.source == b.source


def _joined(group: GroupDeclaration, first: Row, second: Row) -> dict[str, FieldDraft]:
    row = {}
    for column in group.columns:
        a, b = first[column.name], second[column.name]
        if a.text and b.text and a.source != b.source and not column.merged:
            text = a.text + b.text
            a = replace(
                a,
                text=text,
                value=text_to_value(text, column.kind, column.choices),
                words=(*a.words, *b.words),
                quality=min(a.quality, b.quality),
            )
        row[column.name] = a if a.text else b
    return row
