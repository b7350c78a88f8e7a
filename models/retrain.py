"""Train a new version from the base on corrections and synthetic forms, and hold it against
the version in use: ``python -m models.retrain DATA_SET --models DIR --out DIR``.

Run again after a kill it goes on where its last checkpoint stands. What it did is left in
``OUT/progress.json`` while it works and in ``OUT/result.json`` at its end.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from extraction.confidence import load_calibrator
from extraction.declarations import OTHER_LABEL
from extraction.errors import FormloopError
from extraction.normalise import plain
from models.audited_fields import read_audited
from models.augment import reprint_forms
from models.base_network import Base, extend_base, read_base
from models.dataset import Shards, make_dataset
from models.finetune import Tuned, TuningProgress, TuningSettings, tune
from models.hub_base import is_hub_checkpoint, read_hub_base
from models.label_loss import NO_FIELD, NO_LABEL
from models.labelled_forms import LabelledForm, read_forms
from models.labeller import Labeller
from models.mixture import Part
from models.outcomes import find_outcomes
from models.recalibrate import refit
from models.registry import Registry, Setting, find_current
from models.retrained_version import Retrained, write_retrained
from models.samples import Sample, forms_to_samples
from models.suspects import find_suspects
from models.synthesis.forms import UNKNOWN
from models.tokens import texts_to_vocabulary
from models.training_set import (
    MISSING,
    CorrectedForm,
    TrainingSet,
    extend_labels,
    read_training_set,
)

PROGRESS_FILE = "progress.json"
RESULT_FILE = "result.json"
KNOWN_SHARE, FOREIGN_SHARE, CORRECTED_SHARE = 0.35, 0.25, 0.4
"""Of every step: synthetic forms of declared types, synthetic ones of no declared type, and
corrected forms. Without enough of the second a new type is seen in whatever looks like it."""
HELD_BACK_FORMS = 40
HELD_BACK_EVERY = 10
"""Where there are this many corrected documents for each held back, one in so many is."""
LEAST_CHARACTER_FORMS = 2
REPRINTED_FORMS = 0
"""Fewer corrected documents than this are printed again with other values up to so many. None
are: measured, it helps neither an unseen layout nor a new form type."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetrainOptions:
    """``base`` is a version's folder or a hub checkpoint's; by default the shipped version.
    ``judged`` is the file of fields that people judged. ``reprinted``: see
    ``REPRINTED_FORMS``."""

    data: Path
    models: Path
    out: Path
    base: Path | None = None
    settings: TuningSettings = field(default_factory=TuningSettings)
    reprinted: int = REPRINTED_FORMS
    judged: Path | None = None


def retrain(options: RetrainOptions) -> Path:
    """The folder of the new version, judged but not promoted."""
    options.out.mkdir(parents=True, exist_ok=True)
    progress = _Progress(options.out / PROGRESS_FILE)
    progress.stage("data")
    data = read_training_set(options.data)
    threads = options.settings.threads
    shards = make_dataset(options.data.parent / "replay", data.replay.to_dataset(threads))
    base = _read_base(options, shards)
    champion_path = Registry(options.models).find_current()
    champion = Labeller(champion_path, threads)
    progress.stage("screening")
    train, suspects = find_suspects(data.part("train"), champion.labels, champion.probabilities)
    labels = extend_labels(base.labels, data.labels, *(f.form.labels for f in data.forms))
    base = extend_base(base, labels, _new_characters(train, base))
    learnt, held_back = _choose_parts(train, shards, base, options)
    checkpoints = options.out / "checkpoints"
    tuned = tune(base, learnt, held_back, options.settings, checkpoints, progress.tell)
    progress.stage("comparing")
    made = Retrained(
        network=tuned.network,
        base=base,
        data=data,
        parent=champion.version,
        training=_told_settings(options.settings, tuned, base),
        suspects=suspects,
        # Always from the shipped ones, as the training is from the base.
        confidences=refit(
            load_calibrator(), read_audited(options.judged) if options.judged else ()
        ),
    )
    frozen = _frozen_forms(data, shards)
    before = find_outcomes(frozen, champion.labels, champion.probabilities)
    path = write_retrained(made, options.models, options.out, frozen, before)
    write_json(options.out / RESULT_FILE, {"version": path.name})
    shutil.rmtree(checkpoints, ignore_errors=True)
    return path


def _read_base(options: RetrainOptions, shards: Shards) -> Base:
    path = options.base or find_current()
    if not is_hub_checkpoint(path):
        return read_base(path)
    texts = (word.text for form in _read_all(shards.train) for word in form.words)
    return read_hub_base(path, texts_to_vocabulary(texts))


def _new_characters(forms: Sequence[CorrectedForm], base: Base) -> tuple[str, ...]:
    """Characters that the base does not know and that several documents print."""
    counts = Counter(
        character
        for form in forms
        for character in {c for word in form.form.words for c in plain(word.text)}
        if character not in base.vocabulary.ids
    )
    return tuple(sorted(c for c, count in counts.items() if count >= LEAST_CHARACTER_FORMS))


def _choose_parts(
    train: Sequence[CorrectedForm], shards: Shards, base: Base, options: RetrainOptions
) -> tuple[list[Part], list[Part]]:
    """What is learnt, and what is held back to see when to stop."""
    replay = _read_all(shards.train)
    spared = min(HELD_BACK_FORMS, len(replay) // 5)
    corrected = [form.form for form in train]
    aside = corrected[::HELD_BACK_EVERY] if len(corrected) >= 2 * HELD_BACK_EVERY else []
    kept = [form for form in corrected if form not in aside]
    missing = max(0, options.reprinted - len(kept))
    reprinted = reprint_forms(kept, missing, options.settings.seed, shards.noise)
    # Where none can be spared, it is enough that they are learnt.
    learnt = _to_parts(replay[spared:], [*kept, *reprinted], base)
    return learnt, _to_parts(replay[:spared], aside or kept[:HELD_BACK_FORMS], base)


def _to_parts(
    replay: Sequence[LabelledForm], corrected: Sequence[LabelledForm], base: Base
) -> list[Part]:
    known = [form for form in replay if not _is_foreign(form)]
    foreign = [form for form in replay if _is_foreign(form)]
    return [
        Part("known", _to_samples(known, base), KNOWN_SHARE),
        Part("foreign", _to_samples(foreign, base), FOREIGN_SHARE),
        Part("corrected", _to_corrected_samples(corrected, base), CORRECTED_SHARE),
    ]


def _is_foreign(form: LabelledForm) -> bool:
    return form.family.partition("/")[0] == UNKNOWN


def _to_samples(forms: Sequence[LabelledForm], base: Base) -> list[Sample]:
    """Windows of the forms; words without a known label do not count."""
    numbered = (*base.labels, MISSING)
    samples = forms_to_samples(forms, numbered, base.vocabulary, base.windows)
    return [_relabel(sample, len(base.labels), NO_LABEL) for sample in samples]


def _to_corrected_samples(forms: Sequence[LabelledForm], base: Base) -> list[Sample]:
    """As ``_to_samples``; the rest of a form may as well be a key."""
    other = base.labels.index(OTHER_LABEL)
    return [_relabel(sample, other, NO_FIELD) for sample in _to_samples(forms, base)]


def _relabel(sample: Sample, old: int, new: int) -> Sample:
    labels = np.where(sample.labels == old, new, sample.labels)
    return Sample(sample.window, labels.astype(np.int16))


def _frozen_forms(data: TrainingSet, shards: Shards) -> list[tuple[str, LabelledForm]]:
    """What no version may learn: corrected documents held out, and synthetic layouts."""
    held_out = [(form.document_id, form.form) for form in data.part("test", "test_layout")]
    synthetic = _read_all(shards.test)
    return held_out + [(f"{form.family}:{form.seed}", form) for form in synthetic]


def _read_all(paths: Sequence[Path]) -> list[LabelledForm]:
    return [form for path in paths for form in read_forms(path)]


def _told_settings(settings: TuningSettings, tuned: Tuned, base: Base) -> dict[str, Setting]:
    plain = {k: v for k, v in asdict(settings).items() if k != "variation"}
    taken = {"steps_taken": tuned.steps, "held_back_loss": round(tuned.held_back_loss, 5)}
    return {**plain, **taken, "base": base.name}


class _Progress:
    """What is told while it works, in a file that is always whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stage(self, name: str) -> None:
        _log.info("%s", name)
        write_json(self._path, {"stage": name})

    def tell(self, progress: TuningProgress) -> None:
        write_json(self._path, {"stage": "training", **asdict(progress)})


def write_json(path: Path, value: object) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def read_options(arguments: Sequence[str] | None) -> RetrainOptions:
    parser = argparse.ArgumentParser("models.retrain", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of a version of the data")
    parser.add_argument("--models", type=Path, required=True, help="folder of trained versions")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument("--base", type=Path, help="a version's or a hub checkpoint's folder")
    parser.add_argument("--judged", type=Path, help="a file of fields that people judged")
    usual = TuningSettings()
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--threads", type=int, default=usual.threads)
    given = parser.parse_args(arguments)
    settings = replace(
        usual, seed=given.seed, steps=given.steps, minutes=given.minutes, threads=given.threads
    )
    return RetrainOptions(
        given.data, given.models, given.out, given.base, settings, judged=given.judged
    )


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = read_options(arguments)
    try:
        path = retrain(options)
    except FormloopError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    _log.info("wrote %s", path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
