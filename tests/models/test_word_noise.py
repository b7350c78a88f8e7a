from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.labelled_forms import carry_labels
from models.windows import PlacedWord
from models.word_noise import (
    WordNoise,
    add_noise,
    is_sign,
    measure_noise,
    read_noise,
    write_noise,
)
from tests.models.examples import make_form

FORM = make_form(
    [("项目名称", "key"), ("讲堂项目。", "project_name"), ("-", "other"), ("分值", "key")] * 10
)


def test_no_noise_changes_nothing() -> None:
    assert add_noise(FORM, WordNoise(), np.random.default_rng(0)) == FORM


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 0.5))
def test_noise_keeps_one_label_a_word_and_boxes_on_the_page(seed: int, rate: float) -> None:
    noise = WordNoise(
        rate, rate, rate, rate, rate, rate, rate, rate, rate, 3.0, 0.5, 1, {"项": {"項": rate}}
    )
    noisy = add_noise(FORM, noise, np.random.default_rng(seed))
    assert len(noisy.words) == len(noisy.labels)
    for word in noisy.words:
        assert 0 <= word.box[0] <= word.box[2] <= 1000
        assert 0 <= word.box[1] <= word.box[3] <= 1000
        assert word.text


def test_the_same_seed_gives_the_same_noise() -> None:
    noise = WordNoise(substitution=0.1, deletion=0.1, confusions={"项": {"項": 0.5}})
    first, second = (add_noise(FORM, noise, np.random.default_rng(7)) for _ in range(2))
    assert first == second


def test_lost_lone_signs_are_measured() -> None:
    kept = [at for at, word in enumerate(FORM.words) if word.text != "-"]
    read = replace(
        FORM,
        words=tuple(FORM.words[at] for at in kept),
        labels=tuple(FORM.labels[at] for at in kept),
    )
    noise = measure_noise([(FORM, read)])
    assert noise.lone_sign_lost == 1
    assert noise.word_lost == 0


def test_lost_end_signs_and_confusions_are_measured() -> None:
    texts = {"讲堂项目。": "讲堂项目", "项目名称": "頂目名称"}
    read = replace(
        FORM, words=tuple(replace(w, text=texts.get(w.text, w.text)) for w in FORM.words)
    )
    noise = measure_noise([(FORM, read)])
    assert noise.end_sign_lost == 1
    assert noise.confusions == {"项": {"頂": 0.5}}
    assert noise.deletion == 0


def test_noise_played_back_is_measured_as_what_it_was() -> None:
    forms = [make_form([("项目名称", "key"), ("讲堂培训班", "other")] * 20) for _ in range(30)]
    noise = WordNoise(deletion=0.03, word_lost=0.1, jitter=1.0)
    rng = np.random.default_rng(3)
    measured = measure_noise([(form, add_noise(form, noise, rng)) for form in forms])
    assert measured.word_lost == pytest.approx(0.1, abs=0.03)
    assert measured.deletion == pytest.approx(0.03, abs=0.01)
    assert measured.jitter == pytest.approx(1.0, abs=0.25)


def test_labels_follow_the_place_and_not_the_order() -> None:
    read = tuple(reversed(FORM.words))
    assert carry_labels(FORM, read) == tuple(reversed(FORM.labels))


def test_a_word_where_nothing_is_printed_is_other() -> None:
    seal = PlacedWord("专用章", (700, 700, 800, 800), (700, 700, 800, 800), 0, 0)
    assert carry_labels(FORM, [seal]) == ("other",)


def test_a_word_on_another_page_is_other() -> None:
    assert carry_labels(FORM, [replace(FORM.words[0], page=1)]) == ("other",)


def test_noise_survives_its_file(tmp_path: Path) -> None:
    noise = WordNoise(deletion=0.25, confusions={"项": {"項": 0.5}}, pairs=9)
    write_noise(tmp_path / "noise.json", noise)
    assert read_noise(tmp_path / "noise.json") == noise


def test_signs() -> None:
    assert [is_sign(text) for text in ("-", "。", "√", "一", "1", "--", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
