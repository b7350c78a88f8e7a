"""The learning curve: how right records of an unseen layout and of a wholly new form type are
after 0, 1, 3, 5, 10 and 20 corrected documents.

python -m benchmarks.learning [--seeds 5] [--quick] [--retrained 5 20] [--out docs/benchmarks.md]

Each form is scanned and read once and kept under build/. A retraining takes minutes, so it is
left out between the numbers of documents at which a figure is asked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from annotation.examples import TrainingExample
from benchmarks.learning_curve import (
    Reading,
    accuracy,
    correct_all,
    learn,
    with_keys,
    with_network,
)
from benchmarks.learning_forms import FIRST_SEED, ReadForm, print_form, read_all
from benchmarks.learning_layouts import FORMS, layouts
from benchmarks.learning_network import CurveSettings, old_layouts, retrain_on
from benchmarks.report import Figures, Section, figures_to_markdown, share, write_sections
from extraction.confidence import load_calibrator
from extraction.declarations import load_declarations
from models.labeller import Labeller
from models.training_set import Replay

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
KEPT: Final = Path(__file__).parents[1] / "build" / "learning"
COUNTS: Final = (0, 1, 3, 5, 10, 20)
ASKED: Final = {("new_layout", 5): 0.95, ("new_layout", 20): 0.98} | {
    ("new_type", 5): 0.90,
    ("new_type", 20): 0.97,
}
RETRAINED: Final = tuple(sorted({count for _, count in ASKED}))
TITLES: Final = {"new_layout": "unseen layout", "new_type": "new form type"}


@dataclass(frozen=True, slots=True)
class Options:
    """``pool`` forms of a family are there to be corrected, ``tests`` others to judge by;
    the network is retrained at the ``retrained`` ones among the ``counts``."""

    seeds: int = 5
    counts: tuple[int, ...] = COUNTS
    retrained: tuple[int, ...] = RETRAINED
    pool: int = 30
    tests: int = 20
    printed: bool = False
    processes: int = 1
    curve: CurveSettings = field(default_factory=CurveSettings)
    out: Path | None = PAGE
    json: Path | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """Field accuracies of one seed after ``count`` documents; ``keys`` is that of learnt keys
    without a retraining. ``old_loss`` is what the old layouts lose, in points."""

    family: str
    count: int
    seed: int
    keys: float
    both: float | None
    old_loss: float | None
    minutes: float


def measure(options: Options, folder: Path) -> Iterator[Point]:
    declarations = (*load_declarations(), *load_declarations(FORMS))
    first = Reading(Labeller(), declarations, load_calibrator())
    forms = {family: _read(family, options) for family in layouts()}
    examples = {
        family: correct_all(first, found[: options.pool]) for family, found in forms.items()
    }
    tests = {family: found[options.pool :] for family, found in forms.items()}
    for seed in range(options.seeds):
        order = np.random.default_rng(seed).permutation(options.pool)
        for count in options.counts:
            if count == 0 and seed:
                continue
            chosen = tuple(examples[family][k] for family in forms for k in order[:count])
            yield from _measure_point(options, folder, first, chosen, tests, (count, seed))


def _measure_point(
    options: Options,
    folder: Path,
    first: Reading,
    chosen: tuple[TrainingExample, ...],
    tests: Mapping[str, Sequence[ReadForm]],
    place: tuple[int, int],
) -> Iterator[Point]:
    """Corrections of both families are learnt together, as in use."""
    count, seed = place
    keyed = with_keys(first, learn(first, chosen))
    trained, loss, minutes = None, None, 0.0
    if count in options.retrained:
        began = time.monotonic()
        tuning = replace(options.curve.tuning, seed=seed)
        settings = replace(options.curve, tuning=tuning)
        version = retrain_on(first, chosen, settings, folder)
        before, after = old_layouts(version)
        loss, minutes = 100 * (before - after), (time.monotonic() - began) / 60
        trained = with_network(keyed, version)
    for family, forms in tests.items():
        keys = accuracy(keyed.judge(forms))
        both = None if trained is None else accuracy(trained.judge(forms))
        point = Point(family, count, seed, keys, both, loss, minutes)
        sys.stderr.write(f"{point}\n")
        yield point


def _read(family: str, options: Options) -> list[ReadForm]:
    numbers = range(options.pool + options.tests)
    if options.printed:
        return [print_form(family, FIRST_SEED + number) for number in numbers]
    return read_all(family, numbers, KEPT, options.processes)


def learning_section(points: Sequence[Point], options: Options) -> Section:
    figures = points_to_figures(points)
    seeds = len({point.seed for point in points})
    notes = [
        f"{seeds} seeds, {options.tests} documents of each family to judge by, "
        + ("read perfectly" if options.printed else "scanned at clean300 and office200")
        + _told_tuning(points, options),
        figures_to_markdown(figures),
    ]
    data = {"points": [_point_to_json(point) for point in points]}
    return Section("learning", "Learning curve", "\n\n".join(notes), data)


def _told_tuning(points: Sequence[Point], options: Options) -> str:
    tuning, replay = options.curve.tuning, options.curve.replay
    seeds = {point.seed for point in points if point.both is not None}
    if not seeds:
        return "."
    return (
        f"; retrained with {len(seeds)} of the seeds: {tuning.steps} steps of {tuning.tokens} "
        f"tokens on {tuning.threads} thread{'' if tuning.threads == 1 else 's'}, "
        f"{replay.forms} synthetic forms beside the corrected ones, old layouts judged on "
        f"{replay.test_forms} forms of layouts that no training shows."
    )


def points_to_figures(points: Sequence[Point]) -> Figures:
    """A row for each family and number of documents: means, and the spread over the seeds."""
    rows = []
    for family in dict.fromkeys(point.family for point in points):
        own = [point for point in points if point.family == family]
        for count in sorted({point.count for point in own}):
            rows.append(_row(family, count, [point for point in own if point.count == count]))
    columns = (
        *("", "corrected", "learnt keys", "± ", "and retrained", "±", "asked"),
        *("old layouts lose (points)", "minutes"),
    )
    return Figures(columns, tuple(rows))


def _row(family: str, count: int, points: Sequence[Point]) -> tuple[str, ...]:
    asked = ASKED.get((family, count))
    losses = [point.old_loss for point in points if point.old_loss is not None]
    minutes = [point.minutes for point in points if point.both is not None]
    return (
        TITLES.get(family, family),
        str(count),
        *_mean_and_spread([point.keys for point in points]),
        *_mean_and_spread([point.both for point in points if point.both is not None]),
        "" if asked is None else f"≥ {asked:.2f}",
        f"{statistics.fmean(losses):.2f}" if losses else "",
        f"{statistics.fmean(minutes):.1f}" if minutes else "",
    )


def _mean_and_spread(values: Sequence[float]) -> tuple[str, str]:
    if not values:
        return "", ""
    spread = f"{statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return share(statistics.fmean(values)), spread


def _point_to_json(point: Point) -> dict[str, str | int | float | None]:
    return {name: getattr(point, name) for name in Point.__slots__}


def read_options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser("benchmarks.learning", description=__doc__)
    usual = Options()
    parser.add_argument("--seeds", type=int, default=usual.seeds)
    parser.add_argument("--quick", action="store_true", help="one seed, few steps and forms")
    parser.add_argument("--printed", action="store_true", help="read perfectly, without scans")
    parser.add_argument("--counts", type=int, nargs="+", default=usual.counts)
    parser.add_argument("--retrained", type=int, nargs="*", default=usual.retrained)
    parser.add_argument("--steps", type=int, default=usual.curve.tuning.steps)
    parser.add_argument("--replay", type=int, default=usual.curve.replay.forms)
    parser.add_argument("--reprinted", type=int, default=usual.curve.reprinted)
    parser.add_argument("--tests", type=int, default=usual.tests)
    parser.add_argument("--processes", type=int, default=usual.processes)
    parser.add_argument("--threads", type=int, default=usual.curve.tuning.threads)
    parser.add_argument("--out", type=Path, default=usual.out)
    parser.add_argument("--no-page", action="store_true", help="print, but keep no page")
    parser.add_argument("--json", type=Path, help="keep all points")
    given = parser.parse_args(arguments)
    options = replace(
        usual,
        seeds=given.seeds,
        printed=given.printed,
        counts=tuple(given.counts),
        retrained=tuple(given.retrained),
        tests=given.tests,
        processes=given.processes,
        out=None if given.no_page else given.out,
        json=given.json,
    )
    if given.quick:
        few = Replay(forms=100, test_forms=40)
        options = replace(options, seeds=1, pool=20, tests=6, curve=CurveSettings(replay=few))
        given.replay, given.steps = few.forms, min(given.steps, 60)
    tuning = replace(options.curve.tuning, steps=given.steps, threads=given.threads)
    replay = replace(options.curve.replay, forms=given.replay)
    return replace(options, curve=CurveSettings(replay, tuning, given.reprinted))


def main(arguments: Sequence[str] | None = None) -> int:
    options = read_options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        points = list(measure(options, Path(folder)))
    section = learning_section(points, options)
    sys.stdout.write(f"\n## {section.title}\n\n{section.body}\n")
    if options.out is not None:
        write_sections([section], options.out)
    if options.json is not None:
        options.json.write_text(json.dumps(section.data, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
