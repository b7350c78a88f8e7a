"""What the queue costs beside bare extraction, what a second worker brings, and the memory.

python -m benchmarks.queue [--quick] [--real-pages N]

The cost is measured twice: as the difference to bare extraction of the same files in one
process, by the clock and by processor time, and alone, on a road that reads nothing and
gives pages of the same scans in turn, as they were read before.

Two workers are set against one twice: while both have work, which is how an archive of
thousands of pages goes, and over all of the run, at whose end one waits for the other.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.memory import Resident
from benchmarks.quality import BORN_DIGITAL, read_source, samples_by_level
from benchmarks.queue_memory import measure_real_memory, memory_to_markdown
from benchmarks.queue_rig import Queue, Span, running_queue
from benchmarks.report import Figures, Section, figures_to_markdown
from extraction.pages.sources import SourceFile
from extraction.pipeline import extract_document
from extraction.reading_json import reading_from_json, reading_to_json
from extraction.record_json import record_from_json, record_to_json
from extraction.values import Image, PageReading, Record
from workers.road import ROAD_VARIABLE, ReadPage, StationsRoad
from workers.stations import build_stations

FOLDER_VARIABLE = "FORMLOOP_BENCH_ROAD"
MOST_S = 3600.0
ROUNDS = 4
EMPTY_PAGES, QUICK_EMPTY_PAGES = 1000, 200


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one page, its share of the document's own steps included. ``steady_ms`` is by the
    clock while all workers had work."""

    pages: int
    wall_ms: float
    cpu_ms: float
    steady_ms: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident memory of a worker after a fifth of the pages, and after all."""

    pages: int
    early_mb: float
    late_mb: float

    @property
    def share(self) -> float:
        return self.late_mb / self.early_mb - 1


def measure_queue(folder: Path, *, quick: bool) -> Section:
    sources = read_sources(quick=quick)
    bare = measure_bare(sources, folder)
    empty_pages = QUICK_EMPTY_PAGES if quick else EMPTY_PAGES
    road = {ROAD_VARIABLE: "benchmarks.queue:known_pages_road", FOLDER_VARIABLE: str(folder)}
    empty, growth = measure_empty(folder / "empty", empty_pages, road, sources)
    one = measure_real(folder / "one", 1, sources)
    two = measure_real(folder / "two", 2, sources)
    rows = (
        ("bare extraction, one process", *cost_cells(bare), ""),
        ("through the queue, one worker", *cost_cells(one), ""),
        ("the queue alone, on a road that reads nothing", *cost_cells(empty), ""),
        ("… its share of a page", *share_cells(empty, bare), "≤ 3 %"),
        ("two workers against one", f"{one.steady_ms / two.steady_ms:.2f} ×", "", "≥ 1.8 ×"),
        ("… the last page of the run included", f"{one.wall_ms / two.wall_ms:.2f} ×", "", ""),
        (f"memory over {growth.pages} pages", f"{growth.share:+.1%}", "", "≤ 3 %"),
    )
    columns = ("queue, one engine thread each", "clock", "processor", "asked")
    data = {name: asdict(cost) for name, cost in (("bare", bare), ("one", one), ("two", two))}
    return Section(
        "queue",
        "Queue",
        figures_to_markdown(Figures(columns, rows)),
        {**data, "empty": asdict(empty), "growth": asdict(growth)},
    )


def cost_cells(cost: Cost) -> tuple[str, str]:
    return f"{cost.wall_ms:.0f} ms a page", f"{cost.cpu_ms:.0f} ms"


def share_cells(part: Cost, whole: Cost) -> tuple[str, str]:
    return f"{part.wall_ms / whole.wall_ms:.1%}", f"{part.cpu_ms / whole.cpu_ms:.1%}"


def read_sources(*, quick: bool) -> list[SourceFile]:
    """Scans of the samples, each some times over, every copy a file of its own."""
    paths = [path for level, path, _ in samples_by_level() if level != BORN_DIGITAL]
    scans = [read_source(path) for path in (paths[::6] if quick else paths[::2])]
    return [salted(scan, number) for number in range(1 if quick else ROUNDS) for scan in scans]


def salted(source: SourceFile, number: int) -> SourceFile:
    """The same PDF with a comment at its end: the queue reads no file twice."""
    return replace(source, data=source.data + b"\n%" + str(number).encode())


def measure_bare(sources: Sequence[SourceFile], folder: Path) -> Cost:
    stations = build_stations(threads=1)
    for number, source in enumerate(sources[: len({source.name for source in sources})]):
        read = StationsRoad(stations).read(source, 1)
        write_page(folder, number, read, extract_document(source, stations).record)
    wall, cpu, pages = time.perf_counter(), time.process_time(), 0
    for source in sources:
        pages += len(extract_document(source, stations).images)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    wall_ms = 1000 * wall / pages
    return Cost(pages, wall_ms, 1000 * cpu / pages, wall_ms)


def measure_real(folder: Path, workers: int, sources: Sequence[SourceFile]) -> Cost:
    with running_queue(folder, workers, {}) as queue:
        return run_all(queue, ((s.name, s.data) for s in sources))


def measure_empty(
    folder: Path, pages: int, environment: Mapping[str, str], sources: Sequence[SourceFile]
) -> tuple[Cost, Growth]:
    early: list[float] = []
    with running_queue(folder, 1, dict(environment)) as queue:
        turns = zip(range(pages), cycle(sources), strict=False)
        files = ((f"{n}.pdf", salted(source, n).data) for n, source in turns)

        def look() -> None:
            if not early and queue.active() <= 0.8 * pages:
                early.append(queue.resident_mb())

        cost = run_all(queue, files, look)
        late = queue.resident_mb()
    return cost, Growth(pages, early[0] if early else late, late)


def run_all(
    queue: Queue, files: Iterator[tuple[str, bytes]], look: Callable[[], None] = lambda: None
) -> Cost:
    """The cost of each page, from the first step that is taken to the last that ends."""
    cpu = queue.cpu_seconds()
    for name, data in files:
        queue.put(name, data)
    queue.begin()
    until = time.monotonic() + MOST_S
    while queue.active() and time.monotonic() < until:
        look()
        time.sleep(0.2)
    if queue.active() or queue.failed():
        raise RuntimeError(f"{queue.active()} documents not done, {queue.failed()} failed")
    pages = queue.pages()
    cpu = queue.cpu_seconds() - cpu
    steady = steady_seconds(queue.spans())
    return Cost(pages, 1000 * queue.busy_seconds() / pages, 1000 * cpu / pages, 1000 * steady)


def steady_seconds(spans: Sequence[Span]) -> float:
    """For a page, by the clock, until the first worker has no more work. Of a page that was
    begun by then, the part that was done counts."""
    last = {
        span.owner: max(s.finished_at for s in spans if s.owner == span.owner) for span in spans
    }
    begun, over = min(span.started_at for span in spans), min(last.values())
    pages = sum(
        max(timedelta(), min(span.finished_at, over) - span.started_at)
        / (span.finished_at - span.started_at)
        for span in spans
    )
    return (over - begun).total_seconds() / pages


@dataclass(frozen=True, eq=False, slots=True)
class KnownPage:
    """A page of a scan, and the scan's record, as they were read once."""

    image: Image
    reading: PageReading
    record: Record


@dataclass(frozen=True, eq=False, slots=True)
class KnownPagesRoad:
    """Gives the same few pages in turn, by the number that is a file's name."""

    pages: tuple[KnownPage, ...]

    @property
    def producer(self) -> Mapping[str, str]:
        return self.pages[0].record.producer

    def count(self, source: SourceFile) -> int:
        return 1

    def read(self, source: SourceFile, page: int) -> ReadPage:
        known = self._of(source)
        return ReadPage(known.image, known.reading)

    def assemble(
        self, source: SourceFile, readings: Sequence[PageReading], form_type: str | None
    ) -> Record:
        return replace(self._of(source).record, name=source.name, sha256=source.sha256)

    def _of(self, source: SourceFile) -> KnownPage:
        return self.pages[int(Path(source.name).stem) % len(self.pages)]


def write_page(folder: Path, number: int, page: ReadPage, record: Record) -> None:
    """What ``known_pages_road`` gives, for the workers to read."""
    np.save(folder / f"page-{number:03}.npy", page.image)
    stored = {"reading": reading_to_json(page.reading), "record": record_to_json(record)}
    (folder / f"page-{number:03}.json").write_text(json.dumps(stored), encoding="utf-8")


def known_pages_road() -> KnownPagesRoad:
    folder = Path(os.environ[FOLDER_VARIABLE])
    return KnownPagesRoad(tuple(read_known(path) for path in sorted(folder.glob("page-*.json"))))


def read_known(path: Path) -> KnownPage:
    stored = json.loads(path.read_text(encoding="utf-8"))
    image = cast(Image, np.load(path.with_suffix(".npy")))
    return KnownPage(
        image, reading_from_json(stored["reading"]), record_from_json(stored["record"])
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--real-pages", type=int, help="only the memory of a worker that reads so many pages"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fl-bench-") as name:
        folder = Path(name)
        if options.real_pages:
            memory = measure_real_memory(folder / "memory", options.real_pages, print_point)
            print(memory_to_markdown(memory))
        else:
            print(measure_queue(folder, quick=options.quick).body)


def print_point(point: Resident) -> None:
    held = f"{point.resident_mb:.0f} MB, at most {point.peak_mb:.0f} MB"
    print(f"{point.pages} pages: {held}", flush=True)


if __name__ == "__main__":
    main()
