"""A hyphen in a blank cell that is nearer to the paper than to the type."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.ocr.faint_signs import find_faint_sign
from extraction.ocr.ink import Gray
from extraction.values import Box, Word

EM = 21.0
CELL = Box(20.0, 20.0, 92.0, 160.0)


def scanned_cell(seed: int = 0) -> Gray:
    """Grainy paper at 150 dpi with the sides of a cell on it."""
    rng = np.random.default_rng(seed)
    paper = np.full((180, 120), 230.0)
    paper[20:160, 20:22] = paper[20:160, 90:92] = 120
    paper[20:22, 20:92] = paper[158:160, 20:92] = 120
    grain = cv2.GaussianBlur(rng.normal(0, 9, paper.shape), (0, 0), 0.8)
    return np.clip(paper + grain, 0, 255).astype(np.uint8)


def with_bar(gray: Gray, x: int, y: int, width: int, darker: int) -> Gray:
    drawn = gray.astype(int)
    drawn[y : y + 2, x - width // 2 : x + (width + 1) // 2] -= darker
    return drawn.clip(0, 255).astype(np.uint8)


def sign_in(gray: Gray) -> Word | None:
    return find_faint_sign(gray, CELL, EM, page=1)


@pytest.mark.parametrize(("width", "text"), [(7, "-"), (10, "-"), (18, "—")])
def test_a_hyphen_lighter_than_ink_is_found_in_the_middle_of_its_cell(
    width: int, text: str
) -> None:
    """It was no ink, and its cell read as blank."""
    word = sign_in(with_bar(scanned_cell(), 56, 89, width, 38))
    assert word is not None and word.text == text
    assert abs(word.box.center[0] - 56) < 2 and abs(word.box.center[1] - 90) < 2
    assert abs(word.box.width - width) <= 3


def with_stroke(gray: Gray, lean: int, high: int = 14, darker: int = 30, x: int = 56) -> Gray:
    """A straight stroke in the middle of the cell, whose head lies ``lean`` right of its foot."""
    drawn = np.zeros((*gray.shape, 1), np.uint8)
    ends = (x - lean // 2, 90 + high // 2), (x + (lean + 1) // 2, 90 - high // 2)
    cv2.line(drawn, *ends, (darker,), 1, cv2.LINE_AA)
    return (gray.astype(int) - drawn[:, :, 0]).clip(0, 255).astype(np.uint8)


def test_a_slash_lighter_than_ink_is_found_in_the_middle_of_its_cell() -> None:
    """The slashes of a funds table read as blanks and as 1."""
    word = sign_in(with_stroke(scanned_cell(), lean=6, high=16, darker=70))
    assert word is not None and word.text == "/"
    assert abs(word.box.center[0] - 56) < 2 and abs(word.box.center[1] - 90) < 2


@pytest.mark.parametrize(("lean", "high"), [(0, 14), (2, 14), (-6, 16), (6, 5)])
def test_a_stroke_upright_or_short_or_leaning_back_is_no_slash(lean: int, high: int) -> None:
    assert sign_in(with_stroke(scanned_cell(), lean, high, darker=70)) is None


def test_a_slash_aside_of_the_middle_is_a_scratch() -> None:
    assert sign_in(with_stroke(scanned_cell(), lean=6, high=16, darker=70, x=75)) is None


@given(seed=st.integers(0, 10_000))
def test_paper_alone_is_blank(seed: int) -> None:
    assert sign_in(scanned_cell(seed)) is None


@pytest.mark.parametrize(("x", "y"), [(40, 89), (56, 60), (56, 89 + 8)])
def test_a_faint_scratch_aside_of_the_middle_is_no_sign(x: int, y: int) -> None:
    assert sign_in(with_bar(scanned_cell(), x, y, 9, 38)) is None


def test_one_of_several_faint_strokes_is_no_sign() -> None:
    """What a seal leaves of itself lies all over its cell."""
    gray = scanned_cell()
    for y in (50, 89, 120):
        gray = with_bar(gray, 56, y, 10, 38)
    assert sign_in(gray) is None


def test_a_speck_is_too_short_and_a_line_too_long_for_a_sign() -> None:
    assert sign_in(with_bar(scanned_cell(), 56, 89, 2, 120)) is None
    assert sign_in(with_bar(scanned_cell(), 56, 89, 50, 38)) is None


@given(
    x0=st.floats(-50, 150), top=st.floats(-50, 200), wide=st.floats(0, 90), high=st.floats(0, 90)
)
def test_any_cell_does_no_harm(x0: float, top: float, wide: float, high: float) -> None:
    find_faint_sign(scanned_cell(), Box(x0, top, x0 + wide, top + high), EM, page=1)
