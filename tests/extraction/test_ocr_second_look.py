"""Ink that no word covers, and signs that stand alone."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from extraction.ocr.ctc import NOTHING, Reading
from extraction.ocr.ink import PrintInk
from extraction.ocr.reader import Reader, crop_to_word, find_sign, without_echoes
from extraction.ocr.second_look import (
    dashes_by_length,
    find_leftover,
    find_lone_sign,
    is_high,
    is_placed_like_text,
    is_small_and_round,
    ones_by_strokes,
)
from extraction.ocr.text_crops import Crop, lines_to_crops
from extraction.ocr.text_lines import HEIGHT_TO_EM, Line
from extraction.values import Box, Image, Word

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


def test_a_faint_two_that_reads_well_is_no_slash() -> None:
    """Only its diagonal was dark enough for ink, and it came out as a slash."""
    diagonal = blank()
    cv2.line(diagonal, (55, 30), (64, 10), (1,), 2)
    mask = diagonal > 0
    gray = np.where(mask, np.uint8(0), np.uint8(255))
    ink = PrintInk(gray, mask, gray)
    assert find_sign("2", 0.99, ink, CELL, EM) is None
    found = [find_sign(text, 0.99, ink, CELL, EM) for text in ("", "1", "/")]
    assert [sign and sign.text for sign in found] == ["/"] * 3


@pytest.mark.parametrize("read", ["1", "11", "111"])
def test_two_ones_side_by_side_are_eleven_whatever_was_read(read: str) -> None:
    """A weight of 11 points was read as 1, and the score beside it as 111."""
    mask = np.zeros((40, 120), np.bool_)
    for x in (50, 60):
        mask[10:26, x : x + 2] = mask[24:26, x - 2 : x + 4] = True
    mask[5, 90] = True  # a speck
    assert ones_by_strokes(read, mask, CELL, EM) == "11"


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("17", (10, 26), (50, 52)),  # not ones alone
        ("1", (10, 26), (50, 64)),  # too wide: another digit
        ("1", (10, 15), (50, 52)),  # too low
        ("1", (10, 10), (50, 50)),  # nothing
    ],
)
def test_what_may_be_no_ones_stays_as_read(
    text: str, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    mask = np.zeros((40, 120), np.bool_)
    mask[slice(*rows), slice(*columns)] = True
    assert ones_by_strokes(text, mask, CELL, EM) == text


def test_a_full_stop_on_a_row_of_its_own_may_stand_close_above_the_ruling() -> None:
    """In the middle of its cell's last row it was taken for a rest of the line below it."""
    mask = np.zeros((40, 120), np.bool_)
    mask[32:37, 58:63] = True
    mask[33:36, 59:62] = False
    text = Box(20, 4, 100, 26)
    assert find_leftover(mask, CELL, [text], EM) == [Box(58.0, 32.0, 63.0, 37.0)]
    assert is_placed_like_text(Box(58, 32, 63, 37), CELL, [text], EM)
    rest = np.zeros((40, 120), np.bool_)
    rest[36:40, 50:62] = True
    assert find_leftover(rest, CELL, [text], EM) == []


def test_a_thin_dash_may_be_tilted_or_broken_and_a_wave_is_none() -> None:
    tilted, broken, wave = (blank() for _ in range(3))
    cv2.line(tilted, (48, 18), (70, 20), (1,), 1)
    cv2.rectangle(broken, (50, 19), (64, 20), (1,), -1)
    cv2.rectangle(broken, (66, 20), (69, 20), (1,), -1)
    cv2.polylines(wave, [np.array([(50, 21), (55, 17), (60, 21), (65, 17)])], False, (1,), 1)
    assert [sign(picture) for picture in (tilted, broken, wave)] == ["—", "—", None]


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


def ink_of(picture: np.ndarray) -> PrintInk:
    gray = np.where(picture > 0, 0, 255).astype(np.uint8)
    return PrintInk(gray, picture > 0, gray)


@pytest.mark.parametrize(("width", "height", "text"), [(10, 2, "-"), (6, 3, None), (4, 4, None)])
def test_the_thinnest_hyphen_is_read_and_dust_is_not(
    width: int, height: int, text: str | None
) -> None:
    """Ten by two pixels at 300 dpi: the - of a whole funds table were taken for dust."""
    picture = np.zeros((73, 115), np.uint8)
    picture[40 : 40 + height, 53 : 53 + width] = 1
    box = Box(53, 40, 53 + width, 40 + height)
    crop = Crop(Line(box, 0), box.padded(4), leftover=True)
    word = crop_to_word(crop, Reading("一", (0.79,), (0.5,)), ink_of(picture), 37.4, 1)
    assert (word and word.text) == text


def test_dust_on_a_coarse_scan_is_no_hyphen() -> None:
    """A speck in a blank cell read as -, so that a row that a page break cut was two rows."""
    picture = np.zeros((40, 80), np.uint8)
    picture[20:22, 40:44] = 1
    crop = Crop(Line(Box(40, 20, 44, 22), 0), Box(36, 16, 48, 26), leftover=True)
    assert crop_to_word(crop, Reading("。", (0.2,), (0.5,)), ink_of(picture), 19.8, 1) is None


class JoinedModels:
    """Loses what stands behind a sentence, and reads a character by itself."""

    def read(self, pictures: list[Image]) -> list[Reading]:
        return [
            NOTHING if picture.shape[1] > 60 else Reading("标", (0.98,), (0.5,))
            for picture in pictures
        ]


def test_a_character_that_is_lost_in_its_sentence_is_read_by_itself() -> None:
    """可持续影响指标 came out as 可持续影响指, its 标 on a row of its own."""
    picture = np.zeros((80, 200), np.uint8)
    picture[10:30, 10:190] = picture[45:65, 90:110] = 1
    crop = Crop(Line(Box(88, 42, 112, 68), 0), Box(84, 40, 116, 70), above=Box(90, 6, 194, 34))
    reader = Reader.__new__(Reader)
    reader._models = JoinedModels()  # type: ignore[assignment]
    words = reader._read_crops([crop], ink_of(picture), 20.0, 1)
    assert [word.text for word in words[0]] == ["标"]


@pytest.mark.parametrize(
    ("read", "width", "printed"),
    [
        ("021-4336", 20, "021—4336"),
        ("2020一2025", 20, "2020—2025"),
        ("0571—40", 8, "0571-40"),
        ("2022年1月-2024年", 20, "2022年1月—2024年"),
        ("第一章", 20, "第一章"),
        ("1一2", 0, "1—2"),
        ("1-2", 0, "1-2"),
    ],
)
def test_a_dash_in_a_number_is_as_long_as_its_ink(read: str, width: int, printed: str) -> None:
    picture = np.zeros((40, 300), np.uint8)
    positions = [(10 + 24 * index) / 300 for index in range(len(read))]
    for index, character in enumerate(read):
        middle = 10 + 24 * index
        if character in "-—一" and width:
            picture[19:21, middle - width // 2 : middle + width // 2] = 1
        elif character not in "-—一":
            picture[9:31, middle - 5 : middle + 5] = 1
    box = Box(0, 0, 300, 40)
    assert dashes_by_length(read, positions, picture > 0, box, EM) == printed


def test_a_full_stop_on_a_row_of_its_own_is_no_nought() -> None:
    picture = np.zeros((80, 200), np.uint8)
    cv2.circle(picture, (100, 55), 4, (1,), 2)
    crop = Crop(Line(Box(92, 46, 108, 64), 0), Box(90, 44, 110, 66), above=Box(10, 6, 90, 34))
    word = crop_to_word(crop, Reading("0", (0.9,), (0.5,)), ink_of(picture), EM, 1)
    assert word is not None
    assert word.text == "。"
    alone = crop_to_word(
        replace(crop, above=None), Reading("0", (0.9,), (0.5,)), ink_of(picture), EM, 1
    )
    assert alone is not None
    assert alone.text == "0"


def test_a_row_that_two_crops_show_is_read_once() -> None:
    """…成了年度指标了年度指标: a box around two rows was split beside a box around the second."""

    def word(text: str, x0: float, top: float = 1015) -> Word:
        return Word(text, Box(x0, top, x0 + 101, top + 21), 0.99, 0.99, 1)

    row, below, beside = (
        word("了年度指标", 1006),
        word("了年度指标", 1006, 1037),
        word("满意", 1006),
    )
    assert without_echoes([row, word("了年度指标", 1008), below, beside]) == [row, below, beside]


@pytest.mark.parametrize(
    ("left", "top", "dark", "read"),
    [
        # A hyphen at 150 dpi: three pixels and what the lens spread of them.
        (57, 19, [[9, 20, 35, 20, 8], [30, 65, 90, 60, 25], [9, 20, 30, 15, 7]], "-"),
        # The same anywhere else in the cell, and a speck in the middle.
        (20, 8, [[9, 20, 35, 20, 8], [30, 65, 90, 60, 25], [9, 20, 30, 15, 7]], None),
        (58, 18, [[20, 65, 20], [35, 90, 35], [35, 90, 30], [20, 60, 20]], None),
    ],
)
def test_a_hyphen_of_three_pixels_is_known_by_the_middle_of_its_cell(
    left: int, top: int, dark: list[list[int]], read: str | None
) -> None:
    em = 16.0
    shade = np.array(dark, np.uint8)
    gray = np.full((40, 120), 255, np.uint8)
    gray[top : top + shade.shape[0], left : left + shade.shape[1]] -= shade
    ink = PrintInk(gray, gray < 215, gray)
    crops = lines_to_crops([], ink, [CELL], em / HEIGHT_TO_EM)
    words = [crop_to_word(crop, NOTHING, ink, em, 1) for crop in crops]
    assert [word.text for word in words if word is not None] == ([read] if read else [])
