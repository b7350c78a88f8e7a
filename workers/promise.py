"""The promise in the background: what was audited is taken in, and a withdrawal is said."""

from __future__ import annotations

import logging
from pathlib import Path

from archive.clock import utc_now
from archive.database import Database
from archive.promise import find_standing, follow_confidences, refresh_promise
from models.ocr_versions import OcrVersions
from models.recalibrate import find_calibrator
from models.registry import Registry

_log = logging.getLogger(__name__)


def find_confidence_source(data: Path) -> str:
    """What gives the confidences in the data folder now: the versions in use, in one line."""
    version = Registry.of_data(data).find_current()
    ocr = OcrVersions.of_data(data).current()
    return f"labeller={version.name} calibration={find_calibrator(version).name} ocr={ocr}"


def judge_promise_anew(database: Database, data: Path) -> None:
    """For the scheduler, every minute or so."""
    given_by = find_confidence_source(data)
    with database.write() as session:
        if follow_confidences(session, given_by, utc_now()):
            _log.info("the promise begins anew", extra={"more": {"confidences": given_by}})
        before = find_standing(session)
        standing = refresh_promise(session, utc_now())
    if standing.state is not before.state:
        more = {"state": str(standing.state), "error": standing.error, "group": standing.group}
        _log.warning("the promised error rate is now %s", standing.state, extra={"more": more})
