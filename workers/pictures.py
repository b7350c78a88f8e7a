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
"""Of JPEG: a recogniser reads the same."""
_UP = 2
"""The PNG filter that stores each row as its difference to the row above."""
_MEMORY_LEVEL = 9


def image_to_picture(image: Image) -> bytes:
    """PNG where the page is grey, else JPEG.

    The noise of a colour scan does not pack: as PNG it is five times as large and takes five
    times as long, for differences that no eye and no recogniser sees.
    """
    pixels = _without_colour(image)
    return _grey_to_png(pixels) if pixels.ndim == 2 else _colour_to_jpeg(pixels)


def picture_type(start: bytes) -> str:
    """The media type of a picture that starts so."""
    return "image/png" if start.startswith(_SIGNATURE) else "image/jpeg"


def _colour_to_jpeg(pixels: Image) -> bytes:
    packed = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return packed.tobytes()


def _grey_to_png(pixels: NDArray[np.uint8]) -> bytes:
    """Written here because the libraries at hand take twice the time: only runs of the same
    value are looked for."""
    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _GREY, 0, 0, 0)
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
    lines = np.empty((pixels.shape[0], pixels.shape[1] + 1), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=lines[1:, 1:])
    return lines


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
