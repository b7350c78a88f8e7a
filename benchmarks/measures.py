"""The measures of the record: field accuracy, cell F1, TEDS and CER against a truth.

Texts compare after NFKC with all white space removed. Tables are paired by the cells that
they share before their cells are compared, so that one table too many costs its own cells
and no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from benchmarks.table_tree import table_similarity
from benchmarks.truth import TableText, Truth, record_cells
from extraction.normalise import plain
from extraction.values import Field, Record

UNKNOWN = "unknown"
_PATH = re.compile(r"(?P<group>[^\[]+)\[(?P<row>\d+)\]\.(?P<column>.+)")


@dataclass(frozen=True, slots=True)
class JudgedField:
    """A field of the truth, or one too many in the record (``printed`` is then "").

    ``read`` is None where the record has no such field; such a field is never accepted,
    its confidence is -1.
    """

    path: str
    printed: str
    read: str | None
    confidence: float

    @property
    def right(self) -> bool:
        return self.read is not None and plain(self.read) == plain(self.printed)


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over documents, so that shares weigh every field or cell alike."""

    documents: int = 0
    form_types_right: int = 0
    records_invented: int = 0
    cells_true: int = 0
    cells_found: int = 0
    cells_right: int = 0
    structure_right: int = 0
    characters: int = 0
    edits: int = 0
    teds: tuple[float, ...] = ()
    teds_structure: tuple[float, ...] = ()
    judged: tuple[JudgedField, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def field_accuracy(self) -> float:
        return _share(sum(field.right for field in self.judged), len(self.judged))

    @property
    def form_type_accuracy(self) -> float:
        return _share(self.form_types_right, self.documents)

    @property
    def cell_f1(self) -> float:
        return _share(2 * self.cells_right, self.cells_true + self.cells_found)

    @property
    def structure_f1(self) -> float:
        return _share(2 * self.structure_right, self.cells_true + self.cells_found)

    @property
    def cer(self) -> float:
        return _share(self.edits, self.characters)

    @property
    def mean_teds(self) -> float:
        return _share(sum(self.teds), len(self.teds))

    @property
    def mean_teds_structure(self) -> float:
        return _share(sum(self.teds_structure), len(self.teds_structure))


def measure_record(record: Record, truth: Truth, *, teds: bool = True) -> Counts:
    """All measures of one record."""
    found = pair_tables(record_cells(record), truth.cells)
    invented = truth.form_type == UNKNOWN and (
        record.form_type != UNKNOWN or bool(record.fields) or bool(record.groups)
    )
    counts = Counts(
        documents=1,
        form_types_right=int(record.form_type == truth.form_type),
        records_invented=int(invented),
        judged=tuple(judge_fields(record, truth)),
    )
    counts += count_cells(found, truth.cells) + count_edits(found, truth.cells)
    return counts + measure_teds(found, truth.cells) if teds else counts


def judge_fields(record: Record, truth: Truth) -> Iterator[JudgedField]:
    """Every printed field, and every filled field of rows that are not printed."""
    for path, printed in truth.fields.items():
        if plain(printed):
            field = find_field(record, path)
            yield _judged(path, printed, field)
    for group, rows in record.groups.items():
        for number in range(truth.groups.get(group, 0), len(rows)):
            for column, field in rows[number].items():
                if plain(field.text):
                    yield _judged(f"{group}[{number}].{column}", "", field)


def find_field(record: Record, path: str) -> Field | None:
    """The field at ``name`` or ``group[3].column``; None where it is missing."""
    inside = _PATH.fullmatch(path)
    if inside is None:
        return record.fields.get(path)
    rows = record.groups.get(inside["group"], ())
    row: Mapping[str, Field] = rows[int(inside["row"])] if int(inside["row"]) < len(rows) else {}
    return row.get(inside["column"])


def automation_at_error(judged: Sequence[JudgedField], error: float) -> float:
    """The largest share of fields that a threshold accepts with at most ``error`` wrong."""
    best = wrong = 0
    ranked = sorted(judged, key=lambda field: -field.confidence)
    for accepted, field in enumerate(ranked, start=1):
        if field.confidence < 0:
            break
        wrong += not field.right
        tied = accepted < len(ranked) and ranked[accepted].confidence == field.confidence
        if not tied and wrong <= error * accepted:
            best = accepted
    return _share(best, len(judged))


def pair_tables(found: Sequence[TableText], true: Sequence[TableText]) -> tuple[TableText, ...]:
    """``found`` with its tables numbered like those of ``true`` that they agree with most;
    a table without a partner gets a number that ``true`` does not have."""
    ours, theirs = by_table(found), by_table(true)
    shared = np.array(
        [[_shared(mine, other) for other in theirs.values()] for mine in ours.values()]
    ).reshape(len(ours), len(theirs))
    pairs = zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    numbers = {list(ours)[i]: list(theirs)[j] for i, j in pairs}
    free = max(theirs, default=-1) + 1
    for number in ours:
        if number not in numbers:
            numbers[number], free = free, free + 1
    return tuple(replace(cell, table=numbers[cell.table]) for cell in found)


def count_cells(found: Sequence[TableText], true: Sequence[TableText]) -> Counts:
    """A cell is right when row, column, spans and text match; in structure, all but text."""
    return Counts(
        cells_true=len(true),
        cells_found=len(found),
        cells_right=len({_key(c, texts=True) for c in found} & {_key(c, texts=True) for c in true}),
        structure_right=len(
            {_key(c, texts=False) for c in found} & {_key(c, texts=False) for c in true}
        ),
    )


def count_edits(found: Sequence[TableText], true: Sequence[TableText]) -> Counts:
    """Edits over all cell texts of each page, cells in reading order."""
    read, printed = _page_texts(found), _page_texts(true)
    pages = read.keys() | printed.keys()
    return Counts(
        characters=sum(len(text) for text in printed.values()),
        edits=sum(
            Levenshtein.distance(read.get(page, ""), printed.get(page, "")) for page in pages
        ),
    )


def measure_teds(found: Sequence[TableText], true: Sequence[TableText]) -> Counts:
    """TEDS of each table with its partner; a table without one scores 0."""
    ours, theirs = by_table(_folded_cells(found)), by_table(_folded_cells(true))

    def scores(texts: bool) -> tuple[float, ...]:
        return tuple(
            table_similarity(ours[number], theirs[number], texts=texts)
            if number in ours and number in theirs
            else 0.0
            for number in sorted(ours.keys() | theirs.keys())
        )

    return Counts(teds=scores(True), teds_structure=scores(False))


def by_table(cells: Iterable[TableText]) -> dict[int, list[TableText]]:
    tables: dict[int, list[TableText]] = {}
    for cell in cells:
        tables.setdefault(cell.table, []).append(cell)
    return tables


def _judged(path: str, printed: str, field: Field | None) -> JudgedField:
    if field is None:
        return JudgedField(path, printed, None, -1.0)
    return JudgedField(path, printed, field.text, field.confidence or 0.0)


def _shared(one: Sequence[TableText], other: Sequence[TableText]) -> float:
    """Cells alike in place, and a little for those that read alike, too."""
    places = {_key(c, texts=False)[1:] for c in one} & {_key(c, texts=False)[1:] for c in other}
    read = {plain(c.text) for c in one} & {plain(c.text) for c in other}
    return len(places) + 0.5 * len(read)


def _key(cell: TableText, *, texts: bool) -> tuple[int | str, ...]:
    place = (cell.table, cell.row, cell.column, cell.rowspan, cell.colspan)
    return (*place, plain(cell.text)) if texts else place


def _folded_cells(cells: Iterable[TableText]) -> list[TableText]:
    return [replace(cell, text=plain(cell.text)) for cell in cells]


def _page_texts(cells: Sequence[TableText]) -> dict[int, str]:
    texts: dict[int, str] = {}
    for cell in sorted(cells, key=lambda c: (c.table, c.row, c.column)):
        texts[cell.page] = texts.get(cell.page, "") + plain(cell.text)
    return texts


def _share(part: float, whole: float) -> float:
    """1 where there is nothing to be wrong about."""
    return part / whole if whole else 1.0
