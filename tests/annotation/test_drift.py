"""The watch keeps quiet while the promise holds, and speaks soon when it does not."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.drift import (
    ALL,
    PATIENCE,
    bet_on_document,
    document_groups,
    find_alarm,
)
from annotation.promise import SeenDocument, SeenField
from annotation.quality import find_quality

TARGET = 0.005


def stream(
    rates: list[float], seed: int = 0, fields: int = 12, groups: tuple[str, ...] = ()
) -> list[SeenDocument]:
    rng = np.random.default_rng(seed)
    return [
        SeenDocument(
            str(number),
            tuple(SeenField(3, bool(rng.random() < rate)) for _ in range(fields)),
            groups,
        )
        for number, rate in enumerate(rates)
    ]


def test_no_alarm_while_the_error_is_below_the_target() -> None:
    assert all(find_alarm(stream([0.002] * 1500, seed), 3, TARGET) is None for seed in range(5))


def test_a_scanner_that_spoils_fields_is_noticed_within_few_documents() -> None:
    delays = []
    for seed in range(10):
        alarm = find_alarm(stream([0.002] * 300 + [0.05] * 300, seed), 3, TARGET)
        assert alarm is not None and alarm.group == ALL
        delays.append(int(alarm.document_id) - 300)
    assert min(delays) >= 0 and np.median(delays) <= 40


def test_one_long_table_is_one_event() -> None:
    quiet = stream([0.0] * 50)
    spoilt = SeenDocument("long", tuple(SeenField(3, True) for _ in range(300)))
    assert find_alarm([*quiet, spoilt], 3, TARGET) is None


def test_what_was_reviewed_does_not_count() -> None:
    assert find_alarm(stream([0.5] * 100), 2, TARGET) is None
    assert find_alarm(stream([0.5] * 100), 3, TARGET) is not None


def test_a_kind_of_documents_is_watched_by_itself() -> None:
    """A rare layout errs; all documents together would hide it for long."""
    usual = stream([0.001] * 900, 1, groups=("form:usual",))
    rare = stream([0.08] * 40, 2, groups=("form:rare",))
    mixed = [one for n, part in enumerate(rare) for one in (*usual[20 * n : 20 * n + 20], part)]
    alarm = find_alarm(mixed, 3, TARGET)
    assert alarm is not None and alarm.group == "form:rare"
    assert alarm.error > 0.02


def test_poor_scans_may_err_more_than_a_form_type() -> None:
    """What would be an alarm about a form type is usual for poor scans among good ones."""
    usual = stream([0.0] * 3)
    alarms = {}
    for group in ("form:rare", "quality:2"):
        rare = stream([0.018] * 700, 2, groups=(group,))
        mixed = [one for part in rare for one in (*usual, *usual, part)]
        alarms[group] = find_alarm(mixed, 3, TARGET, patience=1000.0)
    found = alarms["form:rare"]
    assert found is not None and found.group == "form:rare"
    assert alarms["quality:2"] is None


@pytest.mark.parametrize("seen", [1, 5, 10, 200])
def test_a_bet_is_fair_at_the_target_and_never_loses_everything(seen: int) -> None:
    rng = np.random.default_rng(seen)
    wrongs = rng.binomial(seen, TARGET, 40_000)
    counts = np.bincount(wrongs)
    mean = sum(
        count * bet_on_document(wrong, seen, TARGET) for wrong, count in enumerate(counts)
    ) / len(wrongs)
    assert np.all(np.abs(mean - 1) < 0.2)
    assert bet_on_document(0, seen, TARGET).min() > 0


def test_at_the_target_itself_false_alarms_are_as_rare_as_promised() -> None:
    alarms = sum(
        find_alarm(stream([TARGET] * 300, 100 + seed, fields=6), 3, TARGET) is not None
        for seed in range(40)
    )
    assert alarms <= 40 * 300 / PATIENCE + 6


def test_groups_tell_form_and_quality() -> None:
    assert document_groups("claim", find_quality([0.999] * 9)) == ("form:claim", "quality:0")
    assert document_groups("claim", find_quality([0.95] * 9)) == ("form:claim", "quality:1")
    assert document_groups("claim", find_quality([])) == ("form:claim", "quality:2")
