"""Rows that a stroke drew go again, whatever else the grid holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extraction.grid.lone_rows import without_lone_rows
from extraction.values import Box, Cell, Grid, Word

WIDTH, HEIGHT = 100.0, 30.0


def cell(row: int, column: int, rowspan: int = 1, text: str = "") -> Cell:
    box = Box(column * WIDTH, row * HEIGHT, (column + 1) * WIDTH, (row + rowspan) * HEIGHT)
    inside = Box(box.x0 + 5, box.top + 5, box.x1 - 5, box.bottom - 5)
    words = (Word(text, inside, 0.9, 0.9, 1),) if text else ()
    return Cell(row, column, rowspan, 1, box, 1, words, 0.9)


def crossed_out(*texts: str) -> Grid:
    """Three rows of five columns, the middle one cut through in its second cell."""
    first = [cell(0, column, text="甲") for column in range(5)]
    through = [cell(1, column, 2, "乙") for column in (0, 2, 3, 4)]
    cut = [cell(1 + at, 1, text=text) for at, text in enumerate(texts)]
    last = [cell(3, column, text="丙") for column in range(5)]
    return Grid(4, 5, (*first, *through, *cut, *last))


def test_a_row_that_a_stroke_through_one_cell_made_is_none() -> None:
    """A line drawn over ≥73.93% moved all rows below it by one."""
    for texts in (("≥73.93%", ""), ("", "≥73.93%"), ("", "")):
        mended = without_lone_rows(crossed_out(*texts))
        assert (mended.rows, len(mended.cells)) == (3, 15)
        (whole,) = (one for one in mended.cells if (one.row, one.column) == (1, 1))
        assert (whole.text, whole.rowspan, whole.box.height) == ("".join(texts), 1, 2 * HEIGHT)
        assert [one.text for one in mended.cells if one.row == 2] == ["丙"] * 5


def test_a_cell_that_lists_two_things_keeps_both() -> None:
    both = crossed_out("≥73.93%", "≥80%")
    assert without_lone_rows(both) is both


def test_a_label_over_two_rows_with_a_blank_one_is_left_alone() -> None:
    cells = (cell(0, 0, 2, "备注"), cell(0, 1, text="无"), cell(1, 1))
    grid = Grid(2, 2, cells)
    assert without_lone_rows(grid) is grid


@given(st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=1, max_size=6), st.data())
def test_every_place_stays_in_one_cell_and_no_word_is_lost(
    cuts: list[set[int]], data: st.DataObject
) -> None:
    """Each column goes on over the rows at which it is not cut."""
    rows = len(cuts) + 1
    cells = []
    for column in range(5):
        starts = [0, *(row for row, cut in enumerate(cuts, start=1) if column in cut)]
        for start, end in zip(starts, [*starts[1:], rows], strict=True):
            text = data.draw(st.sampled_from(("", "字")))
            cells.append(cell(start, column, end - start, text))
    mended = without_lone_rows(Grid(rows, 5, tuple(cells)))
    places = [(row, one.column) for one in mended.cells for row in one.rows]
    assert sorted(places) == [(row, column) for row in range(mended.rows) for column in range(5)]
    assert sum(len(one.words) for one in mended.cells) == sum(len(one.words) for one in cells)
    assert without_lone_rows(mended) == mended
