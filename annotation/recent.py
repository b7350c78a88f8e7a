"""What came lately: how good the scans were, and how many of their fields would pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from annotation.promise import DOUBTS
from annotation.quality import QUALITIES, Mixture, find_mixture

LEAST_RECENT: Final = 100
"""Documents below which their qualities say nothing of what will come."""


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """``levels`` has for each of ``DOUBTS``, and for fields that never pass, how many of the
    document's fields it is the first to accept."""

    quality: int
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RecentWork:
    """``accepted`` has for each quality the share of *all* fields, in documents of whatever
    quality, that each of ``DOUBTS`` accepts; ``mixture`` is None while too few came."""

    mixture: Mixture | None
    accepted: tuple[tuple[float, ...], ...]

    def automation(self, poorest: int) -> tuple[float, ...]:
        """Share of fields that each of ``DOUBTS`` accepts when scans up to ``poorest`` pass."""
        kept = self.accepted[: poorest + 1]
        return tuple(sum(shares) for shares in zip(*kept, strict=True)) or (0.0,) * len(DOUBTS)


def count_levels(levels: Sequence[int]) -> tuple[int, ...]:
    counts = np.bincount(np.array(levels, dtype=np.int64), minlength=len(DOUBTS) + 1)
    return tuple(int(count) for count in counts)


def documents_to_recent(documents: Sequence[ReadDocument]) -> RecentWork:
    """Nothing passes where there is no document."""
    fields = max(1, sum(sum(document.levels) for document in documents))
    accepted = []
    for quality in range(QUALITIES):
        counts = np.zeros(len(DOUBTS) + 1)
        for document in documents:
            if document.quality == quality:
                counts += np.array(document.levels)
        accepted.append(tuple(float(share) for share in counts.cumsum()[:-1] / fields))
    known = len(documents) >= LEAST_RECENT
    mixture = find_mixture(document.quality for document in documents) if known else None
    return RecentWork(mixture, tuple(accepted))
