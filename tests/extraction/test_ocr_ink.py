"""Print, apart from paper, ruling lines and coloured ink."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from extraction.ocr.ink import (
    box_of_ink,
    even_paper,
    find_dark_bands,
    page_to_ink,
    without_colour,
)
from extraction.values import Box, Image

DPI = 200.0


def paper(height: int = 300, width: int = 400, shade: int = 240) -> np.ndarray:
    return np.full((height, width, 3), shade, dtype=np.uint8)


def test_seal_and_pen_leave_no_ink_and_print_below_a_seal_stays() -> None:
    image = paper()
    cv2.circle(image, (200, 150), 60, (200, 60, 60), 8)
    cv2.line(image, (20, 40), (120, 60), (60, 80, 180), 4)
    cv2.rectangle(image, (250, 140), (275, 160), (30, 30, 30), -1)
    cv2.rectangle(image, (10, 240), (390, 290), (30, 30, 30), -1)
    ink = page_to_ink(image, [], DPI)
    box = box_of_ink(ink.mask, Box(0, 0, 400, 230))
    assert box is not None
    np.testing.assert_allclose(box, (250, 140, 276, 161), atol=2)


def test_a_thin_dash_under_the_rim_of_a_seal_stays_and_dark_pen_strokes_go() -> None:
    """A dash that a seal's rim crossed counted as what is left of the seal."""
    image = paper(500, 600)
    cv2.ellipse(image, (200, 200), (120, 90), 0, 200, 340, (225, 120, 120), 10)
    cv2.rectangle(image, (192, 107), (206, 109), (118, 74, 72), -1)
    cv2.line(image, (60, 240), (160, 260), (60, 70, 150), 3)
    image = np.asarray(cv2.GaussianBlur(image, (3, 3), 0.6), np.uint8)
    cv2.rectangle(image, (10, 300), (590, 490), (30, 30, 30), -1)
    ink = page_to_ink(image, [], DPI)
    box = box_of_ink(ink.mask, Box(0, 0, 600, 280))
    assert box is not None
    np.testing.assert_allclose(box, (192, 107, 207, 110), atol=2)


def test_page_printed_in_colour_keeps_its_ink() -> None:
    image = paper()
    for row in range(20, 280, 20):
        cv2.line(image, (20, row), (380, row), (30, 40, 160), 3)
    coloured, gray = without_colour(image)
    assert not coloured.any()
    assert (gray < 120).any()


def test_ruling_lines_go_and_strokes_beside_them_stay() -> None:
    image = paper()
    cell = Box(50, 50, 350, 90)
    cv2.rectangle(image, (50, 50), (350, 90), (0, 0, 0), 2)
    cv2.line(image, (180, 56), (200, 56), (0, 0, 0), 2)
    ink = page_to_ink(image, [cell.padded(2)], DPI)
    box = box_of_ink(ink.mask, Box(0, 0, 400, 300))
    assert box is not None
    np.testing.assert_allclose(box, (179, 55, 202, 58), atol=2)


def test_gap_in_a_ruling_line_leaves_no_ends() -> None:
    image = paper()
    cv2.line(image, (20, 100), (380, 100), (0, 0, 0), 2)
    image[:, 150:165] = 240
    ink = page_to_ink(image, [Box(20, 20, 380, 100)], DPI)
    assert box_of_ink(ink.mask, Box(0, 0, 400, 300)) is None


def test_shade_over_the_paper_goes() -> None:
    gray = np.tile(np.linspace(120, 250, 400), (300, 1)).astype(np.uint8)
    assert even_paper(gray).min() > 215


def test_blank_page_has_no_ink() -> None:
    assert not page_to_ink(paper(), [], DPI).mask.any()


def test_white_print_on_a_dark_cell_is_ink() -> None:
    image = paper()
    cv2.rectangle(image, (50, 50), (350, 90), (40, 80, 170), -1)
    cv2.rectangle(image, (180, 62), (220, 78), (250, 250, 250), -1)
    box = box_of_ink(page_to_ink(image, [Box(50, 50, 351, 91)], DPI).mask, Box(60, 56, 340, 84))
    assert box is not None
    np.testing.assert_allclose(box, (180, 62, 221, 79), atol=2)


def test_print_on_a_tinted_cell_keeps_its_strength() -> None:
    image = paper()
    image[50:90, 50:350] = (205, 220, 245)
    cv2.rectangle(image, (180, 62), (220, 78), (110, 115, 125), -1)
    _, gray = without_colour(image, [Box(50, 50, 350, 90)])
    assert gray[70, 200] < 130


def test_black_border_of_a_copy_does_not_hide_faint_print() -> None:
    image = paper()
    image[:, :60] = 10
    cv2.rectangle(image, (180, 62), (220, 78), (140, 140, 140), -1)
    cv2.rectangle(image, (225, 62), (240, 78), (150, 150, 150), -1)
    ink = page_to_ink(image, [Box(100, 50, 350, 90)], DPI)
    assert ink.mask[70, 200]


def test_streak_down_a_page_goes_and_what_it_crosses_stays() -> None:
    image = paper(900)
    cv2.rectangle(image, (180, 400), (220, 420), (20, 20, 20), -1)
    cv2.line(image, (200, 0), (200, 899), (60, 60, 60), 2)
    ink = page_to_ink(image, [Box(50, 50, 350, 850)], DPI)
    assert not ink.mask[100:380].any()
    assert ink.mask[405:415, 185:215].all()


def page_with_band(band: Box, fill: tuple[int, int, int]) -> Image:
    page = np.full((1100, 850, 3), 245, np.uint8)
    x0, top, x1, bottom = map(int, band)
    page[top:bottom, x0:x1] = fill
    for x in range(x0 + 20, x1 - 80, 120):
        cv2.putText(page, "NAME", (x, bottom - 10), 0, 0.7, (255, 255, 255), 2)
    return page


def test_white_print_on_a_dark_band_outside_of_cells_becomes_dark_on_white() -> None:
    band = Box(80, 200, 770, 236)
    page = page_with_band(band, (60, 130, 60))
    (found,) = find_dark_bands(page, (), 100)
    assert all(abs(a - b) <= 8 for a, b in zip(found, band, strict=True))
    ink = page_to_ink(page, (), 100)
    inside = ink.gray[206:230, 90:760]
    assert np.median(inside) > 220
    assert 0.02 < (inside < 120).mean() < 0.4


@pytest.mark.parametrize(
    "band",
    [Box(80, 200, 300, 420), Box(0, 0, 850, 30), Box(80, 200, 770, 204), Box(80, 200, 140, 216)],
    ids=["a photo", "the border of a copy", "a ruling", "a redaction of one word"],
)
def test_what_is_dark_and_no_band_stays_as_it_is(band: Box) -> None:
    page = np.full((1100, 850, 3), 245, np.uint8)
    x0, top, x1, bottom = map(int, band)
    page[top:bottom, x0:x1] = 40
    assert find_dark_bands(page, (), 100) == []


def test_a_bold_title_on_a_fax_is_no_dark_band() -> None:
    """Half of it was turned white on black, and the form's type was not known for want of it."""
    page = np.full((500, 850, 3), 255, np.uint8)
    strokes = np.random.default_rng(34)
    height = 34
    for x0 in range(200, 200 + 11 * height, height):
        character = page[100 : 100 + height, x0 : x0 + height - 2]
        for at in strokes.choice(height - 3, 4, replace=False):
            character[at : at + 4] = 0
            character[:, at // 2 : at // 2 + 3] = 0
    assert find_dark_bands(page, (), 100) == []


def test_a_dark_cell_is_no_band_beside_its_cell() -> None:
    band = Box(80, 200, 770, 236)
    assert find_dark_bands(page_with_band(band, (40, 60, 160)), [band], 100) == []


def test_dashed_rulings_leave_no_ink_in_their_cells() -> None:
    """On a clean scan their dashes were read as signs: 十100.0%, and 10- for 10."""
    image = paper(600, 900, 255)
    cells = [
        Box(50 + 200 * k, 100 + 60 * r, 250 + 200 * k, 160 + 60 * r)
        for k in range(4)
        for r in range(3)
    ]
    for y in range(100, 281, 60):
        for x in range(50, 850, 20):
            image[y : y + 2, x : x + 12] = 0
    for x in range(50, 851, 200):
        for y in range(100, 280, 20):
            image[y : y + 12, x : x + 2] = 0
    image[125:140, 100:104] = 0
    ink = page_to_ink(image, cells, 200.0)
    box = box_of_ink(ink.mask, Box(0, 0, 900, 600))
    assert box is not None
    np.testing.assert_allclose(box, (100, 125, 104, 140), atol=2)
