"""The runs that nobody has to ask for: so many new corrections, at such an hour."""

from __future__ import annotations

import logging
from datetime import datetime

from archive.clock import utc_now
from archive.database import Database
from archive.training_runs import find_training_policy, queue_by_policy

_log = logging.getLogger(__name__)


def queue_due_training(database: Database, now: datetime | None = None) -> str | None:
    """The id of the run that the policy asks for at this moment, if any."""
    now = now or utc_now()
    with database.read() as session:
        if not find_training_policy(session).active:
            return None
    with database.write() as session:
        run = queue_by_policy(session, now, now.astimezone().hour)
    if run is None:
        return None
    _log.info("a training is due", extra={"more": {"run": run.id}})
    return run.id
