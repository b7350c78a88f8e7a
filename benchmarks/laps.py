"""What the laps of a race of ways over the same documents say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.report import Figures
from extraction.values import Record

OURS = "formloop, file to record"
PADDLE = "PaddleOCR, words only"
READING = "reading the file, and the rest"


@dataclass(frozen=True, slots=True)
class Lap:
    """One way through one document."""

    way: str
    document: str
    seconds_a_page: float


def seconds_by_way(laps: Sequence[Lap]) -> dict[str, float]:
    """The mean over documents of the median over repeats."""
    by_way: dict[str, dict[str, list[float]]] = {}
    for lap in laps:
        by_way.setdefault(lap.way, {}).setdefault(lap.document, []).append(lap.seconds_a_page)
    return {way: mean(map(median, times.values())) for way, times in by_way.items()}


def way_figures(laps: Sequence[Lap]) -> Figures:
    seconds = seconds_by_way(laps)
    asked = {OURS: "≤ 0.50, aim 0.25"}
    rows = tuple(
        (way, f"{value:.2f}", f"{value / seconds[PADDLE]:.2f}", asked.get(way, ""))
        for way, value in seconds.items()
    )
    return Figures(("way", "seconds a page", "of PaddleOCR's", "asked"), rows)


def other_share(laps: Sequence[Lap], records: Sequence[Record]) -> float:
    """The share of our wall time that is not the OCR's."""
    ocr_ms = sum(page.elapsed_ms.get("ocr", 0.0) for record in records for page in record.pages)
    return 1.0 - ocr_ms / wall_ms(laps, records)


def station_figures(laps: Sequence[Lap], records: Sequence[Record]) -> Figures:
    pages = [page for record in records for page in record.pages]
    stations = list(dict.fromkeys(name for page in pages for name in page.elapsed_ms))
    means = {name: mean(page.elapsed_ms.get(name, 0.0) for page in pages) for name in stations}
    whole = wall_ms(laps, records) / len(pages)
    means[READING] = whole - sum(means.values())
    rows = tuple((name, f"{ms:.0f}", f"{ms / whole:.1%}") for name, ms in means.items())
    return Figures(("station", "ms a page", "share"), rows)


def wall_ms(laps: Sequence[Lap], records: Sequence[Record]) -> float:
    """Our laps, whose records come in the same order, in all."""
    ours = [lap.seconds_a_page for lap in laps if lap.way == OURS]
    return 1000 * sum(
        seconds * len(record.pages) for seconds, record in zip(ours, records, strict=True)
    )
