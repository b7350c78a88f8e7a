"""Small PDFs and scans drawn for the tests, with what they show known exactly."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from extraction.values import Image

A4_PT = (595.0, 842.0)
CHINESE = "STSong-Light"
TOP_HEAVY = "FPT7 TYPF P7TF YFPT"
"""Letters with most of their ink in the upper half, by which a test can tell which end is up."""


def drawn_pdf(
    draw: Callable[[Canvas], None],
    size: tuple[float, float] = A4_PT,
    pages: int = 1,
    password: str | None = None,
) -> bytes:
    """A PDF whose pages ``draw`` paints, the same each time."""
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=size, invariant=1, encrypt=password)
    for _ in range(pages):
        canvas.setFont(CHINESE, 9)
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def picture_pdf(
    image: Image, box: tuple[float, float, float, float] | None = None, pages: int = 1
) -> bytes:
    """A PDF whose pages show one picture, over the whole page or in a box of points."""
    x, y, width, height = box or (0.0, 0.0, *A4_PT)
    reader = ImageReader(PillowImage.fromarray(image))
    return drawn_pdf(lambda canvas: canvas.drawImage(reader, x, y, width, height), pages=pages)


def written_page(lines: Sequence[str] = (TOP_HEAVY,) * 30, dpi: float = 100.0) -> Image:
    """A4 page of Latin text with a ruled table under it."""
    width, height = round(8.27 * dpi), round(11.69 * dpi)
    picture = PillowImage.new("L", (width, height), 245)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=round(0.13 * dpi))
    step = 0.2 * dpi
    for row, line in enumerate(lines):
        pen.text((0.9 * dpi, dpi + row * step), line, fill=20, font=font)
    top = dpi + len(lines) * step + 0.2 * dpi
    for i in range(7):
        pen.line((0.9 * dpi, top + i * step, 7.3 * dpi, top + i * step), fill=40, width=2)
        x = (0.9 + 6.4 / 6 * i) * dpi
        pen.line((x, top, x, top + 6 * step), fill=40, width=2)
    return np.asarray(picture.convert("RGB"))


def skewed(image: Image, clockwise_deg: float, paper: int = 245) -> Image:
    height, width = image.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, -clockwise_deg, 1.0)
    return np.asarray(
        cv2.warpAffine(image, matrix, (width, height), borderValue=(paper,) * 3), np.uint8
    )


def encoded(image: NDArray[np.generic], format_: str, mode: str | None = None) -> bytes:
    """A picture file; ``mode`` converts first, as Pillow names it."""
    picture = PillowImage.fromarray(np.asarray(image))
    if mode:
        picture = picture.convert(
            mode, dither=PillowImage.Dither.NONE, palette=PillowImage.Palette.ADAPTIVE
        )
    buffer = io.BytesIO()
    picture.save(buffer, format_)
    return buffer.getvalue()


def tiff_of(pages: Sequence[Image], dpi: tuple[float, float] = (100.0, 100.0)) -> bytes:
    first, *rest = [PillowImage.fromarray(page) for page in pages]
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=rest, dpi=dpi)
    return buffer.getvalue()
