"""A base of a few thousand weights and corrected documents to retrain it on, in seconds."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch

from extraction.declarations import labels as declared_labels
from extraction.declarations import load_declarations
from models.dataset import draw_labelled
from models.finetune import TuningSettings
from models.labelled_forms import LabelledForm
from models.network import NetworkSettings, TokenClassifier, export_onnx
from models.registry import NETWORK_FILE, ModelVersion, set_current, write_version
from models.samples import Variation
from models.tokens import Vocabulary, texts_to_vocabulary
from models.training_set import (
    CorrectedForm,
    Replay,
    SplitSettings,
    TrainingSet,
    make_training_set,
)

SHAPE = NetworkSettings(
    architecture="layoutlm", relations=True, hidden_size=24, layers=1, heads=2, character_size=8
)
LABELS = declared_labels(load_declarations())
QUICK = TuningSettings(
    steps=12,
    tokens=1024,
    checks=3,
    learning_rate=3e-3,
    minutes=0,
    threads=1,
    variation=Variation(lost_words=0.0, blind=0.0),
)
REPLAY = Replay(seed=7, forms=8, test_forms=3)


def tiny_vocabulary() -> Vocabulary:
    return texts_to_vocabulary(w.text for seed in range(3) for w in corrected(seed).form.words)


def write_tiny_base(
    folder: Path, shape: NetworkSettings = SHAPE, labels: tuple[str, ...] = LABELS, seed: int = 1
) -> Path:
    """A version with random weights that is the current one of ``folder``."""
    torch.manual_seed(seed)
    vocabulary = tiny_vocabulary()
    network = TokenClassifier(shape, len(vocabulary), len(labels)).eval()
    version = ModelVersion(
        name=f"base-{seed}",
        parent=None,
        data_digest="0" * 64,
        seed=seed,
        created_at=f"2021-01-0{seed}T00:00:00+00:00",
        labels=labels,
        network=asdict(shape),
    )
    path = write_version(folder, version, vocabulary)
    export_onnx(network, path / NETWORK_FILE, version.windows.pieces.length)
    set_current(folder, version.name)
    return path


def corrected(number: int, kind: str | None = None) -> CorrectedForm:
    """A corrected document; the same number gives the same one."""
    form = draw_labelled(900_000 + number, "train", kind)
    return CorrectedForm(f"document-{number}", replace(form, source="corrected"))


def relabelled(form: CorrectedForm, labels: tuple[str, ...]) -> CorrectedForm:
    own: LabelledForm = replace(form.form, labels=labels)
    return replace(form, form=own)


def tiny_set(numbers: range, split: SplitSettings | None = None) -> TrainingSet:
    forms = [corrected(number) for number in numbers]
    return make_training_set(forms, LABELS, (), REPLAY, split)
