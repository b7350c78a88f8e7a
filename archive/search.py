"""Documents filtered, sorted and searched by what is printed in them, a page at a time."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from archive.errors import Refused
from archive.search_text import fold
from archive.states import DocumentState
from archive.tables import Document, DocumentText, FieldValue

PAGE_SIZE: Final = 50
_Columns = TypeVarTuple("_Columns")
_Key = ColumnElement[Any] | InstrumentedAttribute[Any]
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
_PRINTED_KEYS: Final = "key_values."
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
    """``sort`` is one of ``SORTS`` or ``field:NAME``, of a group its first row; of a printed
    key (``key_values.NAME``) the first of that name.

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
    page, size = max(1, query.page), max(1, min(query.page_size, 500))
    conditions = _conditions(query)
    # Ids alone are sorted, and counted on the way: a search looks at every text only once.
    wanted = select(Document.id, func.count().over()).where(*conditions)
    numbered = _sorted(session, wanted, query)
    rows = session.execute(numbered.limit(size).offset((page - 1) * size)).all()
    if rows or page == 1:
        total = rows[0][1] if rows else 0
    else:
        total = session.scalar(select(func.count(Document.id)).where(*conditions)) or 0
    return DocumentPage(_in_order(session, [row[0] for row in rows]), total, page, size)


def find_document_ids(session: Session, query: DocumentQuery) -> tuple[str, ...]:
    """All that match, in order: for exports and for going from one to the next."""
    wanted = select(Document.id).where(*_conditions(query))
    return tuple(session.scalars(_sorted(session, wanted, query)))


def _in_order(session: Session, document_ids: Sequence[str]) -> tuple[Document, ...]:
    rows = session.scalars(select(Document).where(Document.id.in_(document_ids)))
    by_id = {row.id: row for row in rows}
    return tuple(by_id[document_id] for document_id in document_ids if document_id in by_id)


def _conditions(query: DocumentQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.archive_id is not None:
        found.append(Document.archive_id == query.archive_id)
    if query.states:
        found.append(Document.state.in_(query.states))
    if query.form_type is not None:
        found.append(Document.found_form_type == query.form_type)
    if words := query.text.split()[:8]:
        found.append(_contains(words))
    found.extend(Document.id.in_(_matching(item)) for item in query.fields)
    return found


def _contains(words: Sequence[str]) -> ColumnElement[bool]:
    """Every word, in any order and in any field."""
    holds = select(DocumentText.document_id).where(
        *(DocumentText.text.contains(fold(word), autoescape=True) for word in words)
    )
    # A document that was not read yet has only its name; that of a read one is in its text.
    named = (Document.name.icontains(word.replace("\0", ""), autoescape=True) for word in words)
    return or_(Document.id.in_(holds), and_(*named))


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


def _sorted(session: Session, wanted: Select[*_Columns], query: DocumentQuery) -> Select[*_Columns]:
    """By the wanted key, documents without it last, then by id so that pages agree."""
    keys: tuple[_Key, ...]
    if query.sort.startswith("field:"):
        name, value = query.sort[6:], aliased(FieldValue)
        joined = (value.document_id == Document.id) & _is_first(value, name)
        wanted, keys = wanted.outerjoin(value, joined), _field_keys(session, value, name)
    elif query.sort in _COLUMNS:
        keys = (_COLUMNS[query.sort],)
    else:
        raise Refused(f"documents cannot be sorted by {query.sort}")
    order = [(key.desc() if query.descending else key.asc()).nulls_last() for key in keys]
    return wanted.order_by(*order, Document.id.desc() if query.descending else Document.id)


def _field_keys(session: Session, value: type[FieldValue], name: str) -> tuple[_Key, ...]:
    """Numbers first, then texts of those that have none."""
    numbers = select(FieldValue.name).where(FieldValue.name == name, FieldValue.number.is_not(None))
    if session.scalar(numbers.limit(1)) is None:
        return (value.value,)
    # The index holds the numbers but no texts: a row is fetched for its text only where it
    # has no number, else a row from all over the table would be fetched for each document.
    other = aliased(FieldValue)
    text = select(other.value).where(
        other.document_id == value.document_id, other.path == value.path
    )
    return value.number, case((value.number.is_(None), text.scalar_subquery()))


def _is_first(value: type[FieldValue], name: str) -> ColumnElement[bool]:
    """Whether the row is the one of a document that it is sorted by."""
    if name.startswith(_PRINTED_KEYS):
        # Their paths number all printed keys together: the first of a name has any number.
        other = aliased(FieldValue)
        first = (
            select(func.min(other.path))
            .where(other.name == name, other.document_id == value.document_id)
            .scalar_subquery()
        )
        return (value.name == name) & (value.path == first)
    group, dot, column = name.partition(".")
    path = f"{group}[0].{column}" if dot else name
    # The path says it all; the name is there for the index.
    return (value.name == name) & (value.path == path)
