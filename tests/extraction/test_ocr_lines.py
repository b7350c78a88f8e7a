"""Where lines of text stand, and what is cut out for them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.ocr.ink import Mask
from extraction.ocr.text_crops import (
    Crop,
    crop_to_picture,
    cut_own_ink,
    leading_sign,
    line_crop,
    nearest_row,
    with_row_above,
)
from extraction.ocr.text_lines import (
    LONGEST_SIDE_PX,
    STRIDE_PX,
    Line,
    cut_at_borders,
    detection_size,
    find_cell,
    join_crossing,
    keep_inked,
    lines_in_reading_order,
    quads_to_lines,
    rows_of,
    usual_height,
)
from extraction.values import Box

USUAL = 30.0
EM = 22.0


def mask_of(*boxes: Box, height: int = 300, width: int = 400) -> Mask:
    mask = np.zeros((height, width), dtype=np.bool_)
    for box in boxes:
        x0, top, x1, bottom = (int(value) for value in box)
        mask[top:bottom, x0:x1] = True
    return mask


def quad(box: Box, fall: float = 0.0) -> list[list[float]]:
    x0, top, x1, bottom = box
    return [[x0, top], [x1, top + fall], [x1, bottom + fall], [x0, bottom]]


def test_text_over_a_ruling_line_is_cut_there() -> None:
    text_map = np.ones((40, 200), dtype=np.float32)
    cut_at_borders(text_map, [Box(0, 0, 200, 80), Box(200, 0, 400, 80)], 0.5, 0.5)
    assert (text_map[1:-1, 100] == 0).all()
    assert (text_map[10, 10:90] == 1).all()


def test_line_belongs_to_the_cell_that_holds_its_centre() -> None:
    cells = [Box(0, 0, 100, 50), Box(100, 0, 200, 50)]
    quads = np.array([quad(Box(60, 10, 104, 30)), quad(Box(120, 10, 160, 30))])
    lines = quads_to_lines(quads, cells)
    assert [line.cell for line in lines] == [0, 1]
    assert lines[0].box.x1 == 100
    assert find_cell(cells, 300, 10) is None


def test_one_rough_rectangle_does_not_tilt_its_line() -> None:
    quads = [quad(Box(0, 40 * row, 300, 40 * row + 20)) for row in range(8)]
    quads[3] = quad(Box(0, 120, 300, 140), fall=12)
    assert all(line.slope == 0 for line in quads_to_lines(np.array(quads), []))


def test_lines_of_a_curled_page_tilt_together() -> None:
    quads = [quad(Box(0, 40 * row, 300, 40 * row + 20), fall=9) for row in range(8)]
    assert all(line.slope > 8 for line in quads_to_lines(np.array(quads), []))


def test_single_characters_below_each_other_are_one_line() -> None:
    """年 度 总 体: the last two were found as one box and touch each other."""
    marks = [Box(10, 10, 30, 30), Box(10, 40, 30, 60), Box(10, 70, 30, 90), Box(10, 90, 30, 110)]
    lines = [
        Line(Box(5, 5, 35, 33), 0),
        Line(Box(5, 37, 35, 63), 0),
        Line(Box(5, 66, 35, 114), 0),
    ]
    (line,) = lines_in_reading_order(lines, mask_of(*marks), USUAL)
    assert len(line.parts) == 4
    assert [round(part.height, -1) for part in line.parts] == [20, 20, 20, 20]


def test_lone_digit_is_no_column_of_strokes() -> None:
    """A 5 whose bar does not touch its bow was read as -5."""
    marks = [Box(10, 10, 20, 12), Box(10, 15, 20, 28)]
    (line,) = lines_in_reading_order([Line(Box(5, 5, 25, 33), 0)], mask_of(*marks), USUAL)
    assert line.parts == ()


def test_box_around_two_rows_is_split() -> None:
    marks = [Box(10, 10, 200, 32), Box(10, 40, 200, 62)]
    rows = lines_in_reading_order([Line(Box(5, 5, 205, 66), 0)], mask_of(*marks), USUAL)
    assert len(rows) == 2
    assert rows[0].box.bottom < rows[1].box.top + 4


def test_reading_order_is_rows_then_columns() -> None:
    boxes = [Box(150, 50, 250, 75), Box(10, 12, 60, 37), Box(10, 50, 60, 75), Box(200, 10, 260, 35)]
    ordered = lines_in_reading_order([Line(box, 0) for box in boxes], mask_of(*boxes), USUAL)
    assert [line.box for line in ordered] == [boxes[1], boxes[3], boxes[2], boxes[0]]


def test_crop_takes_in_the_full_stop_that_the_detector_left_off() -> None:
    text, stop = Box(50, 20, 200, 42), Box(208, 36, 214, 42)
    crop = line_crop(Line(Box(46, 16, 203, 46), 0), [], Box(0, 0, 400, 80), mask_of(text, stop), EM)
    assert crop.x1 > stop.x1
    assert crop.x0 < text.x0


def test_crop_keeps_the_tail_of_a_comma_and_drops_the_next_line() -> None:
    text, comma, below = Box(50, 20, 200, 42), Box(204, 37, 208, 46), Box(50, 44, 190, 66)
    mask = mask_of(text, comma, below)
    lines = [Line(Box(46, 16, 212, 46), 0), Line(Box(46, 40, 194, 70), 0)]
    crop = line_crop(lines[0], lines, Box(0, 0, 400, 80), mask, EM)
    gray = np.where(mask, np.uint8(0), np.uint8(255))
    shown = cut_own_ink(gray, mask, crop, 6.0, EM) == 0
    top, x0 = int(np.floor(crop.top - 6.0)), int(np.floor(crop.x0))
    rows = np.flatnonzero(shown.any(axis=1)) + top
    assert (rows[0], rows[-1]) == (20, 45)
    assert not shown[44 - top :, : 195 - x0].any()


def test_comma_that_leads_a_line_is_found_with_the_text_behind_it() -> None:
    mask = mask_of(Box(12, 36, 16, 44), Box(34, 20, 54, 42), Box(56, 20, 76, 42))
    found = leading_sign(Box(5, 16, 120, 46), mask, EM)
    assert found is not None
    start, context = found
    assert 8 < start < 12
    assert (context.x0, context.x1) == (34, 76)
    assert leading_sign(Box(30, 16, 120, 46), mask, EM) is None


def test_a_digit_or_the_tail_of_a_comma_above_is_no_sign_that_leads_a_line() -> None:
    """The 1 of "1.产" was cut off where the crop began far above its ink, and a tail that hung
    into a row from above was read as a full stop."""
    digit = mask_of(Box(14, 24, 18, 42), Box(24, 38, 27, 42), Box(34, 20, 54, 42))
    assert leading_sign(Box(5, 2, 120, 46), digit, EM) is None
    tail = mask_of(Box(12, 10, 16, 20), Box(34, 20, 54, 42), Box(56, 20, 76, 42))
    assert leading_sign(Box(5, 16, 120, 46), tail, EM) is None


def test_parts_of_one_row_that_were_detected_over_each_other_are_one_line() -> None:
    """A bracket and a full stop were read twice: in their line and by themselves."""
    line, end = Line(Box(13, 91, 163, 149), 0), Line(Box(143, 102, 182, 141), 0)
    below = Line(Box(13, 140, 163, 198), 0)
    assert rows_of([line, end, below]) == [[line, end], [below]]


def test_a_row_that_was_split_off_and_detected_by_itself_is_one_row() -> None:
    """The last row of a paragraph in a fax was read twice."""
    split, itself = Line(Box(966, 997, 1171, 1018), 0), Line(Box(1009, 999, 1121, 1033), 0)
    above = Line(Box(959, 974, 1171, 1003), 0)
    joined = Line(Box(966, 997, 1171, 1033), 0)
    assert join_crossing([above, split, itself]) == [above, joined]


def test_a_box_drawn_too_high_does_not_swallow_the_row_above() -> None:
    """示范区创新主体“ and 走出去”服务需求 were read as one row: 走区服务水."""
    first, second = Line(Box(9, 7, 185, 35), 0), Line(Box(9, 18, 186, 59), 0)
    ink = mask_of(Box(17, 11, 180, 31), Box(17, 32, 180, 52))
    ordered = lines_in_reading_order([second, first], ink, usual=25.0)
    assert [line.box.top for line in ordered] == [7, 18]
    crops = [line_crop(line, ordered, Box(8, 7, 188, 80), ink, EM) for line in ordered]
    assert crops[0].bottom <= 34 and crops[1].top >= 29


def test_row_of_a_lone_full_stop_follows_the_spacing_above() -> None:
    lines = [Line(Box(0, 10, 100, 30), 0), Line(Box(0, 36, 100, 56), 0)]
    assert nearest_row(75.0, lines, EM) == 72.0
    assert nearest_row(75.0, [], EM) == 75.0


@given(st.integers(100, 8000), st.integers(100, 8000), st.floats(60, 700))
def test_detection_size_is_bounded_and_never_larger_than_the_page(
    width: int, height: int, dpi: float
) -> None:
    across, down = detection_size(width, height, dpi)
    assert across % STRIDE_PX == down % STRIDE_PX == 0
    assert max(across, down) <= LONGEST_SIDE_PX
    assert across <= width + STRIDE_PX
    assert down <= height + STRIDE_PX


def test_a_title_larger_than_the_cells_is_one_line() -> None:
    """Its strokes leave quiet rows, which split it in two and had it read twice."""
    mask = np.zeros((200, 400), dtype=bool)
    mask[20:34, 40:360] = True
    mask[40:56, 40:360] = True
    mask[100:118, 150:250] = True
    title = Line(Box(40, 18, 360, 58), None)
    year = Line(Box(150, 99, 250, 119), None)
    assert lines_in_reading_order([title, year], mask, usual=18.0) == [title, year]


def test_close_rows_of_two_characters_are_split() -> None:
    rows = [Box(20, 10 + 20 * row, 60, 29 + 20 * row) for row in range(4)]
    tall = Line(Box(18, 8, 62, 91), 0)
    found = lines_in_reading_order([tall], mask_of(*rows, *touching(rows)), USUAL * 0.8)
    assert len(found) == 4


def touching(rows: list[Box]) -> list[Box]:
    return [Box(38, above.bottom, 42, below.top) for above, below in pairwise(rows)]


def test_blank_paper_shows_no_text() -> None:
    text_map = np.ones((200, 200), dtype=np.float32)
    keep_inked(text_map, mask_of(Box(40, 40, 80, 60), height=400, width=400))
    assert text_map[25, 30] == 1
    assert not text_map[60:].any()


def test_boxes_too_high_for_their_ink_do_not_set_the_height() -> None:
    boxes = [Box(20, 60 * row, 120, 60 * row + 40) for row in range(4)]
    ink = mask_of(*(Box(30, box.top + 4, 110, box.top + 24) for box in boxes))
    lines = [Line(box, 0) for box in boxes]
    assert usual_height(lines, 1.0) == 40
    assert usual_height(lines, 1.0, ink) == 30


def test_crop_follows_ink_that_the_box_cuts_but_not_into_the_next_row() -> None:
    line = Line(Box(20, 40, 120, 60), 0)
    ink = mask_of(Box(30, 34, 110, 58), Box(30, 63, 110, 80))
    crop = line_crop(line, [line], Box(0, 0, 200, 200), ink, 20.0)
    assert crop.top <= 34
    assert crop.bottom <= 63


def test_lone_character_on_a_row_of_its_own_is_shown_with_the_end_of_its_sentence() -> None:
    """内 by itself was read as 丙, and with confidence."""
    em, mask = 20.0, np.zeros((100, 300), bool)
    mask[10:30, 10:290] = True
    mask[40:60, 140:160] = True
    sentence = Crop(Line(Box(8, 6, 292, 34), 0), Box(0, 6, 300, 34))
    lone = Crop(Line(Box(130, 36, 170, 64), 0), Box(100, 36, 200, 64))
    shown = with_row_above(lone, sentence, mask, em)
    assert shown.above is not None
    assert shown.above.x1 == pytest.approx(290, abs=3) and shown.above.width > 3 * em
    assert shown.box.x0 <= 140 and shown.box.x1 >= 160, "it is whole itself"
    gray = np.where(mask, 0, 255).astype(np.uint8)
    picture = crop_to_picture(shown, gray, mask, em)
    assert picture.shape[1] > shown.width + 3 * em
    longer = mask.copy()
    longer[40:60, 140:185] = True
    assert with_row_above(lone, sentence, longer, em).above is None, "two characters say enough"
    beside = replace(lone, box=Box(100, 6, 200, 34))
    assert with_row_above(beside, sentence, mask, em).above is None, "it is no row of its own"
