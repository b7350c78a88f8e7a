"""The lexicon on its way: learnt by the scheduler, taken by the workers between two steps."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from archive.clock import utc_now
from archive.database import Database
from archive.lexicon import find_lexicon, find_state, learn_if_due
from extraction.declarations import FormDeclaration
from workers.road import Road, TaughtRoad

_log = logging.getLogger(__name__)


def renew_lexicon(road: Road, session: Session) -> bool:
    """Let the road take the lexicon in use now; whether it is another."""
    if not isinstance(road, TaughtRoad) or find_state(session).name == road.lexicon.version:
        return False
    lexicon = find_lexicon(session)
    road.take_lexicon(lexicon)
    _log.info("took a lexicon", extra={"more": {"lexicon": lexicon.version}})
    return True


def learn_due(database: Database, declarations: Sequence[FormDeclaration]) -> bool:
    """Learns anew where people corrected anything since the last time; whether they did."""
    with database.write() as session:
        return learn_if_due(session, declarations, utc_now()) is not None
