"""A key and its neighbour that a lost border made one cell are two again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extraction.fields.cut_keys import cut_at_keys
from extraction.values import Box, Cell, Grid, Word

KEYS = frozenset({"起止时间", "项目名称", "二级指标", "三级指标"})


def is_key(text: str) -> bool:
    return text in KEYS


def word(text: str, x0: float, x1: float, top: float = 8) -> Word:
    return Word(text, Box(x0, top, x1, top + 16), 0.9, 0.9, 1)


def row(words: tuple[Word, ...], colspan: int = 4) -> Grid:
    """One cell over all columns, above a row that has a cell of 100 pixels for each."""
    merged = Cell(0, 0, 1, colspan, Box(0, 0, 100.0 * colspan, 30), 1, words, 0.9)
    below = (Cell(1, k, 1, 1, Box(100.0 * k, 30, 100.0 * (k + 1), 60), 1) for k in range(colspan))
    return Grid(2, colspan, (merged, *below))


def test_a_value_and_the_key_behind_it_are_two_cells() -> None:
    """莘县生活垃圾分类处置专项资金起止时间 was the name of a project."""
    cut = cut_at_keys(row((word("专项资金", 20, 180), word("起止时间", 310, 390))), is_key)
    assert [(c.column, c.colspan, c.text) for c in cut.cells if c.row == 0] == [
        (0, 2, "专项资金"),
        (2, 2, "起止时间"),
    ]


def test_two_headers_are_two_cells_and_a_text_of_two_lines_stays_one() -> None:
    words = (word("二级指标", 20, 90), word("三级", 220, 280, 0), word("指标", 220, 280, 16))
    cut = cut_at_keys(row(words), is_key)
    assert [c.text for c in cut.cells if c.row == 0] == ["二级指标", "三级指标"]


def test_texts_without_a_key_or_without_room_stay_in_one_cell() -> None:
    apart = (word("负责人签字", 20, 110), word("日期", 310, 360))
    near = (word("项目名称", 20, 90), word("清淤", 95, 140))
    for whole in (row(apart), row(near), row((word("项目名称", 2, 40), word("甲", 80, 95)), 1)):
        assert cut_at_keys(whole, is_key) is whole


@given(st.lists(st.sampled_from(("起止时间", "清淤", "专项资金")), min_size=1, max_size=6))
def test_every_place_and_every_word_stays(texts: list[str]) -> None:
    words = tuple(word(text, 65 * k + 2, 65 * k + 40) for k, text in enumerate(texts))
    before = row(words)
    after = cut_at_keys(before, is_key)
    places = [(r, k) for cell in after.cells for r in cell.rows for k in cell.columns]
    assert sorted(places) == [(r, k) for r in range(2) for k in range(4)]
    assert [w for cell in after.cells for w in cell.words] == list(words)
