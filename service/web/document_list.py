"""What the list of an archive's documents shows: rows, and why each was found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, get_args

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from archive.reasons import Reason, find_reason
from archive.search import DocumentQuery, FieldFilter, Operator, find_documents
from archive.search_text import fold
from archive.states import DocumentState
from archive.tables import Document, FieldValue
from extraction.declarations import FormDeclaration
from extraction.exports.naming import declaration_to_titles

SORTS: Final = ("id", "-id", "name", "-doubtful", "confidence", "-finished")
OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)
_Words = Annotated[str, Field(max_length=200)]
_Name = Annotated[str, Field(max_length=320)]
_MOST_HITS: Final = 3
_MOST_HIT_ROWS: Final = 1000
_AROUND: Final = 14
_ROW_NUMBER: Final = re.compile(r"\[\d+\]")


class ListQuery(BaseModel):
    """What the reader asked for, as the form shows it; "" where nothing was asked.

    ``sort`` is one of ``SORTS``, or ``field`` and ``-field`` for the filtered field.
    """

    model_config = ConfigDict(frozen=True)

    q: _Words = ""
    state: _Words = ""
    form_type: _Words = ""
    field: _Name = ""
    operator: Operator = "contains"
    value: _Words = ""
    sort: _Name = SORTS[0]
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.state or self.form_type or self.field)


@dataclass(frozen=True, slots=True)
class Hit:
    """A field in which the searched word stands, with a little of what is around it."""

    title: str
    before: str
    match: str
    after: str


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """``doubtful`` is None where there is no record; ``shown`` is the filtered field's text."""

    id: str
    name: str
    state: str
    reason: Reason | None
    duplicate_of: str | None
    form_title: str
    pages: int | None
    pages_done: int
    pages_failed: int
    doubtful: int | None
    changed_at: datetime
    shown: str
    found: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class DocumentList:
    rows: tuple[DocumentRow, ...]
    total: int
    page: int
    pages: int


def find_document_list(
    session: Session, archive_id: str, asked: ListQuery, declarations: Sequence[FormDeclaration]
) -> DocumentList:
    """One page of the archive's documents. Refused for an unknown sort."""
    found = find_documents(session, list_query_to_query(archive_id, asked))
    ids = [row.duplicate_of or row.id for row in found.documents]
    titles = field_titles(declarations)
    hits = find_hits(session, ids, asked.q.split(), titles)
    shown = find_shown(session, ids, asked.field)
    forms = {item.name: item.title for item in declarations}
    rows = (
        replace(
            _document_to_row(row, forms),
            found=hits.get(row.duplicate_of or row.id, ()),
            shown=shown.get(row.duplicate_of or row.id, ""),
        )
        for row in found.documents
    )
    return DocumentList(tuple(rows), found.total, found.page, found.last_page)


def list_query_to_query(archive_id: str, asked: ListQuery) -> DocumentQuery:
    """The same as the archive understands it; a state that is none is left out."""
    sort = asked.sort if asked.sort.removeprefix("-") != "field" else asked.sort + ":" + asked.field
    if sort.removeprefix("-") == "field:":
        sort = SORTS[0]
    wants_field = bool(asked.field and asked.value.strip())
    return DocumentQuery(
        archive_id=archive_id,
        states=(DocumentState(asked.state),) if asked.state in set(DocumentState) else (),
        form_type=asked.form_type or None,
        text=asked.q,
        fields=(FieldFilter(asked.field, asked.operator, asked.value),) if wants_field else (),
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        page=asked.page,
    )


def field_titles(declarations: Sequence[FormDeclaration]) -> dict[str, str]:
    """The title of every field that can be filtered by, by its name (``group.column``)."""
    found: dict[str, str] = {}
    for declaration in declarations:
        titles = declaration_to_titles(declaration)
        for name in titles.fields:
            found.setdefault(name, titles.of_field(name))
        for group, columns in titles.columns.items():
            for column, title in columns.items():
                found.setdefault(f"{group}.{column}", f"{titles.of_group(group)} · {title}")
    return found


def find_hits(
    session: Session, document_ids: Sequence[str], words: Sequence[str], titles: Mapping[str, str]
) -> dict[str, tuple[Hit, ...]]:
    """For each document the first fields in which one of the words stands."""
    folded = [fold(word) for word in words[:8] if fold(word)]
    if not folded or not document_ids:
        return {}
    holds = or_(*(FieldValue.text.contains(word, autoescape=True) for word in folded))
    query = (
        select(FieldValue.document_id, FieldValue.path, FieldValue.text)
        .where(FieldValue.document_id.in_(document_ids), holds)
        .order_by(FieldValue.document_id, FieldValue.path)
        .limit(_MOST_HIT_ROWS)
    )
    found: dict[str, tuple[Hit, ...]] = {}
    for document_id, path, text in session.execute(query):
        hits = found.get(document_id, ())
        if len(hits) < _MOST_HITS:
            title = titles.get(_ROW_NUMBER.sub("", path), path)
            found[document_id] = (*hits, text_to_hit(title, text, folded))
    return found


def text_to_hit(title: str, text: str, words: Sequence[str]) -> Hit:
    """The first of ``words`` in ``text``, cut out; "" parts where none of them stands there."""
    at, word = min(((text.find(word), word) for word in words if word in text), default=(-1, ""))
    if at < 0:
        return Hit(title, text[: 2 * _AROUND], "", "")
    start, end = max(0, at - _AROUND), at + len(word) + _AROUND
    return Hit(
        title,
        ("…" if start else "") + text[start:at],
        word,
        text[at + len(word) : end] + ("…" if end < len(text) else ""),
    )


def find_shown(session: Session, document_ids: Sequence[str], name: str) -> dict[str, str]:
    """The filtered field's texts of each document, the first rows of a group."""
    if not name or not document_ids:
        return {}
    query = (
        select(FieldValue.document_id, FieldValue.text)
        .where(FieldValue.document_id.in_(document_ids), FieldValue.name == name)
        .order_by(FieldValue.document_id, FieldValue.path)
    )
    found: dict[str, list[str]] = {}
    for document_id, text in session.execute(query):
        found.setdefault(document_id, []).append(text or "—")
    return {
        document_id: " / ".join(texts[:_MOST_HITS]) + (" …" if len(texts) > _MOST_HITS else "")
        for document_id, texts in found.items()
    }


def _document_to_row(row: Document, forms: Mapping[str, str]) -> DocumentRow:
    form_type = row.found_form_type or row.form_type or ""
    return DocumentRow(
        id=row.id,
        name=row.name,
        state=str(row.state),
        reason=find_reason(row),
        duplicate_of=row.duplicate_of,
        form_title=forms.get(form_type, ""),
        pages=row.pages,
        pages_done=row.pages_done,
        pages_failed=row.pages_failed,
        doubtful=row.doubtful if row.revision else None,
        changed_at=row.updated_at,
        shown="",
        found=(),
    )
