"""What reviewing costs and finds: fields shown and changed, time, the audited error rate,
agreement between people, and where the work comes from.

Audited fields are drawn from the accepted ones with one probability for all, so their share
of wrong ones is an unbiased estimate of the error rate among what nobody looks at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from scipy.stats import beta, t

from annotation.values import Verdict
from extraction.lexicon import repair_notes

CERTAINTY: Final = 0.95
AS_IT_WAS: Final = frozenset({Verdict.CONFIRMED, Verdict.MOVED})
"""The text that was read is right, wherever it stands."""
UNJUDGED: Final = frozenset({Verdict.ILLEGIBLE})
"""Nobody can say whether what was read is right."""
ADDED: Final = frozenset({Verdict.DRAWN, Verdict.ROW_ADDED})
"""Not shown, but missed by the reader and added by a person."""


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CountedAnswers:
    """How many fields of one name, shown for the same reasons, got the same verdict."""

    form_type: str
    name: str
    verdict: Verdict
    reasons: tuple[str, ...]
    fields: int


@dataclass(frozen=True, slots=True)
class AuditedDocument:
    """Audited fields of one document that were answered, and the wrong ones among them."""

    fields: int
    wrong: int


@dataclass(frozen=True, slots=True)
class TaskTime:
    """One answered review task: all seconds that people had it open, and its fields."""

    seconds: float
    fields: int


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """``changed`` are those with another text, or none; ``confirmed`` the others."""

    shown: int
    confirmed: int
    changed: int
    illegible: int
    added: int


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """``rate`` is None while nothing was audited. ``by_field`` takes fields for independent
    (Clopper–Pearson), ``by_document`` allows for fields of one document erring together."""

    documents: int
    fields: int
    wrong: int
    rate: float | None
    by_field: Interval | None
    by_document: Interval | None


@dataclass(frozen=True, slots=True)
class TimeFigures:
    """Seconds; None while nothing was answered."""

    documents: int
    median_per_document: float | None
    mean_per_document: float | None
    per_field: float | None


@dataclass(frozen=True, slots=True)
class AgreementFigures:
    """Of fields that two or more people answered. ``alpha`` is Krippendorff's for nominal
    values: 1 all agree, 0 no better than chance; None where it is not defined."""

    fields: int
    share: float | None
    alpha: float | None


@dataclass(frozen=True, slots=True)
class Cause:
    """A field or a reason, with what it was shown for and how often that was worth it.

    ``form_type`` is "" where fields of all types count.
    """

    form_type: str
    name: str
    shown: int
    changed: int

    @property
    def share(self) -> float:
        return self.changed / self.shown if self.shown else 0.0


@dataclass(frozen=True, slots=True)
class ReviewFigures:
    """``waiting`` counts the tasks that nobody has answered, ``boxes_waiting`` what they show;
    ``disagreements`` are open."""

    answers: AnswerCounts
    times: TimeFigures
    audit: AuditFigures
    agreement: AgreementFigures
    fields: tuple[Cause, ...]
    reasons: tuple[Cause, ...]
    waiting: int
    boxes_waiting: int
    disagreements: int


def count_answers(answers: Iterable[CountedAnswers]) -> AnswerCounts:
    shown = confirmed = illegible = added = 0
    for item in answers:
        if item.verdict in ADDED:
            added += item.fields
            continue
        shown += item.fields
        confirmed += item.fields if item.verdict in AS_IT_WAS else 0
        illegible += item.fields if item.verdict in UNJUDGED else 0
    return AnswerCounts(shown, confirmed, shown - confirmed - illegible, illegible, added)


def measure_times(times: Sequence[TaskTime]) -> TimeFigures:
    if not times:
        return TimeFigures(0, None, None, None)
    seconds = [time.seconds for time in times]
    fields = sum(time.fields for time in times)
    return TimeFigures(
        documents=len(times),
        median_per_document=median(seconds),
        mean_per_document=sum(seconds) / len(seconds),
        per_field=sum(seconds) / fields if fields else None,
    )


def measure_audit(documents: Sequence[AuditedDocument]) -> AuditFigures:
    seen = [document for document in documents if document.fields]
    fields = sum(document.fields for document in seen)
    wrong = sum(document.wrong for document in seen)
    if not fields:
        return AuditFigures(0, 0, 0, None, None, None)
    return AuditFigures(
        documents=len(seen),
        fields=fields,
        wrong=wrong,
        rate=wrong / fields,
        by_field=binomial_interval(wrong, fields),
        by_document=document_interval(seen),
    )


def binomial_interval(wrong: float, seen: float, certainty: float = CERTAINTY) -> Interval:
    """Clopper and Pearson's exact interval; numbers need not be whole."""
    tail = (1 - certainty) / 2
    low = 0.0 if wrong <= 0 else float(beta.ppf(tail, wrong, seen - wrong + 1))
    high = 1.0 if wrong >= seen else float(beta.ppf(1 - tail, wrong + 1, seen - wrong))
    return Interval(low, high)


def document_interval(
    documents: Sequence[AuditedDocument], certainty: float = CERTAINTY
) -> Interval:
    """Korn and Graubard's interval: Clopper–Pearson with as many fields as those of the
    documents are worth, judged by how much their numbers of errors vary.

    Where there is nothing to judge by (no error, all errors, one document) every document
    counts as one field.
    """
    fields = sum(document.fields for document in documents)
    rate = sum(document.wrong for document in documents) / fields
    worth = min(float(fields), _effective_fields(documents, rate, fields, certainty))
    return binomial_interval(rate * worth, worth, certainty)


def _effective_fields(
    documents: Sequence[AuditedDocument], rate: float, fields: int, certainty: float
) -> float:
    count = len(documents)
    spread = sum((document.wrong - rate * document.fields) ** 2 for document in documents)
    if count < 2 or not 0 < rate < 1 or not spread:
        return float(count)
    variance = count / (count - 1) * spread / fields**2
    quantile = (1 + certainty) / 2
    few = float(t.ppf(quantile, fields - 1) / t.ppf(quantile, count - 1)) if fields > 1 else 1.0
    return rate * (1 - rate) / variance * few**2


def measure_agreement(answered: Iterable[Sequence[str | None]]) -> AgreementFigures:
    """Each item has the texts that people gave for one field, None for "there is none"."""
    items = [tuple(texts) for texts in answered if len(texts) > 1]
    if not items:
        return AgreementFigures(0, None, None)
    agreeing = pairs = 0.0
    for texts in items:
        same = sum(count * (count - 1) for count in Counter(texts).values())
        agreeing += same / (len(texts) - 1)
        pairs += len(texts)
    share = agreeing / pairs
    totals = Counter(text for texts in items for text in texts)
    by_chance = sum(count * (count - 1) for count in totals.values()) / (pairs * (pairs - 1))
    alpha = None if math.isclose(by_chance, 1.0) else 1 - (1 - share) / (1 - by_chance)
    return AgreementFigures(len(items), share, alpha)


def find_field_causes(answers: Iterable[CountedAnswers], most: int) -> tuple[Cause, ...]:
    """The fields that were shown most, those changed most often first among equals."""
    return _causes(((item.form_type, item.name), item) for item in answers)[:most]


def find_reason_causes(answers: Iterable[CountedAnswers], most: int) -> tuple[Cause, ...]:
    """The reasons for which fields were shown most. A field counts for each of its reasons."""
    return _causes((("", reason), item) for item in answers for reason in _causes_of(item))[:most]


def _causes_of(item: CountedAnswers) -> Iterator[str]:
    notes = repair_notes(item.reasons)
    yield from (reason for reason in dict.fromkeys(item.reasons) if reason not in notes)


def _causes(
    items: Iterable[tuple[tuple[str, str], CountedAnswers]],
) -> tuple[Cause, ...]:
    shown: Counter[tuple[str, str]] = Counter()
    changed: Counter[tuple[str, str]] = Counter()
    for key, item in items:
        if item.verdict not in ADDED:
            shown[key] += item.fields
            changed[key] += item.fields if _is_change(item.verdict) else 0
    ordered = sorted(shown, key=lambda key: (-shown[key], -changed[key], key))
    return tuple(Cause(*key, shown[key], changed[key]) for key in ordered)


def _is_change(verdict: Verdict) -> bool:
    return verdict not in AS_IT_WAS and verdict not in UNJUDGED


def figures_to_json(figures: ReviewFigures) -> Mapping[str, object]:
    """As the API gives them."""
    audit, times = figures.audit, figures.times
    return {
        "fields": {
            "shown": figures.answers.shown,
            "confirmed": figures.answers.confirmed,
            "changed": figures.answers.changed,
            "illegible": figures.answers.illegible,
            "added": figures.answers.added,
        },
        "seconds": {
            "documents": times.documents,
            "median_per_document": times.median_per_document,
            "mean_per_document": times.mean_per_document,
            "per_field": times.per_field,
        },
        "audit": {
            "documents": audit.documents,
            "fields": audit.fields,
            "wrong": audit.wrong,
            "rate": audit.rate,
            "by_field": _interval_to_json(audit.by_field),
            "by_document": _interval_to_json(audit.by_document),
        },
        "agreement": {
            "fields": figures.agreement.fields,
            "share": figures.agreement.share,
            "alpha": figures.agreement.alpha,
        },
        "causes": {
            "fields": [_cause_to_json(cause) for cause in figures.fields],
            "reasons": [_cause_to_json(cause) for cause in figures.reasons],
        },
        "waiting": {"tasks": figures.waiting, "boxes": figures.boxes_waiting},
        "disagreements": figures.disagreements,
    }


def _interval_to_json(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _cause_to_json(cause: Cause) -> Mapping[str, object]:
    return {
        "form_type": cause.form_type or None,
        "name": cause.name,
        "shown": cause.shown,
        "changed": cause.changed,
    }
