"""Which hanzi stand next to each other in Chinese words, for the choice between look-alikes.

A worn 废 is read as 度 and a worn 减 as 碱; the recogniser thinks of both. Beside 物 and 少 only
one of them makes a word. Only what the recogniser itself thinks of is weighed, numerals and what
it is sure of never, so that what is printed decides and not what would be usual.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extraction.errors import ModelError

PAIRS_FILE = Path(__file__).parents[1] / "weights" / "word_pairs.npz"
MOST_LOG_ODDS = 5.0
"""Of the commonest pair against two characters that stand beside each other in no word."""
STEPS = 50
"""Of these log odds, as they are stored."""

SURE = 0.997
"""Probability of a hanzi from which on it is left as it is."""
DOUBT = 0.9
"""What a hanzi that words speak for keeps of its probability among those thought of."""
NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿两日口")
"""Words tell nothing of a number; 日 and 口 are hardly told from each other even so."""

Candidates = Sequence[tuple[str, float]]
"""What may stand at one place, each with the logarithm of its probability."""


@dataclass(frozen=True, eq=False, slots=True)
class WordPairs:
    """``keys``: n uint32, the code points of both characters, sorted; ``weights``: n uint8."""

    keys: NDArray[np.uint32]
    weights: NDArray[np.uint8]

    def log_odds(self, first: str, second: str) -> float:
        """What ``second`` right behind ``first`` adds to their log odds, from 0."""
        key = pair_key(first, second)
        place = int(np.searchsorted(self.keys, np.uint32(key)))
        if place == len(self.keys) or int(self.keys[place]) != key:
            return 0.0
        return float(self.weights[place]) / STEPS

    def likeliest(self, places: Sequence[Candidates]) -> list[int]:
        """The number of the candidate at each place, so that all together are the likeliest."""
        if not places:
            return []
        ways = [(odds, [number]) for number, (_, odds) in enumerate(places[0])]
        for before, here in pairwise(places):
            ways = [
                max(
                    (total + self.log_odds(last, character) + odds, [*path, number])
                    for (last, _), (total, path) in zip(before, ways, strict=True)
                )
                for number, (character, odds) in enumerate(here)
            ]
        return max(ways)[1]


def settle_look_alikes(
    text: Sequence[str],
    probabilities: Sequence[float],
    thought_of: Callable[[int], Candidates],
    pairs: WordPairs,
) -> list[tuple[int, str, float]]:
    """The places of ``text`` where another hanzi is likelier by the words it makes, each with that
    one and its probability. ``thought_of`` gives what may stand at a place."""
    doubtful = [
        index
        for index, (character, probability) in enumerate(zip(text, probabilities, strict=True))
        if probability < SURE and may_be_settled(character)
    ]
    if not doubtful:
        return []
    places: list[Candidates] = [[(character, 0.0)] for character in text]
    for index in doubtful:
        places[index] = thought_of(index) or places[index]
    chosen = pairs.likeliest(places)
    settled = [place[number][0] for place, number in zip(places, chosen, strict=True)]
    return [
        (index, settled[index], DOUBT * _share_of(settled, index, places[index], pairs))
        for index in doubtful
        if settled[index] != text[index]
    ]


def may_be_settled(character: str) -> bool:
    return is_hanzi(character) and character not in NUMERALS


def _share_of(text: Sequence[str], index: int, candidates: Candidates, pairs: WordPairs) -> float:
    """The probability of the character at ``index`` among ``candidates``, all others given."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    odds = {
        character: math.exp(
            logarithm
            + sum(pairs.log_odds(other, character) for other in before)
            + sum(pairs.log_odds(character, other) for other in after)
        )
        for character, logarithm in candidates
    }
    return odds[text[index]] / sum(odds.values())


def pair_key(first: str, second: str) -> int:
    """Of two characters of the basic plane; 0 for others, which make no pair."""
    high, low = ord(first), ord(second)
    return (high << 16 | low) if max(high, low) < 1 << 16 else 0


def is_hanzi(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


@lru_cache(maxsize=1)
def load_word_pairs(path: Path = PAIRS_FILE) -> WordPairs:
    """ModelError where they are missing."""
    try:
        with np.load(path) as stored:
            return WordPairs(stored["keys"], stored["weights"])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"no usable word pairs: {error}", name=str(path)) from error
