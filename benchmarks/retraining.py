"""How long a retraining on many corrected documents takes, by the road of the product.

python -m benchmarks.retraining [--documents 200] [--threads 2] [--out docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.poisoned import PAGE, draw_forms, retrain_on_forms
from benchmarks.report import Figures, Section, figures_to_markdown, write_sections
from models.finetune import TuningSettings
from models.registry import GATE_FILE, read_version
from models.training_set import Replay
from models.word_noise import SHIPPED_NOISE, read_noise

DOCUMENTS: Final = 200
MOST_MINUTES: Final = 15


def measure_retraining(documents: int, settings: TuningSettings, replay: Replay) -> Section:
    """Forms of many layouts, labelled as the truth has it, learnt with the usual settings."""
    drawn = list(islice(draw_forms(read_noise(SHIPPED_NOISE)), documents))
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        made = retrain_on_forms("document", drawn, settings, replay, Path(folder))
        minutes = (time.monotonic() - began) / 60
        version = read_version(made)
        gate = json.loads((made / GATE_FILE).read_text(encoding="utf-8"))
    before, after = (gate[f"{who}_figures"]["word_accuracy"] for who in ("champion", "challenger"))
    row = (
        *(str(documents), f"{version.training['steps_taken']} of {settings.steps}"),
        *(str(settings.threads), f"{minutes:.1f}", f"≤ {MOST_MINUTES}"),
        *(f"{before:.4f} → {after:.4f}", "passed" if gate["passed"] else "refused"),
    )
    columns = ("corrected documents", "steps", "threads", "minutes", "asked", "words right", "gate")
    data = {"documents": documents, "minutes": minutes, "gate": gate["passed"]}
    return Section("retraining", "Retraining", figures_to_markdown(Figures(columns, (row,))), data)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    usual = TuningSettings()
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--threads", type=int, default=usual.threads)
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args(arguments)
    settings = replace(usual, steps=given.steps, threads=given.threads)
    section = measure_retraining(given.documents, settings, Replay())
    print(section.body)
    write_sections([section], given.out)


if __name__ == "__main__":
    main()
