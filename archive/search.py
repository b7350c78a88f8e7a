"""Documents filtered, sorted and searched by what is printed in them, a page at a time."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from archive.errors import Refused
from archive.search_text import fold
from archive.states import DocumentState
from archive.tables import Document, DocumentText, FieldValue

PAGE_SIZE: Final = 50
_T = TypeVar("_T")
Operator = Literal["=", "<", "<=", ">", ">=", "contains"]

_COLUMNS: Final[Mapping[str, InstrumentedAttribute[Any]]] = {
    "id": Document.id,
    "name": Document.name,
    "state": Document.state,
    "form_type": Document.found_form_type,
    "confidence": Document.lowest_confidence,
    "doubtful": Document.doubtful,
    "pages": Document.pages,
    "created": Document.created_at,
    "finished": Document.finished_at,
}
SORTS: Final = tuple(_COLUMNS)
_COMPARE: Final = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class FieldFilter:
    """``name`` is ``total`` or ``items.amount``: any row of a group may match.

    ``=`` and ``contains`` compare text or value without regard to width, case and spaces;
    the others compare numbers where ``value`` is one, else normalised values (dates).
    """

    name: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """``sort`` is one of ``SORTS`` or ``field:NAME``, of a group its first row.

    ``page`` counts from 1.
    """

    archive_id: str | None = None
    states: tuple[DocumentState, ...] = ()
    form_type: str | None = None
    text: str = ""
    fields: tuple[FieldFilter, ...] = ()
    sort: str = "id"
    descending: bool = False
    page: int = 1
    page_size: int = PAGE_SIZE


@dataclass(frozen=True, slots=True)
class DocumentPage:
    documents: tuple[Document, ...]
    total: int
    page: int
    page_size: int = PAGE_SIZE

    @property
    def last_page(self) -> int:
        return max(1, -(-self.total // self.page_size))


def find_documents(session: Session, query: DocumentQuery) -> DocumentPage:
    """One page of what matches, and how many do. Refused for an unknown sort."""
    wanted = select(Document).where(*_conditions(query))
    total = session.scalar(select(func.count()).select_from(Document).where(*_conditions(query)))
    size = max(1, min(query.page_size, 500))
    rows = session.scalars(
        _sorted(wanted, query).limit(size).offset((max(1, query.page) - 1) * size)
    )
    return DocumentPage(tuple(rows), total or 0, max(1, query.page), size)


def find_document_ids(session: Session, query: DocumentQuery) -> tuple[str, ...]:
    """All that match, in order: for exports and for going from one to the next."""
    return tuple(session.scalars(_sorted(select(Document.id).where(*_conditions(query)), query)))


def fields_of(session: Session, document_ids: Sequence[str]) -> dict[str, tuple[FieldValue, ...]]:
    """The indexed fields of some documents, for showing beside them in a list."""
    rows = session.scalars(
        select(FieldValue)
        .where(FieldValue.document_id.in_(document_ids))
        .order_by(FieldValue.document_id, FieldValue.path)
    )
    found: dict[str, list[FieldValue]] = {document_id: [] for document_id in document_ids}
    for row in rows:
        found[row.document_id].append(row)
    return {document_id: tuple(values) for document_id, values in found.items()}


def field_names(session: Session, archive_id: str | None = None) -> tuple[str, ...]:
    """The names that can be filtered and sorted by, in order."""
    query = select(FieldValue.name).distinct()
    if archive_id is not None:
        query = query.join(Document, Document.id == FieldValue.document_id).where(
            Document.archive_id == archive_id
        )
    return tuple(sorted(session.scalars(query)))


def _conditions(query: DocumentQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.archive_id is not None:
        found.append(Document.archive_id == query.archive_id)
    if query.states:
        found.append(Document.state.in_(query.states))
    if query.form_type is not None:
        found.append(Document.found_form_type == query.form_type)
    # Every word has to occur, in any order and in any field.
    found.extend(_contains(word) for word in query.text.split()[:8])
    found.extend(Document.id.in_(_matching(item)) for item in query.fields)
    return found


def _contains(word: str) -> ColumnElement[bool]:
    holds = select(DocumentText.document_id).where(
        DocumentText.text.contains(fold(word), autoescape=True)
    )
    # A document that was not read yet has only its name.
    named = Document.name.icontains(word.replace("\0", ""), autoescape=True)
    return or_(Document.id.in_(holds), named)


def _matching(item: FieldFilter) -> Select[str]:
    named = select(FieldValue.document_id).where(FieldValue.name == item.name)
    folded = fold(item.value)
    if item.operator == "contains":
        return named.where(FieldValue.text.contains(folded, autoescape=True))
    number = _to_number(item.value)
    if item.operator == "=":
        same = or_(FieldValue.text == folded, FieldValue.value == item.value.strip())
        return named.where(same if number is None else or_(same, FieldValue.number == number))
    compare = _COMPARE[item.operator]
    if number is not None:
        return named.where(compare(FieldValue.number, number))
    return named.where(compare(FieldValue.value, item.value.strip()))


def _to_number(text: str) -> float | None:
    try:
        number = float(fold(text).replace(",", ""))
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None


def _sorted(wanted: Select[_T], query: DocumentQuery) -> Select[_T]:
    """By the wanted key, documents without it last, then by id so that pages agree."""
    keys: tuple[InstrumentedAttribute[Any], ...]
    if query.sort.startswith("field:"):
        value = aliased(FieldValue)
        wanted = wanted.outerjoin(
            value,
            (value.document_id == Document.id) & (value.path == _first_path(query.sort[6:])),
        )
        keys = (value.number, value.value)
    elif query.sort in _COLUMNS:
        keys = (_COLUMNS[query.sort],)
    else:
        raise Refused(f"documents cannot be sorted by {query.sort}")
    order = [
        part
        for key in keys
        for part in (key.is_(None), key.desc() if query.descending else key.asc())
    ]
    return wanted.order_by(*order, Document.id.desc() if query.descending else Document.id)


def _first_path(name: str) -> str:
    group, dot, column = name.partition(".")
    return f"{group}[0].{column}" if dot else name
