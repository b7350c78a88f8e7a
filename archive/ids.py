"""Ids of rows: 26 characters that sort by the time they were made (ULIDs)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 26
MOST_PARAMETERS: Final = 500
"""Values that one statement names at the most."""
_RANDOM_BITS: Final = 80

_Value = TypeVar("_Value")
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new id; within one process each is greater than the one before."""
    global _last
    with _lock:
        fresh = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        # Two of one millisecond, or a clock set back: count on from the last.
        _last = fresh if fresh >> _RANDOM_BITS > _last >> _RANDOM_BITS else _last + 1
        return _number_to_text(_last)


def _number_to_text(number: int) -> str:
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def in_batches(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    """As many at a time as one statement may name."""
    for start in range(0, len(values), MOST_PARAMETERS):
        yield values[start : start + MOST_PARAMETERS]
