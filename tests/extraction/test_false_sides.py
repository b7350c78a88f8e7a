"""Sides that are none, told by where a text stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.grid.false_sides import without_false_sides
from extraction.values import Box, Cell, Grid, Word

ROW, COLUMN = 60.0, 200.0


def cell(
    row: int, column: int, spans: tuple[int, int] = (1, 1), text: str = "", quality: float = 0.6
) -> Cell:
    """A cell whose text, 80 × 20 pixels, stands in its middle."""
    rowspan, colspan = spans
    box = Box(column * COLUMN, row * ROW, (column + colspan) * COLUMN, (row + rowspan) * ROW)
    return Cell(row, column, rowspan, colspan, box, 1, at(*box.center, text), quality)


def at(x: float, y: float, text: str) -> tuple[Word, ...]:
    return (Word(text, Box(x - 40, y - 10, x + 40, y + 10), 0.9, 0.9, 1),) if text else ()


def label_beside_rows(words: tuple[Word, ...], quality: float = 0.6) -> Grid:
    """Four rows, and on their left a column that is cut below the third."""
    label = replace(cell(0, 0, (3, 1), quality=quality), words=words)
    rows = [cell(row, 1, text="甲") for row in range(4)]
    return Grid(4, 2, (label, cell(3, 0, quality=quality), *rows))


def test_a_label_in_the_middle_of_two_halves_was_printed_over_both() -> None:
    """产出 lost its last row, which took the label of the next page."""
    mended = without_false_sides(label_beside_rows(at(100, 2 * ROW, "产出")))
    (label,) = (one for one in mended.cells if one.column == 0)
    assert (label.rowspan, label.text, label.box.height) == (4, "产出", 4 * ROW)
    assert (mended.rows, mended.columns, len(mended.cells)) == (4, 2, 5)


@pytest.mark.parametrize(
    ("y", "quality"),
    [
        (1.5 * ROW, 0.6),  # in the middle of its own half
        (12.0, 0.6),  # at its upper side
        (2.5 * ROW, 0.6),  # neither here nor there
        (2 * ROW, 0.99),  # all sides are plain to see
    ],
)
def test_a_label_of_its_own_half_leaves_the_other_blank(y: float, quality: float) -> None:
    grid = label_beside_rows(at(100, y, "产出"), quality)
    assert without_false_sides(grid) is grid


def test_a_heading_cut_by_the_column_line_above_is_one_cell() -> None:
    above = (cell(0, 0, text="甲"), cell(0, 1, (1, 3), text="乙"))
    heading = replace(cell(1, 1, (1, 3)), words=at(2 * COLUMN, 1.5 * ROW, "预期目标"))
    mended = without_false_sides(Grid(2, 4, (*above, cell(1, 0), heading)))
    (whole,) = (one for one in mended.cells if one.text == "预期目标")
    # No cell begins any more where only the second column's own cells began.
    assert (whole.column, whole.colspan, mended.columns) == (0, 2, 2)


def test_a_label_that_runs_over_a_side_was_printed_over_both_halves() -> None:
    """Set in the middle of three rows it began on the border of two, and had two of the three."""
    lines = Box(60, ROW + 1, 140, ROW + 21), Box(80, 2 * ROW - 21, 120, 2 * ROW - 1)
    label = tuple(Word("预算", box, 0.9, 0.9, 1) for box in lines)
    halves = cell(0, 0), replace(cell(1, 0, (2, 1)), words=label)
    grid = Grid(3, 2, (*halves, *(cell(row, 1, text="甲") for row in range(3))))
    (whole,) = (one for one in without_false_sides(grid).cells if one.column == 0)
    assert whole.rowspan == 3


def test_rows_of_one_text_on_both_sides_of_a_stroke_are_one_cell() -> None:
    """经济成本指标 wrapped, and a stroke between its rows made 经济成本指 and 标 of it."""
    upper = replace(cell(0, 0), words=at(100, ROW - 13, "经济成本指"))
    lower = replace(cell(1, 0), words=at(100, ROW + 13, "标"))
    right = [cell(row, 1, text="甲") for row in range(2)]
    mended = without_false_sides(Grid(2, 2, (upper, lower, *right)))
    (label,) = (one for one in mended.cells if one.column == 0)
    assert (label.rowspan, label.text) == (2, "经济成本指标")


def test_rows_of_text_that_keep_to_the_sides_of_their_cells_stay_apart() -> None:
    """Set to the bottom of one cell and to the top of the next, each may fill its own."""
    upper = replace(cell(0, 0), words=at(100, ROW - 13, "甲") + at(100, 12, "乙"))
    lower = replace(cell(1, 0), words=at(100, ROW + 13, "丙"))
    grid = Grid(2, 2, (upper, lower, *(cell(row, 1, text="甲") for row in range(2))))
    assert without_false_sides(grid) is grid


def test_a_row_of_text_that_runs_over_a_side_is_one_cell() -> None:
    """A phone number was 15 in one cell and 652902851 in the next."""
    left = replace(cell(0, 0), words=(Word("15", Box(180, 20, 198, 40), 0.9, 0.9, 1),))
    right = replace(cell(0, 1), words=(Word("02", Box(201, 20, 220, 40), 0.9, 0.9, 1),))
    below = [cell(1, column, text="甲") for column in range(2)]
    mended = without_false_sides(Grid(2, 2, (left, right, *below)))
    (whole,) = (one for one in mended.cells if one.row == 0)
    assert (whole.colspan, whole.text) == (2, "1502")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Box(2, 20, 198, 40), Box(202, 20, 398, 40)),  # both cells are full
        (Box(180, 20, 190, 40), Box(210, 20, 220, 40)),  # a gap as of two texts
        (Box(180, 2, 198, 22), Box(201, 38, 220, 58)),  # in rows of their own
        (Box(180, 20, 198, 40), Box(201, 20, 300, 40)),  # not in the middle of both
    ],
)
def test_texts_of_two_cells_close_to_their_border_stay_apart(left: Box, right: Box) -> None:
    halves = (
        replace(cell(0, column), words=(Word("15", box, 0.9, 0.9, 1),))
        for column, box in enumerate((left, right))
    )
    grid = Grid(2, 2, (*halves, *(cell(1, column, text="甲") for column in range(2))))
    assert without_false_sides(grid) is grid


def beside_three_rows(text: Box) -> Grid:
    own = replace(cell(1, 0), words=(Word("项目资金申请", text, 0.9, 0.9, 1),))
    rows = [cell(row, 1, text="甲") for row in range(3)]
    return Grid(3, 2, (cell(0, 0), own, cell(2, 0), *rows))


def test_two_rows_of_text_that_fill_the_middle_of_three_blank_parts_stand_in_one_cell() -> None:
    """On a dark fill no side was seen, and the label had one of the three rows beside it."""
    mended = without_false_sides(beside_three_rows(Box(40, ROW + 4, 160, 2 * ROW - 4)))
    (label,) = (one for one in mended.cells if one.column == 0)
    assert (label.rowspan, label.box.height) == (3, 3 * ROW)


@pytest.mark.parametrize(("top", "bottom"), [(ROW + 20, 2 * ROW - 20), (ROW + 2, ROW + 40)])
def test_a_text_with_room_in_its_row_stands_between_two_blanks(top: float, bottom: float) -> None:
    grid = beside_three_rows(Box(40, top, 160, bottom))
    assert without_false_sides(grid) is grid


def test_both_halves_with_a_text_are_two_cells() -> None:
    grid = label_beside_rows(at(100, 2 * ROW, "产出"))
    filled = tuple(
        replace(one, words=at(*one.box.center, "效益")) if not one.words else one
        for one in grid.cells
    )
    assert without_false_sides(replace(grid, cells=filled)) == replace(grid, cells=filled)


@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=5))
def test_texts_in_the_middles_of_their_cells_join_nothing(rows: list[list[int]]) -> None:
    cells = [
        cell(row, column, text="文" * kind)
        for row, kinds in enumerate(rows)
        for column, kind in enumerate(kinds)
    ]
    grid = Grid(len(rows), 3, tuple(cells))
    assert without_false_sides(grid) is grid
