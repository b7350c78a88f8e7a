"""Rows are paired before their texts are compared."""

from __future__ import annotations

from models.aligned_truth import folded, pair_rows, printed_texts
from models.synthesis.truth import Truth

PRINTED = [{"name": f"第{n}项内容", "score": str(n)} for n in range(6)]


def test_rows_read_as_printed_are_paired_one_by_one() -> None:
    assert pair_rows(PRINTED, PRINTED) == (0, 1, 2, 3, 4, 5)


def test_a_row_too_many_moves_no_other() -> None:
    found = [*PRINTED[:2], {"name": "", "score": ""}, *PRINTED[2:]]
    assert pair_rows(found, PRINTED) == (0, 1, None, 2, 3, 4, 5)


def test_a_lost_row_moves_no_other() -> None:
    assert pair_rows([*PRINTED[:1], *PRINTED[2:]], PRINTED) == (0, 2, 3, 4, 5)


def test_misread_rows_are_still_paired() -> None:
    found = [{"name": row["name"].replace("内容", "内客"), "score": "?"} for row in PRINTED]
    assert pair_rows(found, PRINTED) == (0, 1, 2, 3, 4, 5)


def test_nothing_is_paired_with_nothing() -> None:
    assert pair_rows([], PRINTED) == ()
    assert pair_rows(PRINTED[:2], []) == (None, None)


def test_texts_of_an_unpaired_row_are_printed_nowhere() -> None:
    truth = Truth("claim", {"total": "9"}, {"items": tuple(PRINTED[:2])}, ())
    found = {"items": [PRINTED[0], {"name": "合计", "score": "9"}, PRINTED[1]]}
    texts = printed_texts(truth, found)
    assert texts["total"] == "9" and texts["items[1].name"] == ""
    assert texts["items[2].name"] == PRINTED[1]["name"]


def test_texts_compare_without_white_space_width_and_kind_of_dash() -> None:
    assert folded("（2021 年度）—") == folded("(2021年度)-")
