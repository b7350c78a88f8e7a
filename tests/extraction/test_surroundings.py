"""What a form says of its own fields: blanks, near misses, marks, places."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extraction.declarations import FormDeclaration
from extraction.fields.drafts import Drafts, FieldDraft
from extraction.fields.surroundings import (
    SURROUNDING_FEATURES,
    Around,
    find_surroundings,
    text_shape,
)
from extraction.values import Box, Source, Word

DECLARATION = FormDeclaration.model_validate_json(
    """{"name": "order", "title": "订单", "titles": ["订单"],
    "fields": [{"name": "leader", "title": "负责人", "keys": ["负责人"]}],
    "groups": [{"name": "items", "title": "指标", "row_by": ["kind"], "columns": [
      {"name": "kind", "title": "类别", "choices": ["社会效益指标", "数量指标"]},
      {"name": "score", "title": "得分", "kind": "number"}]}]}"""
)


def draft(text: str, row: int = 0, *, shared: bool = False, x0: float = 40) -> FieldDraft:
    box = Box(0, 0, 200, 40) if shared else Box(0, 40 * row, 200, 40 * row + 40)
    words = (Word(text, Box(x0, box.top + 10, x0 + 100, box.top + 30), 0.9, 0.8, 1),)
    return FieldDraft(text, text, Source(1, box, None), words if text else ())


def around(kinds: list[FieldDraft], scores: list[str] | None = None) -> list[Around]:
    given = scores or ["1"] * len(kinds)
    rows = tuple(
        {"kind": kind, "score": draft(score, n)}
        for n, (kind, score) in enumerate(zip(kinds, given, strict=True))
    )
    drafts = Drafts({"leader": draft("王芳", 9)}, {"items": rows})
    found = find_surroundings(DECLARATION, (), drafts)
    assert all(set(one) == set(SURROUNDING_FEATURES) for one in found.values())
    return [found[f"items[{n}].{'score' if scores else 'kind'}"] for n in range(len(kinds))]


def test_a_blank_among_filled_cells_stands_out() -> None:
    *_, blank = around([draft("数量指标", n) for n in range(4)] + [draft("", 4)])
    assert blank["blank_in_filled"] == 1.0
    *_, usual = around([draft("", n) for n in range(4)] + [draft("", 4)])
    assert usual["blank_in_filled"] == 0.0


def test_a_near_miss_of_a_usual_text_stands_out() -> None:
    exact, near, other = around(
        [draft("2.社会效益指标", 0), draft("社会效益指", 1), draft("随便什么别的文字", 2)]
    )
    assert (exact["choice_exact"], exact["choice_near"]) == (1.0, 0.0)
    assert (near["choice_exact"], near["choice_near"]) == (0.0, 1.0)
    assert other["choice_none"] == 1.0


def test_another_shape_than_the_columns_stands_out() -> None:
    texts = ["12", "7.5", "3.0", "9", "9%6"]
    found = around([draft("数量指标", n) for n in range(5)], texts)
    assert found[4]["shape_alone"] == 1.0 and found[4]["stray_end"] == 1.0
    assert found[0]["shape_shared"] == pytest.approx(0.25)
    assert text_shape("12.5万元a") == "9.9字a"


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("。", "mark_only"),
        ("满意度指指标", "sign_doubled"),
        ("(50分", "bracket_open"),
        ("，数量", "edge_mark"),
    ],
)
def test_signs_that_are_seldom_printed(text: str, feature: str) -> None:
    assert around([draft(text)])[0][feature] == 1.0
    assert around([draft("数量指标")])[0][feature] == 0.0


def test_a_dash_says_nothing_and_is_no_odd_mark() -> None:
    assert around([draft("-")])[0]["mark_only"] == 0.0


def test_words_at_the_side_of_a_wide_cell_are_a_part_of_what_is_printed() -> None:
    assert around([draft("下降", x0=1)])[0]["at_edge"] == 1.0
    assert around([draft("下降", x0=50)])[0]["at_edge"] == 0.0
    high = draft("下降")
    off = replace(high, source=Source(1, Box(0, 0, 200, 140), None))
    assert around([off])[0]["off_middle"] == 3.0


def test_a_cell_of_several_rows_is_told() -> None:
    found = around([draft("", n, shared=True) for n in range(3)])
    assert found[0]["cell_shared"] > 1 and found[0]["blank_shared"] == 1.0


def test_what_the_form_does_not_print_has_no_surroundings() -> None:
    drafts = Drafts({"leader": FieldDraft()}, {"items": ()})
    assert find_surroundings(DECLARATION, (), drafts) == {}


def test_a_number_that_lost_a_decimal_differs_from_those_beside_it() -> None:
    texts = ["60.000000", "2,926.00000", "1.500000", "12", "9.38"]
    found = around([draft("数量指标", n) for n in range(5)], texts)
    assert [one["decimals_odd"] for one in found] == [0.0, 1.0, 0.0, 0.0, 0.0]


def test_numbers_of_mixed_decimals_say_little_of_each_other() -> None:
    texts = ["9.5", "9.38", "7.5", "10.25", "8.5"]
    found = around([draft("数量指标", n) for n in range(5)], texts)
    assert [one["decimals_odd"] for one in found] == [0.0, 0.5625, 0.0, 0.5625, 0.0]
