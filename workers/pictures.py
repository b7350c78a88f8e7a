"""The upright page as it is stored and shown."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.values import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_QUALITY = 95
"""Of JPEG. Records are never read from these pictures; read again, office scans say the same,
of a noisy archive scan one word in fifty may differ."""
_UP = 2
"""The PNG filter that stores each row as its difference to the row above."""
_MEMORY_LEVEL = 9
_NOISE = 0.4
"""The share of pixels that differ from the one above from which on JPEG is the smaller one.
Clean prints and faxes have at most 0.1 of them, grey scans 0.7 and more."""
_BAND_PX = 64
"""Rows at a time: what stays in the processor's cache is compared in a third of the time."""


def image_to_picture(image: Image) -> bytes:
    """PNG where the page is grey and clean, else JPEG.

    The noise of a scan does not pack: as PNG a grey one is twice as large and takes five times
    as long, a colour one more yet, for differences that no eye sees.
    """
    pixels = _without_colour(image)
    if pixels.ndim == 3:
        return _to_jpeg(pixels[:, :, ::-1])
    rows = _filtered(pixels)
    is_noisy = np.count_nonzero(rows[1:, 1:]) > _NOISE * pixels.size
    return _to_jpeg(pixels) if is_noisy else _rows_to_png(rows)


def picture_type(start: bytes) -> str:
    """The media type of a picture that starts so."""
    return "image/png" if start.startswith(_SIGNATURE) else "image/jpeg"


def _to_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Of one channel, or of blue, green and red."""
    packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return packed.tobytes()


def _rows_to_png(rows: NDArray[np.uint8]) -> bytes:
    """Written here because the libraries at hand take twice the time: only runs of the same
    value are looked for."""
    height, width = rows.shape[0], rows.shape[1] - 1
    header = struct.pack(">IIBBBBB", width, height, 8, _GREY, 0, 0, 0)
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY_LEVEL, zlib.Z_RLE)
    packed = packer.compress(rows.data) + packer.flush()
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _without_colour(image: Image) -> NDArray[np.uint8]:
    """One channel where all three are the same, else the picture itself."""
    for top in range(0, image.shape[0], _BAND_PX):
        red, green, blue = cv2.split(image[top : top + _BAND_PX])
        if not (np.array_equal(red, green) and np.array_equal(green, blue)):
            return image
    return np.asarray(cv2.extractChannel(image, 0), np.uint8)


def _filtered(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows of bytes as PNG stores them, the number of their filter first."""
    lines = np.empty((pixels.shape[0], pixels.shape[1] + 1), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=lines[1:, 1:])
    return lines


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
