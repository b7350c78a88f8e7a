"""The promised error rate: what may be accepted unseen, proved on audited documents.

A field is accepted when its *doubt* (1 − confidence) is at most some number, which is to be
chosen from a grid that is fixed beforehand.

Fields of one document err together, so the bound counts documents. Against the claim "the
error rate is at least r" one bets on each audited document, without looking at it first, that
its wrong fields are fewer than r of those seen. Under the claim no such bettor can expect to
grow rich: wealth of 1/δ refutes it at certainty 1 − δ, after any number of documents and
whatever the dependence inside of one. The doubts are tried from strict to loose until one
cannot be proved (fixed-sequence testing, so that trying many costs no certainty).

Documents count as their quality comes now, not as it came in the audit. Most of the chance to
err is spent on a proof for all of them, the rest on one without the poor scans: where only
that one succeeds, or lets more pass, poor scans are shown whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from annotation.quality import POOREST, QUALITIES, Mixture, Qualities, find_mixture, find_weights

DEFAULT_TARGET: Final = 0.005
DEFAULT_CERTAINTY: Final = 0.95

DOUBTS: Final = tuple(float(doubt) for doubt in np.geomspace(0.0005, 0.25, 32).round(6))
"""Strict to loose."""
NEVER: Final = len(DOUBTS)
"""The level of a field that is never accepted unseen."""

_BETS: Final = np.array([0.1, 0.3, 0.6, 0.95])
_PURSES: Final = np.array([0.05, 0.1, 0.15, 0.7])
"""Shares of the wealth that are bet, and what of the first wealth is bet so: the largest are
best for the low rates that are asked for, the others for high ones."""
_USUAL: Final = 0.9
_ENOUGH: Final = 0.25
_PROOFS: Final = ((POOREST, 0.8), (POOREST - 1, 0.2))
"""The poorest quality that may pass, and the share of the chance to err that is spent on it."""
_LEAST_OF_QUALITY: Final = 30
"""Audited documents of a quality below which it is not let through."""
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

    ``groups`` are the kinds of documents that it is one of, to be watched by themselves;
    ``quality`` is that of ``annotation.quality``.
    """

    document_id: str
    fields: tuple[SeenField, ...]
    groups: tuple[str, ...] = ()
    quality: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """Wrong and all accepted fields, each documents × ``DOUBTS``, and each document's quality."""

    wrong: Counts
    seen: Counts
    qualities: Qualities

    def up_to(self, poorest: int) -> Audit:
        kept = self.qualities <= poorest
        return Audit(self.wrong[kept], self.seen[kept], self.qualities[kept])


@dataclass(frozen=True, slots=True)
class Proof:
    """Fields up to ``level`` (a number of ``DOUBTS``) may pass in scans up to ``poorest``;
    ``certainty`` is that of the proof by itself."""

    level: int
    poorest: int
    certainty: float


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


def level_below(doubt: float) -> int:
    """The loosest of ``DOUBTS`` (its number) that is at most ``doubt``; -1 where none is."""
    return sum(known <= doubt for known in DOUBTS) - 1


def count_seen(documents: Sequence[SeenDocument]) -> Audit:
    shape = (len(documents), len(DOUBTS) + 1)
    wrong, seen = np.zeros(shape), np.zeros(shape)
    for number, document in enumerate(documents):
        for field in document.fields:
            seen[number, field.level] += 1
            wrong[number, field.level] += field.wrong
    qualities = np.array([document.quality for document in documents], dtype=np.int64)
    return Audit(wrong.cumsum(axis=1)[:, :-1], seen.cumsum(axis=1)[:, :-1], qualities)


def log_wealth(wrong: Counts, seen: Counts, rate: float, weights: Counts | None = None) -> float:
    """How far documents refute "at least ``rate`` of the accepted fields are wrong".

    ``wrong``, ``seen`` and ``weights`` (at most 1) have one number a document. A document
    with more than the usual number of fields counts as one of the usual size, so that a
    single one cannot decide.
    """
    return _gains_to_wealth(_find_gains(wrong, seen, rate, weights))


def refutes(
    wrong: Counts, seen: Counts, rate: float, asked: float, weights: Counts | None = None
) -> bool:
    """Whether ``log_wealth`` is at least ``asked``. Mostly the largest bet alone tells."""
    gains = _find_gains(wrong, seen, rate, weights)
    if math.log(_PURSES[-1]) + float(np.log1p(_BETS[-1] * gains).sum()) >= asked:
        return True
    return _gains_to_wealth(gains) >= asked


def _find_gains(wrong: Counts, seen: Counts, rate: float, weights: Counts | None) -> Counts:
    gains: Counts = (rate * seen - wrong) / np.maximum(seen, usual_size(seen))
    return gains if weights is None else gains * weights


def _gains_to_wealth(gains: Counts) -> float:
    return float(logsumexp(_grow(gains), b=_PURSES))


def _grow(gains: Counts) -> Counts:
    """Growth of the log wealth, one number a bet."""
    grown: Counts = np.log1p(np.outer(_BETS, gains)).sum(axis=1)
    return grown


def usual_size(seen: Counts) -> float:
    """Accepted fields that a document counts as at most. Known before anything is judged."""
    return max(1.0, float(np.quantile(seen, _USUAL))) if len(seen) else 1.0


def find_bound(
    wrong: Counts, seen: Counts, certainty: float, weights: Counts | None = None
) -> float:
    """The error rate is below this at ``certainty``; 1 where too little was seen."""
    asked = -math.log(1.0 - certainty)
    if not seen.any() or not refutes(wrong, seen, 1.0, asked, weights):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if refutes(wrong, seen, middle, asked, weights):
            high = middle
        else:
            low = middle
    return high


def find_proof(
    audit: Audit, target: float, certainty: float, mixture: Mixture | None = None
) -> Proof | None:
    """What is proved to keep ``target`` for documents that come in that ``mixture`` (as in the
    audit without one) and lets the most fields pass; None where nothing is."""
    coming = find_mixture(audit.qualities) if mixture is None else mixture
    best, most = None, 0.0
    for widest, share in _PROOFS:
        part, alone = audit.up_to(widest), 1.0 - share * (1.0 - certainty)
        weights = find_weights(part.qualities, coming[: widest + 1])
        if weights is None:
            continue
        level = prove_level(part, target, alone, weights)
        poorest = _poorest_audited(part)
        if level is None or poorest < 0:
            continue
        passing = float(weights @ part.seen[:, level]) / float(weights.sum())
        passing *= sum(coming[: widest + 1])
        if passing > most:
            best, most = Proof(level, poorest, alone), passing
    return best


def _poorest_audited(audit: Audit) -> int:
    """-1 where no quality was audited enough."""
    counts = np.bincount(audit.qualities, minlength=QUALITIES)
    enough = np.flatnonzero(counts >= _LEAST_OF_QUALITY)
    return int(enough[-1]) if len(enough) else -1


def prove_level(
    audit: Audit, target: float, certainty: float, weights: Counts | None = None
) -> int | None:
    """The loosest of ``DOUBTS`` (its number) that is proved to keep ``target``, or None."""
    wrong, seen = audit.wrong, audit.seen
    if not len(seen):
        return None
    asked = -math.log(1.0 - certainty)
    proved = None
    for level in range(start_level(seen, target), len(DOUBTS)):
        if not refutes(wrong[:, level], seen[:, level], target, asked, weights):
            break
        proved = level
    return proved


def first_level(target: float) -> int:
    """Where the trying starts: if confidences mean anything, fields of no more doubt than the
    target allows err far less than that together."""
    return max(0, level_below(target))


def start_level(seen: Counts, target: float) -> int:
    """``first_level``, or the first after it that accepts enough to tell anything. Follows
    from how many fields were seen, not from what was found."""
    totals = seen.sum(axis=0)
    enough = np.flatnonzero(totals >= _ENOUGH * totals[-1])
    return max(first_level(target), int(enough[0]))


def draw_curve(
    audit: Audit, automation: Sequence[float], certainty: float, mixture: Mixture | None = None
) -> tuple[CurvePoint, ...]:
    """Error against automation; ``automation`` has a share for each of ``DOUBTS``."""
    found = find_weights(audit.qualities, mixture)
    weights = np.ones(len(audit.seen)) if found is None else found
    points = []
    for level, doubt in enumerate(DOUBTS):
        wrong, seen = audit.wrong[:, level], audit.seen[:, level]
        weighed = float(weights @ seen)
        points.append(
            CurvePoint(
                doubt,
                float(weights @ wrong) / weighed if weighed else None,
                find_bound(wrong, seen, certainty, weights),
                automation[level],
                int(seen.sum()),
            )
        )
    return tuple(points)


def documents_needed(target: float, certainty: float) -> int:
    """Audited documents of the usual size, none wrong, that just prove the target."""
    size = 1
    while log_wealth(np.zeros(size), np.ones(size), target) < -math.log(1.0 - certainty):
        size = size + max(1, size // 50)
    return size


def documents_still_needed(audit: Audit, target: float, certainty: float) -> int:
    """About how many more audited documents prove the target, if they are as those before."""
    documents = len(audit.seen)
    if documents:
        level = start_level(audit.seen, target)
        gains = _find_gains(audit.wrong[:, level], audit.seen[:, level], target, None)
        grown = _grow(gains)
        asked = -math.log(1.0 - certainty) - np.log(_PURSES)
        if (grown > 0).any():
            times = float((asked[grown > 0] / grown[grown > 0]).min())
            return max(1, math.ceil(documents * (times - 1.0)))
    return max(1, documents_needed(target, certainty) - documents)
