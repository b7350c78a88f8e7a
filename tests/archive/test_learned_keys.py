"""Learnt keys as they are kept: refusals stand, and the version tells one set from another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotation.learned_keys import KeyUse, LearnedKey
from archive.clock import utc_now
from archive.database import Database
from archive.errors import NotFound
from archive.learned_keys import (
    change_refusal,
    find_learned,
    find_state,
    is_due,
    write_learned,
)
from tests.archive.review_rows import add_reviewed
from tests.archive.saying import say

BUYER = LearnedKey(KeyUse.KEY, "buyer", "采购单位", 3)
GOAL = LearnedKey(KeyUse.TITLE, "order", "订购单", 2)
LEARNT = {"order": (BUYER, GOAL), "empty": ()}


def test_version_goes_up_only_when_something_changed(database: Database) -> None:
    with database.write() as session:
        assert find_state(session).name == "" and find_learned(session) == {}
        assert write_learned(session, {"order": ()}, utc_now()).name == ""
        assert write_learned(session, LEARNT, utc_now()).version == 1
        assert write_learned(session, LEARNT, utc_now()).version == 1
        assert find_learned(session) == {"order": (BUYER, GOAL)}
        assert write_learned(session, {"order": (BUYER,)}, utc_now()).version == 2


def test_what_is_refused_stays_refused_until_it_is_allowed(database: Database) -> None:
    with database.write() as session:
        write_learned(session, LEARNT, utc_now())
        change_refusal(session, "order", BUYER.place, refused=True, now=utc_now())
        for learned in (LEARNT, {}, {"order": (LearnedKey(KeyUse.KEY, "buyer", "采购单位", 9),)}):
            write_learned(session, learned, utc_now())
            kept = {key.place: key.refused for key in find_learned(session)["order"]}
            assert kept[BUYER.place]
        state = find_state(session)
        allowed = change_refusal(session, "order", BUYER.place, refused=False, now=utc_now())
        assert allowed.version == state.version + 1
        (key,) = find_learned(session)["order"]
        assert (key.documents, key.refused) == (9, False)
        with pytest.raises(NotFound, match="was learnt for order"):
            change_refusal(session, "order", GOAL.place, refused=True, now=utc_now())


def test_it_is_learnt_anew_when_people_said_anything_since(database: Database) -> None:
    with database.write() as session:
        _, task_id = add_reviewed(session, "a.pdf", "buyer")
        assert not is_due(session)
        say(session, task_id, 1)
        session.flush()
        assert is_due(session)
        write_learned(session, {}, utc_now() + timedelta(seconds=1))
        assert not is_due(session)
        state = find_state(session)
        write_learned(session, LEARNT, utc_now() + timedelta(seconds=1))
        change_refusal(session, "order", BUYER.place, refused=True, now=utc_now())
        assert find_state(session).version == state.version + 2 and not is_due(session)
