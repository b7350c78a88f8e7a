"""Texts as tokens: pieces of a few characters each, from a character vocabulary.

A token is a *piece* of up to ``PieceSettings.length`` characters; one character a piece is
the plain character model. Long words and the later lines of a cell give only a few pieces,
so that a whole form fits one window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from extraction.normalise import plain

PAD_ID = 0
UNKNOWN_ID = 1
GAP_ID = 2
"""Stands where the middle of a long word is left out."""

FIRST_CHARACTER_ID = 3

Piece = tuple[int, ...]
"""Character ids, padded with ``PAD_ID`` to the length of a piece."""


@dataclass(frozen=True, slots=True)
class PieceSettings:
    """How much of a word is read, in characters.

    ``first`` and ``last`` of a word that opens its cell, ``later`` of each further line.
    """

    length: int = 4
    first: int = 8
    last: int = 4
    later: int = 4


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The characters that the model knows; the id of the n-th is n + 3."""

    characters: tuple[str, ...]
    ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = enumerate(self.characters, start=FIRST_CHARACTER_ID)
        object.__setattr__(self, "ids", {character: number for number, character in numbers})

    def __len__(self) -> int:
        return len(self.characters) + FIRST_CHARACTER_ID

    def encode(self, text: str) -> list[int]:
        return [self.ids.get(character, UNKNOWN_ID) for character in text]


def texts_to_vocabulary(texts: Iterable[str], minimum: int = 3) -> Vocabulary:
    """All characters seen at least ``minimum`` times, in the order of their code points.

    Rarer ones stay unknown, which teaches the model what an unknown character means.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(plain(text))
    return Vocabulary(tuple(sorted(char for char, count in counts.items() if count >= minimum)))


def text_to_pieces(
    text: str, line: int, vocabulary: Vocabulary, settings: PieceSettings
) -> list[Piece]:
    """The pieces of a word that is line number ``line`` of its cell; at least one piece."""
    ids = vocabulary.encode(plain(text))
    if line > 0:
        ids = ids[: settings.later]
    elif len(ids) > settings.first + settings.last:
        # The gap takes the last place of the first part, so no piece is spent on it.
        ids = [*ids[: settings.first - 1], GAP_ID, *ids[-settings.last :]]
    return _ids_to_pieces(ids, settings.length)


def _ids_to_pieces(ids: Sequence[int], length: int) -> list[Piece]:
    starts = range(0, max(len(ids), 1), length)
    pieces = (tuple(ids[start : start + length]) for start in starts)
    return [piece + (PAD_ID,) * (length - len(piece)) for piece in pieces]
