"""Reading the recogniser's output: characters, their probabilities and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extraction.engines import Tensor
from extraction.ocr.signs import SAME_SIGN, same_signs

BLANK = 0
OUT_OF_SCRIPT = 0.02
"""Weight of a character that a Chinese form hardly prints, against the others of its step."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a crop says. ``positions`` are the characters' centres, 0..1 of the crop's width."""

    text: str
    probabilities: tuple[float, ...]
    positions: tuple[float, ...]

    def after(self, share: float) -> Reading:
        """The part that stands behind this share of the crop's width."""
        kept = [index for index, x in enumerate(self.positions) if x > share]
        return Reading(
            "".join(self.text[index] for index in kept),
            tuple(self.probabilities[index] for index in kept),
            tuple((self.positions[index] - share) / (1 - share) for index in kept),
        )

    @property
    def score(self) -> float:
        """Mean probability; 0 where nothing was read."""
        return float(np.mean(self.probabilities)) if self.probabilities else 0.0

    @property
    def weakest(self) -> float:
        return min(self.probabilities, default=0.0)


NOTHING = Reading("", (), ())


def script_prior(characters: str) -> NDArray[np.float32]:
    """A weight for each of the recogniser's classes: blank, ``characters``, space."""
    weights = [1.0 if _is_expected(character) else OUT_OF_SCRIPT for character in characters]
    return np.array([1.0, *weights, 1.0], dtype=np.float32)


def _is_expected(character: str) -> bool:
    """Whether GB 2312 has it, without its kana and Cyrillic, which only look like hanzi."""
    if character in SAME_SIGN or character.isascii():
        return True
    if "\u0400" <= character <= "\u04ff" or "\u3040" <= character <= "\u30ff":
        return False
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def output_to_reading(
    output: Tensor, characters: str, prior: NDArray[np.float32], used: float = 1.0
) -> Reading:
    """Greedy decoding of ``output``, steps × classes, whose rows are probabilities.

    ``used`` is the share of the steps that show the crop; the rest is padding.
    """
    classes = output.argmax(axis=1)
    for step in np.flatnonzero(prior[classes] < 1.0):
        classes[step] = int((output[step] * prior).argmax())
    shown = output[np.arange(len(classes)), classes]
    starts = np.flatnonzero(np.diff(classes, prepend=-1))
    ends = np.append(starts[1:], len(classes))
    text: list[str] = []
    probabilities: list[float] = []
    positions: list[float] = []
    for start, end in zip(starts, ends, strict=True):
        character = _class_to_character(int(classes[start]), characters)
        if character == "":
            continue
        text.append(character)
        probabilities.append(float(shown[start:end].max()))
        positions.append(min(1.0, (start + end) / 2 / (len(classes) * used)))
    return Reading(same_signs("".join(text)), tuple(probabilities), tuple(positions))


def _class_to_character(number: int, characters: str) -> str:
    if number == BLANK:
        return ""
    return characters[number - 1] if number <= len(characters) else " "
