"""The database's own statistics, renewed by the scheduler."""

from __future__ import annotations

import logging

from archive.database import Database
from archive.statistics import renew_statistics

_log = logging.getLogger(__name__)


def keep_statistics(database: Database) -> None:
    """Soon after a large upload or a restore lists are planned by what is there now."""
    counted = renew_statistics(database)
    if counted:
        _log.info("tables counted anew", extra={"more": {"tables": list(counted)}})
