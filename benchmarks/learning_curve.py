"""One point of the learning curve: so many corrected documents, what is learnt of them, and
how right the records of other documents of the same layout are then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annotation.examples import TrainingExample
from annotation.learned_keys import LearnedKey, declaration_with_keys, learn_keys
from benchmarks.learning_forms import ReadForm
from benchmarks.learning_people import correct_form
from benchmarks.measures import JudgedField, judge_fields
from extraction.confidence import Calibrator
from extraction.declarations import FormDeclaration
from extraction.fields.form_type import find_form_type
from extraction.fields.label_evidence import Labelled
from extraction.grid.join import join_grids
from extraction.pipeline import WordLabeller
from extraction.record import DocumentReading, assemble_record
from extraction.values import Record
from models.labeller import Labeller

THRESHOLD = 0.9


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """What reads records: a labeller, the declarations and the confidences. ``known`` keeps
    the labels of each form, which other declarations do not change."""

    labeller: WordLabeller
    declarations: tuple[FormDeclaration, ...]
    calibrator: Calibrator
    known: dict[tuple[str, int], Labelled] = field(default_factory=dict)

    def record(self, form: ReadForm, form_type: str | None = None) -> Record:
        """As ``extraction.pipeline.readings_to_record``, of readings that were kept."""
        grids = join_grids(form.readings)
        loose = tuple(word for reading in form.readings for word in reading.loose_words)
        labelled = self._labelled(form)
        document = DocumentReading(
            name=f"{form.family}-{form.seed}",
            sha256=f"{form.seed:064x}",
            producer={"labeller": self.labeller.version},
            readings=form.readings,
            grids=grids,
            loose=loose,
            labelled=labelled,
        )
        if form_type is None:
            declaration, certainty, _ = find_form_type(self.declarations, grids, loose, labelled)
        else:
            declaration, certainty = self.declaration(form_type), 1.0
        unsure = certainty < THRESHOLD
        return assemble_record(document, declaration, self.calibrator, THRESHOLD, unsure)

    def _labelled(self, form: ReadForm) -> Labelled:
        place = form.family, form.seed
        if place not in self.known:
            self.known[place] = {w.word: w for w in self.labeller.label(form.readings)}
        return self.known[place]

    def declaration(self, name: str) -> FormDeclaration:
        return next(item for item in self.declarations if item.name == name)

    def judge(self, forms: Sequence[ReadForm]) -> tuple[JudgedField, ...]:
        return tuple(one for form in forms for one in judge_fields(self.record(form), form.truth))


@dataclass(frozen=True, slots=True)
class Learned:
    """What so many corrected documents of each family give."""

    examples: tuple[TrainingExample, ...]
    keys: Mapping[str, tuple[LearnedKey, ...]]


def correct_all(reading: Reading, forms: Sequence[ReadForm]) -> tuple[TrainingExample, ...]:
    """As people would who see the records that ``reading`` gives; they name the form type."""
    return tuple(
        correct_form(
            form,
            reading.record(form, form.truth.form_type),
            reading.declaration(form.truth.form_type),
        )
        for form in forms
    )


def learn(reading: Reading, examples: tuple[TrainingExample, ...]) -> Learned:
    keys = {item.name: learn_keys(examples, item) for item in reading.declarations}
    return Learned(examples, keys)


def with_keys(reading: Reading, learned: Learned) -> Reading:
    declarations = tuple(
        declaration_with_keys(item, learned.keys[item.name]) for item in reading.declarations
    )
    return Reading(reading.labeller, declarations, reading.calibrator, reading.known)


def with_network(reading: Reading, version: Path) -> Reading:
    return Reading(Labeller(version), reading.declarations, reading.calibrator)


def accuracy(judged: Sequence[JudgedField]) -> float:
    return sum(item.right for item in judged) / max(len(judged), 1)


def wrong_paths(judged: Sequence[JudgedField]) -> Iterator[tuple[str, str, str | None]]:
    for item in judged:
        if not item.right:
            yield item.path, item.printed, item.read
