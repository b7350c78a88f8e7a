"""A retrained network as a version beside its parent: exported, compared, described."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.base_network import Base
from models.gate import Comparison, Verdict, judge
from models.labelled_forms import LabelledForm
from models.labeller import Labeller
from models.network import TokenClassifier, count_parameters, export_onnx
from models.outcomes import FormOutcome, find_outcomes, outcomes_to_figures
from models.recalibrate import Refit, RefitOutcome, refit_to_json, refit_to_words, write_refit
from models.registry import (
    CALIBRATION_FILE,
    GATE_FILE,
    NETWORK_FILE,
    ModelVersion,
    Setting,
    write_version,
)
from models.release import CARD_FILE, check_export
from models.suspects import Suspect
from models.training_set import TrainingSet


@dataclass(frozen=True, slots=True)
class Retrained:
    """A trained network with all that its version has to tell. ``parent`` was in use before,
    ``confidences`` is what became of the shipped ones."""

    network: TokenClassifier
    base: Base
    data: TrainingSet
    parent: str
    training: Mapping[str, Setting]
    suspects: tuple[Suspect, ...]
    confidences: Refit


def write_retrained(
    made: Retrained,
    models: Path,
    scratch: Path,
    frozen: Sequence[tuple[str, LabelledForm]],
    champion: Sequence[FormOutcome],
) -> Path:
    """Write the version below ``models``, whole or not at all; its folder.

    ``champion`` holds the outcomes of the version in use on the ``frozen`` forms.
    """
    version = _draft_version(made)
    # What a try that was killed left there may have been judged otherwise.
    shutil.rmtree(scratch / "draft", ignore_errors=True)
    draft = write_version(scratch / "draft", version, made.base.vocabulary)
    length = made.base.windows.pieces.length
    export_onnx(made.network, draft / NETWORK_FILE, length)
    check_export(made.network, draft / NETWORK_FILE, length)
    labeller = Labeller(draft, threads=1)
    own = find_outcomes(frozen, labeller.labels, labeller.probabilities)
    verdict = judge(champion, own)
    figures = outcomes_to_figures(own)
    before = outcomes_to_figures(champion)
    version = _draft_version(made, {k: v for k, v in figures.items() if " " not in k})
    write_version(scratch / "draft", version, made.base.vocabulary)
    _write_gate(draft / GATE_FILE, made, verdict, before, figures)
    if made.confidences.outcome is RefitOutcome.TAKEN:
        write_refit(made.confidences, draft / CALIBRATION_FILE)
    card = _card(version, made, verdict, before, figures)
    (draft / CARD_FILE).write_text(card, encoding="utf-8")
    path = models / version.name
    models.mkdir(parents=True, exist_ok=True)
    # The same weights again: what is there may be in use.
    if not path.is_dir():
        draft.replace(path)
    shutil.rmtree(scratch / "draft", ignore_errors=True)
    return path


def _draft_version(made: Retrained, metrics: Mapping[str, float] | None = None) -> ModelVersion:
    weights = hashlib.sha256()
    for tensor in made.network.state_dict().values():
        weights.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return ModelVersion(
        name=f"labeller-{weights.hexdigest()[:10]}",
        parent=made.parent,
        data_digest=made.data.digest,
        seed=int(made.training["seed"]),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=made.base.labels,
        windows=made.base.windows,
        network=asdict(made.network.settings),
        training=made.training,
        metrics=metrics or {},
    )


def _write_gate(
    path: Path,
    made: Retrained,
    verdict: Verdict,
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> None:
    told = {
        "champion": made.parent,
        **asdict(verdict),
        "champion_figures": before,
        "challenger_figures": after,
        "suspects": [asdict(suspect) for suspect in made.suspects],
        "confidences": refit_to_json(made.confidences),
        "documents": dict(Counter(made.data.part_of(form) for form in made.data.forms)),
    }
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _card(
    version: ModelVersion,
    made: Retrained,
    verdict: Verdict,
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> str:
    parts = Counter(made.data.part_of(form) for form in made.data.forms)
    rows = "\n".join(
        f"| {name} | {before.get(name, 0.0):.4f} | {after[name]:.4f} |" for name in sorted(after)
    )
    refused = "; ".join(
        f"{reason.code} {reason.name} ({reason.champion:.4f} → {reason.challenger:.4f} wrong)"
        for reason in verdict.reasons
    )
    return f"""# {version.name}

Gives each word of a scanned form a label, like its parent, and has learnt from corrections.

- **Base**: {version.training.get("base")}; {count_parameters(made.network) / 1e6:.2f} M
  parameters. Parent (in use when it was trained): {version.parent}.
- **Data**: {parts["train"]} corrected documents to learn from, {parts["test"]} held out,
  {parts["test_layout"]} of layouts held out whole; {made.data.replay.forms} synthetic forms
  beside them. Digest of the data `{version.data_digest}`.
- **Training**: seed {version.seed}, {version.training.get("steps_taken")} steps.
- **Made at**: {version.created_at}
- **Gate**: {"passed" if verdict.passed else f"refused: {refused}"}
- **The whole**: {_comparison_in_words(verdict.whole)}
- **Confidences**: {refit_to_words(made.confidences)}
- **Corrections that look wrong**: {len(made.suspects)} documents

Shares of right words on forms that neither version was trained on:

| measure | {version.parent} | {version.name} |
|---|---|---|
{rows}
"""


def _comparison_in_words(found: Comparison) -> str:
    return (
        f"{found.champion:.4f} → {found.challenger:.4f} wrong on {found.documents} forms, "
        f"difference between {found.low:+.4f} and {found.high:+.4f}"
    )
