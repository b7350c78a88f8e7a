"""The learning curve in small: forms read perfectly, learnt keys alone, and its table."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.learning import Options, Point, learning_section, points_to_figures
from benchmarks.learning_curve import Reading, accuracy, correct_all, learn, with_keys
from benchmarks.learning_forms import FIRST_SEED, ReadForm, form_to_json, json_to_form, print_form
from benchmarks.learning_layouts import FORMS, draw_layout, layouts
from extraction.confidence import load_calibrator
from extraction.declarations import field_paths, load_declarations
from extraction.values import LabelledWord, PageReading
from models.windows import readings_to_words

DECLARATIONS = (*load_declarations(), *load_declarations(FORMS))


class NoLabels:
    """A labeller that has learnt nothing."""

    @property
    def version(self) -> str:
        return "none"

    def label(self, readings: Sequence[PageReading]) -> tuple[LabelledWord, ...]:
        _, words = readings_to_words(readings)
        return tuple(LabelledWord(word, "other", 0.3, "key", 0.2) for word in words)


def _forms(family: str, count: int) -> list[ReadForm]:
    return [print_form(family, FIRST_SEED + number) for number in range(count)]


@pytest.mark.parametrize("family", ["new_layout", "new_type"])
def test_a_drawn_form_prints_declared_fields_in_its_places(family: str) -> None:
    form = print_form(family, FIRST_SEED)
    declaration = next(d for d in DECLARATIONS if d.name == layouts()[family]["form_type"])
    names = set(field_paths(declaration))
    for path, text in form.truth.fields.items():
        assert path.partition("[")[0].split(".")[0] in {name.split(".")[0] for name in names}
        if text:
            assert path in form.places, path
    assert draw_layout(family, FIRST_SEED) == draw_layout(family, FIRST_SEED)


def test_a_kept_form_is_the_same_when_it_is_read_again() -> None:
    form = print_form("new_type", FIRST_SEED + 1)
    assert json_to_form(form_to_json(form)) == form


def test_corrected_documents_make_a_new_form_type_readable() -> None:
    reading = Reading(NoLabels(), DECLARATIONS, load_calibrator())
    forms = _forms("new_type", 14)
    examples = correct_all(reading, forms[:10])
    assert sum(example.is_whole for example in examples) >= 6
    before = accuracy(reading.judge(forms[10:]))
    after = accuracy(with_keys(reading, learn(reading, examples)).judge(forms[10:]))
    assert before < 0.3
    assert after > 0.9


def test_the_labels_of_a_corrected_form_are_its_truth() -> None:
    reading = Reading(NoLabels(), DECLARATIONS, load_calibrator())
    (form,) = _forms("new_type", 1)
    (example,) = correct_all(reading, [form])
    said = {text.name: text.text for text in example.texts if "." not in text.name}
    for name, text in said.items():
        assert form.truth.fields[name] == text
    assert {"department", "applicant", "purpose"} <= set(said)


def test_the_table_has_means_spreads_and_what_is_asked() -> None:
    points = [Point("new_layout", 5, seed, 0.96 + seed / 100, 0.97, 0.05, 2.0) for seed in range(2)]
    (row,) = points_to_figures(points).rows
    assert row == (
        "unseen layout",
        "5",
        "0.965",
        "0.007",
        "0.970",
        "0.000",
        "≥ 0.95",
        "0.05",
        "2.0",
    )
    assert "2 seeds" in learning_section(points, Options()).body
