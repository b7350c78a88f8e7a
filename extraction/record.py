"""Assemble the record of a document from what was read and labelled on its pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from extraction.checks import run_checks
from extraction.confidence import Calibrator, route
from extraction.declarations import FormDeclaration
from extraction.fields.drafts import Drafts, FieldDraft
from extraction.fields.find import find_drafts
from extraction.fields.key_values import find_key_values
from extraction.fields.label_evidence import Labelled
from extraction.fields.surroundings import Around, find_surroundings, grid_doubt
from extraction.lexicon import NO_LEXICON, REPAIRED, Lexicon, Repair, repair_drafts
from extraction.record_json import record_from_json, record_to_json
from extraction.values import (
    Check,
    Field,
    Grid,
    PageReading,
    PageSummary,
    Record,
    Table,
    TableCell,
    Word,
)

UNKNOWN = "unknown"

__all__ = [
    "UNKNOWN",
    "DocumentReading",
    "assemble_record",
    "checks_by_path",
    "record_from_json",
    "record_to_json",
    "route_drafts",
]


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """All that was read of a document: ``grids`` joined over pages, words with labels.

    ``producer`` names the versions of what read it.
    """

    name: str
    sha256: str
    producer: Mapping[str, str]
    readings: tuple[PageReading, ...]
    grids: tuple[Grid, ...]
    loose: tuple[Word, ...]
    labelled: Labelled


def assemble_record(
    document: DocumentReading,
    declaration: FormDeclaration | None,
    calibrator: Calibrator,
    threshold: float,
    form_type_unsure: bool = False,
    lexicon: Lexicon = NO_LEXICON,
) -> Record:
    """The record of one document; without a declaration, tables and key–value pairs.

    A field that ``lexicon`` repairs says so among its reasons; tables keep what was read.
    """
    grids, loose, labelled = document.grids, document.loose, document.labelled
    drafts = Drafts({}, {})
    checks: tuple[Check, ...] = ()
    repairs: Mapping[str, Repair] = {}
    around: Mapping[str, Around] = {}
    if declaration is not None:
        drafts = find_drafts(declaration, grids, loose, labelled)
        drafts, repairs = repair_drafts(drafts, declaration, lexicon)
        checks = run_checks(declaration, drafts)
        around = find_surroundings(declaration, grids, drafts)
    judge = Judgement(calibrator, threshold, around, form_type_unsure, repairs)
    fields = route_drafts(declaration, drafts, checks, judge)
    known = declaration is not None
    return Record(
        name=document.name,
        sha256=document.sha256,
        form_type=declaration.name if declaration is not None else UNKNOWN,
        producer=dict(document.producer),
        fields={path: fields[path] for path in drafts.fields},
        groups={
            group: tuple(
                {column: fields[f"{group}[{number}].{column}"] for column in row}
                for number, row in enumerate(rows)
            )
            for group, rows in drafts.groups.items()
        },
        tables=tuple(_grid_to_table(grid, calibrator) for grid in grids),
        checks=checks,
        pages=tuple(map(_reading_to_summary, document.readings)),
        key_values=() if known else find_key_values(grids, loose, labelled, calibrator),
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """By what the fields of one document are trusted or not; ``around`` and ``repairs``
    are by path."""

    calibrator: Calibrator
    threshold: float
    around: Mapping[str, Around]
    form_type_unsure: bool = False
    repairs: Mapping[str, Repair] = field(default_factory=dict)


def route_drafts(
    declaration: FormDeclaration | None,
    drafts: Drafts,
    checks: Sequence[Check],
    judgement: Judgement,
) -> Mapping[str, Field]:
    """Path → field with its confidence, route and reasons."""
    touching = checks_by_path(checks)
    required = _required_paths(declaration, drafts) if declaration is not None else frozenset()
    fields = {}
    for path, draft in drafts.paths():
        own = touching.get(path, ())
        confidence = None
        if draft.source is not None:
            confidence = judgement.calibrator.field_confidence(draft, own, judgement.around[path])
        where, reasons = route(
            confidence,
            judgement.threshold,
            [check.name for check in own if check.passed is False],
            missing_required=path in required and not draft.text.strip(),
            form_type_unsure=judgement.form_type_unsure,
        )
        repair = judgement.repairs.get(path)
        if repair is not None:
            reasons = (*reasons, REPAIRED + repair.before)
        fields[path] = Field(draft.text, draft.value, confidence, where, reasons, draft.source)
    return fields


def checks_by_path(checks: Sequence[Check]) -> Mapping[str, tuple[Check, ...]]:
    """Field path → the checks that name it."""
    touching: dict[str, tuple[Check, ...]] = {}
    for check in checks:
        for path in check.fields:
            touching[path] = (*touching.get(path, ()), check)
    return touching


def _required_paths(declaration: FormDeclaration, drafts: Drafts) -> frozenset[str]:
    """Required fields, and required columns of printed rows that print something."""
    paths = {item.name for item in declaration.fields if item.required}
    for group in declaration.groups:
        needed = [column.name for column in group.columns if column.required]
        for number, row in enumerate(drafts.groups.get(group.name, ())):
            if _prints_values(row, group.row_by):
                paths |= {f"{group.name}[{number}].{name}" for name in needed}
    return frozenset(paths)


def _prints_values(row: Mapping[str, FieldDraft], row_by: Sequence[str]) -> bool:
    """More than its name: a row of funds that were not granted is blank but for it."""
    return any(draft.text.strip() for name, draft in row.items() if name not in row_by[:1])


def _grid_to_table(grid: Grid, calibrator: Calibrator) -> Table:
    doubt = grid_doubt(grid)
    cells = tuple(
        TableCell(
            cell.row,
            cell.column,
            cell.rowspan,
            cell.colspan,
            cell.text,
            cell.page,
            cell.box,
            calibrator.cell_confidence(cell.words, cell.quality, doubt),
            cell.continues,
        )
        for cell in sorted(grid.cells, key=lambda cell: (cell.row, cell.column))
    )
    return Table(grid.pages, grid.rows, grid.columns, grid.joined_because, cells)


def _reading_to_summary(reading: PageReading) -> PageSummary:
    return PageSummary(
        reading.number,
        reading.width,
        reading.height,
        reading.dpi,
        reading.source,
        dict(reading.elapsed_ms),
    )
