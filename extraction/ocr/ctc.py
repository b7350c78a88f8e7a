"""Reading the recogniser's output: characters, their probabilities and where they stand."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from extraction.engines import Tensor
from extraction.ocr.signs import SAME_SIGN, same_signs
from extraction.ocr.word_pairs import (
    Candidates,
    WordPairs,
    load_word_pairs,
    may_be_settled,
    settle_look_alikes,
)

BLANK = 0
OUT_OF_SCRIPT = 0.02
"""Weight of a character that a Chinese form hardly prints, against the others of its step."""

LEAST_ALONE = 0.5
"""A sign that one of two readings leaves out is kept from here on."""

SKIPPED = frozenset("，。、；：（）《》“”〔〕%,;:()")
"""Signs that the recogniser skips in one cut of a line and sees in another."""

MARKS = frozenset(".，。、；：,;:")
"""Marks of which no two follow each other: a second one is the first, read again."""

OVERLOOKED = "".join(sorted(SKIPPED)) + ".-·/1一"
"""Marks so small that the recogniser reads over them."""

LONE_LETTER, LETTER_AT_DIGIT = 0.01, 0.1
"""Weight of a letter against the digits, alone in its crop or beside a digit only."""

SIGN_LIKE_DIGIT = 0.004
"""Small bold signs come out as digits, % as 8 and ≥ as 2, yet the recogniser thinks of them: no
8 or 9 among the 1,650 last digits of numbers on faxes and archive scans had as much for %."""
SIGN_LIKE_DIGIT_DOUBT = 0.9
"""What such a sign keeps of the digit's probability."""

_LIKE_AT_LEAST = re.compile(r"[23]\d[\d.,]*%?", re.ASCII)
_LIKE_PER_CENT = re.compile(r".*\d[89]", re.ASCII)

THOUGHT_OF = 0.002
"""Probability from which on a hanzi may stand where another one was read."""

LETTER_ALONE_DOUBT = 0.5
"""What a letter alone in its crop keeps of its probability: most are misread digits."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a crop says. ``positions`` are the characters' centres, 0..1 of the crop's width;
    ``overlooked`` is the highest probability of a sign where the text has none."""

    text: str
    probabilities: tuple[float, ...]
    positions: tuple[float, ...]
    overlooked: float = 0.0

    def after(self, share: float) -> Reading:
        """The part that stands behind this share of the crop's width."""
        kept = [index for index, x in enumerate(self.positions) if x > share]
        return Reading(
            "".join(self.text[index] for index in kept),
            tuple(self.probabilities[index] for index in kept),
            tuple((self.positions[index] - share) / (1 - share) for index in kept),
            self.overlooked,
        )

    def without_first(self, signs: str) -> Reading:
        """Without ``signs`` before its first other character, where there is one."""
        start = len(self.text) - len(self.text.lstrip(signs))
        if start in (0, len(self.text)):
            return self
        rest = self.text[start:], self.probabilities[start:], self.positions[start:]
        return Reading(*rest, self.overlooked)

    @property
    def score(self) -> float:
        """Mean probability; 0 where nothing was read."""
        return float(np.mean(self.probabilities)) if self.probabilities else 0.0

    @property
    def weakest(self) -> float:
        return min(self.probabilities, default=0.0)


NOTHING = Reading("", (), ())


@dataclass(frozen=True, eq=False, slots=True)
class Alphabet:
    """The recogniser's classes: blank, ``characters``, space. ``prior`` weighs them all,
    ``signs`` are the numbers of those that are easily overlooked; ``pairs`` is what words tell
    of them."""

    characters: str
    prior: NDArray[np.float32]
    signs: NDArray[np.int_]
    pairs: WordPairs


def find_alphabet(characters: str) -> Alphabet:
    places = (characters.find(sign) for sign in OVERLOOKED)
    signs = np.array([place + 1 for place in places if place >= 0], dtype=np.int_)
    return Alphabet(characters, script_prior(characters), signs, load_word_pairs())


def merge_readings(first: Reading, second: Reading) -> Reading:
    """The more probable of two readings of one line, with the signs that it lacks.

    ``first`` where they are alike. A sign that only one of them holds was skipped by the other,
    unless that has a mark there already; what both overlook is what the one that suspects less
    of it says.
    """
    base, other = (second, first) if second.score > first.score + 0.01 else (first, second)
    taken: list[tuple[str, float, float]] = []
    ours, theirs = _characters(base), _characters(other)
    matcher = SequenceMatcher(None, base.text, other.text, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        empty = not base.text[start:end].strip()
        taken += ours[start:end]
        beside = base.text[max(0, start - 1) : start] + base.text[end : end + 1]
        if kind != "equal" and empty and not MARKS & set(beside):
            there = theirs[other_start:other_end]
            taken += [one for one in there if one[1] >= LEAST_ALONE and one[0] in SKIPPED]
    return Reading(
        "".join(character for character, _, _ in taken),
        tuple(probability for _, probability, _ in taken),
        tuple(position for _, _, position in taken),
        min(first.overlooked, second.overlooked),
    )


def _characters(reading: Reading) -> list[tuple[str, float, float]]:
    return list(zip(reading.text, reading.probabilities, reading.positions, strict=True))


def script_prior(characters: str) -> NDArray[np.float32]:
    """A weight for each of the recogniser's classes: blank, ``characters``, space."""
    weights = [1.0 if _is_expected(character) else OUT_OF_SCRIPT for character in characters]
    return np.array([1.0, *weights, 1.0], dtype=np.float32)


def _is_expected(character: str) -> bool:
    """Whether GB 2312 has it, without its kana and Cyrillic, which only look like hanzi.

    An underscore is what is left of a line or of a pen stroke.
    """
    if character == "_":
        return False
    if character in SAME_SIGN or character.isascii():
        return True
    if "\u0400" <= character <= "\u04ff" or "\u3040" <= character <= "\u30ff":
        return False
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def output_to_reading(output: Tensor, alphabet: Alphabet, used: float = 1.0) -> Reading:
    """Greedy decoding of ``output``, steps × classes, whose rows are probabilities.

    ``used`` is the share of the steps that show the crop; the rest is padding.
    """
    classes = output.argmax(axis=1)
    for step in np.flatnonzero(alphabet.prior[classes] < 1.0):
        classes[step] = int((output[step] * alphabet.prior).argmax())
    shown = output[np.arange(len(classes)), classes]
    starts = np.flatnonzero(np.diff(classes, prepend=-1))
    ends = np.append(starts[1:], len(classes))
    text: list[str] = []
    probabilities: list[float] = []
    positions: list[float] = []
    steps: list[int] = []
    runs: list[slice] = []
    for start, end in zip(starts, ends, strict=True):
        character = _class_to_character(int(classes[start]), alphabet.characters)
        if character == "":
            continue
        steps.append(start + int(shown[start:end].argmax()))
        runs.append(slice(start, end))
        text.append(character)
        probabilities.append(float(shown[steps[-1]]))
        positions.append(min(1.0, (start + end) / 2 / (len(classes) * used)))
    overlooked = overlooked_sign(output, classes, alphabet.signs)
    for index, weight in lone_letters(text):
        digit, probability = _likeliest_digit(output[steps[index]], alphabet.characters)
        if probability > weight * probabilities[index]:
            text[index], probabilities[index] = digit, probability
        elif len(text) == 1:
            probabilities[index] *= LETTER_ALONE_DOUBT
    for index, sign in signs_like_digits("".join(text)):
        number = alphabet.characters.find(sign) + 1
        if number and output[runs[index], number].max() > SIGN_LIKE_DIGIT:
            text[index] = sign
            probabilities[index] *= SIGN_LIKE_DIGIT_DOUBT
    settled = settle_look_alikes(
        text,
        probabilities,
        # Only of the few that are doubtful: the rows of a whole line are megabytes.
        lambda index: _thought_of(output[steps[index]], alphabet),
        alphabet.pairs,
    )
    for index, character, probability in settled:
        text[index], probabilities[index] = character, probability
    read = same_signs("".join(text))
    return Reading(read, tuple(probabilities), tuple(positions), overlooked)


def overlooked_sign(output: Tensor, classes: NDArray[np.int_], signs: NDArray[np.int_]) -> float:
    """The highest probability of one of the classes ``signs`` at a step that reads as blank.

    The classes read before and after such a step are left out: they end and begin there.
    """
    blank = np.flatnonzero(classes == BLANK)
    read = np.flatnonzero(classes != BLANK)
    if not len(blank) or not len(read):
        return 0.0
    place = np.searchsorted(read, blank)
    before = classes[read[np.maximum(place - 1, 0)]]
    after = classes[read[np.minimum(place, len(read) - 1)]]
    hidden = output[np.ix_(blank, signs)]
    hidden[(signs == before[:, None]) | (signs == after[:, None])] = 0.0
    return float(hidden.sum(axis=1).max())


def lone_letters(text: Sequence[str]) -> list[tuple[int, float]]:
    """Latin letters alone in ``text`` or beside digits only, each with its weight."""
    found = []
    for index, character in enumerate(text):
        if not _is_letter(character):
            continue
        beside = [*text[max(0, index - 1) : index], *text[index + 1 : index + 2]]
        if len(text) == 1:
            found.append((index, LONE_LETTER))
        elif any(one.isdigit() for one in beside) and not any(map(_is_letter, beside)):
            found.append((index, LETTER_AT_DIGIT))
    return found


def signs_like_digits(text: str) -> list[tuple[int, str]]:
    """Digits at the ends of a number, each with the sign that would stand there."""
    found = []
    if _LIKE_AT_LEAST.fullmatch(text):
        found.append((0, "≥"))
    if _LIKE_PER_CENT.fullmatch(text):
        found.append((len(text) - 1, "%"))
    return found


def _thought_of(row: NDArray[np.float32], alphabet: Alphabet) -> Candidates:
    """The hanzi that may stand where ``row`` was read, each with its log probability."""
    numbers = np.flatnonzero((row >= THOUGHT_OF) & (alphabet.prior == 1.0))
    characters = ((_class_to_character(int(n), alphabet.characters), n) for n in numbers)
    return [
        (character, math.log(row[number]))
        for character, number in characters
        if character and may_be_settled(character)
    ]


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _likeliest_digit(row: NDArray[np.float32], characters: str) -> tuple[str, float]:
    digits = [(digit, characters.find(digit) + 1) for digit in "0123456789"]
    digit, number = max(digits, key=lambda one: float(row[one[1]]) if one[1] else 0.0)
    return digit, float(row[number]) if number else 0.0


def _class_to_character(number: int, characters: str) -> str:
    if number == BLANK:
        return ""
    return characters[number - 1] if number <= len(characters) else " "
