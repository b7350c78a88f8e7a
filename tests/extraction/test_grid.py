"""Tilings of rectangles, drawn as ruling lines, must come back as the same cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy.sparse import block_array
from scipy.sparse.csgraph import connected_components

from extraction.grid.grids import (
    edges_to_grids,
    edges_to_probe,
    edges_to_tables,
    touching_to_components,
)
from extraction.grid.lattice import Lattice
from extraction.values import Edge

DPI = 144.0
Tile = tuple[int, int, int, int]


@st.composite
def tilings(draw: st.DrawFn) -> tuple[list[float], list[float], list[Tile]]:
    """Separators and a tiling by repeated cuts, as merged cells of a spreadsheet give it."""
    gaps = st.floats(min_value=20, max_value=120)
    columns = draw(st.integers(min_value=2, max_value=7))
    rows = draw(st.integers(min_value=2, max_value=7))
    xs = np.cumsum([30.0, *(draw(gaps) for _ in range(columns))]).tolist()
    ys = np.cumsum([40.0, *(draw(gaps) for _ in range(rows))]).tolist()
    tiles: list[Tile] = []
    todo = [(0, 0, rows, columns)]
    while todo:
        top, left, bottom, right = todo.pop()
        stop = draw(st.integers(0, 4)) == 0 and (bottom - top, right - left) != (rows, columns)
        if stop or (bottom - top == 1 and right - left == 1):
            tiles.append((top, left, bottom, right))
        elif right - left == 1 or (bottom - top > 1 and draw(st.booleans())):
            cut = draw(st.integers(top + 1, bottom - 1))
            todo += [(top, left, cut, right), (cut, left, bottom, right)]
        else:
            cut = draw(st.integers(left + 1, right - 1))
            todo += [(top, left, bottom, cut), (top, cut, bottom, right)]
    return xs, ys, sorted(tiles)


def tiles_to_edges(xs: list[float], ys: list[float], tiles: list[Tile]) -> list[Edge]:
    edges = []
    for top, left, bottom, right in tiles:
        edges += [Edge("horizontal", ys[j], xs[left], xs[right]) for j in (top, bottom)]
        edges += [Edge("vertical", xs[i], ys[top], ys[bottom]) for i in (left, right)]
    return edges


def smallest_numbering(tiles: list[Tile]) -> list[Tile]:
    """row, column, rowspan, colspan over the lines that bound a tile."""
    ys = sorted({y for tile in tiles for y in (tile[0], tile[2])})
    xs = sorted({x for tile in tiles for x in (tile[1], tile[3])})
    return sorted(
        (
            ys.index(top),
            xs.index(left),
            ys.index(end) - ys.index(top),
            xs.index(right) - xs.index(left),
        )
        for top, left, end, right in tiles
    )


@given(tilings())
def test_every_tiling_comes_back(tiling: tuple[list[float], list[float], list[Tile]]) -> None:
    (grid,) = edges_to_grids(tiles_to_edges(*tiling), page=1, dpi=DPI)
    found = [(cell.row, cell.column, cell.rowspan, cell.colspan) for cell in grid.cells]
    assert found == smallest_numbering(tiling[2])


@given(tilings(), st.randoms(use_true_random=False))
def test_cells_cover_the_table_once_whatever_edges_are_lost(
    tiling: tuple[list[float], list[float], list[Tile]], random: object
) -> None:
    edges = tiles_to_edges(*tiling)
    kept = [edge for edge in edges if random.random() > 0.25]  # type: ignore[attr-defined]
    for grid in edges_to_grids(kept, page=1, dpi=DPI):
        seen = np.zeros((grid.rows, grid.columns), int)
        for cell in grid.cells:
            seen[cell.row : cell.row + cell.rowspan, cell.column : cell.column + cell.colspan] += 1
        assert seen.max() <= 1
        assert grid.rows * grid.columns >= len(grid.cells) > 1


def test_a_gap_in_a_ruling_does_not_fuse_two_cells() -> None:
    xs, ys = [0.0, 100.0, 200.0], [0.0, 40.0, 80.0]
    tiles = [(j, i, j + 1, i + 1) for j in range(2) for i in range(2)]
    edges = tiles_to_edges(xs, ys, tiles)
    broken = [
        part
        for edge in edges
        for part in (
            [replace(edge, end=edge.start + edge.length * 0.4),
             replace(edge, start=edge.start + edge.length * 0.6)]
            if edge.at in (40.0, 100.0)
            else [edge]
        )
    ]  # fmt: skip
    (grid,) = edges_to_grids(broken, page=1, dpi=DPI)
    assert (grid.rows, grid.columns, len(grid.cells)) == (2, 2, 4)
    assert min(cell.quality for cell in grid.cells) == pytest.approx(0.8)


def test_a_table_without_outer_sides_is_closed_where_its_lines_end() -> None:
    edges = [Edge("horizontal", y, 10, 400) for y in (10, 60, 110)]
    edges += [Edge("vertical", x, 10, 110) for x in (150, 280)]
    (grid,) = edges_to_grids(edges, page=1, dpi=DPI)
    assert (grid.rows, grid.columns, len(grid.cells)) == (2, 3, 6)
    assert grid.cells[0].box.x0 == 10 and grid.cells[2].box.x1 == 400


def test_an_l_shaped_region_is_cut_where_the_evidence_is_best() -> None:
    """The side between the lower two cells is faint, the rest of the inner sides is absent."""
    edges = tiles_to_edges([0, 100, 200], [0, 50, 100], [(0, 0, 1, 1), (0, 1, 1, 2)])
    edges += [Edge("vertical", 0, 50, 100), Edge("vertical", 200, 50, 100)]
    edges += [Edge("horizontal", 100, 0, 200), Edge("horizontal", 50, 0, 100)]
    edges = [edge for edge in edges if edge != Edge("horizontal", 50, 100, 200)]
    edges.append(Edge("horizontal", 50, 100, 140))
    (grid,) = edges_to_grids(edges, page=1, dpi=DPI)
    spans = [(cell.row, cell.column, cell.rowspan, cell.colspan) for cell in grid.cells]
    assert spans == [(0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 2)]


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_what_touches_in_a_chain_is_one_component(touch: NDArray[np.bool_]) -> None:
    rows, columns = touching_to_components(touch)
    of_own = {len(touch): iter(range(len(touch), 100))}
    ours = [*rows, *(next(of_own.get(number, iter([number]))) for number in columns)]
    graph = block_array([[None, touch], [touch.T, None]])
    _, theirs = connected_components(graph, directed=False)
    same = np.equal.outer(ours, ours)
    np.testing.assert_array_equal(same, np.equal.outer(theirs, theirs))


def test_two_tables_on_a_page_stay_apart() -> None:
    one = tiles_to_edges([0, 50, 100], [0, 30, 60], [(0, 0, 1, 1), (0, 1, 1, 2), (1, 0, 2, 2)])
    two = [replace(e, at=e.at + 200) if e.axis == "horizontal" else
           replace(e, start=e.start + 200, end=e.end + 200) for e in one]  # fmt: skip
    assert len(edges_to_tables([*one, *two], reach_px=5)) == 2
    assert [len(grid.cells) for grid in edges_to_grids([*one, *two], 1, DPI)] == [3, 3]


def test_the_open_sides_of_a_scanned_table_are_closed_though_no_ink_shows_them() -> None:
    edges = [Edge("horizontal", y, 10, 400) for y in (10, 60, 110)]
    edges += [Edge("vertical", x, 10, 110) for x in (150, 280)]
    (grid,) = edges_to_grids(edges, 1, DPI, edges_to_probe(edges, 4.0))
    assert (grid.rows, grid.columns, len(grid.cells)) == (2, 3, 6)


def test_a_frame_that_is_seen_in_part_is_closed_along_all_rows() -> None:
    edges = [Edge("horizontal", y, 10, 400) for y in (10, 60, 110, 160)]
    edges += [Edge("vertical", x, 10, 160) for x in (10, 150, 280)]
    edges.append(Edge("vertical", 400, 110, 160))
    (grid,) = edges_to_grids(edges, 1, DPI, edges_to_probe(edges, 4.0))
    assert (grid.rows, grid.columns, len(grid.cells)) == (3, 3, 9)


def test_two_framed_tables_are_taken_apart_where_nothing_is_seen_between_them() -> None:
    tiles = [(j, i, j + 1, i + 1) for j in range(2) for i in range(2)]
    upper = tiles_to_edges([10.0, 100.0, 200.0], [10.0, 40.0, 80.0], tiles)
    lower = tiles_to_edges([10.0, 60.0, 200.0], [120.0, 160.0, 200.0], tiles)
    # A stroke of the lower table's caption was traced as one line with both frames.
    traced = [*upper, *lower, Edge("vertical", 10.0, 10.0, 200.0)]
    grids = edges_to_grids(traced, 1, DPI, edges_to_probe([*upper, *lower], 4.0))
    assert [(grid.rows, grid.columns, len(grid.cells)) for grid in grids] == [(2, 2, 4)] * 2


def test_a_ruling_that_a_scan_shows_twice_is_one() -> None:
    xs, ys = [30.0, 130.0, 230.0, 330.0], [40.0, 80.0, 120.0]
    tiles = [(row, column, row + 1, column + 1) for row in range(2) for column in range(3)]
    again = [Edge("vertical", 236.0, 80.0, 120.0)]
    edges = [*tiles_to_edges(xs, ys, tiles), *again]

    def seen(lattice: Lattice) -> Lattice:
        return lattice

    (grid,) = edges_to_grids(edges, 1, DPI, edges_to_probe(edges, 4.0), seen)
    assert (grid.rows, grid.columns, len(grid.cells)) == (2, 3, 6)
    # Of a page with exact rulings nothing is taken away.
    (exact,) = edges_to_grids(edges, 1, DPI)
    assert exact.columns == 4


def test_a_ruling_that_steps_between_two_columns_is_one() -> None:
    """On a bent fax the line below a row was two pixels higher in its left half than in its right
    half, and the row was two."""
    left = tiles_to_edges([30.0, 130.0], [40.0, 80.0, 120.0], [(0, 0, 1, 1), (1, 0, 2, 1)])
    right = tiles_to_edges([130.0, 230.0], [40.0, 84.0, 120.0], [(0, 0, 1, 1), (1, 0, 2, 1)])
    edges = [*left, *right]
    (grid,) = edges_to_grids(edges, 1, DPI, edges_to_probe(edges, 2.0), lambda lattice: lattice)
    assert (grid.rows, grid.columns, len(grid.cells)) == (2, 2, 4)
    assert {cell.box.top for cell in grid.cells if cell.row == 1} == {82.0}


@given(tilings())
def test_cells_that_hold_a_text_are_no_slivers(
    tiling: tuple[list[float], list[float], list[Tile]],
) -> None:
    edges = tiles_to_edges(*tiling)
    seen = edges_to_grids(edges, 1, DPI, edges_to_probe(edges, 4.0), lambda lattice: lattice)
    assert seen == edges_to_grids(edges, 1, DPI, edges_to_probe(edges, 4.0))
