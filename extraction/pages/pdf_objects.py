"""Objects of a PDF page with the matrices that bring them onto the upright page.

A matrix here is ``a, b, c, d, e, f`` as PDF writes it: ``x' = a·x + c·y + e`` and
``y' = b·x + d·y + f``. All callers hold the lock of ``extraction.pages.pdf``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

MOST_DEPTH = 8
MOST_OBJECTS = 100_000


class Matrix(NamedTuple):
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def then(self, after: Matrix) -> Matrix:
        """The matrix that applies this one first and ``after`` to its result."""
        return Matrix(
            self.a * after.a + self.b * after.c,
            self.a * after.b + self.b * after.d,
            self.c * after.a + self.d * after.c,
            self.c * after.b + self.d * after.d,
            self.e * after.a + self.f * after.c + after.e,
            self.e * after.b + self.f * after.d + after.f,
        )

    def point(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def scaled(self, by: float) -> Matrix:
        return Matrix(*(value * by for value in self))

    @property
    def scale(self) -> float:
        """Mean factor by which lengths grow."""
        return float(abs(self.a * self.d - self.b * self.c) ** 0.5)

    @property
    def keeps_axes(self) -> bool:
        """Whether rectangles stay axis-parallel, a quarter turn included."""
        along, across = abs(self.a) + abs(self.d), abs(self.b) + abs(self.c)
        return min(along, across) < 0.002 * max(along, across)


Handle = Any
"""A pointer of PDFium's C interface, for which there are no types."""

IDENTITY = Matrix(1, 0, 0, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class PageObject:
    """A drawn object; ``to_display`` leads from its own space to points, y downwards."""

    kind: int
    raw: Handle
    to_display: Matrix
    form_to_display: Matrix

    def then(self, after: Matrix) -> PageObject:
        return PageObject(
            self.kind, self.raw, self.to_display.then(after), self.form_to_display.then(after)
        )


def address_of(raw: Handle) -> int:
    """What two handles of one object have in common."""
    return ctypes.addressof(raw.contents)


def page_to_display(page: pdfium.PdfPage) -> Matrix:
    """User space to points of the page as shown: origin top left, /Rotate applied."""
    box = pdfium_c.FS_RECTF()
    pdfium_c.FPDF_GetPageBoundingBox(page, box)
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    turns = {
        0: Matrix(1, 0, 0, -1, -left, top),
        90: Matrix(0, 1, 1, 0, -bottom, -left),
        180: Matrix(-1, 0, 0, 1, right, -bottom),
        270: Matrix(0, -1, -1, 0, top, right),
    }
    return turns[page.get_rotation() % 360]


def object_matrix(raw: Handle) -> Matrix:
    m = pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFPageObj_GetMatrix(raw, m):
        return IDENTITY
    return Matrix(m.a, m.b, m.c, m.d, m.e, m.f)


def page_objects(page: pdfium.PdfPage, to_display: Matrix) -> list[PageObject] | None:
    """All objects in drawing order, those of Form XObjects too; None where too many."""
    if pdfium_c.FPDFPage_CountObjects(page) > MOST_OBJECTS:
        return None
    found: list[PageObject] = []
    for item in _walk(page, to_display):
        found.append(item)
        if len(found) > MOST_OBJECTS:
            return None
    return found


def _walk(page: pdfium.PdfPage, to_display: Matrix) -> Iterator[PageObject]:
    count = pdfium_c.FPDFPage_CountObjects(page)
    tops: Iterator[Handle] = (pdfium_c.FPDFPage_GetObject(page, i) for i in range(count))
    stack = [(tops, to_display)]
    while stack:
        objects, outer = stack[-1]
        raw = next(objects, None)
        if raw is None:
            stack.pop()
            continue
        kind = pdfium_c.FPDFPageObj_GetType(raw)
        matrix = object_matrix(raw).then(outer)
        if kind != pdfium_c.FPDF_PAGEOBJ_FORM:
            yield PageObject(kind, raw, matrix, outer)
        elif len(stack) < MOST_DEPTH:
            stack.append((_form_objects(raw), matrix))


def _form_objects(form: Handle) -> Iterator[Handle]:
    for i in range(pdfium_c.FPDFFormObj_CountObjects(form)):
        yield pdfium_c.FPDFFormObj_GetObject(form, i)


def picture_pixels(raw: Handle) -> tuple[int, int]:
    """Width and height of an image object's own pixels, (0, 0) where it has none."""
    width, height = ctypes.c_uint(), ctypes.c_uint()
    if not pdfium_c.FPDFImageObj_GetImagePixelSize(raw, width, height):
        return 0, 0
    return width.value, height.value


def fill_color(raw: Handle) -> tuple[int, int, int, int]:
    """Red, green, blue, alpha 0..255."""
    return _color(pdfium_c.FPDFPageObj_GetFillColor, raw)


def stroke_color(raw: Handle) -> tuple[int, int, int, int]:
    return _color(pdfium_c.FPDFPageObj_GetStrokeColor, raw)


def _color(getter: Callable[..., int], raw: Handle) -> tuple[int, int, int, int]:
    r, g, b, a = (ctypes.c_uint() for _ in range(4))
    if not getter(raw, r, g, b, a):
        return 0, 0, 0, 255
    return r.value, g.value, b.value, a.value
