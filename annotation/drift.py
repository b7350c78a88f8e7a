"""The watch over the audit: does the promised error rate still hold?

Each audited document is a bet that it has more wrong fields than promised. While the promise
holds, such bets lose; when a new scanner or a new layout breaks it, they soon win. Bets are
begun anew at every document (a Shiryaev–Roberts sum of e-values), because nobody knows when
things will change; the sum reaches ``patience`` by chance not more than once in so many
audited documents on average, even when the error sits exactly at the target.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from annotation.promise import SeenDocument

ALL: Final = ""
"""The group of all documents."""
FORM_GROUP: Final = "form:"
QUALITY_GROUP: Final = "quality:"
"""Followed by a quality, as ``annotation.quality`` numbers them."""
PATIENCE: Final = 20_000.0
FORM_SLACK: Final = 2.0
QUALITY_SLACK: Final = 4.0
"""A single kind of documents may err so many times as much as promised for all together. Poor
scans do err more, and the proof follows how many of them come."""

_BETS: Final = np.array([0.02, 0.05, 0.1, 0.2, 0.4])
"""As shares of the largest bet that cannot lose everything."""
_MOST_FIELDS: Final = 10.0
"""Fields that a document counts as at most: one long table is one event."""

Sums = NDArray[np.float64]
NO_SUMS: Final[Sums] = np.zeros(len(_BETS))


@dataclass(frozen=True, slots=True)
class Alarm:
    """The promise was seen not to hold. ``documents`` is how many had been watched,
    ``group`` of which kind (``ALL``), ``error`` what was wrong among the seen of them."""

    document_id: str
    documents: int
    group: str
    error: float


@dataclass(slots=True)
class _Watch:
    """One group's running sums."""

    sums: Sums
    documents: int = 0
    wrong: int = 0
    seen: int = 0


def document_groups(form_type: str, quality: int) -> tuple[str, ...]:
    """The kinds of documents to be watched by themselves: the form type, and how well scans
    of the sort can be read."""
    return (f"{FORM_GROUP}{form_type}", f"{QUALITY_GROUP}{quality}")


def find_alarm(
    documents: Iterable[SeenDocument], level: int, target: float, patience: float = PATIENCE
) -> Alarm | None:
    """The first document, in the order given, at which the promise is seen not to hold.

    ``level`` is the doubt in use (its number in ``DOUBTS``): fields beyond it were reviewed
    and do not count.
    """
    watches: dict[str, _Watch] = {}
    for document in documents:
        wrong, seen = _accepted(document, level)
        for group in (ALL, *document.groups) if seen else ():
            watch = watches.setdefault(group, _Watch(NO_SUMS))
            watch.sums = add_document(watch.sums, wrong, seen, target * group_slack(group))
            watch.documents += 1
            watch.wrong += wrong
            watch.seen += seen
            if watch.sums.mean() >= patience * patience_share(group, len(watches) - 1):
                error = watch.wrong / watch.seen
                return Alarm(document.document_id, watch.documents, group, error)
    return None


def group_slack(group: str) -> float:
    """How many times as much as promised for all documents this kind of them may err."""
    if group == ALL:
        return 1.0
    return QUALITY_SLACK if group.startswith(QUALITY_GROUP) else FORM_SLACK


def patience_share(group: str, groups: int) -> float:
    """How many times the patience a group is given beside ``groups`` that are not ``ALL``: half
    of the false alarms may be about all documents, the other half is shared by the groups."""
    return 2.0 if group == ALL else 2.0 * max(1, groups)


def add_document(sums: Sums, wrong: int, seen: int, rate: float) -> Sums:
    """The sums of a watch after one more document; ``NO_SUMS`` before the first."""
    return (sums + 1.0) * bet_on_document(wrong, seen, rate)


def bet_on_document(
    wrong: int | NDArray[np.int64], seen: int | NDArray[np.int64], rate: float
) -> Sums:
    """Factors of the wealth, one a bet (documents × bets of many); their mean is at most 1
    while the rate holds."""
    weight = np.minimum(1.0, _MOST_FIELDS / np.asarray(seen))
    surplus = (np.asarray(wrong) - rate * np.asarray(seen)) * weight
    factors: Sums = 1.0 + _BETS / (rate * _MOST_FIELDS) * surplus[..., None]
    return factors


def _accepted(document: SeenDocument, level: int) -> tuple[int, int]:
    accepted = [field for field in document.fields if field.level <= level]
    return sum(field.wrong for field in accepted), len(accepted)
