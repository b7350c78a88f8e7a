"""The queue in earnest: real Redis, real processes; only the reading of a page is played."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from archive.documents import find_document
from archive.states import DocumentState, StepState
from archive.tables import Step, StepKind
from tests.workers.accounts import check_account
from tests.workers.disturbances import lock_sqlite
from tests.workers.fake_road import fake_file
from tests.workers.rig import Rig, running_rig


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig(workers=2) as running:
        yield running


def test_quick_soak(rig: Rig) -> None:
    choice = random.Random(3)
    killer = rig.upload(fake_file(3, "killer", 20, kill=[2]), "killer")
    for number in range(14):
        rig.upload(fake_file(3, number, 30, bad=[3] if number == 5 else []), f"{number}")
    for _ in range(2):
        time.sleep(0.7)
        rig.kill_some_worker(choice)
    rig.kill(rig.redis)
    lock_sqlite(rig, 2.0)
    rig.wait_until_done(60)
    pages = check_account(rig)
    assert pages.total() == 45
    assert pages["quarantined"] >= 2
    with rig.database.read() as session:
        reasons = set(
            session.scalars(select(Step.reason).where(Step.state == StepState.QUARANTINED))
        )
        killed = session.get(Step, (killer, 1, StepKind.PAGE, 2))
        assert killed is not None
        assert killed.state == StepState.QUARANTINED
        assert killed.attempts == 3
        assert find_document(session, killer).state == DocumentState.IN_REVIEW
    assert "the page is blank" in reasons
    assert all("ended without a word" in r or r == "the page is blank" for r in reasons if r)
