"""Cells that a lost ruling made one are given back by where their words stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.grid.lost_sides import SPLIT_QUALITY, restore_lost_sides
from extraction.values import Box, Cell, Grid, Word

WIDTH, HEIGHT = 100.0, 30.0


def word(text: str, middle: float, row: int, width: float = 40.0) -> Word:
    top = row * HEIGHT + 7
    return Word(text, Box(middle - width / 2, top, middle + width / 2, top + 16), 0.9, 0.9, 1)


def cell(row: int, column: int, colspan: int, *words: Word) -> Cell:
    box = Box(column * WIDTH, row * HEIGHT, (column + colspan) * WIDTH, (row + 1) * HEIGHT)
    return Cell(row, column, 1, colspan, box, 1, words, 0.9)


def grid(*first_row: Cell, columns: int = 2) -> Grid:
    below = [cell(1, column, 1) for column in range(columns)]
    return Grid(2, columns, (*first_row, *below))


def test_a_header_of_two_columns_whose_border_the_scan_lost_is_two_headers() -> None:
    """The rate column of a funds table was lost, since its header was 分值执行率."""
    restored = restore_lost_sides(grid(cell(0, 0, 2, word("分值", 50, 0), word("执行率", 150, 0))))
    first, second = restored.cells[:2]
    assert (first.text, first.columns, second.text, second.columns) == (
        *("分值", range(0, 1)),
        *("执行率", range(1, 2)),
    )
    assert first.box.x1 == second.box.x0 == WIDTH
    assert first.quality == second.quality == SPLIT_QUALITY


def test_a_border_that_was_lost_from_two_rows_is_found_in_the_third() -> None:
    """The header and the first row of a table lost the same border, and the column its values."""
    first = cell(0, 0, 2, word("实际完成值", 50, 0, width=70), word("分值", 150, 0))
    second = cell(1, 0, 2, word("1072", 50, 1), word("5", 150, 1, width=8))
    third = [cell(2, column, 1) for column in range(2)]
    restored = restore_lost_sides(Grid(3, 2, (first, second, *third)))
    assert [one.text for one in restored.cells[:4]] == ["实际完成值", "分值", "1072", "5"]


def test_texts_set_to_the_left_are_two_cells_where_the_second_begins_at_the_border() -> None:
    words = word("示范基地", 43, 0, width=80), word("合格", 118, 0, width=30)
    restored = restore_lost_sides(grid(cell(0, 0, 2, *words)))
    assert [one.text for one in restored.cells[:2]] == ["示范基地", "合格"]


def test_a_sentence_with_a_comma_at_a_border_of_other_rows_stays_whole() -> None:
    """A goal of one line ended at its last comma."""
    words = word("参训191人次，", 47, 0, width=90), word("优良率。", 128, 0, width=50)
    whole = grid(cell(0, 0, 2, *words))
    assert restore_lost_sides(whole) is whole


def test_a_heading_set_wide_over_its_columns_is_one_cell() -> None:
    """评 价 标 准 over six columns was 评价 and 标准, each in the middle of some of them."""
    words = [
        word(one, x, 0, width=16) for one, x in zip("评价标准", (30, 77, 123, 170), strict=True)
    ]
    whole = grid(cell(0, 0, 2, *words))
    assert restore_lost_sides(whole) is whole
    numbers = grid(cell(0, 0, 2, word("5", 50, 0, width=9), word("5", 150, 0, width=9)))
    assert len(restore_lost_sides(numbers).cells) == 4


def test_a_rest_of_the_border_is_no_text() -> None:
    """It read as ``1`` on a fax."""
    words = word("分值", 50, 0), word("1", 101, 0, width=3), word("执行率", 150, 0)
    restored = restore_lost_sides(grid(cell(0, 0, 2, *words)))
    assert [one.text for one in restored.cells[:2]] == ["分值", "执行率"]


def test_a_text_over_the_border_keeps_its_cell_whole() -> None:
    whole = grid(cell(0, 0, 2, word("年度绩效目标", 100, 0, width=90)))
    assert restore_lost_sides(whole) is whole


def test_two_words_that_stand_off_their_columns_keep_their_cell_whole() -> None:
    """As in a line of signatures below a table."""
    whole = grid(cell(0, 0, 2, word("复核：", 22, 0), word("审核人：", 140, 0)))
    assert restore_lost_sides(whole) is whole


def between_rows(first: Cell) -> Grid:
    """``first`` over both columns, and rows above and below that show the border."""
    rows = [cell(row, column, 1) for row in (0, 2) for column in range(2)]
    return Grid(3, 2, (*rows[:2], first, *rows[2:]))


def test_a_value_beside_a_blank_whose_border_was_lost_has_its_own_column() -> None:
    """6.1 points stood in one cell with the blank for deviations beside it, and counted as none."""
    restored = restore_lost_sides(between_rows(cell(1, 0, 2, word("6.1", 52, 1, width=18))))
    first, second = (one for one in restored.cells if one.row == 1)
    assert (first.text, first.columns, second.text, second.columns) == (
        *("6.1", range(0, 1)),
        *("", range(1, 2)),
    )


def test_a_text_in_the_middle_and_one_behind_its_border_are_two_cells() -> None:
    """社会效益指标 and 灌区群众覆盖率 were one name, as the rows above and below set theirs."""
    words = word("社会效益指标", 50, 1, width=70), word("灌区覆盖率", 133, 1, width=60)
    restored = restore_lost_sides(between_rows(cell(1, 0, 2, *words)))
    assert [one.text for one in restored.cells if one.row == 1] == ["社会效益指标", "灌区覆盖率"]


@pytest.mark.parametrize(
    ("middle", "width"),
    [
        (100.0, 30.0),  # in the middle of the whole
        (20.0, 36.0),  # at its left side, as texts are set
        (180.0, 36.0),  # at its right side, as numbers are
        (52.0, 98.0),  # so long that it shows nothing
        (75.0, 30.0),  # nowhere
    ],
)
def test_a_text_that_may_stand_in_the_whole_cell_keeps_it_whole(
    middle: float, width: float
) -> None:
    whole = between_rows(cell(1, 0, 2, word("6.1", middle, 1, width=width)))
    assert restore_lost_sides(whole) is whole


def test_beside_a_blank_one_row_that_shows_the_border_is_not_enough() -> None:
    whole = grid(cell(0, 0, 2, word("6.1", 52, 0, width=18)))
    assert restore_lost_sides(whole) is whole


def far_grid(first: Cell, borders: Sequence[float]) -> Grid:
    """``first`` over all columns, five rows without an inner border, and one with all."""
    ends = [0.0, *borders, first.box.x1]
    one = [Cell(r, 0, 1, len(ends) - 1, cell(r, 0, 5).box, 1) for r in range(1, 6)]
    last = [
        Cell(6, at, 1, 1, Box(a, 6 * HEIGHT, b, 7 * HEIGHT), 1)
        for at, (a, b) in enumerate(pairwise(ends))
    ]
    return Grid(7, len(ends) - 1, (replace(first, colspan=len(ends) - 1), *one, *last))


def test_a_row_of_keys_and_values_is_cut_at_borders_of_far_rows() -> None:
    """A fax lost the dotted rulings of a heading row; its columns are those of a table below."""
    words = (
        *(word("资金使用单位", 50, 0, 80), word("区党群服务中心", 152, 0, 60)),
        *(word("项目负责人", 300, 0, 70), word("卢佳", 450, 0, 30)),
    )
    borders = (100.0, 130.0, 205.0, 220.0, 400.0, 480.0)
    restored = restore_lost_sides(far_grid(cell(0, 0, 5, *words), borders))
    heading = [one for one in restored.cells if one.row == 0]
    assert [(one.text, one.column, one.colspan) for one in heading] == [
        ("资金使用单位", 0, 1),
        ("区党群服务中心", 1, 2),
        ("项目负责人", 3, 2),
        ("卢佳", 5, 2),
    ]
    assert {one.quality for one in heading} == {SPLIT_QUALITY}


def test_texts_side_by_side_that_no_borders_set_in_their_middles_stay_in_one_cell() -> None:
    """填表人： 电话： 日期： stand in one cell, each somewhere."""
    words = word("填表人：", 60, 0, 60), word("电话：", 230, 0, 40), word("日期：", 350, 0, 40)
    whole = far_grid(cell(0, 0, 5, *words), (100.0, 150.0, 300.0))
    assert restore_lost_sides(whole) is whole


def test_a_row_of_many_texts_and_borders_is_cut_at_once() -> None:
    """Each way to cut was tried with each way to cut the rest, which takes for ever."""
    texts = tuple(word(f"第{n}", 25 + 50 * n, 0, 24) for n in range(10))
    borders = tuple(50.0 * n + shift for n in range(1, 10) for shift in (-9, -3, 3, 9))
    restored = restore_lost_sides(far_grid(cell(0, 0, 5, *texts), borders))
    assert [one.text for one in restored.cells if one.row == 0 and one.words] == [
        f"第{n}" for n in range(10)
    ]


def test_a_narrow_text_on_a_border_is_not_lost() -> None:
    """A 1 so near to a border of another row may be taken for the rest of that border."""
    words = word("分值", 50, 0), word("1", 152, 0, 3), word("执行率", 250, 0), word("得分", 430, 0)
    before = far_grid(cell(0, 0, 5, *words), (100.0, 150.0, 200.0, 350.0))
    after = restore_lost_sides(before)
    assert sorted(w.text for c in after.cells for w in c.words) == sorted(w.text for w in words)


def labels(rows: int, *places: tuple[str, float]) -> Grid:
    """A column of one cell over all rows with texts at those heights, beside one of all rows."""
    words = tuple(Word(text, Box(20, y - 8, 80, y + 8), 0.9, 0.9, 1) for text, y in places)
    box = Box(0, 0, WIDTH, rows * HEIGHT)
    merged = Cell(0, 0, rows, 1, box, 1, words, 0.9)
    return Grid(rows, 2, (merged, *(cell(row, 1, 1) for row in range(rows))))


def test_labels_of_two_merged_cells_whose_border_was_lost_are_two_cells() -> None:
    """效益指标满意度指标 over twelve rows of a fax."""
    restored = restore_lost_sides(labels(12, ("效益指标", 150), ("满意度指标", 330)))
    first, second = restored.cells[:2]
    assert [(one.row, one.rowspan, one.text) for one in (first, second)] == [
        *((0, 10, "效益指标"), (10, 2, "满意度指标")),
    ]
    assert first.box.bottom == second.box.top == 10 * HEIGHT
    assert first.quality == second.quality == SPLIT_QUALITY
    three = restore_lost_sides(labels(6, ("数量", 30), ("质量", 90), ("时效", 150)))
    assert [one.text for one in three.cells[:3]] == ["数量", "质量", "时效"]


def test_lines_of_one_label_and_texts_off_their_rows_stay_in_one_cell() -> None:
    for whole in (
        labels(12, ("满意度", 170), ("指标", 190)),
        labels(2, ("质量", 20), ("指标", 40)),
        labels(12, ("效益指标", 150), ("满意度指标", 315)),
    ):
        assert restore_lost_sides(whole) is whole


@given(st.lists(st.floats(10, 290), min_size=2, max_size=4))
def test_rows_are_covered_as_before(heights: list[float]) -> None:
    before = labels(10, *((f"第{n}", y) for n, y in enumerate(sorted(heights))))
    after = restore_lost_sides(before)
    column = [one for one in after.cells if one.column == 0]
    assert sorted(row for one in column for row in one.rows) == list(range(10))
    assert "".join(one.text for one in column) == before.cells[0].text
    assert restore_lost_sides(after) == after


def test_without_a_row_that_shows_the_border_nothing_is_cut() -> None:
    alone = Grid(1, 2, (cell(0, 0, 2, word("分值", 50, 0), word("执行率", 150, 0)),))
    assert restore_lost_sides(alone) is alone


@given(st.sets(st.integers(1, 5)), st.lists(st.booleans(), min_size=6, max_size=6))
def test_cells_cover_the_grid_as_before(lost: set[int], printed: list[bool]) -> None:
    starts = [column for column in range(6) if column not in lost]
    row = []
    for start, end in zip(starts, [*starts[1:], 6], strict=True):
        middles = [column for column in range(start, end) if printed[column]]
        words = [word(f"第{column}", (column + 0.5) * WIDTH, 0) for column in middles]
        row.append(cell(0, start, end - start, *words))
    before = grid(*row, columns=6)
    after = restore_lost_sides(before)
    assert sorted(column for one in after.cells if one.row == 0 for column in one.columns) == list(
        range(6)
    )
    assert [one.text for one in sorted(_words(after), key=lambda each: each.box.x0)] == [
        one.text for one in sorted(_words(before), key=lambda each: each.box.x0)
    ]
    assert restore_lost_sides(replace(after, cells=after.cells)) == after


def _words(one: Grid) -> list[Word]:
    return [each for part in one.cells for each in part.words]
