"""What the labeller owes to its architecture, size, boxes and noise, as one table.

``python -m models.ablation`` trains every arm for the same steps on the same forms and scores
it on layouts that none has seen.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from extraction.declarations import labels as declared_labels
from extraction.declarations import load_declarations
from models.dataset import DatasetSettings, draw_forms, find_shards, make_dataset
from models.evaluate import Scores, evaluate_forms
from models.labelled_forms import LabelledForm, read_forms
from models.labeller import OnnxNetwork
from models.network import NetworkSettings, count_parameters, export_onnx
from models.samples import forms_to_samples
from models.tokens import PieceSettings, texts_to_vocabulary
from models.train import TrainingSettings, train_network
from models.windows import WindowSettings

# A short run: the average of its weights reaches back over fewer steps, too.
STEPS = 300
AVERAGING = 0.99

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to build the labeller; ``noise`` says whether it learns from noisy words."""

    name: str
    network: NetworkSettings = field(default_factory=NetworkSettings)
    windows: WindowSettings = field(default_factory=WindowSettings)
    noise: bool = True


def default_arms() -> tuple[Arm, ...]:
    """The chosen arm first; each other differs from it in one thing."""
    chosen = NetworkSettings()
    single = replace(chosen, piece_length=1)
    return (
        Arm("chosen", chosen),
        Arm("no relation bias", replace(chosen, relations=False)),
        Arm("LiLT", replace(chosen, architecture="lilt", relations=False)),
        Arm("LiLT, relation bias", replace(chosen, architecture="lilt")),
        Arm("LayoutLMv3", replace(chosen, architecture="layoutlmv3", relations=False)),
        Arm("narrow", replace(chosen, hidden_size=128)),
        Arm("wide", replace(chosen, hidden_size=256)),
        Arm("2 layers", replace(chosen, layers=2)),
        Arm("6 layers", replace(chosen, layers=6)),
        Arm("one character a token", single, WindowSettings(pieces=PieceSettings(length=1))),
        Arm("word boxes", chosen, WindowSettings(use_cell_box=False)),
        Arm("clean words only", chosen, noise=False),
    )


@dataclass(frozen=True, slots=True)
class Result:
    arm: Arm
    scores: Scores
    ms_per_page: float
    parameters: int
    steps: int


def run_arm(
    arm: Arm,
    train: Sequence[LabelledForm],
    test: Sequence[LabelledForm],
    labels: tuple[str, ...],
    settings: TrainingSettings,
) -> Result:
    """Train, export and score one arm; the time of a page is that of the exported network."""
    settings = replace(settings, network=arm.network, windows=arm.windows)
    vocabulary = texts_to_vocabulary(word.text for form in train for word in form.words)
    samples = forms_to_samples(train, labels, vocabulary, arm.windows)
    network, progress = train_network(samples, labels, vocabulary, settings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export_onnx(network, path, arm.network.piece_length)
        served = OnnxNetwork(path, vocabulary, arm.windows, settings.threads)
        started = time.perf_counter()
        scores = evaluate_forms(test, labels, served.probabilities)
        elapsed_ms = 1000 * (time.perf_counter() - started)
    pages = sum(1 + max((word.page for word in form.words), default=0) for form in test)
    return Result(arm, scores, elapsed_ms / pages, count_parameters(network), progress.step)


def results_to_markdown(results: Iterable[Result]) -> str:
    lines = [
        "| arm | architecture | layers × width | word accuracy | macro-F1 | forms all right "
        "| ms a page | M parameters | steps |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        network, scores = result.arm.network, result.scores
        lines.append(
            f"| {result.arm.name} | {network.architecture} | "
            f"{network.layers} × {network.hidden_size} | {scores.word_accuracy:.4f} | "
            f"{scores.macro_f1:.4f} | {scores.forms:.3f} | {result.ms_per_page:.1f} | "
            f"{result.parameters / 1e6:.2f} | {result.steps} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare ways to build the labeller.")
    parser.add_argument("--data", type=Path, default=Path("build/dataset"), help="cache of forms")
    parser.add_argument("--forms", type=int, default=3000)
    parser.add_argument("--test-forms", type=int, default=400)
    parser.add_argument("--steps", type=int, default=STEPS, help="of training for each arm")
    parser.add_argument("--shards", type=Path, help="a folder of a data set that is there already")
    parser.add_argument("--arms", nargs="*", help="names of arms; all by default")
    parser.add_argument("--reader", default="", help="module:function that reads a page")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.shards:
        shards = find_shards(arguments.shards)
    else:
        dataset = DatasetSettings(
            printed_forms=arguments.forms, test_forms=arguments.test_forms, reader=arguments.reader
        )
        shards = make_dataset(arguments.data, dataset)
    noisy = [form for path in shards.train for form in read_forms(path)]
    test = [form for path in shards.test for form in read_forms(path)]
    labels = declared_labels(load_declarations())
    settings = TrainingSettings(steps=arguments.steps, averaging=AVERAGING)
    results = []
    for arm in default_arms():
        if not arguments.arms or arm.name in arguments.arms:
            train = noisy if arm.noise else draw_forms(form.seed for form in noisy)
            results.append(run_arm(arm, train, test, labels, settings))
            logger.info(results_to_markdown(results[-1:]))
    sys.stdout.write(results_to_markdown(results))


if __name__ == "__main__":
    main()
