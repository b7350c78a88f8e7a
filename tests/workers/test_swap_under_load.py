"""Versions of the model come and go while real workers have work."""

from __future__ import annotations

import time
from collections import Counter
from itertools import cycle

from sqlalchemy import select

from archive.tables import Revision, Step
from models.registry import Registry
from tests.models.examples import write_tiny_version
from tests.workers.accounts import check_account
from tests.workers.fake_road import fake_file
from tests.workers.rig import running_rig

DOCUMENTS, PAGES_EACH = 60, 2


def test_a_swap_loses_and_repeats_no_step_of_a_busy_queue() -> None:
    with running_rig(workers=2, road="tests.workers.swapping_road:build") as rig:
        registry = Registry.of_data(rig.folder)
        for name in ("one", "two"):
            write_tiny_version(registry.own, name)
        rig.wait_for_workers()
        for number in range(DOCUMENTS):
            rig.upload(fake_file(PAGES_EACH, number, 60))
        until = time.monotonic() + 120
        for name in cycle(("one", "two")):
            if not rig.active():
                break
            assert time.monotonic() < until, rig.log[-3000:]
            registry.promote(name)
            time.sleep(0.4)
        assert check_account(rig) == Counter(done=DOCUMENTS * PAGES_EACH)
        with rig.database.read() as session:
            attempts = Counter(session.scalars(select(Step.attempts)))
            records = [revision.record for revision in session.scalars(select(Revision))]
    # Once to count the pages, once for each page, once to put the document together.
    assert attempts == Counter({1: DOCUMENTS * (PAGES_EACH + 2)})
    read_by = Counter(record["producer"]["labeller"] for record in records)
    assert read_by["one"] >= 3
    assert read_by["two"] >= 3
