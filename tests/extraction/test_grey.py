"""A page without colour gives what it gave in three channels, in less time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from extraction.engines import choose_engine
from extraction.grid.lines import see_rulings
from extraction.grid.side_maps import page_to_side_maps
from extraction.grid.sides import load_ruling_models
from extraction.grid.straighten import find_displacement, straighten_page
from extraction.pages.grey import is_grey
from extraction.pages.read import read_pages
from extraction.pages.upright import find_upright
from extraction.values import Image, RawPage

SCANS = Path(__file__).parents[2] / "samples" / "scans"


def scan(level: str) -> RawPage:
    path = SCANS / f"seed_000_{level}.pdf"
    page = next(read_pages(path.read_bytes(), path.name))
    assert isinstance(page, RawPage)
    return page


def tilted(image: Image) -> Image:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 2.0, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderValue=(255,) * 3))


def curled(image: Image) -> Image:
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = y + 6 * np.sin(np.pi * x / width).astype(np.float32)
    return np.asarray(cv2.remap(image, x, bent, cv2.INTER_LINEAR, borderValue=(255,) * 3))


def with_a_speck(image: Image) -> Image:
    """Of one pixel, where no coarse look falls; red enough not to be rounded away."""
    changed = image.copy()
    changed[1203, 805] = (255, 0, 0)
    return changed


@pytest.mark.parametrize(
    ("level", "grey"), [("fax200", True), ("archive150", True), ("stamped200", False)]
)
def test_scans_with_a_seal_have_colour_and_faxes_none(level: str, grey: bool) -> None:
    assert is_grey(scan(level).image) is grey


def test_one_coloured_pixel_is_colour() -> None:
    assert not is_grey(with_a_speck(scan("fax200").image))


def test_a_tilted_grey_page_is_taken_as_it_was_in_three_channels() -> None:
    raw = replace(scan("office200"), image=tilted(scan("office200").image))
    grey = find_upright(raw, None)
    assert grey.grey and is_grey(grey.image)
    coloured = find_upright(replace(raw, image=with_a_speck(raw.image)), None)
    assert not coloured.grey
    apart = (grey.image != coloured.image).any(axis=2)
    assert 0 < apart.sum() <= 16


def test_straightening_and_side_maps_of_a_grey_page_are_those_of_three_channels() -> None:
    raw = replace(scan("office200"), image=curled(scan("office200").image))
    page = find_upright(raw, None)
    assert page.grey
    models = load_ruling_models(choose_engine(), 1)
    evidence = see_rulings(page.image, page.dpi, models.network)
    displacement = find_displacement(evidence)
    assert displacement is not None
    in_one = straighten_page(page, raw.image, displacement).image
    in_three = straighten_page(replace(page, grey=False), raw.image, displacement).image
    np.testing.assert_array_equal(in_one, in_three)
    in_one_channel = page_to_side_maps(page.image, page.dpi, evidence, grey=True)
    in_three_channels = page_to_side_maps(page.image, page.dpi, evidence)
    for maps in ("across", "down", "pictures"):
        pairs = zip(getattr(in_one_channel, maps), getattr(in_three_channels, maps), strict=True)
        for one, three in pairs:
            np.testing.assert_array_equal(one, three)
    assert in_one_channel.shades == in_three_channels.shades
