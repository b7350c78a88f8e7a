"""Scans keep the place of every printed point, and look like what they are called."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from extraction.values import Edge
from models.synthesis.levels import LEVEL_NAMES, LEVELS, Geometry, Level
from models.synthesis.marks import Gaps, break_rulings, pale_rulings
from models.synthesis.scan import (
    MM_PER_INCH,
    Scan,
    draw_point_map,
    scan_page,
    scan_to_picture,
    write_scan_pdf,
    write_tiff,
)

PRINT_DPI = 200.0
WIDTH, HEIGHT = 900, 1200
DOTS = np.array([[x, y] for y in range(200, 1001, 200) for x in range(150, 751, 150)], np.float64)
DOT_RADIUS = 9
MARKED_LEVELS = ("stamped200", "marker", "copy", "mixed")


def blank_page() -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), 255, np.uint8)


def dotted_page() -> NDArray[np.uint8]:
    """Black dots, well apart, centred on pixel corners."""
    page = blank_page()
    for x, y in DOTS:
        centre = (int((x - 0.5) * 16), int((y - 0.5) * 16))
        cv2.circle(page, centre, DOT_RADIUS * 16, (0, 0, 0), -1, cv2.LINE_AA, shift=4)
    return page


def ruled_page() -> tuple[NDArray[np.uint8], list[Edge]]:
    page = blank_page()
    edges = [Edge("horizontal", y + 0.5, 100, 800) for y in range(200, 1001, 100)]
    edges += [Edge("vertical", x + 0.5, 200, 1000) for x in (100, 450, 800)]
    for edge in edges:
        at, start, end = int(edge.at), int(edge.start), int(edge.end)
        ends = ((start, at), (end, at)) if edge.axis == "horizontal" else ((at, start), (at, end))
        cv2.line(page, *ends, (0, 0, 0), 2)
    return page, edges


def dot_centre(scan: Scan, near: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted centre of the darkness around a point of the scan, in scan pixels."""
    reach = int(DOT_RADIUS * 2.2 * scan.dpi / PRINT_DPI)
    column, row = near.astype(int)
    patch = scan.image[row - reach : row + reach + 1, column - reach : column + reach + 1]
    dark = patch.astype(np.float64).max(axis=2)
    weight = (np.median(dark) - 40 - dark).clip(0)
    rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]] + 0.5
    x = (weight * columns).sum() / weight.sum() + column - reach
    y = (weight * rows).sum() / weight.sum() + row - reach
    return np.array([x, y])


@pytest.mark.parametrize("level", LEVEL_NAMES)
@pytest.mark.parametrize("seed", [1, 2])
def test_forward_finds_every_dot(level: Level, seed: int) -> None:
    scan = scan_page(dotted_page(), PRINT_DPI, level, np.random.default_rng(seed))
    expected = scan.forward(DOTS)
    found = np.array([dot_centre(scan, point) for point in expected])
    error = np.hypot(*(found - expected).T)
    # A pen stroke or seal may touch a dot and move its centre; the other dots decide.
    reliable = np.quantile(error, 0.6 if level in MARKED_LEVELS else 1.0)
    assert reliable < 1.0


@pytest.mark.parametrize("print_dpi", [150.0, 300.0])
def test_forward_follows_a_change_of_resolution(print_dpi: float) -> None:
    scan = scan_page(dotted_page(), print_dpi, "office200", np.random.default_rng(3))
    scale = 200 / print_dpi
    assert scan.image.shape[1] == pytest.approx(WIDTH * scale, abs=1)
    assert np.abs(scan.forward(DOTS) - DOTS * scale).max() < 25 * scale


@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_the_same_seed_gives_the_same_scan(level: Level) -> None:
    page, edges = ruled_page()
    kept = page.copy()
    first, second = (
        scan_page(page, PRINT_DPI, level, np.random.default_rng(7), edges) for _ in range(2)
    )
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.forward(DOTS), second.forward(DOTS))
    assert np.array_equal(page, kept)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_backward_undoes_forward(seed: int) -> None:
    geometry = Geometry(
        rotation=10, shift_mm=3, stretch=0.01, perspective=0.03, curl_mm=(1, 4), whole=True
    )
    rng = np.random.default_rng(seed)
    point_map, (width, height) = draw_point_map(
        geometry, (WIDTH, HEIGHT), PRINT_DPI / MM_PER_INCH, rng
    )
    there = point_map(DOTS)
    assert np.abs(point_map.backward(there) - DOTS).max() < 0.01
    assert ((there > 0) & (there < [width, height])).all()


@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_scans_are_pictures_of_the_level_s_dpi(level: Level) -> None:
    scan = scan_page(blank_page(), PRINT_DPI, level, np.random.default_rng(0))
    assert scan.image.dtype == np.uint8
    assert scan.image.shape[2] == 3
    assert scan.level == level
    assert 100 <= scan.dpi <= 300
    if level != "mixed" and not LEVELS[level].geometry.whole:
        scale = scan.dpi / PRINT_DPI
        assert scan.image.shape[1] == pytest.approx(WIDTH * scale, abs=1)
        assert scan.image.shape[0] == pytest.approx(HEIGHT * scale, abs=1)


def test_a_clean_scan_of_the_same_dpi_is_the_print() -> None:
    page = dotted_page()
    scan = scan_page(page, 300, "clean300", np.random.default_rng(0))
    assert np.array_equal(scan.image, page)
    assert np.allclose(scan.forward(DOTS), DOTS)


def test_fax_is_one_bit_with_salt_and_pepper() -> None:
    scan = scan_page(blank_page(), PRINT_DPI, "fax200", np.random.default_rng(0))
    assert set(np.unique(scan.image)) == {0, 255}
    assert scan_to_picture(scan).mode == "1"


@pytest.mark.parametrize("level", ["stamped200", "marker"])
def test_ink_in_colour_lies_over_the_print(level: Level) -> None:
    page = blank_page()
    page[::16] = 0
    page[1::16] = 0
    page[2::16] = 0
    scan = scan_page(page, PRINT_DPI, level, np.random.default_rng(4))
    spread = np.ptp(scan.image.astype(int), axis=2)
    assert 0.005 < (spread > 60).mean() < 0.5
    assert (scan.image.max(axis=2) < 100).mean() > 0.05


def test_gaps_break_rulings_and_nothing_else() -> None:
    page, edges = ruled_page()
    page[150:180, 300:330] = 0
    broken = page.copy()
    gaps = Gaps(every_mm=(10, 10), length_mm=(1, 3), depth=(1, 1))
    break_rulings(broken, edges, gaps, PRINT_DPI / MM_PER_INCH, np.random.default_rng(0))
    lost = (page < 128).sum() - (broken < 128).sum()
    assert 0.03 < lost / (page < 128).sum() < 0.5
    assert (broken[150:180, 300:330] == 0).all()
    assert (broken >= page).all()


def test_an_edge_given_twice_is_not_paler() -> None:
    page, edges = ruled_page()
    once, twice = page.copy(), page.copy()
    pale_rulings(once, edges, 0.5, PRINT_DPI / MM_PER_INCH)
    pale_rulings(twice, [*edges, *edges], 0.5, PRINT_DPI / MM_PER_INCH)
    assert np.array_equal(once, twice)
    assert once.min() > 100


def test_edges_beyond_the_page_are_cut() -> None:
    page = blank_page()
    edges = [
        Edge("horizontal", HEIGHT + 5.0, -20, WIDTH + 50),
        Edge("vertical", -3.0, -20, HEIGHT + 50),
        Edge("vertical", WIDTH - 1.0, HEIGHT + 10, HEIGHT + 80),
    ]
    gaps = Gaps(every_mm=(1, 1), length_mm=(1, 9), depth=(1, 1))
    break_rulings(page, edges, gaps, PRINT_DPI / MM_PER_INCH, np.random.default_rng(0))
    pale_rulings(page, edges, 0.5, PRINT_DPI / MM_PER_INCH)
    assert (page == 255).all()


def test_pdf_and_tiff_keep_pages_sizes_and_resolution(tmp_path: Path) -> None:
    levels: tuple[Level, ...] = ("fax200", "archive150", "photo")
    rng = np.random.default_rng(0)
    scans = [scan_page(dotted_page(), PRINT_DPI, level, rng) for level in levels]
    write_scan_pdf(scans, tmp_path / "scan.pdf")
    with pypdfium2.PdfDocument(tmp_path / "scan.pdf") as document:
        assert len(document) == len(scans)
        for scan, size in zip(scans, (page.get_size() for page in document), strict=True):
            points = np.array(scan.image.shape[1::-1]) * 72 / scan.dpi
            assert np.allclose(size, points, atol=1)
    write_tiff(scans, tmp_path / "scan.tif")
    with Image.open(tmp_path / "scan.tif") as tiff:
        for index, scan in enumerate(scans):
            tiff.seek(index)
            assert np.array_equal(np.asarray(tiff.convert("RGB")), scan.image)
            assert tiff.info["dpi"][0] == pytest.approx(scan.dpi, abs=0.1)
