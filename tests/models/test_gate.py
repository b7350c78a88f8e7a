from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.gate import GateSettings, Verdict, judge
from models.outcomes import FormOutcome, find_outcomes, outcomes_to_figures
from models.training_set import MISSING
from tests.models.examples import make_form

FIELDS = ("name", "year", "score")
WORDS = 10


def outcome(
    number: int,
    wrong: dict[str, int] | None = None,
    layout: str = "kind/a",
    corrected: bool = True,
) -> FormOutcome:
    errors = wrong or {}
    return FormOutcome(
        f"{layout}:{corrected}:{number}",
        layout,
        "corrected" if corrected else "printed",
        WORDS * len(FIELDS),
        sum(errors.values()),
        dict.fromkeys(FIELDS, WORDS),
        errors,
    )


def drawn(
    rates: dict[str, float], seed: int, documents: int = 40, **about: object
) -> list[FormOutcome]:
    rng = np.random.default_rng(seed)
    return [
        outcome(
            n, {field: int(rng.binomial(WORDS, rate)) for field, rate in rates.items()}, **about
        )  # type: ignore[arg-type]
        for n in range(documents)
    ]


def synthetic(documents: int = 60, rate: float = 0.02, seed: int = 9) -> list[FormOutcome]:
    return drawn(dict.fromkeys(FIELDS, rate), seed, documents, layout="kind/made", corrected=False)


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def test_a_better_version_passes() -> None:
    champion = drawn(dict.fromkeys(FIELDS, 0.2), 1) + synthetic()
    challenger = drawn(dict.fromkeys(FIELDS, 0.03), 2) + synthetic()
    verdict = judge(champion, challenger)
    assert verdict.passed
    assert not verdict.reasons
    assert verdict.whole.high < 0
    assert verdict.whole.challenger < verdict.whole.champion


def test_a_version_with_one_worse_field_is_refused_and_the_field_named() -> None:
    champion = drawn({"name": 0.3, "year": 0.3, "score": 0.02}, 1) + synthetic()
    challenger = drawn({"name": 0.02, "year": 0.02, "score": 0.2}, 2) + synthetic()
    verdict = judge(champion, challenger)
    assert not verdict.passed
    assert codes(verdict) == {"field_worse"}
    assert [reason.name for reason in verdict.reasons] == ["score"]


def test_a_version_with_one_worse_layout_is_refused_and_the_layout_named() -> None:
    champion = drawn(dict.fromkeys(FIELDS, 0.3), 1) + drawn(
        dict.fromkeys(FIELDS, 0.01), 2, documents=15, layout="kind/old"
    )
    challenger = drawn(dict.fromkeys(FIELDS, 0.02), 3) + drawn(
        dict.fromkeys(FIELDS, 0.12), 4, documents=15, layout="kind/old"
    )
    verdict = judge(champion, challenger)
    assert "layout_worse" in codes(verdict)
    assert "kind/old" in {reason.name for reason in verdict.reasons}


def test_old_layouts_must_not_pay_for_new_ones() -> None:
    champion = drawn(dict.fromkeys(FIELDS, 0.3), 1) + synthetic(200, 0.01, 5)
    challenger = drawn(dict.fromkeys(FIELDS, 0.02), 2) + synthetic(200, 0.04, 6)
    verdict = judge(champion, challenger)
    assert "kind/made" in {reason.name for reason in verdict.reasons}


def test_the_same_version_is_not_better() -> None:
    outcomes = drawn(dict.fromkeys(FIELDS, 0.1), 1) + synthetic()
    verdict = judge(outcomes, outcomes)
    assert codes(verdict) == {"whole_not_better"}
    assert verdict.groups == ()


def test_one_worse_document_is_chance() -> None:
    champion = [outcome(n, {"name": 3}) for n in range(20)] + synthetic()
    challenger = [outcome(n, {"name": 1, "score": 2 if n == 0 else 0}) for n in range(20)]
    verdict = judge(champion, challenger + synthetic())
    assert verdict.passed


def test_versions_that_are_as_good_are_seldom_called_worse() -> None:
    rates = dict.fromkeys(FIELDS, 0.08)
    worse = 0
    for seed in range(60):
        champion = drawn(rates, 2 * seed, 25) + synthetic(40, 0.03, 300 + seed)
        challenger = drawn(rates, 2 * seed + 1, 25) + synthetic(40, 0.03, 600 + seed)
        verdict = judge(champion, challenger, GateSettings(draws=800))
        worse += bool(codes(verdict) & {"field_worse", "layout_worse"})
    assert worse <= 12


def test_without_a_corrected_document_it_says_so() -> None:
    verdict = judge(synthetic(), synthetic())
    assert [note.code for note in verdict.notes] == ["nothing_held_out"]
    assert not verdict.passed


def test_few_documents_are_told_and_judged_by_their_words() -> None:
    champion = [outcome(n, {"name": 8, "year": 5}) for n in range(2)] + synthetic()
    challenger = [outcome(n) for n in range(2)] + synthetic()
    verdict = judge(champion, challenger)
    assert verdict.passed
    assert [note.code for note in verdict.notes] == ["few_documents"]
    scarcely = [outcome(0, {"name": 7}), outcome(1, {"name": 5}), *synthetic()]
    assert not judge(
        [outcome(0, {"name": 8}), outcome(1, {"name": 6}), *synthetic()], scarcely
    ).passed


def test_a_field_the_champion_does_not_know_can_only_get_better() -> None:
    known = dict.fromkeys(FIELDS, WORDS)
    champion = [replace(outcome(n, {"score": WORDS}), words=known) for n in range(8)]
    verdict = judge(champion + synthetic(), [outcome(n) for n in range(8)] + synthetic())
    assert verdict.passed


def test_outcomes_of_other_forms_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="not of the same forms"):
        judge([outcome(1)], [outcome(2)])


def test_a_wrong_word_counts_with_both_fields_and_an_unknown_one_with_none() -> None:
    form = make_form([("a", "name"), ("b", "year"), ("c", MISSING), ("d", "other")])
    labels = ("other", "name", "year")

    def predict(words: object) -> np.ndarray:
        return np.eye(3)[[2, 2, 0, 0]]

    (found,) = find_outcomes([("1", form)], labels, predict)
    assert (found.total, found.wrong) == (3, 1)
    assert found.words == {"name": 1, "year": 1}
    assert found.errors == {"name": 1, "year": 1}
    figures = outcomes_to_figures([found])
    assert figures["word_accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["field name"] == 0.0
