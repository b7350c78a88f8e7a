from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from extraction.errors import ModelError
from models.labeller import Labeller
from models.registry import NETWORK_FILE
from models.windows import WindowSettings
from tests.models.examples import LABELS, make_reading, write_tiny_version


def test_every_word_gets_exactly_one_label(tmp_path: Path) -> None:
    labeller = Labeller(write_tiny_version(tmp_path), threads=1)
    readings = [
        make_reading([[["项目名称"], ["10", "20"]], [[], ["目标"]]], loose="项目"),
        make_reading([[["30"]]], page=2),
    ]
    labelled = labeller.label(readings)
    words = [w for r in readings for g in r.grids for c in g.cells for w in c.words]
    words += [w for r in readings for w in r.loose_words]
    assert sorted(map(id, words)) == sorted(id(item.word) for item in labelled)
    assert {item.label for item in labelled} <= set(LABELS)


def test_the_runner_up_is_another_label_and_less_likely(tmp_path: Path) -> None:
    labeller = Labeller(write_tiny_version(tmp_path), threads=1)
    for item in labeller.label([make_reading([[["项目"], ["10"]]])]):
        assert item.label != item.runner_up
        assert 1 >= item.probability >= item.runner_up_probability >= 0


def test_a_document_longer_than_a_window_is_labelled_like_a_short_one(tmp_path: Path) -> None:
    small = WindowSettings(length=40, overlap=8, context=4)
    labeller = Labeller(write_tiny_version(tmp_path, windows=small), threads=1)
    rows = [[["项目"], [str(number)]] for number in range(60)]
    labelled = labeller.label([make_reading(rows)])
    assert len(labelled) == 120
    assert len({item.label for item in labelled if item.word.text == "项目"}) == 1


def test_a_page_without_words_has_no_labels(tmp_path: Path) -> None:
    labeller = Labeller(write_tiny_version(tmp_path), threads=1)
    assert labeller.label([make_reading([])]) == ()


def test_a_network_with_other_labels_is_refused(tmp_path: Path) -> None:
    path = write_tiny_version(tmp_path)
    other = write_tiny_version(tmp_path, "other", labels=LABELS[:3])
    (path / NETWORK_FILE).write_bytes((other / NETWORK_FILE).read_bytes())
    with pytest.raises(ModelError, match="3 outputs for 4 labels"):
        Labeller(path, threads=1)


def test_a_damaged_network_is_refused(tmp_path: Path) -> None:
    path = write_tiny_version(tmp_path)
    (path / NETWORK_FILE).write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Labeller(path, threads=1)


def test_serving_imports_neither_torch_nor_transformers() -> None:
    code = "import models.labeller, sys; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
