"""From a trained network to a model version: export, proof, scores and the model card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from extraction.errors import ModelError
from models.evaluate import Scores, evaluate_forms, scores_to_markdown
from models.labelled_forms import LabelledForm, files_digest, read_forms
from models.labeller import Labeller
from models.network import INPUT_NAMES, TokenClassifier, count_parameters, export_onnx
from models.registry import (
    NETWORK_FILE,
    ModelVersion,
    Setting,
    set_current,
    write_version,
)
from models.tokens import Vocabulary
from models.windows import WindowSettings

CARD_FILE = "MODEL_CARD.md"
LARGEST_DIFFERENCE = 1e-3


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trained network with all that its version has to tell."""

    network: TokenClassifier
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    seed: int
    parent: str | None
    windows: WindowSettings
    training: Mapping[str, Setting]
    train: tuple[Path, ...]
    test: tuple[Path, ...]


def release_version(outcome: Outcome, folder: Path) -> Path:
    """Write the version into ``folder``, score it as it will be served, make it current."""
    version = _draft_version(outcome)
    path = write_version(folder, version, outcome.vocabulary)
    export_onnx(outcome.network, path / NETWORK_FILE, outcome.windows.pieces.length)
    check_export(outcome.network, path / NETWORK_FILE, outcome.windows.pieces.length)
    labeller = Labeller(path)
    test = [form for shard in outcome.test for form in read_forms(shard)]
    scores = evaluate_forms(test, labeller.labels, labeller.probabilities)
    by_source = _scores_by_source(test, labeller)
    metrics = scores.as_metrics()
    for source, of_source in by_source.items():
        metrics |= {f"{source}_word_accuracy": of_source.as_metrics()["word_accuracy"]}
    version = replace(version, metrics=metrics)
    write_version(folder, version, outcome.vocabulary)
    (path / CARD_FILE).write_text(_card(version, outcome, scores), encoding="utf-8")
    set_current(folder, version.name)
    return path


def _draft_version(outcome: Outcome) -> ModelVersion:
    digest = files_digest(outcome.train)
    weights = hashlib.sha256()
    for tensor in outcome.network.state_dict().values():
        weights.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return ModelVersion(
        name=f"labeller-{weights.hexdigest()[:10]}",
        parent=outcome.parent,
        data_digest=digest,
        seed=outcome.seed,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=outcome.labels,
        windows=outcome.windows,
        network=asdict(outcome.network.settings),
        training=outcome.training,
    )


def _scores_by_source(forms: Sequence[LabelledForm], labeller: Labeller) -> dict[str, Scores]:
    sources = sorted({form.source for form in forms})
    if len(sources) < 2:
        return {}
    return {
        source: evaluate_forms(
            [form for form in forms if form.source == source],
            labeller.labels,
            labeller.probabilities,
        )
        for source in sources
    }


def check_export(network: TokenClassifier, path: Path, piece_length: int) -> float:
    """The largest difference of logits between network and file; ModelError if too large."""
    rng = np.random.default_rng(0)
    shape = (2, 77)
    corners = np.sort(rng.integers(0, 1001, size=(*shape, 2, 2)), axis=2).reshape(*shape, 4)
    mask = np.ones(shape, dtype=np.int64)
    mask[1, 50:] = 0
    arrays = (
        rng.integers(0, 50, size=(*shape, piece_length)),
        corners,
        rng.integers(0, 30, size=shape),
        rng.integers(0, 3, size=shape),
        mask,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (exported,) = session.run(None, dict(zip(INPUT_NAMES, arrays, strict=True)))
    with torch.no_grad():
        own = network(*(torch.from_numpy(array) for array in arrays)).numpy()
    difference = float(np.abs(own - exported)[mask == 1].max())
    if difference > LARGEST_DIFFERENCE:
        raise ModelError(f"the exported logits differ by {difference:.4f}", name=str(path))
    return difference


def _card(version: ModelVersion, outcome: Outcome, scores: Scores) -> str:
    parameters = count_parameters(outcome.network)
    counts = _count_sources(outcome.train)
    data = ", ".join(f"{count} forms {source}" for source, count in counts.items())
    return f"""# {version.name}

Gives each word of a scanned form a label: a field of a declared form type, a column of one
of its groups, `key` or `other`. It reads the words' texts and boxes, no pixels.

- **Architecture**: {version.network["architecture"]} of `transformers`,
  {version.network["layers"]} layers × {version.network["hidden_size"]},
  {parameters / 1e6:.2f} M parameters, tokens of {version.windows.pieces.length} characters,
  windows of {version.windows.length} tokens; served by ONNX Runtime.
- **Data**: {data}, all synthesised by this project, none of them real documents;
  SHA-256 of the shards `{version.data_digest}`.
- **Training**: from scratch, seed {version.seed}, {version.training.get("steps_taken", 0)} steps,
  {version.training.get("minutes_taken", 0)} minutes; parent {version.parent or "none"}.
- **Made at**: {version.created_at}
- **Use**: forms like those declared, printed in Chinese. A form of another kind gets `key`
  and `other` at best. The probability is not calibrated by itself: routing does that.

Figures on layouts that training never saw, words as they were read:

{scores_to_markdown(scores)}"""


def _count_sources(shards: Sequence[Path]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in shards:
        for form in read_forms(path):
            counts[form.source] = counts.get(form.source, 0) + 1
    return dict(sorted(counts.items()))
