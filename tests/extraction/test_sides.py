"""Sides of a lattice: what a printed ruling shows and what only looks like one."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from extraction.errors import ModelError
from extraction.grid.grids import edges_to_grids
from extraction.grid.lattice import Lattice
from extraction.grid.lines import evidence_to_edges, evidence_to_probe, see_rulings
from extraction.grid.side_maps import PATCH_CHANNELS, page_to_side_maps
from extraction.grid.side_measures import (
    CONTEXT,
    MEASURES,
    judged_to_context,
    lattice_to_measures,
)
from extraction.grid.side_patches import ACROSS, ALONG, Patches, sides_to_patches
from extraction.grid.sides import (
    RulingModels,
    is_doubtful,
    judge_sides,
    load_ruling_models,
    load_side_judge,
    rows_between_tables,
)
from extraction.pages.grey import is_grey
from extraction.values import Grid, Image, Page

DPI = 200
XS = (150, 450, 800, 1150, 1500)
YS = (300, 380, 460, 540, 620, 700, 780)


@lru_cache(maxsize=1)
def models() -> RulingModels:
    return load_ruling_models("onnxruntime", 1)


def drawn_table() -> Image:
    """Six rows of four columns; the first column's rows 2 and 3 are one cell."""
    page = np.full((1200, 1654, 3), 250, np.uint8)
    for y in YS:
        start = XS[1] if y == YS[3] else XS[0]
        cv2.line(page, (start, y), (XS[-1], y), (40, 40, 40), 2)
    for x in XS:
        cv2.line(page, (x, YS[0]), (x, YS[-1]), (40, 40, 40), 2)
    for row, y in enumerate(YS[:-1]):
        for column, x in enumerate(XS[:-1]):
            place = (x + 40, y + (90 if column == 0 and row in (2, 3) else 52))
            cv2.putText(page, f"R{row}C{column}", place, 0, 0.9, (30, 30, 30), 2)
    return page


def found_grid(image: Image) -> Grid:
    as_it_is = np.eye(3)
    page = Page(1, image, DPI, "ocr", as_it_is, as_it_is, grey=is_grey(image))
    evidence = see_rulings(image, DPI, models().network)
    judge = models().judge(evidence, page)
    edges = evidence_to_edges(evidence)
    (grid,) = edges_to_grids(edges, 1, DPI, evidence_to_probe(evidence), judge)
    return grid


def spans(grid: Grid) -> set[tuple[int, int, int, int]]:
    return {(cell.row, cell.column, cell.rowspan, cell.colspan) for cell in grid.cells}


def test_the_merged_cell_of_a_plain_table_stays_whole() -> None:
    grid = found_grid(drawn_table())
    assert (grid.rows, grid.columns, len(grid.cells)) == (6, 4, 23)
    assert (2, 0, 2, 1) in spans(grid)


def test_a_streak_of_a_copier_over_the_whole_page_is_no_column() -> None:
    page = drawn_table()
    cv2.line(page, (985, 0), (985, page.shape[0]), (120, 120, 120), 2)
    assert spans(found_grid(page)) == spans(found_grid(drawn_table()))


def long_thin_table() -> Image:
    """Twenty rows of four columns, ruled with thin grey lines."""
    page = np.full((1500, 1654, 3), 250, np.uint8)
    ys = range(300, 1301, 50)
    for y in ys:
        cv2.line(page, (XS[0], y), (XS[-1], y), (140, 140, 140), 1)
    for x in XS:
        cv2.line(page, (x, ys[0]), (x, ys[-1]), (140, 140, 140), 1)
    for row, y in enumerate(ys[:-1]):
        for column, x in enumerate(XS[:-1]):
            cv2.putText(page, f"R{row}C{column}", (x + 40, y + 36), 0, 0.8, (30, 30, 30), 2)
    return page


@pytest.mark.parametrize("height", [24, 34, 44])
def test_a_bracket_above_the_table_in_line_with_a_column_takes_no_side(height: int) -> None:
    """That of "（2026年度）" was followed into the table as the streak of a copier, and the
    whole column went."""
    page = long_thin_table()
    middle = (XS[2] + 4, 300 - 10 - height // 2)
    cv2.ellipse(page, middle, (5, height // 2), 0, 90, 270, (0, 0, 0), 2)
    assert len(found_grid(page).cells) == 80


def test_a_red_seal_over_the_table_adds_no_side() -> None:
    page = drawn_table()
    cv2.circle(page, (975, 560), 130, (225, 90, 90), 5)
    assert spans(found_grid(page)) == spans(found_grid(drawn_table()))


def test_each_side_gets_a_probability_in_its_place() -> None:
    page = drawn_table()
    evidence = see_rulings(page, DPI, models().network)
    maps = page_to_side_maps(page, DPI, evidence)
    blank = np.zeros((len(YS), len(XS) - 1)), np.zeros((len(YS) - 1, len(XS)))
    lattice = Lattice(tuple(map(float, XS)), tuple(map(float, YS)), *blank)
    across, down = lattice_to_measures(lattice, maps)
    assert across.shape == (len(YS), len(XS) - 1, len(MEASURES))
    assert down.shape == (len(XS), len(YS) - 1, len(MEASURES))
    sides = models().sides
    assert sides is not None
    judged = judge_sides(lattice, maps, sides)
    assert judged.across.shape == lattice.across.shape and judged.down.shape == lattice.down.shape
    missing = np.argwhere(judged.across < 0.5).tolist()
    assert missing == [[3, 0]]
    assert (judged.down >= 0.5).all()


def test_a_filled_cell_ends_where_no_line_shows() -> None:
    page = drawn_table()
    dark = (120, 120, 120)
    cv2.rectangle(page, (XS[0], YS[0]), (XS[1], YS[-1]), dark, -1)
    for y in YS:
        cv2.line(page, (XS[0], y), (XS[-1], y), dark, 2)
    evidence = see_rulings(page, DPI, models().network)
    lattice = Lattice(
        tuple(map(float, XS)),
        tuple(map(float, YS)),
        np.zeros((len(YS), len(XS) - 1)),
        np.zeros((len(YS) - 1, len(XS))),
    )
    _, down = lattice_to_measures(lattice, page_to_side_maps(page, DPI, evidence))
    step = down[:, :, MEASURES.index("fill_step")]
    assert (step[1] > 0.3).all() and (step[2:4] < 0.1).all()


def test_the_context_of_a_side_is_what_was_said_of_its_fellows() -> None:
    across = np.array([[1.0, 2.0], [3.0, -4.0], [5.0, 9.0]])
    down = np.array([[-1.0, -2.0], [0.5, 1.5], [2.5, 3.5]])
    of_across, of_down = judged_to_context(across, down)
    assert of_across.shape == (3, 2, len(CONTEXT)) and of_down.shape == (3, 2, len(CONTEXT))
    middle_left = dict(zip(CONTEXT, of_across[1, 0], strict=True))
    assert (middle_left["own"], middle_left["before"], middle_left["after"]) == (3.0, 0.0, -4.0)
    assert (middle_left["above"], middle_left["below"]) == (1.0, 5.0)
    assert middle_left["line_against"] == pytest.approx(np.log1p(4.0))
    assert (middle_left["line_count"], middle_left["line_best"]) == (0.0, -4.0)
    assert (middle_left["start_above"], middle_left["start_below"]) == (-1.0, -2.0)
    assert (middle_left["end_above"], middle_left["end_through"]) == (0.5, 0.5)
    assert dict(zip(CONTEXT, of_across[2, 1], strict=True))["own"] == 6.0


def test_weights_of_other_measures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sides.json"
    path.write_text('{"measures": ["likely"], "mean": [0], "spread": [1], "layers": []}')
    with pytest.raises(ModelError, match="train them again"):
        load_side_judge(path)


def test_the_strip_of_a_side_shows_it_from_one_crossing_line_past_the_next() -> None:
    page = drawn_table()
    maps = page_to_side_maps(page, DPI, see_rulings(page, DPI, models().network))
    blank = np.zeros((len(YS), len(XS) - 1)), np.zeros((len(YS) - 1, len(XS)))
    lattice = Lattice(tuple(map(float, XS)), tuple(map(float, YS)), *blank)
    across = np.full((len(YS), len(XS) - 1), False)
    down = np.full((len(XS), len(YS) - 1), False)
    across[3, :2], down[2, 4] = True, True
    (missing, printed), (upright,) = sides_to_patches(lattice, maps, across, down)
    ink, crossing = PATCH_CHANNELS.index("ink"), PATCH_CHANNELS.index("crossing")
    middle = ACROSS // 2
    for strip in (printed, upright):
        assert strip[ink, middle - 1 : middle + 2].max(axis=0).min() > 0.3
        ends = strip[crossing, middle, :4].max(), strip[crossing, middle, -4:].max()
        assert min(ends) > 0.5 > strip[crossing, middle, ALONG // 2]
    # Rows 2 and 3 of the first column are one cell, whose text is crossed here and there.
    assert missing[ink, middle - 1 : middle + 2, 5:-5].max(axis=0).min() < 0.1


def test_only_doubtful_sides_are_looked_at_closely() -> None:
    page = drawn_table()
    maps = page_to_side_maps(page, DPI, see_rulings(page, DPI, models().network))
    lattice = Lattice(
        tuple(map(float, XS)),
        tuple(map(float, YS)),
        np.zeros((len(YS), len(XS) - 1)),
        np.zeros((len(YS) - 1, len(XS))),
    )
    sides = models().sides
    assert sides is not None
    looked: list[int] = []

    def close(patches: Patches) -> NDArray[np.float32]:
        looked.append(len(patches))
        return np.zeros((len(patches), 1), np.float32)

    replace(sides, close=close).probabilities(lattice, maps)
    odds = [sides.first.log_odds(part) for part in lattice_to_measures(lattice, maps)]
    doubtful = [int(is_doubtful(part).sum()) for part in odds]
    assert looked == [count for count in doubtful if count]
    assert sum(doubtful) < sum(part.size for part in odds) / 2


def outer_sides(**changed: tuple[int, float]) -> NDArray[np.float64]:
    """Measures of five rows between four lines, all printed; ``changed``: row and value, of both
    outer sides."""
    measures = np.zeros((4, 5, len(MEASURES)))
    for name, usual in (("likely", 1.0), ("dark_line", 0.95), ("line_dip", 0.8)):
        measures[:, :, MEASURES.index(name)] = usual
    for name, (row, value) in changed.items():
        measures[[0, -1], row, MEASURES.index(name)] = value
    return measures


WIDE_ROW = np.ones((4, 5))
WIDE_ROW[1:3, 2] = 0.1


def test_a_heading_between_two_tables_of_a_fax_is_no_row() -> None:
    """The network went on with both outer lines over the gap, and two tables were one."""
    unseen = outer_sides(likely=(2, 0.5), dark_line=(2, 0.0))
    assert rows_between_tables(WIDE_ROW, unseen).tolist() == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("down", "measures"),
    [
        # A trace of its sides is printed, or the maps are sure of them.
        (WIDE_ROW, outer_sides(likely=(2, 0.5), dark_line=(2, 0.1))),
        (WIDE_ROW, outer_sides(likely=(2, 0.9), dark_line=(2, 0.0))),
        # Something parts the row.
        (np.ones((4, 5)), outer_sides(likely=(2, 0.5), dark_line=(2, 0.0))),
        # The lines are faint everywhere: hairlines, or none at all.
        (WIDE_ROW, outer_sides(likely=(2, 0.5), dark_line=(2, 0.0)) * 0.6),
        # The first row may be filled dark.
        (np.roll(WIDE_ROW, -2, axis=1), outer_sides(likely=(0, 0.5), dark_line=(0, 0.0))),
    ],
)
def test_a_wide_row_of_a_table_stays(
    down: NDArray[np.float64], measures: NDArray[np.float64]
) -> None:
    assert not rows_between_tables(down, measures).any()
