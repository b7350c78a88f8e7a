"""Tables without rulings come from how words line up; prose does not."""

from __future__ import annotations

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
