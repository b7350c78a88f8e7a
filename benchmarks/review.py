"""What people are shown of the samples, how right the records are after simulated ones answered
(route, task, answer, fold, without Label Studio), and how fast answers reach the records."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from annotation.correction import fold
from annotation.policy import ReviewPolicy
from annotation.routing import route_record
from annotation.simulated import Alignment, Annotator, TrueForm, align_form, answer_task
from annotation.task import record_to_task
from annotation.values import Answer, Correctedness, Doubt, ReviewTask
from benchmarks.measures import JudgedField, judge_fields
from benchmarks.quality import BORN_DIGITAL, read_source, samples_by_level
from benchmarks.report import Figures, Section, figures_to_markdown, share
from benchmarks.review_load import PEOPLE, AskedForm, load_figures, measure_load
from benchmarks.truth import Truth, read_truth
from extraction.declarations import FormDeclaration
from extraction.pipeline import Stations, extract_document
from extraction.values import Record

ROUNDS, QUICK_ROUNDS = 20, 3
ASKED_LEVELS = ("clean300", "office200", "stamped200")
NO_AUDIT = ReviewPolicy(audit_documents=0.0)
SEED = b"benchmark"
START = datetime(2026, 1, 1, tzinfo=UTC)
MOST_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Habit:
    """Rates of an annotator; ``people`` answer each task, one more where they disagree."""

    title: str
    typing_errors: float
    overlooks: float
    people: int = 1


HABITS = (
    Habit("no mistakes", 0.0, 0.0),
    Habit("0.5 % of signs mistyped, 2 % overlooked", 0.005, 0.02),
    Habit("2 % of signs mistyped, 10 % overlooked", 0.02, 0.1),
    Habit("the same, two people and a third where they disagree", 0.02, 0.1, 2),
)


@dataclass(frozen=True, eq=False, slots=True)
class ReviewedSample:
    """A sample as the machine reads it and what it asks."""

    level: str
    record: Record
    truth: Truth
    true_form: TrueForm
    declaration: FormDeclaration
    task: ReviewTask
    rows: Alignment
    doubts: tuple[Doubt, ...] = ()

    @property
    def judged(self) -> tuple[JudgedField, ...]:
        return tuple(judge_fields(self.record, self.truth))

    @property
    def shown(self) -> frozenset[str]:
        """The paths of its boxes, and those that the notes ask for."""
        boxes = (path for region in self.task.regions for path in region.paths)
        return frozenset((*boxes, *self.task.missing))


@dataclass(frozen=True, slots=True)
class AfterReview:
    """Fields before and after; ``open_fields`` are those still disagreed on."""

    fields: int
    wrong_before: int
    wrong_after: int
    open_fields: int
    answers: int
    seconds: float


def measure_review(stations: Stations, levels: Sequence[str], *, quick: bool) -> Section:
    samples = list(read_samples(stations, levels))
    rounds = QUICK_ROUNDS if quick else ROUNDS
    outcomes = {habit.title: review_samples(samples, habit, rounds) for habit in HABITS}
    asked = [AskedForm(one.record, one.declaration, one.doubts) for one in samples if one.doubts]
    with tempfile.TemporaryDirectory(prefix="formloop-review-") as folder:
        loads = measure_load(Path(folder), asked, quick=quick)
    parts = [
        f"What is shown at a threshold of {NO_AUDIT.threshold}, without the audit (by default 2 %"
        " of the rest):",
        figures_to_markdown(effort_figures(samples)),
        f"Wrong fields before and after simulated annotators, {rounds} times each sample:",
        figures_to_markdown(outcome_figures(outcomes)),
        f"Answers on their way to the records, {PEOPLE} people answering each document in turn:",
        figures_to_markdown(load_figures(loads)),
    ]
    data = {
        "effort": {row[0]: row[1:] for row in effort_figures(samples).rows},
        "outcomes": {row[0]: row[1:] for row in outcome_figures(outcomes).rows},
        "load": {name: asdict(load) for name, load in loads.items()},
    }
    return Section("review", "Review", "\n\n".join(parts), data)


def read_samples(stations: Stations, levels: Sequence[str]) -> Iterator[ReviewedSample]:
    declarations = {item.name: item for item in stations.declarations}
    for level, path, truth_path in samples_by_level(levels):
        record = extract_document(read_source(path), stations).record
        declaration = declarations.get(record.form_type)
        if declaration is None:
            continue
        routing = route_record(record, declaration, NO_AUDIT, SEED)
        task = record_to_task(path.stem, routing.record, declaration, routing)
        truth = read_truth(truth_path)
        true_form = truth_to_form(truth)
        yield ReviewedSample(
            level=level,
            record=routing.record,
            truth=truth,
            true_form=true_form,
            declaration=declaration,
            task=task,
            rows=align_form(routing.record, true_form),
            doubts=routing.doubts,
        )


def truth_to_form(truth: Truth) -> TrueForm:
    """The truth as the simulated annotators look at it."""
    single = {path: text for path, text in truth.fields.items() if "[" not in path}
    groups: dict[str, list[dict[str, str]]] = {
        group: [{} for _ in range(rows)] for group, rows in truth.groups.items()
    }
    for path, text in truth.fields.items():
        group, bracket, rest = path.partition("[")
        if bracket:
            row, _, column = rest.partition("].")
            groups[group][int(row)][column] = text
    return TrueForm(single, {group: tuple(rows) for group, rows in groups.items()})


def effort_figures(samples: Sequence[ReviewedSample]) -> Figures:
    levels = dict.fromkeys(sample.level for sample in samples)
    rows = [effort_row(level, [s for s in samples if s.level == level]) for level in levels]
    asked = [sample for sample in samples if sample.level in ASKED_LEVELS]
    if asked:
        rows.append(effort_row(" + ".join(ASKED_LEVELS), asked))
    columns = ("level", "fields", "boxes", "fields shown", "share", "wrong", "of them shown")
    return Figures((*columns, "share of wrong shown"), tuple(rows))


def effort_row(title: str, samples: Sequence[ReviewedSample]) -> tuple[str, ...]:
    fields = wrong = found = shown = boxes = 0
    for sample in samples:
        judged, paths = sample.judged, sample.shown
        bad = [field for field in judged if not field.right]
        fields, wrong = fields + len(judged), wrong + len(bad)
        found += sum(field.path in paths for field in bad)
        shown, boxes = shown + len(paths), boxes + len(sample.task.regions)
    return (
        title,
        *(str(number) for number in (fields, boxes, shown)),
        share(shown / fields if fields else 0.0),
        *(str(number) for number in (wrong, found)),
        share(found / wrong, 2) if wrong else "",
    )


def review_samples(samples: Sequence[ReviewedSample], habit: Habit, rounds: int) -> AfterReview:
    """Each sample is answered ``rounds`` times by other people."""
    fields = before = after = still_open = answers = 0
    start = time.perf_counter()
    for sample in (sample for sample in samples if sample.level != BORN_DIGITAL):
        wrong = sum(not field.right for field in sample.judged)
        for number in range(rounds):
            folded, given = answer_sample(sample, habit, number)
            judged = tuple(judge_fields(folded.record, sample.truth))
            fields, before = fields + len(judged), before + wrong
            after += sum(not field.right for field in judged)
            still_open += len(folded.disagreements)
            answers += given
    seconds = time.perf_counter() - start
    return AfterReview(fields, before, after, still_open, answers, seconds)


def answer_sample(sample: ReviewedSample, habit: Habit, number: int) -> tuple[Correctedness, int]:
    """The record after the answers, and how many they were."""
    answers: list[Answer] = []
    while True:
        answers.append(_next_answer(sample, habit, number, len(answers)))
        if len(answers) < habit.people:
            continue
        folded = fold(sample.task, sample.record, answers, sample.declaration)
        if not folded.disagreements or len(answers) == MOST_PEOPLE:
            return folded, len(answers)


def _next_answer(sample: ReviewedSample, habit: Habit, number: int, person: int) -> Answer:
    annotator = Annotator(
        f"person {person}", habit.typing_errors, habit.overlooks, jitter=0.05, seed=number
    )
    at = START + timedelta(minutes=person)
    return answer_task(
        sample.task,
        sample.record,
        sample.true_form,
        annotator,
        annotation_id=1 + person,
        at=at,
        rows=sample.rows,
    )


def outcome_figures(outcomes: Mapping[str, AfterReview]) -> Figures:
    columns = ("annotators", "fields", "wrong before", "wrong after", "still open", "answers/s")
    return Figures(columns, tuple(_outcome_rows(outcomes.items())))


def _outcome_rows(outcomes: Iterable[tuple[str, AfterReview]]) -> Iterator[tuple[str, ...]]:
    for title, outcome in outcomes:
        yield (
            title,
            str(outcome.fields),
            f"{outcome.wrong_before / max(1, outcome.fields):.2%}",
            f"{outcome.wrong_after / max(1, outcome.fields):.2%}",
            str(outcome.open_fields),
            f"{outcome.answers / max(outcome.seconds, 1e-9):.0f}",
        )
