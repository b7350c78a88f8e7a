"""Signs of life: heartbeats of processes and canary tasks that went the whole way."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive.tables import Canary, Heartbeat


def write_heartbeat(session: Session, owner: str, kind: str, now: datetime) -> None:
    """``owner`` is a process, ``kind`` what it does: ``extract``, ``scheduler`` …"""
    session.merge(Heartbeat(owner=owner[:200], kind=kind, at=now))


def find_heartbeats(session: Session, since: datetime) -> tuple[Heartbeat, ...]:
    query = select(Heartbeat).where(Heartbeat.at >= since).order_by(Heartbeat.owner)
    return tuple(session.scalars(query))


def send_canary(session: Session, now: datetime) -> str:
    """A new canary's id, to be put into the queue."""
    row = Canary(sent_at=now)
    session.add(row)
    session.flush()
    return row.id


def finish_canary(session: Session, canary_id: str, owner: str, now: datetime) -> None:
    row = session.get(Canary, canary_id)
    if row is not None and row.finished_at is None:
        row.finished_at, row.owner = now, owner[:200]


def find_last_canary(session: Session) -> Canary | None:
    """The last that a worker finished."""
    query = select(Canary).where(Canary.finished_at.is_not(None))
    return session.scalar(query.order_by(Canary.finished_at.desc()).limit(1))


def remove_old_signs(session: Session, now: datetime, age: timedelta = timedelta(days=1)) -> None:
    session.execute(delete(Canary).where(Canary.sent_at < now - age))
    session.execute(delete(Heartbeat).where(Heartbeat.at < now - age))
