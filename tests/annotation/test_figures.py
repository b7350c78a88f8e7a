"""Figures of reviewing against values known from elsewhere, and their coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.figures import (
    AuditedDocument,
    CountedAnswers,
    TaskTime,
    binomial_interval,
    count_answers,
    document_interval,
    find_field_causes,
    find_reason_causes,
    measure_agreement,
    measure_audit,
    measure_times,
)
from annotation.values import Verdict


def counted(
    name: str, verdict: Verdict, fields: int, *reasons: str, form: str = "order"
) -> CountedAnswers:
    return CountedAnswers(form, name, verdict, reasons, fields)


ANSWERS = (
    counted("total", Verdict.CONFIRMED, 30, "low_confidence"),
    counted("total", Verdict.RETYPED, 8, "low_confidence", "check_failed:total"),
    counted("items.amount", Verdict.CONFIRMED, 20, "check_failed:total"),
    counted("items.amount", Verdict.MOVED, 2, "low_confidence"),
    counted("items.amount", Verdict.REMOVED, 3, "low_confidence"),
    counted("buyer", Verdict.ILLEGIBLE, 4, "low_confidence"),
    counted("buyer", Verdict.DRAWN, 5),
)


def test_a_moved_box_is_confirmed_and_an_illegible_or_drawn_one_is_neither() -> None:
    counts = count_answers(ANSWERS)
    assert (counts.shown, counts.confirmed, counts.changed) == (67, 52, 11)
    assert (counts.illegible, counts.added) == (4, 5)


def test_most_work_first_for_fields_and_for_each_reason() -> None:
    fields = find_field_causes(ANSWERS, 2)
    assert [(cause.name, cause.shown, cause.changed) for cause in fields] == [
        ("total", 38, 8),
        ("items.amount", 25, 3),
    ]
    reasons = find_reason_causes(ANSWERS, 5)
    assert [(cause.name, cause.shown, cause.changed) for cause in reasons] == [
        ("low_confidence", 47, 11),
        ("check_failed:total", 28, 8),
    ]
    assert reasons[1].share == pytest.approx(8 / 28)


def test_one_name_in_two_form_types_is_two_fields() -> None:
    answers = [counted("total", Verdict.CONFIRMED, 1, form=form) for form in ("a", "b")]
    assert len(find_field_causes(answers, 9)) == 2


def test_times_by_document_and_by_field() -> None:
    times = measure_times([TaskTime(30, 3), TaskTime(60, 5), TaskTime(600, 2)])
    assert (times.documents, times.median_per_document, times.mean_per_document) == (3, 60, 230)
    assert times.per_field == 69
    assert measure_times([]).per_field is None
    assert measure_times([TaskTime(5, 0)]).per_field is None


@pytest.mark.parametrize(
    ("wrong", "seen", "low", "high"),
    [
        (0, 598, 0.0, 0.00615),
        (1, 20, 0.00127, 0.24873),
        (5, 50, 0.03328, 0.21814),
        (4, 4, 0.39764, 1),
    ],
)
def test_clopper_and_pearson(wrong: int, seen: int, low: float, high: float) -> None:
    interval = binomial_interval(wrong, seen)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_nothing_audited_gives_no_rate() -> None:
    assert measure_audit([]).rate is None
    assert measure_audit([AuditedDocument(0, 0)]).by_document is None


def test_without_an_error_each_document_counts_once() -> None:
    figures = measure_audit([AuditedDocument(10, 0)] * 50)
    assert figures.rate == 0
    assert figures.by_document == binomial_interval(0, 50)
    assert figures.by_field == binomial_interval(0, 500)


def test_errors_that_stand_together_widen_the_interval_by_document() -> None:
    spread = [AuditedDocument(10, int(number < 8)) for number in range(40)]
    together = [AuditedDocument(10, 8 if number == 0 else 0) for number in range(40)]
    one, other = measure_audit(spread), measure_audit(together)
    assert one.by_field == other.by_field
    assert one.by_field is not None and other.by_document is not None
    assert other.by_document.high > 1.5 * one.by_field.high
    assert one.by_document is not None
    assert one.by_document.high <= one.by_field.high + 1e-9


def test_interval_by_document_covers_the_truth_where_that_by_field_does_not() -> None:
    rng = np.random.default_rng(4)
    rate, covered, by_field = 0.04, 0, 0
    for _ in range(300):
        sick = rng.random(60) < 0.1
        documents = [
            AuditedDocument(20, int(rng.binomial(20, rate * 10 if is_sick else 0.0)))
            for is_sick in sick
        ]
        inside = document_interval(documents)
        covered += inside.low <= rate <= inside.high
        figures = measure_audit(documents).by_field
        assert figures is not None
        by_field += figures.low <= rate <= figures.high
    assert covered / 300 >= 0.92
    assert by_field / 300 < 0.8


def test_agreement_is_krippendorffs_alpha() -> None:
    # The nominal example of Krippendorff (2011), "Computing Krippendorff's alpha", two
    # observers and binary data: alpha = 0.095.
    one, other = "0100000000", "1110010100"
    figures = measure_agreement(zip(one, other, strict=True))
    assert figures.share == pytest.approx(0.6)
    assert figures.alpha == pytest.approx(0.095, abs=5e-4)


def test_agreement_of_three_people_and_of_one() -> None:
    assert measure_agreement([("a",)]).share is None
    figures = measure_agreement([("a", "a", "b"), ("c", "c")])
    assert figures.share == pytest.approx((1 + 2) / 5)
    assert measure_agreement([("a", "a"), ("a", "a")]).alpha is None
    assert measure_agreement([(None, None), ("a", None)]).share == pytest.approx(0.5)
