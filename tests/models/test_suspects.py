from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.suspects import find_suspects
from models.training_set import MISSING, CorrectedForm
from tests.models.examples import make_form

LABELS = ("other", "key", "name", "year")
RIGHT = [("项目", "key"), ("甲", "name"), ("年度", "key"), ("2026", "year"), ("无", "other")]


def form(number: int, wrong: dict[int, str] | None = None) -> CorrectedForm:
    pairs = [(t, (wrong or {}).get(at, label)) for at, (t, label) in enumerate(RIGHT)]
    made = replace(make_form(pairs, number), family="kind/a", source="corrected")
    return CorrectedForm(f"doc-{number}", made)


def sure_and_right(words: object) -> np.ndarray:
    return np.eye(4)[[LABELS.index(label) for _, label in RIGHT]]


def unsure(words: object) -> np.ndarray:
    return np.full((len(RIGHT), 4), 0.25)


def test_a_careless_document_is_found_and_its_wrong_labels_are_not_learnt() -> None:
    wrong = {0: "year", 1: "key", 3: "name"}
    forms = [*(form(n) for n in range(5)), form(9, wrong)]
    kept, suspects = find_suspects(forms, LABELS, sure_and_right)
    assert [suspect.document_id for suspect in suspects] == ["doc-9"]
    assert suspects[0].words == 3
    assert "rather" in suspects[0].examples[0]
    assert [kept[-1].form.labels[at] for at in wrong] == [MISSING] * 3
    assert kept[-1].form.labels[4] == "other"
    assert [one.form.labels for one in kept[:-1]] == [one.form.labels for one in forms[:-1]]


def test_a_layout_that_the_base_gets_wrong_is_learnt_as_it_was_corrected() -> None:
    def sure_and_wrong(words: object) -> np.ndarray:
        return np.eye(4)[[0] * len(RIGHT)]

    forms = [form(number) for number in range(4)]
    kept, suspects = find_suspects(forms, LABELS, sure_and_wrong)
    assert kept == tuple(forms)
    assert suspects == ()


def test_one_document_alone_is_only_listed() -> None:
    kept, suspects = find_suspects(
        [form(1, {0: "year", 1: "key", 3: "name"})], LABELS, sure_and_right
    )
    assert len(suspects) == 1
    assert MISSING not in kept[0].form.labels


def test_others_outvote_a_label_even_where_the_base_is_unsure() -> None:
    forms = [*(form(n) for n in range(4)), form(8, {0: "year"})]
    kept, _ = find_suspects(forms, LABELS, unsure)
    assert kept[-1].form.labels[0] == MISSING


def test_a_printed_key_that_belongs_to_no_field_is_no_mistake() -> None:
    forms = [form(n, {0: "other", 2: "other"}) for n in range(4)]
    kept, suspects = find_suspects(forms, LABELS, sure_and_right)
    assert not suspects
    assert [one.form.labels for one in kept] == [one.form.labels for one in forms]
