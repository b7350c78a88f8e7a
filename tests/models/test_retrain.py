from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from extraction.confidence import load_calibrator
from extraction.errors import ModelError
from models.audited_fields import AuditedField, write_audited
from models.base_network import extend_base, read_base
from models.finetune import STATE_FILE, TuningProgress, rate_at, tune
from models.hub_base import read_hub_base
from models.labeller import Labeller
from models.mixture import Part
from models.network import INPUT_NAMES, NetworkSettings
from models.recalibrate import load_refitted
from models.registry import (
    CALIBRATION_FILE,
    GATE_FILE,
    NETWORK_FILE,
    SHIPPED_FOLDER,
    Registry,
    find_current,
    read_version,
)
from models.release import check_export
from models.reliability import JudgedField
from models.retrain import RESULT_FILE, RetrainOptions, retrain
from models.samples import forms_to_samples
from models.training_set import MISSING, write_training_set
from tests.models.tiny_training import (
    LABELS,
    QUICK,
    SHAPE,
    corrected,
    tiny_set,
    tiny_vocabulary,
    write_tiny_base,
)

BASE = load_calibrator()
JUDGED = "judged.json"


@pytest.mark.parametrize(
    "shape",
    [
        SHAPE,
        replace(SHAPE, architecture="lilt", relations=False),
        replace(SHAPE, architecture="layoutlmv3", relations=False, layers=2),
    ],
    ids=lambda shape: shape.architecture,
)
def test_a_version_gives_its_weights_back(tmp_path: Path, shape: NetworkSettings) -> None:
    path = write_tiny_base(tmp_path, shape)
    base = read_base(path)
    assert check_export(base.network, path / NETWORK_FILE, 4) < 1e-4
    assert base.labels == LABELS


def test_the_shipped_version_can_be_trained_on() -> None:
    path = find_current(SHIPPED_FOLDER)
    base = read_base(path)
    assert check_export(base.network, path / NETWORK_FILE, base.windows.pieces.length) < 1e-4


def test_a_network_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = write_tiny_base(tmp_path / "a")
    other = write_tiny_base(tmp_path / "b", replace(SHAPE, hidden_size=48))
    (path / NETWORK_FILE).write_bytes((other / NETWORK_FILE).read_bytes())
    with pytest.raises(ModelError):
        read_base(path)


def test_new_labels_and_characters_leave_the_old_outputs_as_they_were(tmp_path: Path) -> None:
    path = write_tiny_base(tmp_path)
    base = read_base(path)
    more = extend_base(base, (*LABELS, "travel.fare"), ("囍", "0"))
    assert len(more.vocabulary) == len(tiny_vocabulary()) + 1
    inputs = {
        "pieces": np.full((1, 5, 4), 3),
        "boxes": np.full((1, 5, 4), 10),
        **{name: np.ones((1, 5), dtype=np.int64) for name in ("positions", "pages", "mask")},
    }
    session = onnxruntime.InferenceSession(str(path / NETWORK_FILE))
    (old,) = session.run(None, inputs)
    with torch.no_grad():
        new = more.network.eval()(*(torch.from_numpy(inputs[name]) for name in INPUT_NAMES))
    assert new.shape[-1] == len(LABELS) + 1
    assert np.allclose(new[..., :-1].numpy(), old, atol=1e-4)


def test_labels_of_the_base_must_come_first(tmp_path: Path) -> None:
    base = read_base(write_tiny_base(tmp_path))
    with pytest.raises(ModelError, match="come first"):
        extend_base(base, ("travel.fare", *LABELS), ())


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a version of the data and a shipped folder with a tiny base."""
    folder = tmp_path_factory.mktemp("workshop")
    write_tiny_base(folder / "shipped")
    write_training_set(folder / "sets", tiny_set(range(10)))
    boastful = [
        AuditedField(JudgedField("text", said, number % 4 > 0), f"d{number % 30}", BASE.name)
        for said in (0.9, 0.95)
        for number in range(300)
    ]
    write_audited(folder / JUDGED, boastful)
    return folder


def options_of(workshop: Path, out: Path) -> RetrainOptions:
    (data,) = (path for path in (workshop / "sets").iterdir() if path.name != "replay")
    base = find_current(workshop / "shipped")
    judged = workshop / JUDGED
    return RetrainOptions(data, out / "models", out / "run", base, QUICK, judged=judged)


@pytest.fixture(scope="module")
def retrained(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    Registry(out / "models").own.mkdir()
    return retrain(options_of(workshop, out))


def test_a_retrained_version_says_where_it_comes_from(retrained: Path, workshop: Path) -> None:
    version = read_version(retrained)
    data = tiny_set(range(10))
    assert version.data_digest == data.digest
    assert version.parent == find_current(SHIPPED_FOLDER).name
    assert version.training["base"] == "base-1"
    assert version.labels == LABELS
    gate = json.loads((retrained / GATE_FILE).read_text(encoding="utf-8"))
    held_out = len(data.part("test", "test_layout"))
    assert gate["whole"]["documents"] == held_out + data.replay.test_forms
    # A few steps of a tiny network cannot beat the shipped one.
    assert gate["passed"] is False
    assert "whole_not_better" in {reason["code"] for reason in gate["reasons"]}
    assert "refused" in (retrained / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_a_retrained_version_brings_confidences_that_fit_what_people_found(
    retrained: Path,
) -> None:
    own = load_refitted(retrained / CALIBRATION_FILE)
    assert own.stretch is not None and own.stretch.base == BASE.name
    told = json.loads((retrained / GATE_FILE).read_text(encoding="utf-8"))["confidences"]
    assert (told["outcome"], told["calibration"]) == ("taken", own.name)
    assert told["error_after"] < told["error_before"]
    card = (retrained / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"log odds × {own.stretch.slope:.4f}" in card
    assert "600 judged fields of 30 documents" in card


def test_a_retrained_version_can_be_served(retrained: Path) -> None:
    labeller = Labeller(retrained, threads=1)
    form = corrected(3).form
    chances = labeller.probabilities(form.words)
    assert chances.shape == (len(form.words), len(LABELS))


def test_the_same_run_again_gives_the_same_version(
    retrained: Path, workshop: Path, tmp_path: Path
) -> None:
    # Nobody judged anything: the weights are the same, the confidences as shipped.
    again = retrain(replace(options_of(workshop, tmp_path), judged=None))
    assert again.name == retrained.name
    assert not (again / CALIBRATION_FILE).exists()


def test_a_run_that_was_killed_goes_on_and_ends_alike(
    retrained: Path, workshop: Path, tmp_path: Path
) -> None:
    options = options_of(workshop, tmp_path)
    code = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from tests.models.test_retrain import options_of\n"
        "from models.retrain import retrain\n"
        f"retrain(options_of(Path({str(workshop)!r}), Path({str(tmp_path)!r})))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": "."})
    checkpoints = options.out / "checkpoints"
    until = time.monotonic() + 120
    while not any(checkpoints.glob(f"*/{STATE_FILE}")) and time.monotonic() < until:
        assert process.poll() is None or (options.out / RESULT_FILE).is_file()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # Half a checkpoint, as a kill while writing leaves it.
    (checkpoints / "checkpoint-11").mkdir(parents=True, exist_ok=True)
    (checkpoints / "checkpoint-11" / "model.safetensors").write_bytes(b"half")
    path = retrain(options)
    assert path.name == retrained.name
    stored = (retrained / CALIBRATION_FILE).read_bytes()
    assert (path / CALIBRATION_FILE).read_bytes() == stored


def test_unknown_words_teach_nothing(tmp_path: Path) -> None:
    base = read_base(write_tiny_base(tmp_path))
    form = corrected(1).form
    unknown = replace(form, labels=(MISSING,) * len(form.labels))
    samples = forms_to_samples([unknown], (*LABELS, MISSING), base.vocabulary, base.windows)
    assert {int(n) for sample in samples for n in sample.labels} == {len(LABELS)}


@given(st.integers(1, 300), st.integers(0, 20), st.floats(0, 0.99))
def test_rates_run_out_with_the_steps_or_with_the_time(
    steps: int, warm_up: int, time_share: float
) -> None:
    """A run that its minutes ended stood at a high rate and had forgotten old layouts."""
    assert rate_at(steps, steps, warm_up, time_share) == pytest.approx(0)
    assert rate_at(steps // 2, steps, warm_up, 1.0) == pytest.approx(0)
    rates = [rate_at(step, steps, warm_up, time_share) for step in range(steps + 1)]
    assert 0 < max(rates[:-1]) <= 1
    assert rates[warm_up:] == sorted(rates[warm_up:], reverse=True)
    assert all(rate <= rate_at(step, steps, warm_up, 0) for step, rate in enumerate(rates))


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    base = read_base(write_tiny_base(tmp_path))
    forms = [corrected(number).form for number in range(4)]
    samples = forms_to_samples(forms, LABELS, base.vocabulary, base.windows)
    parts = [Part("corrected", samples, 1.0)]
    told: list[TuningProgress] = []
    settings = replace(QUICK, steps=30, checks=5)
    tuned = tune(base, parts, parts, settings, tmp_path / "run", told.append)
    losses = [progress.held_back_loss for progress in told if progress.held_back_loss]
    assert losses[-1] < losses[0]
    assert tuned.steps <= 30
    assert told[-1].steps == 30


@pytest.mark.parametrize("kind", ["layoutlm", "lilt", "layoutlmv3"])
def test_a_checkpoint_of_the_hub_can_be_the_base(kind: str, tmp_path: Path) -> None:
    folder = write_hub_checkpoint(tmp_path / kind, kind)
    vocabulary = tiny_vocabulary()
    base = extend_base(read_hub_base(folder, vocabulary), LABELS, ())
    forms = [corrected(number).form for number in range(2)]
    samples = forms_to_samples(forms, LABELS, vocabulary, base.windows)
    parts = [Part("corrected", samples, 1.0)]
    tuned = tune(base, parts, parts, replace(QUICK, steps=2, checks=1), tmp_path / "run")
    from models.network import export_onnx  # noqa: PLC0415

    export_onnx(tuned.network, tmp_path / NETWORK_FILE, 1)
    check_export(tuned.network, tmp_path / NETWORK_FILE, 1)


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ModelError, match="is a bert"):
        read_hub_base(tmp_path, tiny_vocabulary())


def write_hub_checkpoint(folder: Path, kind: str) -> Path:
    """A checkpoint of random weights with a tokenizer, as the hub keeps them."""
    import transformers  # noqa: PLC0415

    configs = {"layoutlm": "LayoutLM", "lilt": "Lilt", "layoutlmv3": "LayoutLMv3"}
    folder.mkdir(parents=True)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *tiny_vocabulary().characters[:50]]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {
        "vocab_size": len(tokens),
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
        "pad_token_id": 0,
        **({"coordinate_size": 4, "shape_size": 4} if kind == "layoutlmv3" else {}),
    }
    name = configs[kind]
    config = getattr(transformers, f"{name}Config")(**sizes)
    getattr(transformers, f"{name}Model")(config).save_pretrained(folder)
    return folder
