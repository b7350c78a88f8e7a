"""Outer columns that a page lost of a table that runs on over the page break."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extraction.grid.continued import restore_outer_columns
from extraction.grid.join import join_grids
from extraction.values import Cell, PageReading
from tests.extraction.test_join import cell, lower_page, reading, upper_page, word

LINES = [100.0, 300.0, 500.0, 700.0, 900.0]


def last_page() -> PageReading:
    """The last two rows of a table of four columns, all of their rulings seen."""
    return lower_page(level1="效益指标")


def without_column(page: PageReading, column: int) -> PageReading:
    """The same page, the cells of one of its outer columns lost and their words loose."""
    (grid,) = page.grids
    first = 1 if column == 0 else 0
    kept = [replace(c, column=c.column - first) for c in grid.cells if c.column != column]
    loose = tuple(w for c in grid.cells if c.column == column for w in c.words)
    return replace(
        page,
        grids=(replace(grid, columns=grid.columns - 1, cells=tuple(kept)),),
        loose_words=(*page.loose_words, *loose),
    )


def page_before() -> PageReading:
    """The first rows of that table, its first column merged."""
    cells = [cell(1, 0, 0, "产出指标", LINES, (3, 1))]
    for row in range(3):
        cells += [cell(1, row, column, f"{row}{column}", LINES) for column in (1, 2, 3)]
    (grid,) = upper_page().grids
    return reading(1, replace(grid, rows=3, columns=4, cells=tuple(cells)))


def places(cells: tuple[Cell, ...]) -> dict[tuple[int, int], tuple[int, int, str]]:
    return {(c.row, c.column): (c.rowspan, c.colspan, c.text) for c in cells}


@pytest.mark.parametrize("column", [0, 3])
def test_a_lost_outer_column_is_given_back_with_its_words(column: int) -> None:
    whole = last_page()
    _, restored = restore_outer_columns([page_before(), without_column(whole, column)])
    assert places(restored.grids[0].cells) == places(whole.grids[0].cells)
    assert restored.loose_words == whole.loose_words
    lost = [c for c in restored.grids[0].cells if c.column == column]
    assert all(c.quality < 1 for c in lost)
    assert len(join_grids([page_before(), restored])) == 1


def test_a_page_that_lost_nothing_is_kept_as_it_is() -> None:
    pages = (page_before(), last_page())
    assert restore_outer_columns(pages) == pages


def test_a_table_of_its_own_is_no_part_of_the_one_before() -> None:
    narrow = without_column(last_page(), 3)
    caption = (*narrow.loose_words, word("附表二 资金明细", 2, top=20))
    apart = replace(narrow, loose_words=caption)
    assert restore_outer_columns((page_before(), apart)) == (page_before(), apart)
    other = without_column(lower_page(shift=90.0), 3)
    assert restore_outer_columns((page_before(), other)) == (page_before(), other)


def test_a_merged_column_that_says_two_things_has_a_cell_for_each_row() -> None:
    narrow = without_column(last_page(), 0)
    texts = (word("效益指标", 2, top=105, x0=110), word("满意度", 2, top=157, x0=110))
    _, restored = restore_outer_columns([page_before(), replace(narrow, loose_words=texts)])
    found = places(restored.grids[0].cells)
    assert found[0, 0] == (1, 1, "效益指标")
    assert found[1, 0] == (1, 1, "满意度")
