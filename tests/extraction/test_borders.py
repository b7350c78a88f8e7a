"""Borders that the scan lost or made are told by lines of text before these are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.ocr.borders import mend_borders, wipe
from extraction.ocr.ink import WHITE, Mask, PrintInk
from extraction.ocr.text_lines import Line
from extraction.values import Box, Cell, Grid

EM = 20.0
BORDER = 150
WHOLE = Box(20.0, 10.0, 300.0, 50.0)


def grids() -> tuple[Grid, ...]:
    """A cell over two columns, and a row below it that shows the border between them."""
    below = [
        Cell(1, column, 1, 1, Box(x0, 50.0, x1, 90.0), 1, (), 0.9)
        for column, (x0, x1) in enumerate([(20.0, float(BORDER)), (float(BORDER), 300.0)])
    ]
    return (Grid(2, 2, (Cell(0, 0, 1, 2, WHOLE, 1, (), 0.9), *below)),)


def shifted(box: Box, down: float) -> Box:
    return Box(box.x0, box.top + down, box.x1, box.bottom + down)


def page(*inked: tuple[int, int, int, int], height: int = 100) -> PrintInk:
    mask: Mask = np.zeros((height, 320), np.bool_)
    for x0, top, x1, bottom in inked:
        mask[top:bottom, x0:x1] = True
    gray = np.where(mask, np.uint8(0), np.uint8(WHITE))
    return PrintInk(gray, mask, gray.copy())


LEFT, RIGHT = (60, 20, 130, 40), (190, 20, 260, 40)
ONE_LINE = Line(Box(55.0, 16.0, 265.0, 44.0), 0, slope=4.0)


def restored(ink: PrintInk, *lines: Line) -> tuple[list[Box], list[Line]]:
    """The cells of the first row, and the lines."""
    (grid,), cut, rests = mend_borders(grids(), lines, ink.mask, EM)
    wipe(ink, rests)
    return [cell.box for cell in grid.cells if cell.row == 0], cut


def test_two_headers_that_were_detected_as_one_line_are_two() -> None:
    """指标分值 and 自评得分 of a fax were one word over their lost border, and no column had
    scores."""
    cells, (first, second) = restored(page(LEFT, RIGHT), ONE_LINE)
    assert [(box.x0, box.x1) for box in cells] == [(20, BORDER), (BORDER, 300)]
    assert (first.cell, second.cell) == (0, 1)
    assert first.box.x0 == ONE_LINE.box.x0 and first.box.x1 < BORDER < second.box.x0
    assert second.box.x1 == ONE_LINE.box.x1
    assert 0 < first.slope < ONE_LINE.slope


def test_rests_of_the_border_and_specks_beside_it_are_wiped() -> None:
    ink = page(LEFT, RIGHT, (149, 10, 151, 15), (149, 44, 152, 50), (140, 30, 142, 32))
    cells, _ = restored(ink, ONE_LINE)
    assert len(cells) == 2
    assert not ink.mask[10:50, 130:190].any() and (ink.gray[10:50, 130:190] == WHITE).all()
    assert ink.mask[20:40, 60:130].all() and ink.mask[20:40, 190:260].all()


def test_a_number_cut_by_a_side_that_is_none_is_one_line_of_one_cell() -> None:
    """The digit on the side was wiped in part, and read as another."""
    halves = [
        Cell(0, column, 1, 1, Box(x0, 10.0, x1, 50.0), 1, (), 0.5)
        for column, (x0, x1) in enumerate([(20.0, float(BORDER)), (float(BORDER), 300.0)])
    ]
    (grid,) = grids()
    cut = (replace(grid, cells=(*halves, *grid.cells[1:])),)
    lines = [Line(Box(105, 16, BORDER, 44), 0), Line(Box(BORDER, 16, 215, 44), 1)]
    (whole,), moved, rests = mend_borders(cut, lines, page((110, 20, 210, 40)).mask, EM)
    assert [one.box for one in whole.cells if one.row == 0] == [WHOLE]
    assert [line.cell for line in moved] == [0, 0] and rests == []


def test_a_side_given_back_and_one_taken_away_on_a_page_are_both_mended() -> None:
    """There are as many cells as before then."""
    (lost,) = grids()
    low = [replace(cell, box=shifted(cell.box, 200.0)) for cell in lost.cells]
    halves = [
        Cell(0, column, 1, 1, Box(x0, 210.0, x1, 250.0), 1, (), 0.5)
        for column, (x0, x1) in enumerate([(20.0, float(BORDER)), (float(BORDER), 300.0)])
    ]
    cut = replace(lost, cells=(*halves, *low[1:]))
    ink = page(LEFT, RIGHT, (110, 220, 210, 240), height=300)
    lines = [ONE_LINE, Line(Box(105, 216, BORDER, 244), 3), Line(Box(BORDER, 216, 215, 244), 4)]
    mended, moved, _ = mend_borders((lost, cut), lines, ink.mask, EM)
    assert [[cell.colspan for cell in grid.cells if cell.row == 0] for grid in mended] == [
        [1, 1],
        [2],
    ]
    assert [line.cell for line in moved] == [0, 1, 4, 4]


COMMA, COLON = [(140, 34, 143, 40)], [(140, 22, 143, 25), (140, 35, 143, 38)]


@pytest.mark.parametrize(
    "inked",
    [
        # The 1 of 2021年 stood on a border of other rows.
        [(60, 20, 130, 40), (149, 22, 152, 38), (170, 20, 260, 40)],
        # A goal of one line was two cells, and 其中：财政拨款 lost its colon.
        [(60, 20, 136, 40), *COMMA, (164, 20, 260, 40)],
        [(60, 20, 136, 40), *COLON, (164, 20, 260, 40)],
        # Another row runs over the border.
        [(60, 12, 130, 28), (190, 12, 260, 28), (60, 32, 260, 48)],
        # The gap is wide, but stands in no place that the texts of two cells would leave.
        [(25, 20, 140, 40), (166, 20, 230, 40)],
        [LEFT],
    ],
)
def test_a_line_stays_whole_and_its_ink_untouched(inked: list[tuple[int, int, int, int]]) -> None:
    ink = page(*inked)
    before = ink.mask.copy()
    cells, lines = restored(ink, ONE_LINE)
    assert (cells, lines) == ([WHOLE], [ONE_LINE])
    assert (ink.mask == before).all()


@given(
    texts=st.lists(st.tuples(st.integers(21, 280), st.integers(3, 120)), max_size=5),
    top=st.integers(10, 30),
)
def test_no_ink_is_lost_but_around_the_border(texts: list[tuple[int, int]], top: int) -> None:
    ink = page(*((x0, top, min(299, x0 + width), top + 20) for x0, width in texts))
    before = ink.mask.copy()
    _, lines = restored(ink, ONE_LINE)
    lost = np.flatnonzero((before & ~ink.mask).any(axis=0))
    assert all(abs(x - BORDER) <= 0.2 * EM + 1 for x in lost)
    inked = np.flatnonzero(ink.mask[16:44, 55:265].any(axis=0)) + 55
    assert all(any(line.box.x0 <= x + 1 and x <= line.box.x1 for line in lines) for x in inked)
