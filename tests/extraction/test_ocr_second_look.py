"""Ink that no word covers, and signs that stand alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from extraction.ocr.second_look import (
    find_leftover,
    find_lone_sign,
    is_high,
    is_placed_like_text,
    is_small_and_round,
)
from extraction.values import Box

EM = 22.0
CELL = Box(0, 0, 120, 40)


def blank() -> np.ndarray:
    return np.zeros((40, 120), dtype=np.uint8)


def sign(picture: np.ndarray) -> str | None:
    found = find_lone_sign(picture > 0, CELL, EM)
    return found.text if found else None


def test_lone_hyphen_dash_and_slash_are_told_by_their_shape() -> None:
    hyphen, dash, slash, one, eight = (blank() for _ in range(5))
    cv2.rectangle(hyphen, (56, 19), (64, 21), (1,), -1)
    cv2.rectangle(dash, (48, 19), (70, 20), (1,), -1)
    cv2.line(slash, (55, 30), (64, 10), (1,), 2)
    cv2.line(one, (60, 10), (60, 28), (1,), 2)
    cv2.circle(eight, (60, 20), 8, (1,), 2)
    assert [sign(picture) for picture in (hyphen, dash, slash, one, eight)] == [
        "-",
        "—",
        "/",
        None,
        None,
    ]


def test_a_slash_that_a_fax_made_thick_is_no_one() -> None:
    thick, steep, seven, italic = (blank() for _ in range(4))
    cv2.line(thick, (55, 29), (63, 11), (1,), 4)
    cv2.line(steep, (57, 30), (63, 10), (1,), 3)
    cv2.polylines(seven, [np.array([(54, 11), (64, 11), (57, 29)])], False, (1,), 2)
    cv2.line(italic, (59, 28), (62, 11), (1,), 2)
    assert [sign(picture) for picture in (thick, steep, seven, italic)] == ["/", "/", None, None]


def test_specks_beside_a_hyphen_do_not_hide_it() -> None:
    picture = blank()
    cv2.rectangle(picture, (56, 19), (64, 21), (1,), -1)
    picture[5, 10] = picture[33:35, 100] = 1
    assert sign(picture) == "-"


def test_leftover_is_ink_outside_of_words_without_specks_and_line_remains() -> None:
    picture = blank()
    cv2.rectangle(picture, (56, 17), (64, 19), (1,), -1)
    picture[1, 10:60] = 1
    picture[10:30, 118] = 1
    picture[30, 30] = 1
    (found,) = find_leftover(picture > 0, CELL, [], EM)
    assert found == Box(56, 17, 65, 20)
    assert find_leftover(picture > 0, CELL, [Box(50, 10, 70, 30)], EM) == []


def test_leftover_keeps_to_the_cell() -> None:
    picture = np.zeros((200, 300), dtype=np.uint8)
    cv2.rectangle(picture, (250, 100), (258, 103), (1,), -1)
    assert find_leftover(picture > 0, Box(0, 0, 200, 200), [], EM) == []
    (found,) = find_leftover(picture > 0, Box(210, 60, 290, 140), [], EM)
    assert found.center == (254.5, 102.0)


@pytest.mark.parametrize(("radius", "small"), [(4, True), (9, False)])
def test_full_stop_is_smaller_than_a_digit(radius: int, small: bool) -> None:
    picture = blank()
    cv2.circle(picture, (60, 20), radius, (1,), 1)
    assert is_small_and_round(picture > 0, CELL, EM) is small
    assert is_high(picture > 0, CELL, EM) is not small


def test_small_sign_stands_at_a_line_or_where_the_next_would_begin_or_be_centred() -> None:
    cell, lines = Box(0, 0, 400, 200), [Box(100, 60, 300, 80), Box(100, 90, 300, 110)]

    def placed(x: float, y: float) -> bool:
        return is_placed_like_text(Box(x, y, x + 4, y + 4), cell, lines, 20.0)

    assert placed(306, 100)
    assert placed(101, 128)
    assert placed(198, 128)
    assert not placed(340, 100)
    assert not placed(150, 128)
    assert not placed(101, 180)
    assert is_placed_like_text(Box(20, 160, 60, 180), cell, lines, 20.0)


def test_a_full_stop_may_have_an_empty_row_between_two_lines_to_itself() -> None:
    cell, lines = Box(0, 0, 400, 200), [Box(20, 10, 300, 30), Box(20, 70, 380, 90)]
    assert is_placed_like_text(Box(21, 48, 27, 54), cell, lines, 20.0)
    assert not is_placed_like_text(Box(150, 48, 156, 54), cell, lines, 20.0)
    assert not is_placed_like_text(Box(374, 18, 380, 24), cell, lines, 20.0), "beside a line"


def test_lone_sign_stands_at_half_the_height_of_its_cell() -> None:
    cell = Box(0, 0, 100, 300)
    assert is_placed_like_text(Box(50, 148, 58, 152), cell, [], 20.0)
    assert not is_placed_like_text(Box(50, 220, 58, 224), cell, [], 20.0)


def test_cell_outside_of_the_page_holds_nothing() -> None:
    outside = Box(200, 10, 240, 30)
    assert find_leftover(blank() > 0, outside, [], EM) == []
    assert find_lone_sign(blank() > 0, outside, EM) is None
