"""What the list of archives shows, read from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive.progress import ArchiveCounts, archives_counts
from archive.tables import Archive, User
from service.web.words import Pace

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """``counts`` are documents by state; ``documents`` counts duplicates too."""

    id: str
    name: str
    by: str
    made_at: datetime
    documents: int
    duplicates: int
    pages: int
    pages_done: int
    counts: Mapping[str, int]
    pace: Pace


@dataclass(frozen=True, slots=True)
class ArchiveList:
    rows: tuple[ArchiveView, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def busy(self) -> bool:
        """Whether a machine still has work in one of the rows."""
        return any(row.pace.is_active for row in self.rows)


def find_archive_list(session: Session, wanted_name: str, page: int) -> ArchiveList:
    """Archives with ``wanted_name`` in their name, newest first."""
    named = Archive.name.icontains(wanted_name.replace("\0", ""), autoescape=True)
    query = (
        select(Archive, User.username)
        .outerjoin(User, User.id == Archive.user_id)
        .where(*([named] if wanted_name else []))
        .order_by(Archive.id.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    )
    found = session.execute(query).all()
    total_query = select(func.count()).select_from(Archive).where(*([named] if wanted_name else []))
    counts = archives_counts(session, [archive.id for archive, _ in found])
    rows = (archive_to_view(archive, counts[archive.id], by or "—") for archive, by in found)
    return ArchiveList(tuple(rows), session.scalar(total_query) or 0, page)


def archive_to_view(archive: Archive, counts: ArchiveCounts, by: str = "") -> ArchiveView:
    return ArchiveView(
        id=archive.id,
        name=archive.name,
        by=by,
        made_at=archive.created_at,
        documents=counts.documents,
        duplicates=counts.duplicates,
        pages=counts.pages,
        pages_done=counts.pages_done,
        counts={str(state): number for state, number in counts.states.items()},
        pace=Pace(counts.active > 0, counts.pages_per_minute, counts.seconds_left),
    )
