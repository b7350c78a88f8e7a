"""How the figures of the queue are made of what its workers did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.memory import Resident
from benchmarks.queue import steady_seconds
from benchmarks.queue_memory import Memory, many_scans
from benchmarks.queue_rig import Span

START = datetime(2026, 1, 1, tzinfo=UTC)


def span(owner: str, start: float, end: float) -> Span:
    return Span(owner, START + timedelta(seconds=start), START + timedelta(seconds=end))


def test_one_worker_is_steady_all_the_time() -> None:
    assert steady_seconds([span("a", 0, 2), span("a", 2, 6)]) == pytest.approx(3.0)


def test_the_wait_for_the_last_page_does_not_count() -> None:
    spans = [span("a", 0, 2), span("a", 2, 4), span("b", 0, 3), span("b", 3, 7)]
    # Until 4: both pages of a, one of b, and a quarter of its last.
    assert steady_seconds(spans) == pytest.approx(4 / 3.25)


def test_growth_is_from_the_first_fifth_on() -> None:
    held = [700, 1000, *[1000] * 7, 1020]
    memory = Memory(tuple(Resident(50 * n, mb, mb) for n, mb in enumerate(held, 1)))
    assert memory.early.pages == 100
    assert memory.growth == pytest.approx(0.02)


def test_scans_go_on_for_as_many_pages_as_asked_and_no_file_comes_twice() -> None:
    files = list(many_scans(40))
    assert len({data for _, data in files}) == len(files)
    assert len({name for name, _ in files}) < len(files)
