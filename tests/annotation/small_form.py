"""A small declared form, a record of it and what people may answer, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from annotation.policy import ReviewPolicy
from annotation.routing import route_record
from annotation.task import record_to_task
from annotation.values import Answer, AnsweredRegion, AskedRegion, Mark, ReviewTask
from extraction.declarations import FormDeclaration
from extraction.recheck import recheck_record
from extraction.values import (
    Box,
    Field,
    PageSummary,
    Record,
    Source,
    Table,
    TableCell,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEED = b"a secret of the tests"

DECLARATION = FormDeclaration.model_validate_json(
    """
{
  "name": "order", "title": "订货单", "titles": ["订货单"],
  "fields": [
    {"name": "buyer", "title": "买方", "required": true, "keys": ["买方", "购货单位"]},
    {"name": "signed", "title": "签收日期", "kind": "date", "required": true},
    {"name": "total", "title": "合计", "kind": "number"}
  ],
  "groups": [
    {"name": "items", "title": "货物", "row_by": ["article"], "columns": [
      {"name": "shelf", "title": "货架", "merged": true},
      {"name": "article", "title": "品名", "required": true,
       "choices": ["总计", "苹果", "梨", "香蕉"]},
      {"name": "limit", "title": "限额", "kind": "number"},
      {"name": "amount", "title": "数量", "kind": "number"}
    ]}
  ],
  "checks": [
    {"kind": "sum_equals_total", "name": "total", "total": "total", "of": ["items.amount"]},
    {"kind": "at_most", "name": "limit", "group": "items", "column": "amount", "limit": "limit"},
    {"kind": "sum_of_parts", "name": "parts", "group": "items", "key_column": "article",
     "total": ["总计"], "parts": ["苹果", "梨", "香蕉"], "columns": ["limit"]}
  ]
}
"""
)

WIDTH, HEIGHT = 1000, 1400
_COLUMNS = {"shelf": (100, 200), "article": (200, 500), "limit": (500, 700), "amount": (700, 900)}
_TOP, _ROW = 300, 50


def field(text: str, source: Source | None, confidence: float | None = 0.99) -> Field:
    return Field(text, None, confidence if source else None, "accept", (), source)


def cell_box(column: str, row: int, rows: int = 1) -> Box:
    """Where the cells of row ``row`` of the group stand on page 1."""
    x0, x1 = _COLUMNS[column]
    return Box(x0, _TOP + _ROW * row, x1, _TOP + _ROW * (row + rows))


def cell_source(column: str, row: int, rows: int = 1) -> Source:
    return Source(1, cell_box(column, row, rows), 0, row + 1, list(_COLUMNS).index(column))


def item_row(row: int, article: str, limit: str, amount: str) -> dict[str, Field]:
    """The first two rows share the cell of their shelf."""
    shelf = cell_source("shelf", 0, 2) if row < 2 else cell_source("shelf", row)
    return {
        "shelf": field("甲" if row < 2 else "乙", shelf),
        "article": field(article, cell_source("article", row)),
        "limit": field(limit, cell_source("limit", row)),
        "amount": field(amount, cell_source("amount", row)),
    }


def small_record(changes: Mapping[str, Field] | None = None) -> Record:
    """Three rows whose amounts sum up to the total; ``signed`` is printed nowhere."""
    rows = (
        item_row(0, "苹果", "10", "8"),
        item_row(1, "梨", "20", "12"),
        item_row(2, "香蕉", "30", "30"),
    )
    fields = {
        "buyer": field("东风公司", Source(1, Box(300, 100, 700, 140))),
        "signed": Field("", None, None, "review", ("missing_required",), None),
        "total": field("50", Source(1, Box(700, 600, 900, 650), 0, 5, 3)),
    }
    record = Record(
        name="order.pdf",
        sha256="0" * 64,
        form_type="order",
        producer={},
        fields=fields,
        groups={"items": rows},
        tables=(_table(rows, fields["total"]),),
        checks=(),
        pages=(
            PageSummary(1, WIDTH, HEIGHT, 100.0, "ocr", {}),
            PageSummary(2, 800, 600, 100.0, "ocr", {}),
        ),
    )
    return recheck_record(with_fields(record, changes or {}), DECLARATION)


def with_fields(record: Record, changes: Mapping[str, Field]) -> Record:
    """The record with other fields at some paths."""
    groups = {
        group: tuple(
            {
                column: changes.get(f"{group}[{number}].{column}", item)
                for column, item in row.items()
            }
            for number, row in enumerate(rows)
        )
        for group, rows in record.groups.items()
    }
    fields = {name: changes.get(name, item) for name, item in record.fields.items()}
    return replace(record, fields=fields, groups=groups)


def small_task(record: Record, *paths: str) -> ReviewTask:
    """The task that shows ``paths`` and all that is missing."""
    doubtful = {
        path: replace(item, confidence=0.5) for path, item in all_fields(record) if path in paths
    }
    policy = ReviewPolicy(audit_documents=0.0)
    routing = route_record(with_fields(record, doubtful), DECLARATION, policy, SEED)
    return record_to_task("task-1", routing.record, DECLARATION, routing)


def all_fields(record: Record) -> list[tuple[str, Field]]:
    rows = [
        (f"{group}[{number}].{column}", item)
        for group, found in record.groups.items()
        for number, row in enumerate(found)
        for column, item in row.items()
    ]
    return [*record.fields.items(), *rows]


def texts(record: Record) -> dict[str, str]:
    return {path: item.text for path, item in all_fields(record)}


def unchanged(region: AskedRegion) -> AnsweredRegion:
    """The region as it comes back from a person who left it as it was."""
    return AnsweredRegion(
        region.region_id, region.name, region.row, region.text, region.page, region.box
    )


def answer(
    task: ReviewTask,
    changes: Mapping[str, AnsweredRegion | None] | None = None,
    drawn: Iterable[AnsweredRegion] = (),
    author: str = "anna",
    annotation_id: int = 1,
    minutes: int = 0,
) -> Answer:
    """All regions of the task but for ``changes``, by a path of theirs; None: deleted."""
    regions = []
    for region in task.regions:
        changed: AnsweredRegion | None = unchanged(region)
        for path, other in (changes or {}).items():
            if path in region.paths:
                changed = other
        if changed is not None:
            regions.append(changed)
    at = NOON + timedelta(minutes=minutes)
    return Answer(annotation_id, at, author, 30.0, (*regions, *drawn))


def shown(task: ReviewTask, path: str) -> AskedRegion:
    return next(region for region in task.regions if path in region.paths)


def retyped(task: ReviewTask, path: str, text: str, *marks: Mark) -> AnsweredRegion:
    return replace(unchanged(shown(task, path)), text=text, marks=frozenset(marks))


def box_drawn(
    name: str, box: Box, text: str, row: int | None = None, page: int = 1, key: str = "new"
) -> AnsweredRegion:
    return AnsweredRegion(f"{key}-{name}", name, row, text, page, box)


def _table(rows: tuple[dict[str, Field], ...], total: Field) -> Table:
    cells: dict[Source, TableCell] = {}
    for item in (*(item for row in rows for item in row.values()), total):
        source = item.source
        if source is None or source.row is None or source.column is None:
            continue
        span = round(source.box.height / _ROW)
        cells[source] = TableCell(
            source.row, source.column, span, 1, item.text, source.page, source.box, 0.9
        )
    return Table((1,), 6, 4, None, tuple(cells.values()))
