"""Pictures without colour, as most scans are: their three channels are the same, so what is done
to one of them is done to all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.values import Image

Picture = NDArray[Any]
"""H × W × 3, or H × W."""


def is_grey(image: Image) -> bool:
    """Whether no pixel has a colour."""
    few = image[::8, ::8]
    if (few != few[:, :, :1]).any():
        return False
    red, *others = cv2.split(image)
    return all(np.array_equal(red, other) for other in others)


def one_channel(image: Image) -> NDArray[np.uint8]:
    """Of a grey picture, H × W."""
    return np.asarray(cv2.extractChannel(image, 0), np.uint8)


def resample(image: Image, grey: bool, change: Callable[[Picture], Picture]) -> Image:
    """What ``change`` makes of a picture when it works on each channel alone: a grey one is
    changed in a third of the time."""
    if not grey:
        return cast(Image, change(image))
    return cast(Image, cv2.cvtColor(change(one_channel(image)), cv2.COLOR_GRAY2RGB))
