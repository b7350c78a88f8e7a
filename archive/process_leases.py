"""Work that one process at a time may do, whichever comes first."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from archive.tables import ProcessLease


def hold_lease(session: Session, name: str, owner: str, now: datetime, lifetime: timedelta) -> bool:
    """Takes the lease or holds it for longer; False while another process has it."""
    row = session.get(ProcessLease, name, with_for_update=True, populate_existing=True)
    if row is None:
        session.add(ProcessLease(name=name, owner=owner[:200], until=now + lifetime))
        session.flush()
        return True
    if row.owner != owner[:200] and row.until > now:
        return False
    row.owner, row.until = owner[:200], now + lifetime
    return True


def drop_lease(session: Session, name: str, owner: str) -> None:
    """Lets another have it at once."""
    session.execute(
        delete(ProcessLease).where(ProcessLease.name == name, ProcessLease.owner == owner[:200])
    )
