"""Text as it is searched: widths, cases and spaces made alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=1024)
def fold(text: str) -> str:
    """One line in which ``Ａ１２ 号`` and ``a12号`` are the same."""
    folded = _fold_once(text)
    # A space that goes can bring together what composes to another letter.
    while (again := _fold_once(folded)) != folded:
        folded = again
    return folded


def fold_lines(texts: Iterable[str]) -> str:
    """Each text folded, on a line of its own, no line twice."""
    return "\n".join(dict.fromkeys(line for line in map(fold, texts) if line))


def _fold_once(text: str) -> str:
    wide = unicodedata.normalize("NFKC", text).casefold()
    # PostgreSQL takes no NUL in text.
    return "".join(wide.split()).replace("\0", "")
