"""The upright page as it is stored and shown."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.values import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2
_UP = 2
"""The PNG filter that stores each row as its difference to the row above."""
_MEMORY_LEVEL = 9


def image_to_png(image: Image) -> bytes:
    """PNG, grey where the page is.

    Written here because the libraries at hand take twice the time: a scan's noise does not
    pack, so only runs of the same value are looked for.
    """
    pixels = _without_colour(image)
    height, width = pixels.shape[:2]
    kind = _GREY if pixels.ndim == 2 else _COLOUR
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY_LEVEL, zlib.Z_RLE)
    packed = packer.compress(_filtered(pixels).data) + packer.flush()
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _without_colour(image: Image) -> NDArray[np.uint8]:
    """One channel where all three are the same, else the picture itself."""
    red, green, blue = (cv2.extractChannel(image, number) for number in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.asarray(red, np.uint8)
    return image


def _filtered(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows of bytes as PNG stores them, the number of their filter first."""
    rows = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    return lines


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
