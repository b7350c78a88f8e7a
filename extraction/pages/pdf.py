"""PDF pages: the only owner of PDFium, which is not thread-safe.

A scanned page gives its embedded picture at its own resolution, a born-digital one its
exact words and rulings beside a rendering. What lies between (a scan in tiles, with text
over it, or set at an angle; text drawn as outlines; fonts that do not say what their
characters mean) is rendered and left to be read as a picture.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from extraction.errors import DamagedInput, EmptyInput, EncryptedInput, InputError, TooLarge
from extraction.limits import Limits
from extraction.pages.pdf_objects import (
    Matrix,
    PageObject,
    address_of,
    page_objects,
    page_to_display,
    picture_pixels,
)
from extraction.pages.pdf_rulings import find_rulings
from extraction.pages.pictures import to_working_dpi
from extraction.pages.text_layer import (
    MOST_UNREADABLE,
    Character,
    characters_to_words,
    main_turn,
    read_characters,
    unreadable_share,
    visible_characters,
)
from extraction.pages.too_large import too_many_pages, too_many_pixels
from extraction.values import Box, Image, RawPage

LAYER_DPI = 144.0
RENDER_DPI = (200.0, 300.0)
"""Bounds of the resolution at which what is not a plain scan is rendered for OCR."""
COVERS_PAGE = 0.85
FULL_PAGE_TEXT = 250
"""Characters over a picture that fills the page, from which on they are its text."""
LOWEST_SCAN_DPI = 60.0
TAIL_BYTES = 8192
PT_PER_IN = 72.0
MOST_DIFFERENCE = 14.0
"""Mean grey levels between an embedded picture and the page as PDFium draws it."""

_lock = threading.RLock()
_PDF_ERRORS = (pdfium.PdfiumError, ValueError, OSError, RuntimeError, MemoryError)


@dataclass(frozen=True, slots=True)
class _PageParts:
    """What a page is made of; ``width`` and ``height`` in points as displayed."""

    page: pdfium.PdfPage
    width: float
    height: float
    to_display: Matrix
    objects: list[PageObject]
    characters: list[Character]

    def of_kind(self, kind: int) -> list[PageObject]:
        return [item for item in self.objects if item.kind == kind]


def read_pdf(data: bytes, name: str, limits: Limits) -> Iterator[RawPage | InputError]:
    """The pages of a PDF in order; an error stands in the place of a page it concerns."""
    with _lock:
        opened = _open(data, name, limits)
    if isinstance(opened, InputError):
        yield opened
        return
    try:
        with _lock:
            count = len(opened)
        for index in range(count):
            with _lock:
                page = _read_page(opened, index, name, limits)
            yield page
    finally:
        with _lock:
            opened.close()


def count_pdf_pages(data: bytes, name: str, limits: Limits) -> int:
    """Pages of a PDF; InputError where it cannot be opened."""
    with _lock, _opened(data, name, limits) as document:
        return len(document)


def read_pdf_page(data: bytes, name: str, number: int, limits: Limits) -> RawPage | InputError:
    """The one page ``number``, counted from 1, or the error that concerns it."""
    try:
        with _lock, _opened(data, name, limits) as document:
            if not 1 <= number <= len(document):
                return DamagedInput("the file has no such page", name=name, page=number)
            return _read_page(document, number - 1, name, limits)
    except InputError as error:
        return error


@contextmanager
def _opened(data: bytes, name: str, limits: Limits) -> Iterator[pdfium.PdfDocument]:
    opened = _open(data, name, limits)
    if isinstance(opened, InputError):
        raise opened
    try:
        yield opened
    finally:
        opened.close()


def _open(data: bytes, name: str, limits: Limits) -> pdfium.PdfDocument | InputError:
    if b"startxref" not in data[-TAIL_BYTES:] and b"%%EOF" not in data[-TAIL_BYTES:]:
        # PDFium would rebuild what it can and leave pages half white without a word.
        return DamagedInput("the PDF is cut short: its end is missing", name=name)
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) in (
            pdfium_c.FPDF_ERR_PASSWORD,
            pdfium_c.FPDF_ERR_SECURITY,
        ):
            return EncryptedInput("the PDF is protected by a password", name=name)
        return DamagedInput("the PDF is damaged and cannot be opened", name=name)
    except _PDF_ERRORS:
        return DamagedInput("the PDF is damaged and cannot be opened", name=name)
    count = len(document)
    if 0 < count <= limits.max_pages:
        return document
    document.close()
    if count == 0:
        return EmptyInput("the PDF has no pages", name=name)
    return too_many_pages(limits, name, count)


def _read_page(
    document: pdfium.PdfDocument, index: int, name: str, limits: Limits
) -> RawPage | InputError:
    number = index + 1
    try:
        page = _load_page(document, index)
    except _PDF_ERRORS:
        return DamagedInput("the page is damaged and cannot be opened", name=name, page=number)
    try:
        return _page_to_raw(page, number, limits)
    except InputError as error:
        error.at(name=name, page=number)
        return error
    except _PDF_ERRORS:
        return DamagedInput("the page is damaged and cannot be drawn", name=name, page=number)
    finally:
        page.close()


def _load_page(document: pdfium.PdfDocument, index: int) -> pdfium.PdfPage:
    """A page with its form fields and stamps made part of its content."""
    page = document[index]
    count = pdfium_c.FPDFPage_GetAnnotCount(page)
    if not any(_is_drawn_annotation(page, i) for i in range(min(count, 1000))):
        return page
    pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
    page.close()
    return document[index]


def _is_drawn_annotation(page: pdfium.PdfPage, index: int) -> bool:
    annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
    if not annotation:
        return False
    kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
    pdfium_c.FPDFPage_CloseAnnot(annotation)
    return kind not in (pdfium_c.FPDF_ANNOT_LINK, pdfium_c.FPDF_ANNOT_POPUP)


def _page_to_raw(page: pdfium.PdfPage, number: int, limits: Limits) -> RawPage:
    parts = _page_parts(page, limits)
    scan = _covering_picture(parts)
    if _has_text_layer(parts):
        layer = _text_layer_page(parts, number)
        if scan is None or len(layer.edges or ()) >= 4:
            return layer
    _check_pictures(parts, limits)
    if scan is not None and _is_plain_scan(parts):
        image = _embedded_image(scan, parts)
        if image is not None:
            x_dpi, y_dpi = _picture_dpi(scan)
            if scan.to_display.a == 0:
                x_dpi, y_dpi = y_dpi, x_dpi
            image, dpi = to_working_dpi(image, x_dpi, y_dpi)
            return RawPage(number, image, dpi)
    dpi = _render_dpi(parts)
    _check_size(parts.width, parts.height, dpi, limits)
    return RawPage(number, _render(page, dpi), dpi)


def _page_parts(page: pdfium.PdfPage, limits: Limits) -> _PageParts:
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise DamagedInput("the page has no size")
    to_display = page_to_display(page)
    objects = page_objects(page, to_display)
    if objects is None:
        raise TooLarge("too many drawn objects on the page")
    parts = _PageParts(page, width, height, to_display, objects, [])
    if not parts.of_kind(pdfium_c.FPDF_PAGEOBJ_TEXT):
        return parts
    _check_size(width, height, LAYER_DPI, limits)
    return _with_characters(parts)


def _with_characters(parts: _PageParts) -> _PageParts:
    text_page = parts.page.get_textpage()
    try:
        characters = read_characters(text_page, parts.to_display, _covered_objects(parts))
    finally:
        text_page.close()
    return replace(parts, characters=characters)


def _covered_objects(parts: _PageParts) -> frozenset[int]:
    """Addresses of what lies below the picture that fills the page: some OCR tools write
    their text there."""
    scan = _covering_picture(parts)
    if scan is None:
        return frozenset()
    below = parts.objects[: parts.objects.index(scan)]
    return frozenset(address_of(item.raw) for item in below)


def _turned_back(parts: _PageParts, turn: int) -> _PageParts:
    """The same page after ``turn`` quarter turns against the clock."""
    for _ in range(turn):
        quarter = Matrix(0, -1, 1, 0, 0, parts.width)
        parts = replace(
            parts,
            width=parts.height,
            height=parts.width,
            to_display=parts.to_display.then(quarter),
            objects=[item.then(quarter) for item in parts.objects],
        )
    return _with_characters(parts)


def _covering_picture(parts: _PageParts) -> PageObject | None:
    """The picture that fills the page, if there is one of a scan's resolution."""
    for item in reversed(parts.of_kind(pdfium_c.FPDF_PAGEOBJ_IMAGE)):
        if _coverage(item, parts) >= COVERS_PAGE and min(_picture_dpi(item)) >= LOWEST_SCAN_DPI:
            return item
    return None


def _coverage(item: PageObject, parts: _PageParts) -> float:
    """Share of the page that an object's unit square takes."""
    page_box = Box(0, 0, parts.width, parts.height)
    return _picture_box(item).intersection(page_box).area / page_box.area


def _picture_box(item: PageObject) -> Box:
    corners = [item.to_display.point(x, y) for x, y in ((0, 0), (1, 0), (0, 1), (1, 1))]
    xs, ys = zip(*corners, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def _picture_dpi(item: PageObject) -> tuple[float, float]:
    """Resolution along the picture's own rows and columns."""
    width, height = picture_pixels(item.raw)
    m = item.to_display
    along, down = np.hypot(m.a, m.b), np.hypot(m.c, m.d)
    if min(along, down) <= 0:
        return 0.0, 0.0
    return float(width * PT_PER_IN / along), float(height * PT_PER_IN / down)


def _has_text_layer(parts: _PageParts) -> bool:
    """Whether the printed text is there as text, and not as a picture below or around it."""
    over = [c for c in parts.characters if not c.hidden]
    if not over or unreadable_share(over) > MOST_UNREADABLE:
        return False
    pictures = parts.of_kind(pdfium_c.FPDF_PAGEOBJ_IMAGE)
    fine = (p for p in pictures if min(_picture_dpi(p)) >= LOWEST_SCAN_DPI)
    share = min(1.0, sum(_coverage(p, parts) for p in fine))
    return len(over) >= FULL_PAGE_TEXT * share


def _text_layer_page(parts: _PageParts, number: int) -> RawPage:
    scale = LAYER_DPI / PT_PER_IN
    image = _render(parts.page, LAYER_DPI)
    turn = main_turn(parts.characters)
    if turn:
        parts = _turned_back(parts, turn)
        image = np.ascontiguousarray(np.rot90(image, turn))
    edges = find_rulings(parts.objects, image, scale)
    characters = visible_characters(parts.characters, image, scale)
    words = characters_to_words(characters, edges, scale, number)
    return RawPage(number, image, LAYER_DPI, words, edges)


def _is_plain_scan(parts: _PageParts) -> bool:
    """One picture and nothing seen beside it; text below or hidden does not count."""
    pictures = parts.of_kind(pdfium_c.FPDF_PAGEOBJ_IMAGE)
    paths = parts.of_kind(pdfium_c.FPDF_PAGEOBJ_PATH)
    return len(pictures) == 1 and not paths and all(c.hidden for c in parts.characters)


def _embedded_image(item: PageObject, parts: _PageParts) -> Image | None:
    """The picture's own pixels, turned as the page shows them; None where that is unsure."""
    if not item.to_display.keeps_axes:
        return None
    # Without its page the wrapper would free an object that the page still owns.
    pixels = pdfium.PdfImage(item.raw, page=parts.page).get_bitmap().to_numpy()
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        image = cv2.cvtColor(pixels.reshape(pixels.shape[:2]), cv2.COLOR_GRAY2RGB)
    elif pixels.shape[2] == 3:
        image = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    else:
        return None
    shown = _cropped(_as_placed(cast(Image, image), item.to_display), item, parts)
    return shown if _looks_alike(shown, parts.page) else None


def _as_placed(image: Image, matrix: Matrix) -> Image:
    """Apply the turns and flips of a placement; without them ``a > 0`` and ``d < 0``."""
    if abs(matrix.a) < abs(matrix.b):
        # The picture's rows run down the page, and its upward side along it.
        image = np.swapaxes(image, 0, 1)
        right, down = matrix.c < 0, matrix.b > 0
    else:
        right, down = matrix.a > 0, matrix.d < 0
    if not right:
        image = image[:, ::-1]
    if not down:
        image = image[::-1]
    return np.ascontiguousarray(image)


def _cropped(image: Image, item: PageObject, parts: _PageParts) -> Image:
    """The part of a picture that lies on the page, where it runs over its edges."""
    box = _picture_box(item)
    height, width = image.shape[:2]
    x, y = width / box.width, height / box.height
    shown = box.intersection(Box(0, 0, parts.width, parts.height))
    x0, x1 = round((shown.x0 - box.x0) * x), round((shown.x1 - box.x0) * x)
    top, bottom = round((shown.top - box.top) * y), round((shown.bottom - box.top) * y)
    return image[top:bottom, x0:x1]


def _looks_alike(image: Image, page: pdfium.PdfPage) -> bool:
    """Masks, colour keys and clips change what a picture shows: the drawn page knows."""
    drawn = cv2.cvtColor(_render(page, 24.0), cv2.COLOR_RGB2GRAY)
    size = (drawn.shape[1], drawn.shape[0])
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return float(cv2.absdiff(small, drawn).mean()) < MOST_DIFFERENCE


def _render_dpi(parts: _PageParts) -> float:
    pictures = parts.of_kind(pdfium_c.FPDF_PAGEOBJ_IMAGE)
    seen = [max(_picture_dpi(p)) for p in pictures if _coverage(p, parts) > 0.01]
    return float(np.clip(max(seen, default=0.0), *RENDER_DPI))


def _render(page: pdfium.PdfPage, dpi: float) -> Image:
    bitmap = page.render(scale=dpi / PT_PER_IN, rev_byteorder=True)
    try:
        return np.ascontiguousarray(bitmap.to_numpy()[:, :, :3])
    finally:
        bitmap.close()


def _check_pictures(parts: _PageParts, limits: Limits) -> None:
    for item in parts.of_kind(pdfium_c.FPDF_PAGEOBJ_IMAGE):
        width, height = picture_pixels(item.raw)
        if width * height > limits.max_pixels:
            raise too_many_pixels(limits)


def _check_size(width: float, height: float, dpi: float, limits: Limits) -> None:
    if width * height * (dpi / PT_PER_IN) ** 2 > limits.max_pixels:
        raise too_many_pixels(limits, dpi=dpi)
