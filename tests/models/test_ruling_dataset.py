"""Targets of the ruling network lie where the scan shows the ruling, broken or not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from extraction.grid.lines import RULING_DPI
from extraction.values import Edge
from models.ruling_dataset import draw_rulings, make_ruling_pages, to_ruling_grey


def shifted(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points + np.array([10.0, 20.0])


def test_rulings_are_drawn_where_the_scan_put_them() -> None:
    edges = [Edge("horizontal", 100, 50, 250), Edge("vertical", 80, 40, 140)]
    across, down = draw_rulings(edges, shifted, 1.0, (320, 320))
    assert across.shape == (160, 160)
    places = np.arange(160) + 0.5
    assert np.average(places, weights=across.sum(1)) == pytest.approx(60, abs=0.15)
    assert np.average(places, weights=down.sum(0)) == pytest.approx(45, abs=0.15)
    columns, rows = np.flatnonzero(across.max(0) > 100), np.flatnonzero(down.max(1) > 100)
    assert (columns[0], columns[-1]) == pytest.approx((30, 129), abs=1)
    assert (rows[0], rows[-1]) == pytest.approx((30, 79), abs=1)


def test_the_picture_is_padded_with_paper_to_what_the_network_takes() -> None:
    grey = to_ruling_grey(np.zeros((100, 70, 3), np.uint8), zoom=1.0)
    assert grey.shape == (112, 80)
    assert (grey[100:] == 255).all() and (grey[:100, :70] == 0).all()


def test_dark_pixels_lie_under_the_targets() -> None:
    """On a clean page every ruling of the target is really printed there."""
    pages = make_ruling_pages(3, "test")
    assert pages and all(page.grey.shape[0] % 16 == 0 for page in pages)
    for page in pages:
        assert page.rulings.shape == (2, page.grey.shape[0] // 2, page.grey.shape[1] // 2)
    assert RULING_DPI == 150
