"""How well a document can be read, known before any person looks at it.

The mean doubt of its fields parts good scans from poor ones. Fields of poor scans err more
often than others of the same confidence, so an audit of other scans than those that come
now says too little, or too much: each of its documents counts as its quality comes now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotation.paths import record_fields
from extraction.values import Record

QUALITY_EDGES: Final = (0.02, 0.06)
"""Mean doubts (1 - confidence) that part good scans from middling, and those from poor ones:
about the third and the worst fifth of the simulated scans of the calibration."""
QUALITIES: Final = len(QUALITY_EDGES) + 1
POOREST: Final = QUALITIES - 1
RARE: Final = 0.02
"""A quality that makes less of what comes than this counts as it does in the audit."""

Numbers = NDArray[np.float64]
Qualities = NDArray[np.int64]
Mixture = tuple[float, ...]
"""The share of documents of each quality, good to poor."""


def find_quality(confidences: Sequence[float]) -> int:
    """0 (all is sure) to ``POOREST``, which is also what nothing is known of."""
    doubt = 1.0 - sum(confidences) / len(confidences) if confidences else 1.0
    return sum(doubt > edge for edge in QUALITY_EDGES)


def record_to_quality(record: Record) -> int:
    confidences = [one.field.confidence for one in record_fields(record)]
    return find_quality([one for one in confidences if one is not None])


def find_mixture(qualities: Iterable[int]) -> Mixture:
    """All 0 where there is no document."""
    counts = np.bincount(np.array([*qualities], dtype=np.int64), minlength=QUALITIES)
    return tuple(float(count) for count in counts / max(1, counts.sum()))


def find_weights(qualities: Qualities, mixture: Mixture | None) -> Numbers | None:
    """What each audited document counts for, at most 1, so that all count as ``mixture``.

    None where a quality comes that was not audited. Qualities beyond those of the audit that
    may not pass are to be left out of both.
    """
    if mixture is None or not len(qualities):
        return np.ones(len(qualities))
    wanted = np.array(mixture)
    counts = np.bincount(qualities, minlength=len(wanted))
    coming = wanted >= RARE * wanted.sum()
    if not wanted.sum() or (coming & (counts == 0)).any():
        return None
    had = counts / counts.sum()
    ratio = np.where(coming, wanted / wanted.sum() / np.maximum(had, 1e-12), 1.0)
    weights: Numbers = ratio[qualities] / ratio[qualities].max()
    return weights
