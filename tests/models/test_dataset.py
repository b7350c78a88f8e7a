from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extraction.declarations import labels as declared_labels
from extraction.declarations import load_declarations
from extraction.values import Box, Cell, Grid, Page, PageReading, Word
from models.dataset import (
    draw_labelled,
    read_labelled,
    write_printed_shard,
)
from models.labelled_forms import files_digest, form_to_json, json_to_form, read_forms
from models.samples import (
    NO_LABEL,
    Variation,
    batches_of,
    forms_to_samples,
    pad_labels,
    samples_to_inputs,
    vary_sample,
)
from models.synthesis.forms import PrintedForm, make_form
from models.synthesis.rendering import PrintedPage
from models.tokens import texts_to_vocabulary
from models.windows import WindowSettings
from models.word_noise import WordNoise, write_noise

LABELS = declared_labels(load_declarations())
SEEDS = range(20)


def test_synthesis_uses_declared_labels_alone() -> None:
    used = {label for seed in SEEDS for label in draw_labelled(seed, "train").labels}
    assert used <= set(LABELS)
    assert len(used) > 20


def test_a_seed_gives_the_same_form_again() -> None:
    assert draw_labelled(5, "train") == draw_labelled(5, "train")


def test_forms_survive_their_file() -> None:
    form = draw_labelled(3, "train")
    assert json_to_form(form_to_json(form)) == form


def test_an_upright_text_is_one_word() -> None:
    forms = [draw_labelled(seed, "train") for seed in range(60)]
    singles = [
        (first, second)
        for form in forms
        for first, second in zip(form.words, form.words[1:], strict=False)
        if first.in_cell and first.area == second.area and len(first.text) == len(second.text) == 1
    ]
    assert singles == []


def test_shards_of_one_seed_are_the_same_bytes(tmp_path: Path) -> None:
    noise = tmp_path / "noise.json"
    write_noise(noise, WordNoise(deletion=0.05, word_lost=0.05, jitter=1.0))
    paths = [tmp_path / f"{name}.jsonl.gz" for name in ("a", "b")]
    for path in paths:
        write_printed_shard(path, range(4), "train", noise)
    assert files_digest(paths[:1]) == files_digest(paths[1:])
    assert [form.seed for form in read_forms(paths[0])] == [0, 1, 2, 3]


def read_as_printed(
    pages: list[PrintedPage], number: int, image: NDArray[np.uint8], dpi: float
) -> tuple[Page, PageReading]:
    """A reader of clean scans that looks the page up instead of reading it."""
    page = pages.pop(0)
    height, width = image.shape[:2]
    scale = width / page.image.shape[1]
    assert number == page.number

    def scaled(box: Box) -> Box:
        return Box(*(scale * side for side in box))

    def words_in(index: int | None) -> tuple[Word, ...]:
        lines = [line for line in page.lines if line.cell == index]
        return tuple(Word(line.text, scaled(line.box), 1.0, 1.0, number) for line in lines)

    cells = tuple(
        Cell(c.row, c.column, c.rowspan, c.colspan, scaled(c.box), number, words_in(index))
        for index, c in enumerate(page.cells)
    )
    grids = (Grid(99, 99, cells),) if cells else ()
    upright = Page(number, image, dpi, "ocr", np.eye(3), np.eye(3))
    return upright, PageReading(number, width, height, dpi, "ocr", grids, words_in(None))


@pytest.fixture(scope="module")
def printed_form() -> PrintedForm:
    return make_form(2, "train", dpi=100)


def test_labels_reach_the_words_that_were_read(printed_form: PrintedForm) -> None:
    read_page = partial(read_as_printed, list(printed_form.pages))
    rng = np.random.default_rng(0)
    truth, form = read_labelled(printed_form, "clean300", read_page, rng)
    printed = [(line.text, line.label) for page in printed_form.pages for line in page.lines]
    read = list(zip((word.text for word in form.words), form.labels, strict=True))
    assert sorted(read) == sorted(printed)
    assert form.source == "ocr"
    assert len(truth.words) <= len(form.words)


def test_samples_carry_each_words_label() -> None:
    forms = [draw_labelled(seed, "train") for seed in range(3)]
    vocabulary = texts_to_vocabulary((w.text for f in forms for w in f.words), minimum=1)
    samples = forms_to_samples(forms, LABELS, vocabulary, WindowSettings())
    first = samples[0]
    for word, label in zip(first.window.words.tolist(), first.labels.tolist(), strict=True):
        expected = NO_LABEL if word < 0 else LABELS.index(forms[0].labels[word])
        assert label == expected


def test_varied_samples_keep_their_labels_and_their_alignment() -> None:
    forms = [draw_labelled(seed, "train") for seed in range(6)]
    vocabulary = texts_to_vocabulary((w.text for f in forms for w in f.words), minimum=1)
    samples = forms_to_samples(forms, LABELS, vocabulary, WindowSettings())
    for seed, sample in enumerate(samples):
        varied = vary_sample(sample, Variation(), vocabulary, np.random.default_rng(seed))
        assert 0 < len(varied) <= len(sample)
        assert varied.window.boxes.min() >= 0
        assert varied.window.boxes.max() <= 1000
        kept = np.isin(sample.window.words, varied.window.words)
        before, after = sample.window.boxes[kept], varied.window.boxes
        assert len(before) == len(after)
        # What stood under each other still does.
        for left in np.unique(before[:, 0]):
            assert len(np.unique(after[before[:, 0] == left, 0])) == 1
        assert np.array_equal(sample.labels[kept], varied.labels)


def test_batches_hold_every_sample_once_and_keep_to_their_size() -> None:
    forms = [draw_labelled(seed, "train") for seed in range(12)]
    vocabulary = texts_to_vocabulary(w.text for f in forms for w in f.words)
    samples = forms_to_samples(forms, LABELS, vocabulary, WindowSettings())
    batches = list(batches_of(samples, 1500, np.random.default_rng(0)))
    assert sorted(id(s) for batch in batches for s in batch) == sorted(map(id, samples))
    for batch in batches:
        inputs = samples_to_inputs(batch)
        assert inputs["mask"].size <= 1500
        assert pad_labels(batch).shape == inputs["mask"].shape
