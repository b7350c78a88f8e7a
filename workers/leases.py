"""While a step runs: its lease is renewed, and the process ends when it takes far too long."""

from __future__ import annotations

import faulthandler
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from archive.clock import utc_now
from archive.database import Database
from archive.errors import DatabaseGone, LeaseLost, StorageFull
from archive.settings import ServiceLimits
from archive.states import StepState
from archive.steps import Lease, renew_lease
from archive.tables import Step

_log = logging.getLogger(__name__)


def expire_leases(session: Session, owner: str, now: datetime) -> int:
    """Give up what an earlier process of this name held when it died; how many steps. The
    attempts stay counted."""
    held = update(Step).where(Step.state == StepState.LEASED, Step.owner == owner)
    expired = session.execute(held.values(leased_until=now).returning(Step.page))
    return len(expired.all())


@contextmanager
def renewed(database: Database, lease: Lease, limits: ServiceLimits) -> Iterator[None]:
    """Hold the lease for as long as the block takes, unless it is lost to another."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(database, lease, limits, over), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()


def _keep(database: Database, lease: Lease, limits: ServiceLimits, over: threading.Event) -> None:
    while not over.wait(limits.lease_seconds / 3):
        try:
            with database.write() as session:
                renew_lease(session, lease, utc_now(), limits)
        except LeaseLost:
            return
        except (DatabaseGone, StorageFull) as error:
            _log.warning("the lease could not be renewed: %s", error.reason)


@contextmanager
def hard_limit(seconds: float) -> Iterator[None]:
    """End this process when the block takes longer, wherever it hangs; its stack is printed.

    The watching is done by a thread without Python, so a library that never comes back cannot
    keep it from ending. For the main thread's one step at a time.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
