"""Picture files to RGB pages: the only importer of Pillow on the way in.

Sizes are looked at in the header, before a single pixel is decoded.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from extraction.errors import DamagedInput, InputError, UnsupportedInput
from extraction.limits import Limits
from extraction.pages.formats import Format
from extraction.pages.too_large import too_many_pages, too_many_pixels
from extraction.values import Image, RawPage

A4_LONG_IN = 11.69
PLAUSIBLE_DPI = (72.0, 1200.0)
PLAUSIBLE_LONG_IN = (5.0, 25.0)
"""Cameras write 72 dpi into a picture of 4000 pixels: no form is 55 inches long."""
MOST_DPI = 400.0
WORKING_DPI = 300.0
"""Finer scans are reduced to this: characters gain nothing, memory and time are lost."""

_PILLOW_FORMATS: dict[Format, tuple[str, ...]] = {
    "tiff": ("TIFF",),
    "png": ("PNG",),
    "jpeg": ("JPEG",),
    "bmp": ("BMP",),
    "webp": ("WEBP",),
}
_WIDE_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})
# Pillow's parsers let these out on broken bytes; none of them means a fault of ours.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)

# Our own limit is checked on the size in the header, before decoding.
warnings.filterwarnings("ignore", category=PIL.Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def read_pictures(
    data: bytes, format_: Format, name: str, limits: Limits
) -> Iterator[RawPage | InputError]:
    """The pages of a TIFF, or the one page of another picture."""
    try:
        picture = _open(data, format_, name, limits)
    except InputError as error:
        yield error
        return
    with picture:
        if format_ != "tiff":
            yield _frame_page(picture, 1, name, limits)
            return
        count = _count_frames(picture, limits)
        if count > limits.max_pages:
            yield too_many_pages(limits, name)
            return
        for index in range(count):
            yield _tiff_page(picture, index, name, limits)


def count_picture_pages(data: bytes, format_: Format, name: str, limits: Limits) -> int:
    """Pages of a TIFF, 1 for another picture; InputError where it cannot be opened."""
    with _open(data, format_, name, limits) as picture:
        if format_ != "tiff":
            return 1
        count = _count_frames(picture, limits)
    if count > limits.max_pages:
        raise too_many_pages(limits, name)
    return count


def read_picture_page(
    data: bytes, format_: Format, name: str, number: int, limits: Limits
) -> RawPage | InputError:
    """The one page ``number``, counted from 1, or the error that concerns it."""
    try:
        picture = _open(data, format_, name, limits)
    except InputError as error:
        return error
    with picture:
        if format_ == "tiff":
            return _tiff_page(picture, number - 1, name, limits)
        if number != 1:
            return DamagedInput("the file has no such page", name=name, page=number)
        return _frame_page(picture, 1, name, limits)


def _open(data: bytes, format_: Format, name: str, limits: Limits) -> PIL.Image.Image:
    try:
        return PIL.Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS[format_])
    except PIL.Image.DecompressionBombError:
        raise too_many_pixels(limits, name, 1) from None
    except _DECODE_ERRORS:
        reason = "the picture is damaged: its header cannot be read"
        raise DamagedInput(reason, name=name) from None


def _count_frames(picture: PIL.Image.Image, limits: Limits) -> int:
    """Pages of a TIFF, counted no further than one beyond the limit."""
    count = 1
    while count <= limits.max_pages:
        try:
            picture.seek(count)
        except _DECODE_ERRORS:
            break
        count += 1
    return count


def _tiff_page(
    picture: PIL.Image.Image, index: int, name: str, limits: Limits
) -> RawPage | InputError:
    try:
        picture.seek(index)
    except PIL.Image.DecompressionBombError:
        return too_many_pixels(limits, name, index + 1)
    except _DECODE_ERRORS:
        return DamagedInput("the page cannot be found in the file", name=name, page=index + 1)
    return _frame_page(picture, index + 1, name, limits)


def _frame_page(
    picture: PIL.Image.Image, number: int, name: str, limits: Limits
) -> RawPage | InputError:
    width, height = picture.size
    if width * height > limits.max_pixels:
        return too_many_pixels(limits, name, number)
    if min(width, height) < 1:
        return DamagedInput("the picture has no pixels", name=name, page=number)
    try:
        dpi = metadata_dpi(picture)
        upright = PIL.ImageOps.exif_transpose(picture)
        if upright.size != picture.size:
            dpi = dpi[::-1]
        image = picture_to_rgb(upright)
    except PIL.Image.DecompressionBombError:
        return too_many_pixels(limits, name, number)
    except NotImplementedError:
        return UnsupportedInput("packed in a way that is not supported", name=name, page=number)
    except _DECODE_ERRORS:
        reason = "the picture is damaged or cut short: its pixels cannot be read"
        return DamagedInput(reason, name=name, page=number)
    image, used_dpi = to_working_dpi(image, *plausible_dpi(image, *dpi))
    return RawPage(number, image, used_dpi)


def picture_to_rgb(picture: PIL.Image.Image) -> Image:
    """Any Pillow mode as RGB; what is transparent shows white paper."""
    mode = picture.mode
    if mode in _WIDE_MODES:
        gray = _wide_to_gray(np.asarray(picture))
        return cast(Image, cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = PIL.Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return np.asarray(PIL.Image.alpha_composite(paper, layer).convert("RGB"))
    if mode == "1":
        return np.asarray(picture.convert("L").convert("RGB"))
    return np.asarray(picture.convert("RGB"))


def _wide_to_gray(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """16-bit, 32-bit and float grey to 8 bits; 12 bits kept in 16 are stretched."""
    finite = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(finite.min())), float(finite.max())
    scales = (1.0, 255.0, 4095.0, 65535.0)
    white = next((scale for scale in scales if high <= scale), high)
    return ((finite - low) * (255.0 / max(white - low, 1e-6))).clip(0, 255).astype(np.uint8)


def metadata_dpi(picture: PIL.Image.Image) -> tuple[float, float]:
    """Dots per inch along x and y as the file states them, 0 where it does not."""
    stated = picture.info.get("dpi")
    if not isinstance(stated, tuple) or len(stated) != 2:
        return 0.0, 0.0
    x, y = (float(value) for value in stated)
    return (x, y) if np.isfinite([x, y]).all() else (0.0, 0.0)


def plausible_dpi(image: Image, x_dpi: float, y_dpi: float) -> tuple[float, float]:
    """The stated dpi where a page of that size could exist, else that of an A4 page."""
    height, width = image.shape[:2]
    low, high = PLAUSIBLE_DPI
    if low <= x_dpi <= high and low <= y_dpi <= high and 0.4 <= x_dpi / y_dpi <= 2.5:
        long_in = max(width / x_dpi, height / y_dpi)
        if PLAUSIBLE_LONG_IN[0] <= long_in <= PLAUSIBLE_LONG_IN[1]:
            return x_dpi, y_dpi
    guess = max(width, height) / A4_LONG_IN
    return guess, guess


def to_working_dpi(image: Image, x_dpi: float, y_dpi: float) -> tuple[Image, float]:
    """Square pixels (a fax has 204 × 98 to the inch) of at most ``MOST_DPI``."""
    dpi = max(x_dpi, y_dpi)
    if dpi > MOST_DPI:
        dpi = WORKING_DPI
    x_scale, y_scale = dpi / x_dpi, dpi / y_dpi
    if max(abs(x_scale - 1), abs(y_scale - 1)) < 0.02:
        return image, dpi
    shrinks = x_scale <= 1 and y_scale <= 1
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    height, width = image.shape[:2]
    size = (max(1, round(width * x_scale)), max(1, round(height * y_scale)))
    return cast(Image, cv2.resize(image, size, interpolation=how)), dpi
