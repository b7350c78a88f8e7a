"""Forms printed again with other values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.augment import cut_rows, find_values, lay_text, other_digits, reprint_forms
from models.dataset import draw_labelled
from models.labelled_forms import LabelledForm
from models.training_set import MISSING
from models.windows import PlacedWord
from models.word_noise import WordNoise

QUIET = WordNoise()


def _forms() -> list[LabelledForm]:
    return [draw_labelled(seed, "train", "project_self_evaluation") for seed in (1, 2)]


def _texts(form: LabelledForm, *labels: str) -> list[str]:
    return [w.text for w, label in zip(form.words, form.labels, strict=True) if label in labels]


def test_keys_stay_and_values_change() -> None:
    form = _forms()[0]
    made = reprint_forms([form], 6, 3, QUIET, ["货物运到各县各乡"])
    assert len(made) == 6
    keys = set(_texts(form, "key"))
    for again in made:
        assert set(_texts(again, "key")) <= keys
        assert set(again.labels) <= set(form.labels)
    values = [_texts(again, "project_name") for again in made]
    assert any(value and value != _texts(form, "project_name") for value in values)


def test_the_same_seed_gives_the_same_forms() -> None:
    assert reprint_forms(_forms(), 3, 5, QUIET) == reprint_forms(_forms(), 3, 5, QUIET)
    assert reprint_forms(_forms(), 3, 5, QUIET) != reprint_forms(_forms(), 3, 6, QUIET)
    assert reprint_forms([], 3, 5, QUIET) == []


def test_values_come_from_other_documents_of_the_same_field() -> None:
    forms = _forms()
    known = find_values(forms).by_label["project_name"]
    assert {"".join(_texts(form, "project_name")) for form in forms} == set(known)


def test_unknown_words_stay_unknown() -> None:
    form = _forms()[0]
    hidden = replace(form, labels=(MISSING,) * len(form.labels))
    (made,) = reprint_forms([hidden], 1, 1, QUIET)
    assert set(made.labels) == {MISSING}
    assert [word.text for word in made.words] == [word.text for word in form.words]


def test_a_laid_text_stays_in_its_cell() -> None:
    area = (100, 100, 200, 140)
    line = PlacedWord("一二三四五", (105, 112, 195, 122), area, 0, 0)
    for text in ("甲", "甲乙丙丁戊己庚", "甲" * 200):
        laid = lay_text(text, [line])
        assert "".join(word.text for word in laid) == text[: 5 * 4]
        assert all(word.area == area for word in laid)
        assert all(area[1] <= w.box[1] <= w.box[3] <= area[3] for w in laid), text
    assert lay_text("", [line]) == []


def test_cut_rows_move_what_stands_below_up() -> None:
    form = _forms()[0]
    cut = cut_rows(form, np.random.default_rng(4))
    assert len(cut.words) < len(form.words)
    bottoms = [max(word.box[3] for word in one.words if word.page == 0) for one in (form, cut)]
    pages = {word.page for word in form.words}
    assert len(pages) > 1 or bottoms[1] < bottoms[0]
    assert all(word.area[1] <= word.area[3] for word in cut.words)


def test_other_digits_keep_the_form_of_a_number() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        again = other_digits("约1,204.50元", rng)
        assert again[0] == "约" and again[2] == "," and again[6] == "." and again[-1] == "元"
        assert again[1] != "0"
