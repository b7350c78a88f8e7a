"""How far an archive is: counts, rate, time left; and the moment it is finished."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from archive.callbacks import CallbackEvent, queue_deliveries
from archive.clock import utc_now
from archive.states import ACTIVE, DocumentState, StepState
from archive.tables import Archive, Document, Refusal, Step, StepKind
from extraction.json_values import JsonObject

RATE_WINDOW: Final = timedelta(minutes=5)
QUIET: Final = timedelta(seconds=5)
"""An archive is finished when nothing was added or ended in it for this long."""


@dataclass(frozen=True, slots=True)
class ArchiveCounts:
    """Where an archive stands. ``states`` has every state and leaves duplicates out.

    ``pages`` are those known so far; ``seconds_left`` is None while the rate is unknown
    and 0.0 when nothing is left.
    """

    states: Mapping[DocumentState, int]
    duplicates: int
    refused: int
    pages: int
    pages_done: int
    pages_failed: int
    pages_per_minute: float
    seconds_left: float | None

    @property
    def documents(self) -> int:
        return sum(self.states.values()) + self.duplicates

    @property
    def active(self) -> int:
        """Documents for which a machine still has something to do."""
        return sum(self.states[state] for state in ACTIVE)


def archive_counts(session: Session, archive_id: str, now: datetime | None = None) -> ArchiveCounts:
    """All zero for an archive without documents."""
    return archives_counts(session, (archive_id,), now)[archive_id]


def archives_counts(
    session: Session, archive_ids: Collection[str], now: datetime | None = None
) -> dict[str, ArchiveCounts]:
    """Of many archives in three queries."""
    now = now or utc_now()
    tallies = {archive_id: _Tally() for archive_id in archive_ids}
    _count_documents(session, tallies)
    refused = dict(
        session.execute(
            select(Refusal.archive_id, func.count())
            .where(Refusal.archive_id.in_(archive_ids))
            .group_by(Refusal.archive_id)
        ).all()
    )
    rates = _find_rates(session, archive_ids, now)
    return {
        archive_id: tally.to_counts(refused.get(archive_id, 0), rates.get(archive_id, 0.0))
        for archive_id, tally in tallies.items()
    }


def finish_archives(session: Session, now: datetime, limit: int = 20) -> tuple[str, ...]:
    """Marks the archives in which all has ended, and tells the callbacks; their ids.

    For the scheduler. An archive to which more is added opens again.
    """
    busy = select(Document.id).where(Document.archive_id == Archive.id, Document.state.in_(ACTIVE))
    recent = select(Document.id).where(
        Document.archive_id == Archive.id, Document.updated_at > now - QUIET
    )
    some = select(Document.id).where(Document.archive_id == Archive.id)
    candidates = select(Archive.id).where(
        Archive.finished_at.is_(None), some.exists(), ~busy.exists(), ~recent.exists()
    )
    finished = []
    for archive_id in session.scalars(candidates.limit(limit)).all():
        if _finish(session, archive_id, now):
            finished.append(archive_id)
    return tuple(finished)


class _Tally:
    def __init__(self) -> None:
        self.states = dict.fromkeys(DocumentState, 0)
        self.duplicates = self.pages = self.done = self.failed = self.left = 0
        self.known = self.unknown = 0

    def to_counts(self, refused: int, rate: float) -> ArchiveCounts:
        # What is not split yet is taken to be as long as the rest.
        mean = self.pages / self.known if self.known else 1.0
        left = self.left + mean * self.unknown
        return ArchiveCounts(
            states=self.states,
            duplicates=self.duplicates,
            refused=refused,
            pages=self.pages,
            pages_done=self.done,
            pages_failed=self.failed,
            pages_per_minute=round(rate, 2),
            seconds_left=_seconds(left, rate),
        )


def _seconds(left: float, rate: float) -> float | None:
    if left <= 0:
        return 0.0
    return round(60 * left / rate, 1) if rate > 0 else None


def _count_documents(session: Session, tallies: Mapping[str, _Tally]) -> None:
    known = case((Document.pages.is_not(None), 1), else_=0)
    duplicate = Document.duplicate_of.is_not(None)
    query = (
        select(
            Document.archive_id,
            Document.state,
            duplicate,
            func.count(),
            func.coalesce(func.sum(Document.pages), 0),
            func.sum(Document.pages_done),
            func.sum(Document.pages_failed),
            func.sum(known),
        )
        .where(Document.archive_id.in_(tallies))
        .group_by(Document.archive_id, Document.state, duplicate)
    )
    for archive_id, state, is_duplicate, rows, pages, done, failed, split in session.execute(query):
        tally = tallies[archive_id]
        if is_duplicate:
            tally.duplicates += rows
            continue
        tally.states[state] += rows
        tally.pages += pages
        tally.done += done
        tally.failed += failed
        tally.known += split
        if state in ACTIVE:
            tally.left += pages - done - failed
            tally.unknown += rows - split


def _find_rates(session: Session, archive_ids: Collection[str], now: datetime) -> dict[str, float]:
    """Pages that ended per minute, over the window or since the first of them began."""
    query = (
        select(Step.archive_id, func.count(), func.min(Step.started_at))
        .where(
            Step.archive_id.in_(archive_ids),
            Step.finished_at > now - RATE_WINDOW,
            Step.step == StepKind.PAGE,
            Step.state.in_((StepState.DONE, StepState.QUARANTINED)),
        )
        .group_by(Step.archive_id)
    )
    rates = {}
    for archive_id, pages, first in session.execute(query):
        since = max(first or now, now - RATE_WINDOW)
        minutes = max((now - since).total_seconds(), 1.0) / 60
        rates[archive_id] = pages / minutes
    return rates


def _finish(session: Session, archive_id: str, now: datetime) -> bool:
    archive = session.scalar(
        select(Archive)
        .where(Archive.id == archive_id, Archive.finished_at.is_(None))
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if archive is None:
        return False
    # Counted after the lock: whoever adds a document after this opens the archive again.
    counts = archive_counts(session, archive_id, now)
    if counts.active:
        return False
    archive.finished_at = now
    shown: JsonObject = {
        "id": archive.id,
        "name": archive.name,
        "counts": {str(state): count for state, count in counts.states.items()},
        "duplicates": counts.duplicates,
        "refused": counts.refused,
        "pages": counts.pages,
        "pages_failed": counts.pages_failed,
        "finished_at": now.isoformat(),
    }
    queue_deliveries(
        session, CallbackEvent.ARCHIVE_FINISHED, archive.id, archive.id, {"archive": shown}
    )
    return True
