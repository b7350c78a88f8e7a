"""The part of the learning curve that the network learns: a retraining as the product does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annotation.examples import TrainingExample
from benchmarks.learning_curve import Reading
from extraction.declarations import labels as declared_labels
from models.finetune import TuningSettings
from models.registry import GATE_FILE, find_current
from models.retrain import REPRINTED_FORMS, RetrainOptions, retrain
from models.training_set import Replay, SplitSettings, make_training_set, write_training_set
from workers.training_data import example_to_form

LEARN_ALL = SplitSettings(documents=0.0, layouts=0.0)
"""The documents to judge by are others anyway."""


@dataclass(frozen=True, slots=True)
class CurveSettings:
    replay: Replay = field(default_factory=Replay)
    tuning: TuningSettings = field(default_factory=TuningSettings)
    reprinted: int = REPRINTED_FORMS


def retrain_on(
    reading: Reading,
    examples: Sequence[TrainingExample],
    settings: CurveSettings,
    folder: Path,
) -> Path:
    """The folder of the version that has learnt the examples, by the road of the product."""
    data = make_training_set(
        [example_to_form(example) for example in examples],
        declared_labels(reading.declarations),
        (),
        settings.replay,
        LEARN_ALL,
    )
    path = write_training_set(folder / "data", data)
    out = folder / "runs" / f"{data.digest[:12]}-{settings.tuning.seed}-{settings.tuning.steps}"
    models, base = folder / "models", find_current()
    return retrain(RetrainOptions(path, models, out, base, settings.tuning, settings.reprinted))


def old_layouts(version: Path) -> tuple[float, float]:
    """Share of right words on synthetic forms of the old layouts, before and after."""
    gate = json.loads((version / GATE_FILE).read_text(encoding="utf-8"))
    before, after = gate["champion_figures"], gate["challenger_figures"]
    return float(before["word_accuracy"]), float(after["word_accuracy"])
