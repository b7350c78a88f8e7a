"""Documents read lately, as the promise needs them: kept, so that each record is read once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotation.quality import record_to_quality
from annotation.recent import ReadDocument, RecentWork, count_levels, documents_to_recent
from annotation.simulated_audit import simulated_documents
from archive.audited import acceptable_levels
from archive.kept_settings import read_setting, write_setting
from archive.tables import Revision, RevisionKind
from extraction.json_values import Json, as_integer, as_list
from extraction.record_json import record_from_json

RECENT: Final = "promise_recent"
RECENT_DOCUMENTS: Final = 500
"""Few enough to follow a change of scanners, enough to tell the shares of qualities."""


def find_recent(session: Session) -> RecentWork:
    """As ``refresh_recent`` left it; of simulated documents where none was read yet."""
    documents = [_from_json(one) for one in (read_setting(session, RECENT) or {}).values()]
    return documents_to_recent(documents) if documents else simulated_work()


@lru_cache(maxsize=1)
def simulated_work() -> RecentWork:
    """What would pass of simulated documents; it says nothing of the qualities that come."""
    documents = [
        ReadDocument(one.quality, count_levels([field.level for field in one.fields]))
        for one in simulated_documents()
    ]
    return replace(documents_to_recent(documents), mixture=None)


def refresh_recent(session: Session, now: datetime, limit: int = RECENT_DOCUMENTS) -> None:
    """Takes in the documents read since."""
    known = read_setting(session, RECENT) or {}
    newest = session.execute(
        select(Revision.document_id, Revision.number)
        .where(Revision.kind == RevisionKind.EXTRACTION)
        .order_by(Revision.created_at.desc())
        .limit(limit)
    )
    found: dict[str, Json] = {}
    for key in newest:
        name = f"{key.document_id}-{key.number}"
        found[name] = known[name] if name in known else _read_document(session, *key)
    if found != known:
        write_setting(session, RECENT, found, now)


def _read_document(session: Session, document_id: str, number: int) -> Json:
    stored = session.get_one(Revision, (document_id, number)).record
    levels = count_levels([*acceptable_levels(stored).values()])
    return [record_to_quality(record_from_json(stored)), *levels]


def _from_json(stored: Json) -> ReadDocument:
    quality, *levels = [as_integer(number) for number in as_list(stored)]
    return ReadDocument(quality, tuple(levels))
