"""What a person is told of a document in words, in the language of the forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from annotation.paths import Place, path_to_place
from annotation.routing import UNKNOWN_ROW
from annotation.values import Doubt, Routing
from extraction.confidence import FORM_TYPE_UNSURE, MISSING_REQUIRED
from extraction.declarations import FormDeclaration
from extraction.exports.naming import Titles, declaration_to_titles
from extraction.values import Check, Record

_NOTHING_FAILED = "没有不符的核对项，请逐一核对图上标出的内容。"
_UNSURE = "表单类型不确定：请先看标题，确认这是“{form}”。"
_MISSING = "没有找到必填的“{title}”：表上若有，请框出并填写文字；若确实没有，不必处理。"
_UNKNOWN_ROW = "“{title}”为“{text}”，不是常见的名称，请核对。"
_NO_ROW_NAME = "“{title}”是空白的，但这一行有内容，请核对。"


def find_notes(record: Record, declaration: FormDeclaration, routing: Routing) -> tuple[str, ...]:
    """Failed checks first, then what is missing, then rows of unknown names; each once."""
    titles = declaration_to_titles(declaration)
    notes = (
        *_unsure(declaration, routing.doubts),
        *(check_to_note(check, declaration) for check in record.checks if check.passed is False),
        *_missing(titles, routing.doubts),
        *_unknown_rows(titles, routing),
    )
    return tuple(dict.fromkeys(notes))


def notes_to_html(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else f"<p>{_NOTHING_FAILED}</p>"


def check_to_note(check: Check, declaration: FormDeclaration) -> str:
    """The check's message, with its group before it where it speaks of rows."""
    titles = declaration_to_titles(declaration)
    places = [path_to_place(path) for path in check.fields]
    groups = dict.fromkeys(place.head for place in places if place.column is not None)
    if len(groups) != 1 or any(place.column is None for place in places):
        return check.message
    return f"{titles.of_group(next(iter(groups)))}：{check.message}"


def place_title(place: Place, titles: Titles) -> str:
    """How a person finds the place: the title, for a column with its group and row."""
    if place.column is None or place.row is None:
        return titles.of_field(place.head)
    column = titles.of_column(place.head, place.column)
    return f"{titles.of_group(place.head)}第{place.row + 1}行·{column}"


def _unsure(declaration: FormDeclaration, doubts: Iterable[Doubt]) -> Iterator[str]:
    if any(FORM_TYPE_UNSURE in doubt.reasons for doubt in doubts):
        yield _UNSURE.format(form=declaration.title)


def _missing(titles: Titles, doubts: Iterable[Doubt]) -> Iterator[str]:
    for doubt in doubts:
        if MISSING_REQUIRED in doubt.reasons:
            yield _MISSING.format(title=place_title(path_to_place(doubt.path), titles))


def _unknown_rows(titles: Titles, routing: Routing) -> Iterator[str]:
    texts = _texts(routing.record)
    for doubt in routing.doubts:
        if UNKNOWN_ROW in doubt.reasons:
            title = place_title(path_to_place(doubt.path), titles)
            text = texts[doubt.path]
            sentence = _UNKNOWN_ROW if text.strip() else _NO_ROW_NAME
            yield sentence.format(title=title, text=text)


def _texts(record: Record) -> Mapping[str, str]:
    rows = {
        f"{group}[{number}].{column}": field.text
        for group, found in record.groups.items()
        for number, row in enumerate(found)
        for column, field in row.items()
    }
    return {**{name: field.text for name, field in record.fields.items()}, **rows}
