"""Memory of one worker over many pages that it really reads: all sample scans, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.memory import Resident, mb_per_hundred_pages
from benchmarks.quality import BORN_DIGITAL, read_source, samples_by_level
from benchmarks.queue_rig import Queue, running_queue
from benchmarks.report import Figures, figures_to_markdown
from extraction.limits import Limits
from extraction.pages.read import count_pages
from extraction.pages.sources import SourceFile

LOOK_EVERY_S = 0.5
POINT_EVERY = 50
EARLY = 0.2
"""The share of the pages after which memory is to be flat."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one worker held while it read; ``growth`` is from the first fifth to the end."""

    points: tuple[Resident, ...]

    @property
    def early(self) -> Resident:
        return self.points[round(EARLY * len(self.points)) - 1]

    @property
    def growth(self) -> float:
        return self.points[-1].resident_mb / self.early.resident_mb - 1


def measure_real_memory(folder: Path, pages: int, say: Callable[[Resident], object]) -> Memory:
    """One worker through at least ``pages`` pages; RuntimeError if it had to be begun again."""
    points: list[Resident] = []
    with running_queue(folder, 1, {}) as queue:
        for name, data in many_scans(pages):
            queue.put(name, data)
        process = queue.processes()[0]
        queue.begin()
        while queue.active():
            done = queue.pages_done()
            if done >= POINT_EVERY * (len(points) + 1):
                points.append(_resident(queue, done))
                say(points[-1])
            time.sleep(LOOK_EVERY_S)
        points.append(_resident(queue, queue.pages_done()))
        if queue.failed() or queue.processes() != [process]:
            raise RuntimeError(f"{queue.failed()} documents failed, or the worker died")
    return Memory(tuple(points))


def many_scans(pages: int) -> Iterator[tuple[str, bytes]]:
    """Names and files of all scans, as often as it takes; each copy a file of its own."""
    scans = [read_source(path) for level, path, _ in samples_by_level() if level != BORN_DIGITAL]
    for number in count():
        for scan in scans:
            yield scan.name, scan.data + b"\n%" + str(number).encode()
            pages -= _count(scan)
            if pages <= 0:
                return


def memory_to_markdown(memory: Memory) -> str:
    rows = (
        *((f"after {point.pages} pages", f"{point.resident_mb:.0f} MB") for point in memory.points),
        ("slope over 100 pages after the first fifth", _slope(memory)),
        ("growth after the first fifth", f"{memory.growth:+.1%}"),
    )
    return figures_to_markdown(Figures(("one worker, real pages; asked: ≤ 3 %", "held"), rows))


def _slope(memory: Memory) -> str:
    return f"{mb_per_hundred_pages(memory.points):+.1f} MB"


def _resident(queue: Queue, pages: int) -> Resident:
    return Resident(pages, queue.resident_mb(), queue.peak_mb())


def _count(scan: SourceFile) -> int:
    return count_pages(scan.data, scan.name, Limits())
