"""Signs that print alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.ocr.signs import close_brackets, same_signs, without_dust
from extraction.values import Box, Word


def word(text: str) -> Word:
    return Word(text, Box(0, 0, 1, 1), 0.9, 0.8, 1)


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("⩾90%", "≥90%"),
        ("芬兰S1ush大会", "芬兰Slush大会"),
        ("1举办A1级", "1举办A1级"),
        ("4,100,000000", "4,100.000000"),
        ("不超过1346,0元", "不超过1346.0元"),
        ("1,346,012", "1,346,012"),
        ("见1,2项", "见1,2项"),
        ("4,100,000", "4,100,000"),
        ("1,467.620000", "1,467.620000"),
        ("窗口．形成", "窗口，形成"),
        ("2篇.保障", "2篇，保障"),
        ("1.组织", "1.组织"),
        ("不低于60%0", "不低于60%。"),
        ("60%05", "60%05"),
    ],
)
def test_same_signs(read: str, meant: str) -> None:
    assert same_signs(read) == meant


def test_square_brackets_close_as_they_opened_over_a_line_break() -> None:
    closed = close_brackets([word("（中科园发〔20"), word("17]40号）[1]")])
    assert [part.text for part in closed] == ["（中科园发〔20", "17〕40号）[1]"]


def test_a_bracket_at_the_end_of_a_row_is_no_pair_where_it_is_closed_on_the_next() -> None:
    closed = close_brackets([word("效益指标（）"), word("30分)")])
    assert [part.text for part in closed] == ["效益指标（", "30分)"]
    closed = close_brackets([word("指标（30）"), word("分）")])
    assert [part.text for part in closed] == ["指标（30", "分）"]
    for kept in (["盖章（）", "（30分)"], ["（泸政发〔2020〕", "23号），印发"]):
        assert [part.text for part in close_brackets([word(text) for text in kept])] == kept


@pytest.mark.parametrize(
    ("read", "overlooked", "meant"),
    [
        (["产出指标(50", "分"], 0.1, ["产出指标(50", "分)"]),
        (["产出指标(50", "分"], 0.0, ["产出指标(50", "分"]),
        # The page may end in the middle of a sentence.
        (["有效缓解（包含但不", "限于"], 0.1, ["有效缓解（包含但不", "限于"]),
        (["产出指标（50分）"], 0.1, ["产出指标（50分）"]),
    ],
)
def test_a_bracket_behind_a_number_that_a_fax_left_little_of_is_closed(
    read: list[str], overlooked: float, meant: list[str]
) -> None:
    closed = close_brackets([replace(word(text), overlooked=overlooked) for text in read])
    assert [part.text for part in closed] == meant
    assert (closed[-1].weakest < 0.8) == (read != meant)


@given(st.text("〔〕[]（）字", max_size=20))
def test_close_brackets_changes_square_closing_brackets_only(text: str) -> None:
    (closed,) = close_brackets([word(text)])
    changed = [(a, b) for a, b in zip(text, closed.text, strict=True) if a != b]
    assert all(a in "〕]" and b in "〕]" for a, b in changed)


def test_dust_before_a_text_is_no_sign() -> None:
    kept = without_dust([word("."), word("。11.07"), word("，培训")])
    assert [part.text for part in kept] == ["11.07", "，培训"]
    assert without_dust([word("…")]) == (word("…"),)


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("10、", "10"),
        ("≥85%.", "≥85%"),
        ("10.5", "10.5"),
        ("1、组织", "1、组织"),
        ("。", "。"),
        ("100%6", "100%"),
        ("≥75.94%6", "≥75.94%"),
        ("达到95%6月", "达到95%6月"),
    ],
)
def test_dust_behind_a_number_is_no_sign(read: str, meant: str) -> None:
    (kept,) = without_dust([word(read)])
    assert kept.text == meant
