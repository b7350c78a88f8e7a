"""Bytes of a file to its raw pages, whatever its suffix says."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.errors import BlankPage, EmptyInput, InputError, UnsupportedInput
from extraction.limits import Limits
from extraction.pages.formats import HEAD_BYTES, Format, find_format, unreadable
from extraction.pages.pdf import count_pdf_pages, read_pdf, read_pdf_page
from extraction.pages.pictures import count_picture_pages, read_picture_page, read_pictures
from extraction.pages.too_large import too_many_bytes
from extraction.values import Image, RawPage

BLANK_DPI = 100.0
LEAST_MARK_PX = 6
"""Height of the smallest type at ``BLANK_DPI``; dust is smaller."""
LEAST_MARKS = 4
INK_RATIO = 0.75
"""Ink is darker than this share of the paper around it."""


def read_pages(
    data: bytes, name: str, limits: Limits | None = None
) -> Iterator[RawPage | InputError]:
    """Pages in order; an error in place of a page leaves the others readable.

    A page without anything printed on it is a ``BlankPage``.
    """
    limits = limits or Limits()
    for page in _read_format(data, name, limits):
        yield _unless_blank(page, name)


def count_pages(data: bytes, name: str, limits: Limits | None = None) -> int:
    """How many pages a file holds, none of them decoded; InputError where it has none to read."""
    limits = limits or Limits()
    format_ = _page_format(data, name, limits)
    if isinstance(format_, InputError):
        raise format_
    if format_ == "pdf":
        return count_pdf_pages(data, name, limits)
    return count_picture_pages(data, format_, name, limits)


def read_page_number(
    data: bytes, name: str, number: int, limits: Limits | None = None
) -> RawPage | InputError:
    """The one page ``number``, counted from 1, as ``read_pages`` gives it; no other is decoded."""
    limits = limits or Limits()
    format_ = _page_format(data, name, limits)
    if isinstance(format_, InputError):
        return format_
    if format_ == "pdf":
        return _unless_blank(read_pdf_page(data, name, number, limits), name)
    return _unless_blank(read_picture_page(data, format_, name, number, limits), name)


def _unless_blank(page: RawPage | InputError, name: str) -> RawPage | InputError:
    if isinstance(page, RawPage) and is_blank(page):
        return BlankPage("the page is blank", name=name, page=page.number)
    return page


def _read_format(data: bytes, name: str, limits: Limits) -> Iterator[RawPage | InputError]:
    format_ = _page_format(data, name, limits)
    if isinstance(format_, InputError):
        yield format_
    elif format_ == "pdf":
        yield from read_pdf(data, name, limits)
    else:
        yield from read_pictures(data, format_, name, limits)


def _page_format(data: bytes, name: str, limits: Limits) -> Format | InputError:
    """The format of a file that holds pages, or why it is not read."""
    if not data:
        return EmptyInput("the file is empty", name=name)
    if len(data) > limits.max_bytes:
        return too_many_bytes(limits, name)
    format_ = find_format(data[:HEAD_BYTES])
    if format_ is None:
        return unreadable(data, name)
    if format_ == "zip":
        return UnsupportedInput("an archive, not a page", name=name)
    return format_


def is_blank(page: RawPage) -> bool:
    """Whether nothing is printed: dust, punch holes and the shadows of edges do not count."""
    if page.words is not None:
        return not page.words and not page.edges
    return _count_marks(_small_gray(page.image, page.dpi)) < LEAST_MARKS


def _small_gray(image: Image, dpi: float) -> NDArray[np.uint8]:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = BLANK_DPI / dpi
    if scale < 1:
        height, width = gray.shape
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return np.asarray(gray, np.uint8)


def _count_marks(gray: NDArray[np.uint8]) -> int:
    """Connected inked shapes of the size of type or larger; a long line counts as many."""
    paper = cv2.blur(cv2.dilate(gray, np.ones((15, 15), np.uint8)), (15, 15))
    ink = (gray < INK_RATIO * paper.astype(np.float32)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    height, width = gray.shape
    x, y, w, h, area = (stats[1:, i] for i in range(5))
    long = np.maximum(w, h)
    at_border = (x <= 1) | (y <= 1) | (x + w >= width - 1) | (y + h >= height - 1)
    streak = (np.minimum(w, h) <= 3) & ((h > 0.9 * height) | (w > 0.9 * width))
    hole = (np.minimum(w, h) > 12) & (area > 0.65 * w * h)
    marks = (long >= LEAST_MARK_PX) & (area >= LEAST_MARK_PX) & ~streak & ~hole
    marks &= ~at_border | (long > 0.3 * max(height, width)) & (area < 0.2 * w * h)
    return int(np.maximum(1, long[marks] // 60).sum())
