"""What was received is applied together, and the process is left as it was found."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.hook import hook_to_news
from archive.annotations import receive_annotation
from archive.clock import utc_now
from archive.corrections import apply_answers
from archive.database import Database
from tests.annotation.fake_studio import retype
from tests.workers.review_rig import ReviewRig
from workers import review_apply


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ReviewRig]:
    """An answer received, and not applied yet."""
    database = Database(f"sqlite:///{tmp_path / 'review.db'}")
    database.migrate()
    rig = ReviewRig(database)
    _, task_id = rig.add("a.pdf", "buyer", "items[0].amount")
    rig.push()
    rig.studio.answer(task_id, retype({"8": "9"}))
    with database.write() as session:
        for one in hook_to_news(rig.studio.sent[-1]).annotations:
            assert one.task_id == task_id
            receive_annotation(session, task_id, one.payload, utc_now())
    yield rig
    database.close()


def test_the_search_for_cycles_rests_for_a_batch_alone(
    rig: ReviewRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[bool] = []

    def applied(*given: object) -> object:
        searched.append(gc.isenabled())
        return apply_answers(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(review_apply, "apply_answers", applied)
    assert rig.apply() == 1
    assert (searched, gc.isenabled()) == ([False], True)


def test_the_search_for_cycles_goes_on_after_a_batch_that_went_wrong(
    rig: ReviewRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[bool] = []

    def broken(*_: object) -> None:
        searched.append(gc.isenabled())
        raise RuntimeError("broken")

    monkeypatch.setattr(review_apply, "apply_answers", broken)
    assert rig.apply() == 1
    assert (searched, gc.isenabled()) == ([False, True], True)
