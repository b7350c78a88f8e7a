"""Boxes in percent of a page, as Label Studio gives and takes them, to pixels and back."""

from __future__ import annotations

from dataclasses import dataclass

from extraction.values import Box


@dataclass(frozen=True, slots=True)
class PercentBox:
    """Left, top, width and height in percent of the page, 0..100."""

    x: float
    y: float
    width: float
    height: float


def box_to_percent(box: Box, page_width: float, page_height: float) -> PercentBox:
    """``box`` in pixels of a page that is so wide and high; what lies outside is cut off."""
    x0, x1 = (min(max(side, 0.0), page_width) for side in (box.x0, box.x1))
    top, bottom = (min(max(side, 0.0), page_height) for side in (box.top, box.bottom))
    return PercentBox(
        round(100.0 * x0 / page_width, 4),
        round(100.0 * top / page_height, 4),
        round(100.0 * (x1 - x0) / page_width, 4),
        round(100.0 * (bottom - top) / page_height, 4),
    )


def percent_to_box(percent: PercentBox, page_width: float, page_height: float) -> Box:
    """In pixels, to the tenth that records keep."""
    x0, top = percent.x * page_width / 100.0, percent.y * page_height / 100.0
    return Box(
        round(x0, 1),
        round(top, 1),
        round(x0 + percent.width * page_width / 100.0, 1),
        round(top + percent.height * page_height / 100.0, 1),
    )
