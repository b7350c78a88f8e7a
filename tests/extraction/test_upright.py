from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extraction.pages.paper import find_paper
from extraction.pages.skew import find_skew, ink_mask
from extraction.pages.upright import find_upright, scaling, turn_matrix
from extraction.values import Image, Page, RawPage, Word
from tests.extraction.drawn_pages import skewed, written_page

Matrix = NDArray[np.float64]
PAGE = written_page()
DPI = 100.0


class TopHeavy:
    """A judge of lines for the letters of ``TOP_HEAVY``; it reads as much as a line is long."""

    def score_upright(self, crops: Sequence[Image]) -> list[float]:
        return [self._weighs_more_above(crop) for crop in crops]

    def count_legible(self, crops: Sequence[Image]) -> float:
        return sum(crop.shape[1] / crop.shape[0] for crop in crops)

    @staticmethod
    def _weighs_more_above(crop: Image) -> float:
        ink = float(np.median(crop)) - crop[:, :, 0].astype(np.float64)
        rows = np.nonzero((ink > 60).any(axis=1))[0]
        profile = ink[rows[0] : rows[-1] + 1].clip(0).sum(axis=1)
        middle = len(profile) // 2
        return float(profile[:middle].sum() > profile[-middle:].sum())


class CannotTell(TopHeavy):
    def score_upright(self, crops: Sequence[Image]) -> list[float]:
        return [0.5] * len(crops)


JUDGE = TopHeavy()


def photographed(image: Image) -> tuple[Image, Matrix]:
    """The sheet at an angle on a dark table, and the matrix from sheet to photo."""
    height, width = image.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    shown = np.array(
        [(120, 90), (width + 30, 60), (width + 80, height + 40), (70, height + 90)], np.float32
    )
    matrix = cv2.getPerspectiveTransform(corners, shown)
    photo = cv2.warpPerspective(
        image, matrix, (width + 200, height + 150), borderValue=(60, 55, 50)
    )
    return np.asarray(photo, np.uint8), np.asarray(matrix, np.float64)


def mapped(matrix: Matrix, points: Matrix) -> Matrix:
    homogeneous = np.c_[points, np.ones(len(points))] @ matrix.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def assert_inverse(page: Page) -> None:
    product = page.to_source @ page.from_source
    assert np.allclose(product / product[2, 2], np.eye(3), atol=1e-9)


@pytest.mark.parametrize("angle", [-10.0, -7.3, -3.1, -1.0, -0.2, 0.0, 0.15, 0.9, 4.4, 8.8, 10.0])
def test_skew_is_found_to_a_twentieth_of_a_degree(angle: float) -> None:
    gray = np.asarray(cv2.cvtColor(skewed(PAGE, angle), cv2.COLOR_RGB2GRAY), np.uint8)
    assert find_skew(ink_mask(gray)) == pytest.approx(angle, abs=0.05)


@pytest.mark.parametrize("angle", [-6.0, 2.5])
def test_skew_is_found_under_noise_and_beside_a_straight_frame(angle: float) -> None:
    rng = np.random.default_rng(3)
    page = skewed(PAGE, angle).astype(np.float64) + rng.normal(0, 25, PAGE.shape)
    page[:, :9] = 30
    page[-9:] = 30
    gray = page.clip(0, 255).astype(np.uint8)[:, :, 0]
    assert find_skew(ink_mask(np.ascontiguousarray(gray))) == pytest.approx(angle, abs=0.1)


def test_straight_page_is_not_resampled() -> None:
    page = find_upright(RawPage(1, PAGE, DPI), None)
    assert page.image is PAGE
    assert np.array_equal(page.from_source, np.eye(3))
    assert page.source == "ocr" and "upright" in page.elapsed_ms


def test_page_with_a_text_layer_is_taken_as_it_is() -> None:
    words: tuple[Word, ...] = ()
    tilted = skewed(PAGE, 5)
    page = find_upright(RawPage(2, tilted, 144.0, words, ()), JUDGE)
    assert page.image is tilted and page.source == "text_layer"
    assert page.words == () and page.edges == () and page.number == 2


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("angle", [0.0, 4.0])
def test_quarter_turns_and_skew_are_undone(turns: int, angle: float) -> None:
    source = np.ascontiguousarray(np.rot90(skewed(PAGE, angle), turns))
    page = find_upright(RawPage(1, source, DPI), JUDGE)
    assert_inverse(page)
    if angle == 0:
        assert np.array_equal(page.image, PAGE)
        return
    # The middle stays the middle, so that the text can be laid over that of the straight page.
    height, width = PAGE.shape[:2]
    ((x, y),) = mapped(page.from_source, middle(source)) - middle(PAGE)
    left, top = round(x) + 80, round(y) + 90
    inner = page.image[top : top + height - 180, left : left + width - 160]
    wanted = PAGE[90 : height - 90, 80 : width - 80]
    assert float(cv2.absdiff(inner, wanted).mean()) < 14


def middle(image: Image) -> Matrix:
    return np.array([[(image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2]])


def test_without_a_classifier_a_page_on_its_head_stays() -> None:
    source = np.ascontiguousarray(PAGE[::-1, ::-1])
    assert np.array_equal(find_upright(RawPage(1, source, DPI), None).image, source)


def test_classifier_that_cannot_tell_leaves_the_page() -> None:
    page = find_upright(RawPage(1, PAGE, DPI), CannotTell())
    assert np.array_equal(page.image, PAGE)


def test_a_page_of_two_numbers_is_turned_only_if_more_of_it_is_read_then() -> None:
    """The last row of a table, alone on its page, was laid on its side: between the digits of
    94.16, wrapped in a narrow cell, gaps are wider than between its lines."""
    page = np.full((600, 850, 3), 255, np.uint8)
    for x in (500, 560):
        for y in (40, 52, 64):
            cv2.putText(page, "1 1", (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (0, 0, 0), 1)

    class Reads(CannotTell):
        def count_legible(self, crops: Sequence[Image]) -> float:
            """Lines, of which a page on its side has none."""
            return float(sum(crop.shape[1] > crop.shape[0] for crop in crops))

    upright = find_upright(RawPage(1, page, DPI), Reads())
    assert (upright.height, upright.width) == page.shape[:2]


def test_sheet_of_a_photo_is_laid_flat() -> None:
    photo, matrix = photographed(PAGE)
    page = find_upright(RawPage(1, photo, DPI), None)
    assert_inverse(page)
    assert page.height / page.width == pytest.approx(2**0.5, rel=0.02)
    inner = np.array([(100, 100), (700, 150), (650, 1000), (120, 900)], np.float64)
    sheet = inner * (page.width / PAGE.shape[1], page.height / PAGE.shape[0])
    found = mapped(page.from_source, mapped(matrix, inner))
    assert np.abs(found - sheet).max() < 6


def test_a_sheet_is_laid_flat_where_the_light_falls_off_over_it() -> None:
    """Its darkest corner was taken for the table, so that the page came out stretched."""
    photo, matrix = photographed(PAGE)
    height, width = photo.shape[:2]
    ys, xs = np.mgrid[:height, :width]
    light = 1.0 - 0.7 * np.clip(xs / width + ys / height - 1.0, 0.0, 1.0)
    shaded = np.asarray(photo * light[:, :, None], np.uint8)
    bright, dark = (find_paper(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)) for p in (photo, shaded))
    assert bright is not None and dark is not None
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * np.array(PAGE.shape[1::-1])
    for found in (bright, dark):
        assert np.abs(found - mapped(matrix, corners)).max() < 0.01 * height


@pytest.mark.parametrize("turns", range(4))
def test_the_shadow_along_the_edge_of_a_scan_is_no_ground(turns: int) -> None:
    """The strip in the shadow was cut off, and with it what was printed there."""
    shadow = np.ones(PAGE.shape[:2])
    shadow[:, :60] = np.linspace(0.35, 1.0, 60)
    shadow[:12] *= 0.9
    scan = np.rot90(np.asarray(PAGE * shadow[:, :, None], np.uint8), turns)
    gray = cv2.cvtColor(np.ascontiguousarray(scan), cv2.COLOR_RGB2GRAY)
    assert find_paper(np.asarray(gray, np.uint8)) is None


def test_dark_page_or_picture_without_a_sheet_is_left_whole() -> None:
    noise = np.random.default_rng(1).integers(0, 255, PAGE.shape, np.uint8)
    for image in (noise, 255 - PAGE, np.full_like(PAGE, 128)):
        page = find_upright(RawPage(1, np.ascontiguousarray(image), DPI), None)
        assert page.width >= PAGE.shape[1] * 0.95


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2), (17, 23)])
def test_tiny_pictures_do_no_harm(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    page = find_upright(RawPage(1, image, 10.0), JUDGE)
    assert page.image.shape == image.shape


@given(
    turns=st.integers(0, 7),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    data=st.data(),
)
def test_turn_matrix_moves_pixels_as_rot90_does(
    turns: int, size: tuple[int, int], data: st.DataObject
) -> None:
    width, height = size
    x = data.draw(st.integers(0, width - 1))
    y = data.draw(st.integers(0, height - 1))
    image = np.zeros((height, width))
    image[y, x] = 1
    u, v = mapped(turn_matrix(turns, width, height), np.array([[x, y]]))[0]
    assert np.rot90(image, turns)[round(v), round(u)] == 1


@given(st.floats(0.05, 4.0))
def test_scaling_maps_corner_to_corner(by: float) -> None:
    corner = mapped(scaling(by), np.array([[-0.5, -0.5]]))
    assert np.allclose(corner, -0.5)
