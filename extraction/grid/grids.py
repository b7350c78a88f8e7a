"""Ruling lines to grids of cells: a chain of pure steps.

    edges → tables (edges that touch) → lattice (separators and the evidence for every
    unit side between two crossings) → rectangles → cells

A scan's lines are broken and crossed by ink, so a side is not simply there or not: the
lattice carries evidence 0..1 for each, measured by a ``probe``. Regions that no set of
sides closes into rectangles are cut where the evidence for a missing side is best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from extraction.grid.lattice import (
    GapSettings,
    Lattice,
    Rectangle,
    bridge_gaps,
    lattice_to_parts,
    lattice_to_rectangles,
    rectangle_quality,
    without_slivers,
)
from extraction.values import Axis, Box, Cell, Edge, Grid

Probe = Callable[[Axis, float, float, float], float]
"""axis, position, start, end → share of that stretch that shows a ruling, 0..1."""
Judge = Callable[[Lattice], Lattice]
"""The same lattice with the probability of each side in place of its evidence."""


@dataclass(frozen=True, slots=True)
class GridSettings:
    """Lengths in points (1/72 inch), so that they hold at any resolution. No text fits into a cell
    of a scanned table that is less than ``sliver_pt`` wide or high."""

    snap_pt: float = 2.2
    reach_pt: float = 4.0
    sliver_pt: float = 5.5
    inferred: float = 0.6
    whole: float = 0.6
    gaps: GapSettings = field(default_factory=GapSettings)


def edges_to_grids(
    edges: Sequence[Edge],
    page: int,
    dpi: float,
    probe: Probe | None = None,
    judge: Judge | None = None,
    settings: GridSettings | None = None,
) -> tuple[Grid, ...]:
    """The ruled tables of a page, from top to bottom. ``probe`` defaults to exact edges.

    ``judge`` weighs the sides of a scanned table anew, knowing all of them.
    """
    settings = settings or GridSettings()
    grids = []
    for lattice in edges_to_lattices(edges, dpi, probe, judge, settings):
        rectangles = lattice_to_rectangles(lattice, settings.gaps.present)
        if len(rectangles) > 1:
            grids.append(rectangles_to_grid(rectangles, lattice, page))
    return tuple(sorted(grids, key=lambda grid: (grid.box_on(page).top, grid.box_on(page).x0)))


def edges_to_lattices(
    edges: Sequence[Edge],
    dpi: float,
    probe: Probe | None,
    judge: Judge | None,
    settings: GridSettings,
) -> Iterator[Lattice]:
    """One lattice for each table of the page."""
    tables = edges_to_tables(edges, settings.reach_pt * dpi / 72)
    for table in islands_to_tables(tables, settings.snap_pt * dpi / 72):
        yield from edges_to_parts(table, dpi, probe, judge, settings)


def edges_to_tables(edges: Sequence[Edge], reach_px: float) -> list[list[Edge]]:
    """Edges that cross or touch, within ``reach_px``, belong to one table."""
    across = [edge for edge in edges if edge.axis == "horizontal"]
    down = [edge for edge in edges if edge.axis == "vertical"]
    if not across or not down:
        return []
    h = np.array([(e.at, e.start - reach_px, e.end + reach_px) for e in across])
    v = np.array([(e.at, e.start - reach_px, e.end + reach_px) for e in down])
    touch = (
        (h[:, None, 1] <= v[None, :, 0])
        & (v[None, :, 0] <= h[:, None, 2])
        & (v[None, :, 1] <= h[:, None, 0])
        & (h[:, None, 0] <= v[None, :, 2])
    )
    first_across, first_down = touching_to_components(touch)
    tables: list[list[Edge]] = [[] for _ in across]
    for edge, number in zip(across, first_across, strict=True):
        tables[number].append(edge)
    for edge, number in zip(down, first_down, strict=True):
        if number < len(across):
            tables[number].append(edge)
    return [table for table in tables if len({edge.axis for edge in table}) == 2]


def touching_to_components(
    touch: NDArray[np.bool_],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each row and each column of ``touch``, the first row that a chain of touches leads
    to; for a column that touches no row, the number of rows.

    scipy has this for any graph, and loading that part of it takes as long as a page's grid.
    """
    count = len(touch)
    rows = np.arange(count)
    while True:
        columns = np.where(touch, rows[:, None], count).min(axis=0)
        onward = np.minimum(rows, np.where(touch, columns, count).min(axis=1))
        if np.array_equal(onward, rows):
            return rows, columns
        rows = onward


def islands_to_tables(tables: Sequence[list[Edge]], snap_px: float) -> list[list[Edge]]:
    """Give a crossing that gaps cut off from its table back to it.

    An island lies inside the table, and most of its edges continue edges of the table; a
    table of its own that is drawn inside a cell does neither.
    """
    by_size = sorted(tables, key=lambda table: -_edges_box(table).area)
    whole: list[list[Edge]] = []
    for table in by_size:
        box = _edges_box(table)
        for larger in whole:
            outer = _edges_box(larger).padded(snap_px)
            inside = outer.contains_point(box.x0, box.top)
            inside = inside and outer.contains_point(box.x1, box.bottom)
            if inside and _continuing(table, larger, snap_px) > 0.5:
                larger.extend(table)
                break
        else:
            whole.append(list(table))
    return whole


def edges_to_parts(
    edges: Sequence[Edge],
    dpi: float,
    probe: Probe | None,
    judge: Judge | None,
    settings: GridSettings,
) -> Iterator[Lattice]:
    """Separators and the evidence for each side; nothing where the edges enclose nothing."""
    snap = settings.snap_pt * dpi / 72
    inferred = open_sides_to_edges(edges, snap, settings)
    every = [*edges, *inferred]
    ys = positions_to_separators([e for e in every if e.axis == "horizontal"], snap)
    xs = positions_to_separators([e for e in every if e.axis == "vertical"], snap)
    if probe is not None:
        implied = edges_to_probe(inferred, snap)
        ys = [y for y in ys if _is_whole("horizontal", y, xs, (probe, implied), settings)]
        xs = [x for x in xs if _is_whole("vertical", x, ys, (probe, implied), settings)]
    if len(xs) < 2 or len(ys) < 2:
        return
    seen = _probed(xs, ys, probe or edges_to_probe(edges, snap))
    lattice = bridge_gaps(judge(seen) if judge else seen, seen, settings.gaps)
    if judge is not None:
        lattice = without_slivers(lattice, settings.sliver_pt * dpi / 72, settings.gaps.present)
    for part in lattice_to_parts(lattice, settings.gaps.present):
        yield _closed(part, edges_to_probe(inferred, snap)) if inferred else part


def _closed(lattice: Lattice, implied: Probe) -> Lattice:
    """The sides that ``implied`` shows count as seen."""
    closed = _probed(lattice.xs, lattice.ys, implied)
    return replace(
        lattice,
        across=np.maximum(lattice.across, closed.across),
        down=np.maximum(lattice.down, closed.down),
    )


def _probed(xs: Sequence[float], ys: Sequence[float], probe: Probe) -> Lattice:
    across = np.array([[probe("horizontal", y, a, b) for a, b in pairwise(xs)] for y in ys])
    down = np.array([[probe("vertical", x, a, b) for x in xs] for a, b in pairwise(ys)])
    return Lattice(tuple(xs), tuple(ys), across, down)


def _is_whole(
    axis: Axis,
    at: float,
    crossing: Sequence[float],
    probes: Sequence[Probe],
    settings: GridSettings,
) -> bool:
    """Whether a separator is seen from one crossing to the next; a ``1`` or ``/`` is not."""
    return any(
        probe(axis, at, a, b) >= min(settings.whole, settings.inferred)
        for a, b in pairwise(crossing)
        for probe in probes
    )


def positions_to_separators(edges: Sequence[Edge], snap_px: float) -> list[float]:
    """Cluster the positions of parallel edges; each cluster's mean, weighted by length."""
    separators: list[float] = []
    cluster: list[Edge] = []
    for edge in sorted(edges, key=lambda edge: edge.at):
        if cluster and edge.at - _weighted_mean(cluster) > snap_px:
            separators.append(_weighted_mean(cluster))
            cluster = []
        cluster.append(edge)
    if cluster:
        separators.append(_weighted_mean(cluster))
    return separators


def edges_to_probe(edges: Sequence[Edge], snap_px: float) -> Probe:
    """Evidence from the edges themselves: the share of a stretch that they cover."""
    by_axis = {axis: [e for e in edges if e.axis == axis] for axis in ("horizontal", "vertical")}

    def probe(axis: Axis, at: float, start: float, end: float) -> float:
        spans = [
            (max(edge.start, start), min(edge.end, end), edge.score)
            for edge in by_axis[axis]
            if abs(edge.at - at) <= snap_px and edge.start < end and edge.end > start
        ]
        return _covered(spans, start, end)

    return probe


def open_sides_to_edges(
    edges: Sequence[Edge], snap_px: float, settings: GridSettings
) -> list[Edge]:
    """Close a table whose outer frame is not printed, or not all of it.

    Where at least two parallel lines end together, beyond the last crossing line or on it,
    the table ends there, too, and the side that they imply is returned as an inferred edge.
    """
    inferred = []
    axes: tuple[tuple[Axis, Axis], ...] = (("horizontal", "vertical"), ("vertical", "horizontal"))
    for axis, other in axes:
        along = [edge for edge in edges if edge.axis == axis]
        crossing = [edge.at for edge in edges if edge.axis == other]
        for ends, outermost, sign in (
            ([edge.start for edge in along], min(crossing), -1.0),
            ([edge.end for edge in along], max(crossing), 1.0),
        ):
            beyond = [k for k, end in enumerate(ends) if sign * (end - outermost) > 4 * snap_px]
            at = outermost
            if len(beyond) >= 2:
                at = float(np.median([ends[k] for k in beyond]))
            together = [k for k, end in enumerate(ends) if abs(end - at) <= 2 * snap_px]
            if len(together) >= 2:
                reach = [along[k].at for k in together]
                inferred.append(Edge(other, at, min(reach), max(reach), settings.inferred))
    return inferred


def rectangles_to_grid(rectangles: Sequence[Rectangle], lattice: Lattice, page: int) -> Grid:
    """Number rows and columns over the separators that really bound a cell."""
    ys = sorted({y for top, _, bottom, _ in rectangles for y in (top, bottom)})
    xs = sorted({x for _, left, _, right in rectangles for x in (left, right)})
    row_of = {y: row for row, y in enumerate(ys)}
    column_of = {x: column for column, x in enumerate(xs)}
    cells = []
    for top, left, bottom, right in rectangles:
        cells.append(
            Cell(
                row=row_of[top],
                column=column_of[left],
                rowspan=row_of[bottom] - row_of[top],
                colspan=column_of[right] - column_of[left],
                box=Box(lattice.xs[left], lattice.ys[top], lattice.xs[right], lattice.ys[bottom]),
                page=page,
                quality=rectangle_quality((top, left, bottom, right), lattice),
            )
        )
    cells.sort(key=lambda cell: (cell.row, cell.column))
    return Grid(rows=len(ys) - 1, columns=len(xs) - 1, cells=tuple(cells))


def _edges_box(edges: Sequence[Edge]) -> Box:
    across = [edge for edge in edges if edge.axis == "horizontal"]
    down = [edge for edge in edges if edge.axis == "vertical"]
    return Box(
        min([edge.start for edge in across] + [edge.at for edge in down]),
        min([edge.at for edge in across] + [edge.start for edge in down]),
        max([edge.end for edge in across] + [edge.at for edge in down]),
        max([edge.at for edge in across] + [edge.end for edge in down]),
    )


def _continuing(part: Sequence[Edge], whole: Sequence[Edge], snap_px: float) -> float:
    """The share of ``part``'s edges that lie on the line of an edge of ``whole``."""
    fellows = [
        any(e.axis == edge.axis and abs(e.at - edge.at) <= snap_px for e in whole) for edge in part
    ]
    return sum(fellows) / len(fellows)


def _covered(spans: Iterable[tuple[float, float, float]], start: float, end: float) -> float:
    covered, reached = 0.0, start
    for a, b, score in sorted(spans):
        covered += max(0.0, b - max(a, reached)) * score
        reached = max(reached, b)
    return covered / (end - start) if end > start else 0.0


def _weighted_mean(edges: Sequence[Edge]) -> float:
    weights = [max(edge.length, 1e-6) for edge in edges]
    return float(np.average([edge.at for edge in edges], weights=weights))
