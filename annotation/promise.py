"""The promised error rate: what may be accepted unseen, proved on audited documents.

A field is accepted when its *doubt* (1 − confidence) is at most some number, which is to be
chosen from a grid that is fixed beforehand.

Fields of one document err together, so the bound counts documents. Against the claim "the
error rate is at least r" one bets on each audited document, without looking at it first, that
its wrong fields are fewer than r of those seen. Under the claim no such bettor can expect to
grow rich: wealth of 1/δ refutes it at certainty 1 − δ, after any number of documents and
whatever the dependence inside of one. The doubts are tried from strict to loose until one
cannot be proved (fixed-sequence testing, so that trying many costs no certainty).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

DEFAULT_TARGET: Final = 0.005
DEFAULT_CERTAINTY: Final = 0.95

DOUBTS: Final = tuple(float(doubt) for doubt in np.geomspace(0.0005, 0.25, 32).round(6))
"""Strict to loose."""
NEVER: Final = len(DOUBTS)
"""The level of a field that is never accepted unseen."""

_BETS: Final = np.array([0.1, 0.3, 0.6, 0.95])
"""Shares of the wealth that are bet; their mean wealth needs no guess of the best."""
_TYPICAL: Final = 0.5
_ENOUGH: Final = 0.25
_BISECTIONS: Final = 40
_EDGES: Final = np.array(DOUBTS) + 1e-9

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SeenField:
    """An audited field. ``level`` is the first of ``DOUBTS`` that accepts it, or ``NEVER``."""

    level: int
    wrong: bool


@dataclass(frozen=True, slots=True)
class SeenDocument:
    """Fields of one document, each drawn with the same chance and then looked at.

    ``groups`` are the kinds of documents that it is one of, to be watched by themselves.
    """

    document_id: str
    fields: tuple[SeenField, ...]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What accepting up to a ``doubt`` costs and gives.

    ``error`` is None where nothing accepted was audited, ``bound`` what it is at most, at the
    certainty asked for; ``automation`` is the share of fields that nobody has to see.
    """

    doubt: float
    error: float | None
    bound: float
    automation: float
    audited: int

    @property
    def threshold(self) -> float:
        return 1.0 - self.doubt


def confidences_to_levels(confidences: Sequence[float]) -> tuple[int, ...]:
    """For each field the number of the first of ``DOUBTS`` that accepts it, or ``NEVER``."""
    doubts = 1.0 - np.asarray(confidences, dtype=np.float64)
    return tuple(int(level) for level in np.searchsorted(_EDGES, doubts, side="left"))


def level_to_threshold(level: int) -> float:
    """The lowest confidence that is accepted; 1 (none is) for a level below 0."""
    return 1.0 - DOUBTS[level] if level >= 0 else 1.0


def count_seen(documents: Sequence[SeenDocument]) -> tuple[Counts, Counts]:
    """Wrong and all accepted fields, each documents × ``DOUBTS``."""
    shape = (len(documents), len(DOUBTS) + 1)
    wrong, seen = np.zeros(shape), np.zeros(shape)
    for number, document in enumerate(documents):
        for field in document.fields:
            seen[number, field.level] += 1
            wrong[number, field.level] += field.wrong
    return wrong.cumsum(axis=1)[:, :-1], seen.cumsum(axis=1)[:, :-1]


def log_wealth(wrong: Counts, seen: Counts, rate: float) -> float:
    """How far documents refute "at least ``rate`` of the accepted fields are wrong".

    ``wrong`` and ``seen`` have one number a document. A document with more than the usual
    number of fields counts as one of the usual size, so that a single one cannot decide.
    """
    usual = usual_size(seen)
    kept = seen > 0
    weight = 1.0 / np.maximum(seen[kept], usual)
    gains = (rate * seen[kept] - wrong[kept]) * weight
    logs = np.log1p(_BETS[:, None] * gains[None, :]).sum(axis=1)
    return float(logsumexp(logs) - math.log(len(_BETS)))


def usual_size(seen: Counts) -> float:
    """Accepted fields that a document counts as at most. Known before anything is judged."""
    return max(1.0, float(np.quantile(seen, _TYPICAL))) if len(seen) else 1.0


def find_bound(wrong: Counts, seen: Counts, certainty: float) -> float:
    """The error rate is below this at ``certainty``; 1 where too little was seen."""
    asked = -math.log(1.0 - certainty)
    if not seen.any() or log_wealth(wrong, seen, 1.0) < asked:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if log_wealth(wrong, seen, middle) >= asked:
            high = middle
        else:
            low = middle
    return high


def prove_level(documents: Sequence[SeenDocument], target: float, certainty: float) -> int | None:
    """The loosest of ``DOUBTS`` (its number) that is proved to keep ``target``, or None."""
    wrong, seen = count_seen(documents)
    return prove_level_of_counts(wrong, seen, target, certainty)


def prove_level_of_counts(
    wrong: Counts, seen: Counts, target: float, certainty: float
) -> int | None:
    """As ``prove_level``, from what ``count_seen`` gives."""
    asked = -math.log(1.0 - certainty)
    proved = None
    for level in range(start_level(seen, target), len(DOUBTS)):
        if not len(seen) or log_wealth(wrong[:, level], seen[:, level], target) < asked:
            break
        proved = level
    return proved


def first_level(target: float) -> int:
    """Where the trying starts: if confidences mean anything, fields of no more doubt than the
    target allows err far less than that together."""
    return max(0, sum(doubt <= target for doubt in DOUBTS) - 1)


def start_level(seen: Counts, target: float) -> int:
    """``first_level``, or the first after it that accepts enough to tell anything. Follows
    from how many fields were seen, not from what was found."""
    totals = seen.sum(axis=0)
    enough = np.flatnonzero(totals >= _ENOUGH * totals[-1])
    return max(first_level(target), int(enough[0]))


def draw_curve(
    documents: Sequence[SeenDocument], automation: Sequence[float], certainty: float
) -> tuple[CurvePoint, ...]:
    """Error against automation; ``automation`` has a share for each of ``DOUBTS``."""
    wrong, seen = count_seen(documents)
    points = []
    for level, doubt in enumerate(DOUBTS):
        all_seen = int(seen[:, level].sum())
        points.append(
            CurvePoint(
                doubt,
                float(wrong[:, level].sum()) / all_seen if all_seen else None,
                find_bound(wrong[:, level], seen[:, level], certainty),
                automation[level],
                all_seen,
            )
        )
    return tuple(points)


def levels_to_automation(levels: Sequence[Sequence[int]]) -> tuple[float, ...]:
    """Share of fields accepted at each of ``DOUBTS``, over the levels of whole documents."""
    flat = [level for document in levels for level in document]
    counts = np.bincount(np.array(flat, dtype=np.int64), minlength=len(DOUBTS) + 1)
    shares = counts.cumsum()[: len(DOUBTS)] / max(1, len(flat))
    return tuple(float(share) for share in shares)


def documents_needed(target: float, certainty: float) -> int:
    """Audited documents of the usual size, none wrong, that just prove the target."""
    size = 1
    while log_wealth(np.zeros(size), np.ones(size), target) < -math.log(1.0 - certainty):
        size = size + max(1, size // 50)
    return size
