"""Tables without rulings come from how words line up; prose does not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.grid.alignment import find_aligned_grids, words_to_lines
from extraction.values import Box, Edge, Word


def word(text: str, x0: float, top: float, width: float = 60) -> Word:
    return Word(text, Box(x0, top, x0 + width, top + 20), 0.99, 0.99, 1)


def listing(rows: int, columns: int) -> list[Word]:
    return [
        word(f"{row},{column}", 100 + 150 * column, 100 + 30 * row)
        for row in range(rows)
        for column in range(columns)
    ]


def test_an_unruled_list_of_three_columns_is_a_table() -> None:
    grids, rest = find_aligned_grids(listing(5, 3), (), page=1)
    assert not rest
    (grid,) = grids
    assert (grid.rows, grid.columns, grid.ruled) == (5, 3, False)
    assert [cell.text for cell in grid.cells][:4] == ["0,0", "0,1", "0,2", "1,0"]


def test_an_empty_place_stays_an_empty_cell() -> None:
    words = [w for w in listing(5, 3) if w.text != "2,1"]
    (grid,), _ = find_aligned_grids(words, (), page=1)
    blank = [(cell.row, cell.column) for cell in grid.cells if not cell.words]
    assert blank == [(2, 1)]


def test_two_columns_need_rulings() -> None:
    words = listing(4, 2)
    assert find_aligned_grids(words, (), page=1)[0] == ()
    rules = [Edge("horizontal", y, 95, 320) for y in (95, 125, 225)]
    (grid,), rest = find_aligned_grids(words, rules, page=1)
    assert (grid.rows, grid.columns) == (4, 2) and not rest


def test_prose_is_no_table() -> None:
    words = [word("某" * 20, 100 + 3 * row, 100 + 28 * row, 600) for row in range(12)]
    assert find_aligned_grids(words, (), page=1) == ((), tuple(words))


def test_a_heading_line_with_three_parts_is_no_table() -> None:
    texts = ("填报单位：某局", "日期", "单位：万元")
    words = [word(text, 100 + 300 * place, 50, 150) for place, text in enumerate(texts)]
    assert find_aligned_grids(words, (), page=1)[0] == ()


def test_words_of_a_line_are_ordered_from_the_left() -> None:
    lines = words_to_lines([word("乙", 300, 101), word("甲", 100, 100), word("丙", 100, 140)])
    assert [[w.text for w in line] for line in lines] == [["甲", "乙"], ["丙"]]


def wrapped_rows(lines_of_text: tuple[int, ...]) -> list[Word]:
    """A header and a row for each count of text lines; all cells centred in their rows."""
    names = ("序号", "技术参数", "数量", "备注")
    words = [word(name, x, 100, 40) for name, x in zip(names, (100, 400, 760, 900), strict=True)]
    top = 136.0
    for number, count in enumerate(lines_of_text, start=1):
        for line in range(count):
            full = line < count - 1
            text = "某" * (20 if full else 6)
            words.append(word(text, 220, top + 24 * line, 20 * len(text)))
        middle = top + 12 * (count - 1)
        words += [word(str(number), 112, middle, 10), word("120", 762, middle, 32)]
        words.append(word("合格", 900, middle, 40))
        top += 24 * count + 8
    return words


def test_cells_that_wrap_are_one_row_with_the_cells_centred_beside_them() -> None:
    (grid,), rest = find_aligned_grids(wrapped_rows((2, 3, 1, 4, 2)), (), page=1)
    assert not rest
    assert (grid.rows, grid.columns) == (6, 4)
    lines = [len(cell.words) for cell in grid.cells if cell.column == 1]
    assert lines == [1, 2, 3, 1, 4, 2]
    assert all(len(cell.words) == 1 for cell in grid.cells if cell.column != 1)


def test_title_unit_line_and_signatures_stay_outside() -> None:
    above = [word("物资采购申请表", 400, 20, 300), word("单位：某局", 100, 70, 110)]
    above.append(word("日期：2023年", 780, 70, 140))
    below = [word("填表人：张三", 100, 520, 120), word("审核：李四", 760, 520, 100)]
    table = wrapped_rows((2, 3, 1, 4, 2))
    (grid,), rest = find_aligned_grids([*above, *table, *below], (), page=1)
    assert (grid.rows, grid.columns) == (6, 4)
    assert set(rest) == {*above, *below}


def test_words_read_as_one_are_taken_apart_at_the_gutter_of_other_lines() -> None:
    words = [w for w in listing(8, 4) if w.text not in ("3,1", "3,2")]
    words.append(Word("乙乙乙 丙丙丙", Box(250, 190, 460, 210), 0.9, 0.8, 1))
    (grid,), _ = find_aligned_grids(words, (), page=1)
    assert (grid.rows, grid.columns) == (8, 4)
    assert [cell.text for cell in grid.cells if cell.row == 3] == ["3,0", "乙乙乙", "丙丙丙", "3,3"]


def test_a_name_over_several_columns_covers_them() -> None:
    words = [
        word(f"{row}{column}", 100 + 150 * column, 160 + 30 * row)
        for row in range(6)
        for column in range(4)
    ]
    words += [word("点位", 100, 115), word("结论", 550, 115), word("检测项目", 325, 102)]
    words += [word("浊度", 250, 128), word("氨氮", 400, 128)]
    rules = [Edge("horizontal", y, 90, 620) for y in (95, 152, 340)]
    (grid,), _ = find_aligned_grids(words, rules, page=1)
    spans = {cell.text: (cell.row, cell.column, cell.rowspan, cell.colspan) for cell in grid.cells}
    assert spans["检测项目"] == (0, 1, 1, 2)
    assert (spans["点位"], spans["结论"]) == ((0, 0, 2, 1), (0, 3, 2, 1))
    assert (spans["浊度"], spans["氨氮"]) == ((1, 1, 1, 1), (1, 2, 1, 1))


def test_rulings_in_part_of_the_width_leave_merged_cells() -> None:
    words = [w for w in listing(6, 4) if not w.text.endswith(",0")]
    words += [word("甲类", 100, 130), word("乙类", 100, 205), word("项目", 100, 100)]
    whole = [Edge("horizontal", y, 90, 620) for y in (95, 125, 185, 275)]
    part = [Edge("horizontal", y, 235, 620) for y in (155, 215, 245)]
    (grid,), _ = find_aligned_grids(words, [*whole, *part], page=1)
    first = [(cell.row, cell.rowspan) for cell in grid.cells if cell.column == 0]
    assert first == [(0, 1), (1, 2), (3, 3)]


def test_a_numbered_list_is_no_table() -> None:
    words = []
    for row in range(10):
        words += [word(f"{row + 1}.", 100, 100 + 30 * row, 20)]
        words += [word("某" * (12 + row), 140, 100 + 30 * row, 20 * (12 + row))]
    assert find_aligned_grids(words, (), page=1)[0] == ()


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(1, 12))))
def test_every_word_is_in_one_cell_or_in_the_rest(places: list[tuple[int, int, int]]) -> None:
    words = [word(f"第{k}" * size, x, y, 20 * size) for k, (x, y, size) in enumerate(places)]
    grids, rest = find_aligned_grids(words, (), page=1)
    inside = [w for grid in grids for cell in grid.cells for w in cell.words]
    assert not {w.text for w in inside} & {w.text for w in rest}
    assert len(inside) + len(rest) >= len(words)
    for grid in grids:
        owners = [(r, c) for cell in grid.cells for r in cell.rows for c in cell.columns]
        assert sorted(owners) == [(r, c) for r in range(grid.rows) for c in range(grid.columns)]


@pytest.mark.parametrize("second", [270, 238])
def test_a_form_whose_rulings_a_fax_ate_has_its_names_over_their_rows(second: int) -> None:
    """Text over all columns stands above the names of the columns; names of groups stand in the
    middle of their rows, that of the last ones on the next page. Names of single rows, as near to
    each other as lines of one text, stay apart."""
    words = [word("目标", 100, 110), word("某" * 30, 250, 100, 640), word("某" * 30, 250, 124, 640)]
    heads = ("一级指标", "二级指标", "三级指标名称", "年度指标值说明")
    places = ((100, 80), (250, 80), (480, 120), (800, 140))
    words += [word(text, x, 160, width) for text, (x, width) in zip(heads, places, strict=True)]
    for row in range(8):
        text = "某" * (4 + row % 3)
        top = second if row == 1 else 210 + 60 * row
        words += [word(text, 480, top, 20 * len(text))]
        words += [word(f"≥{row}%", 800, top, 180 if row == 5 else 40)]
    words += [word("数量指标", 250, 270), word("质量指标", 250, 420), word("产出指标", 100, 330)]
    (grid,), _ = find_aligned_grids(words, (), page=1)
    assert (grid.rows, grid.columns) == (9, 4)
    assert all(cell.rowspan == 1 for cell in grid.cells if cell.column == 2)
    names = {
        (cell.row, cell.column, cell.rowspan, cell.text)
        for cell in grid.cells
        if cell.column < 2 and cell.row
    }
    assert names == {
        (1, 0, 5, "产出指标"),
        (6, 0, 3, ""),
        (1, 1, 3, "数量指标"),
        (4, 1, 2, "质量指标"),
        (6, 1, 3, ""),
    }


def test_an_indicator_without_rulings_stands_for_two_wrapped_texts() -> None:
    """Of the second text the first line was cut off: a speck had made one of its lines wider than
    a full one, and moved it down."""
    heads = ("一级指标", "二级指标", "三级指标", "指标值")
    places = ((100, 80), (250, 80), (480, 80), (900, 60))
    words = [word(text, x, 100, width) for text, (x, width) in zip(heads, places, strict=True)]
    values = [
        ("≥90%",),
        ("全" * 20, "全" * 20, "全" * 8),
        ("各" * 20, "各" * 20, "各" * 5),
        ("9%",),
    ]
    tops = [150.0]
    for lines in values:
        for number, line in enumerate(lines):
            width = 20.0 * len(line)
            words.append(word(line, 930 - width / 2, tops[-1] + 24 * number, width))
        tops.append(tops[-1] + 24 * len(lines) + 14)
    first, second, third, last = ((a + b - 14) / 2 - 10 for a, b in pairwise(tops))
    both = (second + third) / 2
    words += [word("产出指标", 100, first, 80), word("数量指标", 250, first, 80)]
    words += [word("道路长度", 480, first, 80), word("完成时间", 480, both, 80)]
    words += [word("时效指标", 250, both, 80), word("效益指标", 100, (tops[1] + last) / 2, 80)]
    words += [word("满意度指标", 250, last, 100), word("满意率", 480, last)]
    moved = next(n for n, w in enumerate(words) if w.text[0] == "各" and w.box.top > tops[2])
    x0, top, x1, bottom = words[moved].box
    words[moved] = replace(words[moved], box=Box(x0, top, x1 + 32, bottom + 5))
    (grid,), _ = find_aligned_grids(words, (), page=1)
    assert (grid.rows, grid.columns) == (5, 4)
    texts = {(cell.row, cell.rowspan): cell.text for cell in grid.cells if cell.column == 2}
    assert texts[2, 2] == "完成时间"
    values_read = [cell.text for cell in grid.cells if cell.column == 3]
    assert values_read == ["指标值", *("".join(lines) for lines in values)]
