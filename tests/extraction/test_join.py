"""A table over a page break comes out as one, with no row lost and the reason given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extraction.grid.join import is_furniture, join_grids
from extraction.values import Box, Cell, Grid, PageReading, Word

WIDTH, HEIGHT = 1000, 1400


def word(text: str, page: int, top: float = 20, x0: float = 100) -> Word:
    return Word(text, Box(x0, top, x0 + 80, top + 20), 0.99, 0.99, page)


def cell(
    page: int, row: int, column: int, text: str, lines: list[float], spans: tuple[int, int] = (1, 1)
) -> Cell:
    rowspan, colspan = spans
    box = Box(lines[column], 100 + 40 * row, lines[column + colspan], 100 + 40 * (row + rowspan))
    words = (word(text, page, box.top + 5, box.x0 + 2),) if text else ()
    return Cell(row, column, rowspan, colspan, box, page, words)


def reading(page: int, grid: Grid, loose: tuple[Word, ...] = ()) -> PageReading:
    return PageReading(page, WIDTH, HEIGHT, 150, "ocr", (grid,), loose)


def upper_page() -> PageReading:
    lines = [100, 300, 500, 900]
    cells = (
        cell(1, 0, 0, "一级指标", lines),
        cell(1, 0, 1, "三级指标", lines),
        cell(1, 0, 2, "指标值", lines),
        cell(1, 1, 0, "产出指标", lines, (2, 1)),
        cell(1, 1, 1, "培训人数", lines),
        cell(1, 1, 2, "80人", lines),
        cell(1, 2, 1, "按照计划开展的培训期数", lines),
        cell(1, 2, 2, "2期", lines),
    )
    return reading(1, Grid(3, 3, cells), (word("项目支出绩效自评表", 1),))


def lower_page(level1: str = "", shift: float = 0.0) -> PageReading:
    lines = [100 + shift, 300 + shift, 500 + shift, 700 + shift, 900 + shift]
    cells = (
        cell(2, 0, 0, level1, lines, (2, 1)),
        cell(2, 0, 1, "参训满意度", lines),
        cell(2, 0, 2, "≥90%", lines),
        cell(2, 0, 3, "95%", lines),
        cell(2, 1, 1, "投诉", lines),
        cell(2, 1, 2, "0", lines),
        cell(2, 1, 3, "", lines),
    )
    return reading(2, Grid(2, 4, cells))


def test_rows_run_on_and_columns_are_the_union_of_both_pages() -> None:
    (grid,) = join_grids([upper_page(), lower_page(shift=3)])
    assert (grid.rows, grid.columns, len(grid.cells)) == (5, 4, 15)
    assert grid.joined_because is not None and "page 2" in grid.joined_because
    value = next(c for c in grid.cells if c.text == "80人")
    assert (value.column, value.colspan, value.page) == (2, 2, 1)
    below = next(c for c in grid.cells if c.text == "95%")
    assert (below.row, below.column, below.page) == (3, 3, 2)


@pytest.mark.parametrize("printed_again", ["", "产出指标"])
def test_the_second_half_of_a_merged_cell_continues_the_first(printed_again: str) -> None:
    (grid,) = join_grids([upper_page(), lower_page(printed_again)])
    continued = [c for c in grid.cells if c.continues]
    assert [(c.row, c.column, c.page) for c in continued] == [(3, 0, 2)]


def test_a_row_cut_in_the_middle_of_a_sentence_continues_in_every_cell() -> None:
    upper = upper_page()
    lines = [100.0, 300, 500, 900]
    cells = (
        cell(2, 0, 0, "", lines, (1, 1)),
        cell(2, 0, 1, "次数", lines),
        cell(2, 0, 2, "", lines),
    )
    (grid,) = join_grids([upper, reading(2, Grid(1, 3, cells))])
    assert [c.continues for c in grid.cells[-3:]] == [True, True, True]


def test_a_row_that_prints_another_number_is_no_second_half() -> None:
    """小区建设完成时间 with a score of 2 and 人居环境明显改善 with 3 were one row, as another
    column was printed in the first of them alone."""
    lines = [100.0, 300, 500, 900]

    def page(number: int, texts: list[str]) -> PageReading:
        row = (cell(number, 0, column, text, lines) for column, text in enumerate(texts))
        return reading(number, Grid(1, 3, tuple(row)))

    for entry in ("3", "-"):
        pages = [page(1, ["小区建设完成时间", "%", "2"]), page(2, ["人居环境明显改善", "", entry])]
        (grid,) = join_grids(pages)
        assert not any(one.continues for one in grid.cells)
    pages[1] = page(2, ["人居环境明显改善", "", ""])
    (grid,) = join_grids(pages)
    assert [one.continues for one in grid.cells] == [False] * 3 + [True] * 3


def test_a_header_printed_again_is_no_second_half() -> None:
    """The merged cell above it is blank in its last row, which must not swallow the header."""
    lines = [100.0, 300, 500, 900]
    cells = (
        cell(2, 0, 0, "一级指标", lines),
        cell(2, 0, 1, "三级指标", lines),
        cell(2, 0, 2, "指标值", lines),
        cell(2, 1, 0, "", lines),
        cell(2, 1, 1, "投诉", lines),
        cell(2, 1, 2, "0", lines),
    )
    (grid,) = join_grids([upper_page(), reading(2, Grid(2, 3, cells))])
    assert [(c.row, c.column) for c in grid.cells if c.continues] == [(4, 0)]


def test_a_title_above_the_second_table_begins_a_new_form() -> None:
    titled = replace(lower_page(), loose_words=(word("项目支出绩效自评表", 2),))
    assert len(join_grids([upper_page(), titled])) == 2


def test_other_columns_are_another_table() -> None:
    lines = [100.0, 220, 330, 410, 640, 900]
    cells = tuple(cell(2, 0, column, "值", lines) for column in range(5))
    assert len(join_grids([upper_page(), reading(2, Grid(1, 5, cells))])) == 2


def third_page(level1: str = "") -> PageReading:
    page = lower_page(level1)
    cells = tuple(replace(c, page=3) for c in page.grids[0].cells)
    return replace(page, number=3, grids=(replace(page.grids[0], cells=cells),))


def test_three_pages_join_into_one_table() -> None:
    (grid,) = join_grids([upper_page(), lower_page(), third_page()])
    assert grid.rows == 7 and grid.pages == (1, 2, 3)


@pytest.mark.parametrize(("level1", "continued"), [("满意度指标", [3]), ("产出指标", [3, 5])])
def test_after_a_page_of_its_second_half_alone_another_label_is_another_cell(
    level1: str, continued: list[int]
) -> None:
    """效益指标 ran over a whole page, and 满意度指标 on the next one was added to it."""
    (grid,) = join_grids([upper_page(), lower_page(), third_page(level1)])
    assert [c.row for c in grid.cells if c.continues and c.column == 0] == continued


@pytest.mark.parametrize(
    "text",
    [
        "第2页",
        "- 3 -",
        "2/5",
        "续表",
        "（续）",
        "12",
        "—",
        "第1页/共2页",
        "第 1 页，共 2 页",
        "Page 1 of 2",
        "（续表）",
        "接下页",
    ],
)
def test_page_numbers_are_furniture(text: str) -> None:
    assert is_furniture(word(text, 1))


@pytest.mark.parametrize(
    "text", ["项目支出绩效自评表", "填报单位：某局", "单位：万元", "2021年", "共3人", "第3季度"]
)
def test_titles_and_notes_are_not(text: str) -> None:
    assert not is_furniture(word(text, 1))
