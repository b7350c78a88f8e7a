"""Mend the rows of a group where a page ends: cut rows and merged cells cut in two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from extraction.declarations import ColumnDeclaration, GroupDeclaration
from extraction.fields.drafts import FieldDraft, Row
from extraction.fields.key_match import forms_of
from extraction.fields.table_view import runs_on
from extraction.normalise import text_to_value

_SENTENCE_ENDS = ("。", "；", "！", "？")


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
            _fill_merged(group, mended, own)
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
        whole = _whole(column, last, own)
        if whole is not None:
            _replace_run(above, column.name, whole)
            row[column.name] = whole
        elif not own.text and last.text and own.source is not None:
            row[column.name] = last
        elif own.text and not last.text and last.source is not None:
            _replace_run(above, column.name, own)


def _replace_run(rows: list[dict[str, FieldDraft]], name: str, draft: FieldDraft) -> None:
    """Put ``draft`` into the last rows, as far up as their cell is the same."""
    source = rows[-1][name].source
    for row in reversed(rows):
        if row[name].source != source:
            break
        row[name] = draft


def _whole(column: ColumnDeclaration, a: FieldDraft, b: FieldDraft) -> FieldDraft | None:
    """Both halves of one usual text that the page break cuts in two."""
    usual = {form for choice in column.choices for form in forms_of(choice)}
    text = a.text + b.text
    if not a.text or not b.text or usual.isdisjoint(forms_of(text)):
        return None
    if not all(usual.isdisjoint(forms_of(half)) for half in (a.text, b.text)):
        return None
    value = text_to_value(text, column.kind, column.choices)
    return replace(a, text=text, value=value, words=(*a.words, *b.words))


def _carry_on(
    group: GroupDeclaration, before: Row, mended: Row, row: dict[str, FieldDraft]
) -> None:
    """What a cell was mended to in the row above holds for all rows that it covers."""
    for column in group.columns:
        own, was = row[column.name], before[column.name]
        if column.merged and own.source and own.source == was.source:
            row[column.name] = mended[column.name]


def _is_cut(group: GroupDeclaration, above: Row, row: Row, below: Row | None) -> bool:
    """The row goes on with sentences of the one above and prints nothing else of its own.

    A name that is printed on one side only stands for both.
    """
    numbers = [column.name for column in group.columns if column.kind != "text"]
    names = [column.name for column in group.columns if column.merged]
    if numbers and names:
        both_named = row[names[-1]].text and above[names[-1]].text
        numbered = any(row[name].text for name in numbers)
        return not both_named and not numbered and any(above[name].text for name in numbers)
    if not names or row[names[-1]].text or not above[names[-1]].text:
        return False
    if below is not None and _shared(row[names[-1]], below[names[-1]]):
        return False
    texts = [column.name for column in group.columns if not column.merged]
    return any(row[name].text and _runs_on(above[name]) for name in texts)


def _runs_on(draft: FieldDraft) -> bool:
    """No sentence ends there, and its last line is full."""
    if not draft.words or draft.source is None or draft.text.endswith(_SENTENCE_ENDS):
        return False
    return runs_on(draft.words, draft.source.box)


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
        whole = _whole(column, a, b) if column.merged else None
        row[column.name] = whole or (a if a.text else b)
    return row
