"""The values at the human border: what is asked, what is answered, what it changes.

A *path* is a field's place in a record: ``total`` or ``items[2].amount``; a *name* is the
declared one: ``total`` or ``items.amount``. Boxes are in pixels of the upright page, pages
count from 1, rows from 0, times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from extraction.values import Box, Record


@dataclass(frozen=True, slots=True)
class Doubt:
    """A field of a record that a person should see, and why.

    ``audit`` marks one that was accepted and is only looked at to measure the error rate;
    it is never told to whoever answers.
    """

    path: str
    reasons: tuple[str, ...]
    audit: bool = False


@dataclass(frozen=True, slots=True)
class Routing:
    """What a policy makes of a record: the record with its routes, and what is to be seen."""

    record: Record
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class AskedRegion:
    """One box that is shown: all ``paths`` that stand in it share its text.

    ``name`` is the declared name, ``row`` the first of its rows for a column of a group.
    """

    region_id: str
    name: str
    row: int | None
    paths: tuple[str, ...]
    text: str
    page: int
    box: Box
    confidence: float | None
    reasons: tuple[str, ...]
    audit: bool


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """What one document asks of a person, the most doubtful region first.

    ``missing`` are the paths that should be printed but were found nowhere, ``notes`` what
    is said in words; ``worth`` is how much an answer is worth, to order the queue by.
    """

    task_id: str
    form_type: str
    regions: tuple[AskedRegion, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    worth: float


class Mark(StrEnum):
    """What a person says of a region beside its text."""

    ILLEGIBLE = "illegible"
    PRINTED_SO = "printed_so"
    """Wrong by the form's own rules, but that is what stands on the paper."""
    NO_SUCH_ROW = "no_such_row"


@dataclass(frozen=True, slots=True)
class AnsweredRegion:
    """A box as it was handed in. ``row`` is None where nobody named one, ``name`` empty for a
    box without a label; ``page`` counts the pages that were shown, from 1.
    """

    region_id: str
    name: str
    row: int | None
    text: str
    page: int
    box: Box
    marks: frozenset[Mark] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """One version of one annotation. ``regions`` is None for one that was deleted.

    ``seconds`` is how long the person had it open in all.
    """

    annotation_id: int
    updated_at: datetime
    author: str
    seconds: float
    regions: tuple[AnsweredRegion, ...] | None


class Verdict(StrEnum):
    """What an answer says of a path that was shown, or of one that it adds."""

    CONFIRMED = "confirmed"
    RETYPED = "retyped"
    MOVED = "moved"
    """The same text, but it stands elsewhere."""
    RENAMED = "renamed"
    """Its box was given another field."""
    REMOVED = "removed"
    DRAWN = "drawn"
    ILLEGIBLE = "illegible"
    ROW_REMOVED = "row_removed"
    ROW_ADDED = "row_added"


@dataclass(frozen=True, slots=True)
class Stand:
    """A field before or after: its text and where it stands, if anywhere."""

    text: str
    page: int | None
    box: Box | None


@dataclass(frozen=True, slots=True)
class Correction:
    """What one answer says of one path of the record that was shown (paths before any row
    was added or removed). ``before`` None: there was no such field."""

    path: str
    verdict: Verdict
    before: Stand | None
    after: Stand | None
    author: str
    annotation_id: int
    at: datetime
    audit: bool
    printed_so: bool = False


@dataclass(frozen=True, slots=True)
class Disagreement:
    """People who answered the same path differently. ``texts`` by author."""

    path: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Correctedness:
    """A record with all answers to its task folded in.

    The same answers give the same result in whatever order they came, and however often.
    ``answered`` is whether any answer stands. ``doubts`` are fields of ``record`` that nobody
    was shown and that the answers made doubtful.
    """

    record: Record
    corrections: tuple[Correction, ...] = ()
    disagreements: tuple[Disagreement, ...] = field(default=())
    answered: bool = False
    doubts: tuple[Doubt, ...] = ()
