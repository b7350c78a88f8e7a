"""Count which hanzi stand next to each other in words: ``python -m models.word_pairs``.

From the word list of ``jieba``, whose frequencies are of newspapers and novels; nothing of the
forms that this project synthesises is in it, so that what it is worth shows on them honestly.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np

from extraction.errors import ModelError
from extraction.ocr.word_pairs import (
    MOST_LOG_ODDS,
    PAIRS_FILE,
    STEPS,
    WordPairs,
    is_hanzi,
    pair_key,
)

LEAST_COUNT = 3
USUAL, SCALE = 0.25, 8.0
"""Share of the most log odds of a pair as frequent as chance has it, and how much more frequent,
in nats, one with all of them is about. Chosen on development forms: of the hanzi misread there six
of ten are put right, and one in 25,000 is spoilt."""


def read_word_list() -> list[tuple[str, int]]:
    """Words and how often each was counted; ModelError without ``jieba``."""
    found = find_spec("jieba")
    if found is None or found.origin is None:
        raise ModelError("the word list comes with jieba: install the extra train", name="jieba")
    lines = (Path(found.origin).parent / "dict.txt").read_text(encoding="utf-8").splitlines()
    return [(word, int(count)) for word, count, *_ in (line.split(" ") for line in lines)]


def count_pairs(words: Iterable[tuple[str, int]]) -> Counter[str]:
    pairs: Counter[str] = Counter()
    for word, count in words:
        for first, second in pairwise(word):
            if is_hanzi(first) and is_hanzi(second):
                pairs[first + second] += count
    return pairs


def weigh_pairs(pairs: Mapping[str, int]) -> WordPairs:
    """Each pair by how much more often it stands in words than chance would have it."""
    singles: Counter[str] = Counter()
    for pair, count in pairs.items():
        singles[pair[0]] += count
        singles[pair[1]] += count
    total = sum(pairs.values())
    weights = {
        pair_key(*pair): _weight(math.log(count * total / (singles[pair[0]] * singles[pair[1]])))
        for pair, count in pairs.items()
        if count >= LEAST_COUNT
    }
    kept = sorted((key, weight) for key, weight in weights.items() if weight > 0)
    return WordPairs(
        np.array([key for key, _ in kept], np.uint32),
        np.array([weight for _, weight in kept], np.uint8),
    )


def _weight(information: float) -> int:
    share = min(1.0, max(0.0, USUAL + information / SCALE))
    return round(share * MOST_LOG_ODDS * STEPS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PAIRS_FILE)
    options = parser.parse_args()
    pairs = weigh_pairs(count_pairs(read_word_list()))
    np.savez_compressed(options.out, keys=pairs.keys, weights=pairs.weights)
    print(f"{len(pairs.keys)} pairs of hanzi in words, {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
