"""The promise in the background: what was audited is taken in, and a withdrawal is said."""

from __future__ import annotations

import logging

from archive.clock import utc_now
from archive.database import Database
from archive.promise import find_standing, refresh_promise

_log = logging.getLogger(__name__)


def judge_promise_anew(database: Database) -> None:
    """For the scheduler, every minute or so."""
    with database.write() as session:
        before = find_standing(session)
        standing = refresh_promise(session, utc_now())
    if standing.state is not before.state:
        more = {"state": str(standing.state), "error": standing.error, "group": standing.group}
        _log.warning("the promised error rate is now %s", standing.state, extra={"more": more})
