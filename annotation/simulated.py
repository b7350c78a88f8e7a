"""Annotators made up from the truth, to drive the review loop without people.

One answers a task as a person would: types what stands on the paper where the region says
something else, deletes a region where nothing stands, draws what the notes ask for, marks
rows that are none. He mistypes, overlooks and draws crooked boxes at set rates, and the same
seed makes the same mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Final

import numpy as np

from annotation.paths import Place, path_to_place
from annotation.values import Answer, AnsweredRegion, AskedRegion, Mark, ReviewTask
from extraction.normalise import plain
from extraction.values import Box, Record
from models.aligned_truth import rising_pairs

LEAST_ALIKE: Final = 0.35
"""Rows that share less of their text are not the same row."""
SECONDS_PER_REGION: Final = 3.0
SECONDS_PER_SIGN: Final = 0.6
_TELLING: Final = 16
_NEIGHBOURS: Final = "1234567890"
_NO_BOX: Final = Box(10.0, 10.0, 60.0, 30.0)


Alignment = Mapping[str, tuple[int | None, ...]]
"""By group: for each row of a record the true row that it is, None for one that is none."""


@dataclass(frozen=True, slots=True)
class TrueForm:
    """What is printed: texts of single fields, and of each group's rows by column.

    ``places`` says where, by path; a field without a place is drawn in the page's corner.
    """

    fields: Mapping[str, str]
    groups: Mapping[str, tuple[Mapping[str, str], ...]]
    places: Mapping[str, tuple[int, Box]] | None = None

    def text(self, place: Place) -> str:
        """ "" where nothing is printed."""
        if place.row is None or place.column is None:
            return self.fields.get(place.head, "")
        rows = self.groups.get(place.head, ())
        return rows[place.row].get(place.column, "") if place.row < len(rows) else ""


@dataclass(frozen=True, slots=True)
class Annotator:
    """Rates 0..1: ``typing_errors`` for each sign typed, ``overlooks`` for each wrong region,
    ``jitter`` the spread of a drawn box's sides, as a share of its height."""

    name: str
    typing_errors: float = 0.0
    overlooks: float = 0.0
    jitter: float = 0.0
    seed: int = 0


def answer_task(
    task: ReviewTask,
    record: Record,
    truth: TrueForm,
    annotator: Annotator,
    *,
    annotation_id: int,
    at: datetime,
    rows: Alignment | None = None,
) -> Answer:
    """The annotator's answer to a task about ``record``.

    ``rows`` is ``align_form`` of both, for who asks of the same record many times.
    """
    rng = _generator(task.task_id, annotator)
    rows = align_form(record, truth) if rows is None else rows
    answered: list[AnsweredRegion] = []
    typed = 0
    for region in task.regions:
        said = _answer_region(region, rows, truth, annotator, rng)
        if said is not None:
            typed += len(said.text) if said.text != region.text else 0
            answered.append(said)
    drawn = tuple(_draw_missing(task, rows, truth, annotator, rng))
    typed += sum(len(region.text) for region in drawn)
    seconds = SECONDS_PER_REGION * (len(task.regions) + len(drawn)) + SECONDS_PER_SIGN * typed
    return Answer(annotation_id, at, annotator.name, seconds, (*answered, *drawn))


def align_form(record: Record, truth: TrueForm) -> Alignment:
    """For each group of the record which true row each of its rows is."""
    return {group: align_rows(found, truth.groups.get(group, ())) for group, found in _rows(record)}


def align_rows(
    found: Sequence[Mapping[str, str]], true: Sequence[Mapping[str, str]]
) -> tuple[int | None, ...]:
    """For each row that was found the true row it is, in order; None for one that is none."""
    mine, others = (
        [{name: plain(text) for name, text in row.items()} for row in rows]
        for rows in (found, true)
    )
    alike = np.array(
        [[_likeness(one, other) for other in others] for one in mine], dtype=np.float64
    ).reshape(len(found), len(true))
    # Being a row at all counts a little, so that blank rows find their partners.
    return rising_pairs(np.where(alike >= LEAST_ALIKE, alike, -1.0))


def mistype(text: str, rate: float, rng: np.random.Generator) -> str:
    """``text`` with each sign left out, doubled or hit beside at ``rate`` in all."""
    typed = []
    for sign in text:
        if rng.random() >= rate:
            typed.append(sign)
            continue
        match int(rng.integers(3)):
            case 0:
                typed.append(sign * 2)
            case 1:
                typed.append(str(rng.choice(list(_NEIGHBOURS.replace(sign, "")))))
            case _:
                pass
    return "".join(typed)


def _answer_region(
    region: AskedRegion,
    rows: Alignment,
    truth: TrueForm,
    annotator: Annotator,
    rng: np.random.Generator,
) -> AnsweredRegion | None:
    """None where the annotator deletes it."""
    place = path_to_place(region.paths[0])
    true_place = _true_place(place, rows)
    wanted = "" if true_place is None else truth.text(true_place)
    same = AnsweredRegion(
        region.region_id, region.name, region.row, region.text, region.page, region.box
    )
    if true_place is not None and plain(wanted) == plain(region.text):
        return same
    if rng.random() < annotator.overlooks:
        return same
    if true_place is None:
        return replace(same, marks=frozenset({Mark.NO_SUCH_ROW}))
    if not wanted:
        return None
    return replace(same, text=mistype(wanted, annotator.typing_errors, rng))


def _draw_missing(
    task: ReviewTask,
    rows: Alignment,
    truth: TrueForm,
    annotator: Annotator,
    rng: np.random.Generator,
) -> Iterator[AnsweredRegion]:
    """Fields that the notes say were not found, where they are printed after all."""
    for path in task.missing:
        place = path_to_place(path)
        true_place = _true_place(place, rows)
        wanted = "" if true_place is None else truth.text(true_place)
        if true_place is None or not wanted or rng.random() < annotator.overlooks:
            continue
        page, box = (truth.places or {}).get(true_place.path, (1, _NO_BOX))
        yield AnsweredRegion(
            region_id=f"drawn-{sha256(path.encode()).hexdigest()[:10]}",
            name=place.name,
            row=place.row,
            text=mistype(wanted, annotator.typing_errors, rng),
            page=page,
            box=_jittered(box, annotator.jitter, rng),
        )


def _true_place(place: Place, rows: Alignment) -> Place | None:
    """Where the truth has what the record has at ``place``; None for a row that is none."""
    if place.row is None:
        return place
    partners = rows.get(place.head, ())
    partner = partners[place.row] if place.row < len(partners) else None
    return None if partner is None else Place(place.head, partner, place.column)


def _rows(record: Record) -> Iterator[tuple[str, tuple[Mapping[str, str], ...]]]:
    for group, rows in record.groups.items():
        yield group, tuple({name: field.text for name, field in row.items()} for row in rows)


def _likeness(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """0..1: how much of two rows' texts is the same, column by column; blank ones agree."""
    columns = [name for name in one if one[name] or other.get(name)]
    if not columns:
        return 1.0
    return sum(_text_likeness(one[name], other.get(name, "")) for name in columns) / len(columns)


def _text_likeness(one: str, other: str) -> float:
    """By the starts of both, which tell rows apart and are compared quickly."""
    if one == other:
        return 1.0
    if not one or not other:
        return 0.0
    return SequenceMatcher(None, one[:_TELLING], other[:_TELLING]).ratio()


def _jittered(box: Box, jitter: float, rng: np.random.Generator) -> Box:
    if not jitter:
        return box
    x0, top, x1, bottom = (float(side + rng.normal(0.0, jitter * box.height)) for side in box)
    return Box(min(x0, x1), min(top, bottom), max(x0, x1), max(top, bottom))


def _generator(task_id: str, annotator: Annotator) -> np.random.Generator:
    told = f"{annotator.seed} {annotator.name} {task_id}".encode()
    return np.random.default_rng(int.from_bytes(sha256(told).digest()[:8], "big"))
