"""Do poisoned corrections harm? One challenger from clean corrections, one where a careless
annotator gave a fifth of the words another label, and what the gate says of each.

    python -m benchmarks.poisoned [--documents 20] [--steps 100] [--out docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from benchmarks.report import Figures, Section, figures_to_markdown, write_sections
from models.dataset import draw_labelled
from models.finetune import TuningSettings
from models.labelled_forms import LabelledForm
from models.labeller import Labeller
from models.outcomes import find_outcomes, outcomes_to_figures
from models.registry import GATE_FILE, find_current
from models.retrain import RetrainOptions, retrain
from models.training_set import CorrectedForm, Replay, make_training_set, write_training_set
from models.word_noise import SHIPPED_NOISE, WordNoise, add_noise, read_noise

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
FIRST_SEED: Final = 760_000
"""Apart from the seeds of training and of the other benchmarks."""
SAMPLE: Final = 60
"""Forms that are drawn to find the commonest layout among them."""
TESTED: Final = 40
"""Documents of the layout, rightly labelled, that no training shows."""
POISON: Final = 0.2
REPLAY: Final = Replay(forms=400, test_forms=100)


@dataclass(frozen=True, slots=True)
class Judged:
    """A version on the documents that were kept aside, and what the gate says of it."""

    figures: Mapping[str, float]
    verdict: str
    reasons: tuple[str, ...] = ()


def draw_forms(noise: WordNoise) -> Iterator[LabelledForm]:
    """Forms of layouts that no training shows, with mistakes as the recogniser makes them."""
    seed = FIRST_SEED
    while True:
        yield add_noise(draw_labelled(seed, "test"), noise, np.random.default_rng(seed), 1.0)
        seed += 1


def find_layout_forms(count: int) -> list[LabelledForm]:
    """So many forms of the layout that is the commonest of the first ones drawn."""
    forms = draw_forms(read_noise(SHIPPED_NOISE))
    drawn = [next(forms) for _ in range(SAMPLE)]
    family = Counter(form.family for form in drawn).most_common(1)[0][0]
    found = [form for form in drawn if form.family == family]
    while len(found) < count:
        form = next(forms)
        found += [form] if form.family == family else []
    return found[:count]


def poison(form: LabelledForm, share: float, rng: np.random.Generator) -> LabelledForm:
    """That share of the words, each with another label of the same document."""
    names = sorted(set(form.labels))
    labels = [
        str(rng.choice([name for name in names if name != label] or [label]))
        if rng.random() < share
        else label
        for label in form.labels
    ]
    return replace(form, labels=tuple(labels))


def judge_challenger(
    name: str, corrected: Sequence[LabelledForm], tested: Sequence[LabelledForm], steps: int
) -> Judged:
    settings = replace(TuningSettings(), steps=steps, minutes=0.0)
    with TemporaryDirectory() as folder:
        made = retrain_on_forms(name, corrected, settings, REPLAY, Path(folder))
        gate = json.loads((made / GATE_FILE).read_text(encoding="utf-8"))
        figures = measure(Labeller(made, 1), tested)
    reasons = tuple(f"{one['code']} {one['name']}".strip() for one in gate["reasons"])
    return Judged(figures, "passed" if gate["passed"] else "refused", reasons)


def retrain_on_forms(
    name: str, drawn: Sequence[LabelledForm], settings: TuningSettings, replay: Replay, folder: Path
) -> Path:
    """The folder of the version that has learnt the forms as corrected documents."""
    forms = [
        CorrectedForm(f"{name}-{number}", replace(form, source="corrected"))
        for number, form in enumerate(drawn)
    ]
    data = make_training_set(forms, Labeller(find_current(), 1).labels, (), replay)
    path = write_training_set(folder / "sets", data)
    return retrain(RetrainOptions(path, folder / "models", folder / "run", settings=settings))


def measure(labeller: Labeller, tested: Sequence[LabelledForm]) -> Mapping[str, float]:
    named = [(str(number), form) for number, form in enumerate(tested)]
    return outcomes_to_figures(find_outcomes(named, labeller.labels, labeller.probabilities))


def measure_poison(documents: int, steps: int) -> Section:
    forms = find_layout_forms(documents + TESTED)
    corrected, tested = forms[:documents], forms[documents:]
    rng = np.random.default_rng(FIRST_SEED)
    spoilt = [poison(form, POISON, rng) for form in corrected]
    judged = {
        "champion": Judged(measure(Labeller(find_current(), 1), tested), "–"),
        "challenger, clean corrections": judge_challenger("clean", corrected, tested, steps),
        f"challenger, {POISON:.0%} wrong labels": judge_challenger(
            "poisoned", spoilt, tested, steps
        ),
    }
    rows = tuple(
        (name, *_shares(one.figures), one.verdict, ", ".join(one.reasons) or "–")
        for name, one in judged.items()
    )
    columns = ("version", "words right", "worst field", "gate", "reasons")
    head = (
        f"{documents} corrected documents of {forms[0].family}, {steps} steps; {len(tested)} "
        "other documents of the layout, rightly labelled, tell how right each version is."
    )
    body = f"{head}\n\n{figures_to_markdown(Figures(columns, rows))}"
    return Section("poisoned", "Poisoned corrections", body, {"rows": rows})


def _shares(figures: Mapping[str, float]) -> tuple[str, str]:
    fields = [share for name, share in figures.items() if name.startswith("field ")]
    return f"{figures['word_accuracy']:.4f}", f"{min(fields, default=1.0):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args()
    section = measure_poison(options.documents, options.steps)
    print(section.body)
    write_sections([section], options.out)


if __name__ == "__main__":
    main()
