"""Learnt keys on their way: learnt by the scheduler, taken by the workers between two steps."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from annotation.learned_keys import declaration_with_keys, learn_keys
from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.learned_keys import KeysByForm, find_learned, find_state, is_due, write_learned
from archive.reviewed import find_reviewed_ids
from extraction.declarations import FormDeclaration
from workers.road import KeyedRoad, Road
from workers.training_data import read_examples_of

MOST_DOCUMENTS = 200
"""Of a form type, the newest, that are learnt from: what the forms of today print."""

_log = logging.getLogger(__name__)


def renew_keys(road: Road, session: Session, declarations: Sequence[FormDeclaration]) -> bool:
    """Let the road take the keys learnt so far; whether they are others. ``declarations`` are
    the plain ones."""
    name = find_state(session).name
    if not isinstance(road, KeyedRoad) or name == road.keys:
        return False
    road.take_keys(declarations_with_keys(declarations, find_learned(session)), name)
    _log.info("took learnt keys", extra={"more": {"keys": name}})
    return True


def declarations_with_keys(
    declarations: Sequence[FormDeclaration], learned: KeysByForm
) -> tuple[FormDeclaration, ...]:
    """Each with the keys that were learnt for it."""
    return tuple(declaration_with_keys(item, learned.get(item.name, ())) for item in declarations)


def read_declarations(
    database: Database, declarations: Sequence[FormDeclaration]
) -> tuple[FormDeclaration, ...]:
    """The declarations by which documents are read now."""
    with database.read() as session:
        return declarations_with_keys(declarations, find_learned(session))


def learn_keys_due(
    database: Database, blobs: Blobs, declarations: Sequence[FormDeclaration]
) -> bool:
    """Learns anew where people corrected anything since the last time; whether they did."""
    now = utc_now()
    with database.read() as session:
        if not is_due(session):
            return False
        reviewed = {
            item.name: find_reviewed_ids(session, form_type=item.name)[-MOST_DOCUMENTS:]
            for item in declarations
        }
    learned = {
        item.name: learn_keys(
            read_examples_of(database, blobs, {item.name: item}, reviewed[item.name]), item
        )
        for item in declarations
    }
    with database.write() as session:
        write_learned(session, learned, now)
    return True
