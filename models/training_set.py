"""What a retraining learns from: corrected documents beside synthetic forms, as one version.

A version of the data is a folder named by the digest of what is in it, written once. A
document is trained on or held out by a hash of its id. Where a form type has many layouts, a
few of them are held out whole, by a hash of theirs when they are first seen. More data never
moves one over.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from extraction.errors import ModelError
from models.dataset import DatasetSettings
from models.labelled_forms import LabelledForm, form_to_json, json_to_form

MISSING = ""
"""The label of a word that nobody was asked about: neither right nor wrong."""
FORMS_FILE = "corrected.jsonl.gz"
MANIFEST_FILE = "manifest.json"
NAME_LENGTH = 12

Part = Literal["train", "test", "test_layout"]


@dataclass(frozen=True, slots=True)
class CorrectedForm:
    """A document that people corrected. ``form.family`` is ``form type/layout``, ``form.labels``
    may be ``MISSING``."""

    document_id: str
    form: LabelledForm

    @property
    def form_type(self) -> str:
        return self.form.family.partition("/")[0]

    @property
    def digest(self) -> str:
        told = f"{self.document_id}\n{form_to_json(self.form)}"
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """Shares that are held out: of the documents, and of the layouts of a form type that has
    ``least_layouts`` or more."""

    documents: float = 0.2
    layouts: float = 0.1
    least_layouts: int = 10
    salt: str = "formloop"


@dataclass(frozen=True, slots=True)
class Replay:
    """The synthetic forms that are learnt again beside the corrections, and those that both
    versions are compared on (of layouts that no training shows)."""

    seed: int = 20211
    forms: int = 1200
    test_forms: int = 160

    def to_dataset(self, processes: int) -> DatasetSettings:
        return DatasetSettings(
            seed=self.seed,
            printed_forms=self.forms,
            test_forms=self.test_forms,
            scanned_forms=0,
            scanned_test_forms=0,
            reader="",
            processes=processes,
        )


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """One version of the data. ``held_layouts`` are kept from the training whole."""

    digest: str
    forms: tuple[CorrectedForm, ...]
    labels: tuple[str, ...]
    held_layouts: tuple[str, ...] = ()
    replay: Replay = Replay()
    split: SplitSettings = SplitSettings()

    def part(self, *wanted: Part) -> tuple[CorrectedForm, ...]:
        return tuple(form for form in self.forms if self.part_of(form) in wanted)

    def part_of(self, form: CorrectedForm) -> Part:
        if form.form.family in self.held_layouts:
            return "test_layout"
        held = _share(f"{self.split.salt}:document:{form.document_id}")
        return "test" if held < self.split.documents else "train"


def hold_layouts(
    layouts: Iterable[str], decided: Mapping[str, bool], split: SplitSettings | None = None
) -> dict[str, bool]:
    """Layout → whether it is held out: as was decided when it was first seen, new ones now.

    The first layouts of a form type are all learnt: a reader of one layout needs it.
    """
    split = split or SplitSettings()
    every = dict(decided)
    for layout in sorted(set(layouts) - set(decided)):
        every[layout] = False
        seen = Counter(known.partition("/")[0] for known in every)[layout.partition("/")[0]]
        is_chosen = _share(f"{split.salt}:layout:{layout}") < split.layouts
        every[layout] = is_chosen and seen >= split.least_layouts
    return every


def make_training_set(
    forms: Iterable[CorrectedForm],
    labels: Sequence[str],
    held_layouts: Iterable[str] = (),
    replay: Replay | None = None,
    split: SplitSettings | None = None,
) -> TrainingSet:
    """The version of the data that these make, in whatever order they come."""
    ordered = tuple(sorted(forms, key=lambda form: form.document_id))
    chosen = replay or Replay(), split or SplitSettings()
    present = {form.form.family for form in ordered}
    held = tuple(sorted(present & set(held_layouts)))
    digest = _digest(ordered, labels, held, *chosen)
    return TrainingSet(digest, ordered, tuple(labels), held, *chosen)


def write_training_set(folder: Path, data: TrainingSet) -> Path:
    """Write it below ``folder`` under its own name; what is there already is left as it is."""
    path = folder / data.digest[:NAME_LENGTH]
    if (path / MANIFEST_FILE).is_file():
        return path
    path.mkdir(parents=True, exist_ok=True)
    lines = "".join(_form_line(form) for form in data.forms)
    _write(path / FORMS_FILE, gzip.compress(lines.encode(), compresslevel=5, mtime=0))
    manifest = json.dumps(_manifest(data), ensure_ascii=False, indent=1) + "\n"
    _write(path / MANIFEST_FILE, manifest.encode())
    return path


def read_training_set(path: Path) -> TrainingSet:
    """What ``write_training_set`` wrote; ModelError where a byte of it was changed."""
    try:
        manifest = json.loads((path / MANIFEST_FILE).read_text(encoding="utf-8"))
        with gzip.open(path / FORMS_FILE, "rt", encoding="utf-8") as lines:
            forms = tuple(_line_to_form(line) for line in lines)
        data = make_training_set(
            forms,
            manifest["labels"],
            manifest["held_layouts"],
            Replay(**manifest["replay"]),
            SplitSettings(**manifest["split"]),
        )
        digest = manifest["digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"is no version of training data: {error}", name=str(path)) from error
    if data.digest != digest:
        raise ModelError("was changed after it was written; make it anew", name=str(path))
    return data


def extend_labels(known: Sequence[str], *more: Iterable[str]) -> tuple[str, ...]:
    """The known labels in their order, then those that are new."""
    added = (label for labels in more for label in labels if label != MISSING)
    return tuple(dict.fromkeys((*known, *added)))


def _digest(
    forms: Sequence[CorrectedForm],
    labels: Sequence[str],
    held: Sequence[str],
    replay: Replay,
    split: SplitSettings,
) -> str:
    told = json.dumps(
        {
            "forms": [form.digest for form in forms],
            "labels": list(labels),
            "held": list(held),
            "replay": asdict(replay),
            "synthesis": replay.to_dataset(1).digest,
            "split": asdict(split),
        },
        sort_keys=True,
    )
    return hashlib.sha256(told.encode()).hexdigest()


def _manifest(data: TrainingSet) -> dict[str, object]:
    return {
        "digest": data.digest,
        "labels": data.labels,
        "held_layouts": data.held_layouts,
        "replay": asdict(data.replay),
        "split": asdict(data.split),
        "documents": [
            {
                "document_id": form.document_id,
                "layout": form.form.family,
                "part": data.part_of(form),
                "digest": form.digest,
            }
            for form in data.forms
        ],
    }


def _form_line(form: CorrectedForm) -> str:
    stored = {"document_id": form.document_id, "form": json.loads(form_to_json(form.form))}
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":")) + "\n"


def _line_to_form(line: str) -> CorrectedForm:
    stored = json.loads(line)
    return CorrectedForm(stored["document_id"], json_to_form(json.dumps(stored["form"])))


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _share(text: str) -> float:
    """A number from 0 to 1 that the text alone decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
