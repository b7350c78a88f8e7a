"""Sizes of a table's columns and rows on paper, taken from the boxes of its cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from extraction.values import Box, Table, TableCell


def column_widths_px(table: Table) -> tuple[float, ...]:
    """The width of every column in pixels of the page that shows its lines."""
    return _track_sizes(
        table.cells, table.columns, lambda cell: (cell.column, cell.colspan), lambda b: (b.x0, b.x1)
    )


def row_heights_px(table: Table) -> tuple[float, ...]:
    """The height of every row in pixels, page breaks left out."""
    return _track_sizes(
        table.cells, table.rows, lambda cell: (cell.row, cell.rowspan), lambda b: (b.top, b.bottom)
    )


def _track_sizes(
    cells: Sequence[TableCell],
    count: int,
    tracks: Callable[[TableCell], tuple[int, int]],
    sides: Callable[[Box], tuple[float, float]],
) -> tuple[float, ...]:
    """Sizes by the narrowest spans first: what a wide cell adds goes to its unknown tracks."""
    known: list[float | None] = [None] * count
    spans: dict[tuple[int, int], list[float]] = {}
    for cell in cells:
        low, high = sides(cell.box)
        spans.setdefault(tracks(cell), []).append(high - low)
    for (start, span), sizes in sorted(spans.items(), key=lambda item: item[0][1]):
        covered = range(start, min(start + span, count))
        unknown = [track for track in covered if known[track] is None]
        rest = median(sizes) - sum(known[track] or 0.0 for track in covered)
        for track in unknown:
            known[track] = max(rest, 0.0) / len(unknown)
    seen = [size for size in known if size]
    fallback = median(seen) if seen else 0.0
    return tuple(size or fallback for size in known)
