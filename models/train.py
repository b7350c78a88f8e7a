"""Train the labeller from scratch: ``python -m models.train``.

Forms are synthesised (``models.dataset``), a network of ``models.network`` learns their
labels, and a model version with its card is written: the same seed and the same data give
the same weights on the same machine.
"""

from __future__ import annotations

import argparse
import copy
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from extraction.declarations import labels as declared_labels
from extraction.declarations import load_declarations
from extraction.engines import has_fast_bfloat16
from models.dataset import DatasetSettings, make_dataset
from models.labelled_forms import files_digest, read_forms
from models.network import NetworkSettings, TokenClassifier
from models.registry import SHIPPED_FOLDER
from models.release import Outcome, release_version
from models.samples import (
    NO_LABEL,
    Sample,
    Variation,
    batches_of,
    forms_to_samples,
    pad_labels,
    samples_to_inputs,
    vary_sample,
)
from models.tokens import Vocabulary, texts_to_vocabulary
from models.windows import (
    WindowSettings,
)

CHECKPOINT_SECONDS = 300
PRINT_EVERY = 50

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """``steps`` end the training, or ``minutes`` where they are over first (0: no limit).

    ``tokens`` are those of one batch, padding included.
    """

    seed: int = 20211
    steps: int = 1900
    minutes: float = 0.0
    tokens: int = 4096
    learning_rate: float = 8e-4
    warm_up: float = 0.04
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    averaging: float = 0.998
    threads: int = 2
    variation: Variation = field(default_factory=Variation)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    windows: WindowSettings = field(default_factory=WindowSettings)


@dataclass(slots=True)
class Progress:
    """What a checkpoint holds: enough to go on as if nothing had happened."""

    model: TokenClassifier
    averaged: TokenClassifier
    optimizer: torch.optim.AdamW
    step: int = 0
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(".part")
        state = {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, written)
        written.replace(path)

    def load(self, path: Path) -> Self:
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        return self


def train_network(
    samples: Sequence[Sample],
    labels: Sequence[str],
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    checkpoint: Path | None = None,
) -> tuple[TokenClassifier, Progress]:
    """The averaged network; goes on from ``checkpoint`` where that exists."""
    progress = _start(settings, len(vocabulary), len(labels))
    if checkpoint is not None and checkpoint.is_file():
        progress.load(checkpoint)
        logger.info("going on at step %d", progress.step)
    weights = class_weights(samples, len(labels))
    losses: list[float] = []
    saved_at = started = time.monotonic() - progress.seconds
    for batch in _varied_batches(samples, vocabulary, settings, progress.step):
        done = _share_done(progress, settings)
        if done >= 1:
            break
        _set_learning_rate(progress.optimizer, settings, done)
        losses.append(_take_step(progress, batch, weights, settings))
        progress.step += 1
        progress.seconds = time.monotonic() - started
        if progress.step % PRINT_EVERY == 0:
            _print_progress(progress, losses, settings)
            losses.clear()
        if checkpoint is not None and time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            progress.save(checkpoint)
            saved_at = time.monotonic()
    return progress.averaged.eval(), progress


def _start(settings: TrainingSettings, vocabulary_size: int, labels: int) -> Progress:
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    model = TokenClassifier(settings.network, vocabulary_size, labels)
    # Norms and biases are not decayed.
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98))
    return Progress(model.train(), copy.deepcopy(model), optimizer)


def _varied_batches(
    samples: Sequence[Sample], vocabulary: Vocabulary, settings: TrainingSettings, start: int
) -> Iterator[list[Sample]]:
    """Endless batches; each step's own draws depend on the seed and its number alone."""
    step = epoch = 0
    while True:
        order = np.random.default_rng((settings.seed, epoch))
        for batch in batches_of(samples, settings.tokens, order):
            if step >= start:
                rng = np.random.default_rng((settings.seed, epoch, step))
                yield [vary_sample(s, settings.variation, vocabulary, rng) for s in batch]
            step += 1
        epoch += 1


def _take_step(
    progress: Progress, batch: Sequence[Sample], weights: Tensor, settings: TrainingSettings
) -> float:
    inputs = {name: torch.from_numpy(a) for name, a in samples_to_inputs(batch).items()}
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_fast_bfloat16()):
        logits = progress.model(**inputs)
    loss = functional.cross_entropy(
        logits.float().flatten(0, 1),
        torch.from_numpy(pad_labels(batch)).flatten(),
        weight=weights,
        ignore_index=NO_LABEL,
        label_smoothing=settings.label_smoothing,
    )
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(progress.model.parameters(), 1.0)
    progress.optimizer.step()
    progress.optimizer.zero_grad(set_to_none=True)
    _average(progress, settings.averaging)
    return float(loss.detach())


@torch.no_grad()
def _average(progress: Progress, averaging: float) -> None:
    """Move the averaged weights; the first steps count for little in the end."""
    keep = min(averaging, (1 + progress.step) / (10 + progress.step))
    pairs = zip(progress.averaged.parameters(), progress.model.parameters(), strict=True)
    for averaged, current in pairs:
        averaged.lerp_(current, 1 - keep)


def _share_done(progress: Progress, settings: TrainingSettings) -> float:
    by_time = progress.seconds / (60 * settings.minutes) if settings.minutes else 0.0
    return max(progress.step / settings.steps, by_time)


def _set_learning_rate(
    optimizer: torch.optim.AdamW, settings: TrainingSettings, done: float
) -> None:
    """Up in a line, then down along a cosine."""
    if done < settings.warm_up:
        factor = max(done, 1e-3) / settings.warm_up
    else:
        factor = 0.5 * (1 + math.cos(math.pi * (done - settings.warm_up) / (1 - settings.warm_up)))
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * factor


def class_weights(samples: Sequence[Sample], labels: int) -> Tensor:
    """Rare labels count somewhat more: the fourth root of their rarity, 0.5 to 3."""
    counts = np.ones(labels)
    for sample in samples:
        known = sample.labels[sample.labels >= 0]
        counts += np.bincount(known, minlength=labels)
    weights = (counts.mean() / counts) ** 0.25
    return torch.tensor(np.clip(weights, 0.5, 3.0), dtype=torch.float32)


def _print_progress(
    progress: Progress, losses: Sequence[float], settings: TrainingSettings
) -> None:
    share = _share_done(progress, settings)
    logger.info(
        "step %d of %d  %.0f %%  loss %.4f  %.1f min",
        progress.step,
        settings.steps,
        100 * share,
        np.mean(losses),
        progress.seconds / 60,
    )


def train_labeller(
    train: Sequence[Path],
    test: Sequence[Path],
    labels: tuple[str, ...],
    settings: TrainingSettings,
    out: Path,
    checkpoint: Path | None = None,
    parent: str | None = None,
) -> Path:
    """Learn the shards ``train``, score on ``test``, write a version below ``out``."""
    texts = (word.text for path in train for form in read_forms(path) for word in form.words)
    vocabulary = texts_to_vocabulary(texts)
    forms = (form for path in train for form in read_forms(path))
    samples = forms_to_samples(forms, labels, vocabulary, settings.windows)
    logger.info("%d windows, %d characters", len(samples), len(vocabulary))
    network, progress = train_network(samples, labels, vocabulary, settings, checkpoint)
    outcome = Outcome(
        network=network,
        vocabulary=vocabulary,
        labels=labels,
        seed=settings.seed,
        parent=parent,
        windows=settings.windows,
        training=_flat_settings(settings, progress),
        train=tuple(train),
        test=tuple(test),
    )
    path = release_version(outcome, out)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return path


def _flat_settings(
    settings: TrainingSettings, progress: Progress
) -> dict[str, str | int | float | bool]:
    stored = asdict(settings)
    variation = {f"variation_{name}": value for name, value in stored["variation"].items()}
    plain = {k: v for k, v in stored.items() if k not in ("variation", "network", "windows")}
    taken = {"steps_taken": progress.step, "minutes_taken": round(progress.seconds / 60, 1)}
    return plain | variation | taken


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the labeller from scratch.")
    parser.add_argument("--out", type=Path, default=SHIPPED_FOLDER, help="folder of versions")
    parser.add_argument("--data", type=Path, default=Path("build/dataset"), help="cache of forms")
    parser.add_argument("--seed", type=int, default=TrainingSettings().seed)
    parser.add_argument("--steps", type=int, default=TrainingSettings().steps)
    parser.add_argument("--minutes", type=float, default=0.0, help="stop earlier, after these")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--forms", type=int, default=DatasetSettings().printed_forms)
    parser.add_argument("--scans", type=int, default=DatasetSettings().scanned_forms)
    parser.add_argument(
        "--reader", default=DatasetSettings().reader, help="module:function that reads a page"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = TrainingSettings(
        seed=arguments.seed,
        steps=arguments.steps,
        minutes=arguments.minutes,
        threads=arguments.threads,
    )
    dataset = DatasetSettings(
        seed=arguments.seed,
        printed_forms=arguments.forms,
        scanned_forms=arguments.scans,
        reader=arguments.reader,
        processes=arguments.threads,
    )
    shards = make_dataset(arguments.data, dataset)
    labels = declared_labels(load_declarations())
    # A checkpoint of other data must not be gone on with.
    checkpoint = arguments.data / f"checkpoint_{files_digest(shards.train)[:8]}.pt"
    path = train_labeller(shards.train, shards.test, labels, settings, arguments.out, checkpoint)
    logger.info("wrote %s", path)


if __name__ == "__main__":
    main()
