"""The fields on which people disagree, with what each of them says stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive.tables import (
    Archive,
    CorrectionRow,
    DisagreementRow,
    Document,
    ReviewState,
    ReviewTaskRow,
)
from extraction.declarations import FormDeclaration
from extraction.exports.naming import find_titles
from extraction.json_values import JsonObject
from extraction.values import Box
from service.web.corrections_view import find_names, path_to_title

PAGE_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class Opinion:
    """``texts`` that are the same are one opinion of several people."""

    text: str
    authors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DisagreementView:
    """``page`` and ``box`` say where it stands, None where nobody knows."""

    id: str
    document_id: str
    document_name: str
    archive_name: str
    generation: int
    path: str
    title: str
    task_id: str
    arisen_at: datetime
    opinions: tuple[Opinion, ...]
    read: str | None
    page: int | None
    box: Box | None


@dataclass(frozen=True, slots=True)
class DisagreementPage:
    entries: tuple[DisagreementView, ...]
    total: int
    page: int

    @property
    def last_page(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


def find_open_disagreements(
    session: Session, declarations: Sequence[FormDeclaration], page: int = 1
) -> DisagreementPage:
    """The oldest first, ``PAGE_SIZE`` to a page; pages count from 1."""
    is_open = (
        DisagreementRow.settled_at.is_(None),
        ReviewTaskRow.state != ReviewState.WITHDRAWN,
    )
    counted = (
        select(func.count(DisagreementRow.id))
        .join(ReviewTaskRow, ReviewTaskRow.id == DisagreementRow.task_id)
        .where(*is_open)
    )
    query = (
        select(DisagreementRow, ReviewTaskRow, Document.name, Archive.name)
        .join(ReviewTaskRow, ReviewTaskRow.id == DisagreementRow.task_id)
        .join(Document, Document.id == DisagreementRow.document_id)
        .join(Archive, Archive.id == Document.archive_id)
        .where(*is_open)
        .order_by(DisagreementRow.id)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    )
    entries = [
        _to_view(session, row, task, (document_name, archive_name), declarations)
        for row, task, document_name, archive_name in session.execute(query)
    ]
    return DisagreementPage(tuple(entries), session.scalar(counted) or 0, page)


def _to_view(
    session: Session,
    row: DisagreementRow,
    task: ReviewTaskRow,
    names: tuple[str, str],
    declarations: Sequence[FormDeclaration],
) -> DisagreementView:
    corrections = tuple(
        session.scalars(
            select(CorrectionRow)
            .where(
                CorrectionRow.task_id == row.task_id,
                CorrectionRow.path == row.path,
                CorrectionRow.replaced_at.is_(None),
            )
            .order_by(CorrectionRow.at)
        )
    )
    stands = [stand for item in corrections for stand in (item.before, item.after) if stand]
    page, box = next(map(_to_place, stands), (None, None))
    before = next((item.before for item in corrections if item.before), None)
    return DisagreementView(
        id=row.id,
        document_id=row.document_id,
        document_name=names[0],
        archive_name=names[1],
        generation=task.generation,
        path=row.path,
        title=path_to_title(row.path, find_titles(task.form_type, declarations)),
        task_id=row.task_id,
        arisen_at=row.arisen_at,
        opinions=_to_opinions(row.texts, find_names(session)),
        read=None if before is None else str(before.get("text", "")),
        page=page,
        box=box,
    )


def _to_opinions(texts: JsonObject, names: Mapping[str, str]) -> tuple[Opinion, ...]:
    """What most people say first."""
    authors: dict[str, list[str]] = {}
    for author, text in sorted(texts.items()):
        authors.setdefault(str(text), []).append(names.get(author, author))
    ordered = sorted(authors.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Opinion(text, tuple(names)) for text, names in ordered)


def _to_place(stand: JsonObject) -> tuple[int | None, Box | None]:
    page, box = stand.get("page"), stand.get("box")
    if not isinstance(page, int) or not isinstance(box, list):
        return None, None
    sides = [float(side) for side in box if isinstance(side, int | float)]
    return (page, Box(*sides)) if len(sides) == 4 else (None, None)
