"""Records to JSON and back, in the shape ``formloop.record/1``.

Boxes are rounded to 0.1 pixel and confidences to 0.0001.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from extraction.errors import InputError
from extraction.json_values import (
    Json,
    JsonObject,
    as_integer,
    as_list,
    as_number,
    as_object,
)
from extraction.values import (
    Box,
    Check,
    Field,
    KeyValue,
    PageSource,
    PageSummary,
    Record,
    Route,
    Source,
    Table,
    TableCell,
)

SCHEMA: Final = "formloop.record/1"


def record_to_json(record: Record) -> JsonObject:
    """The record as what ``json.dumps`` takes."""
    document: JsonObject = {
        "schema": SCHEMA,
        "document": {
            "name": record.name,
            "sha256": record.sha256,
            "pages": len(record.pages),
        },
        "form_type": record.form_type,
        "producer": dict(record.producer),
        "fields": {name: _field_to_json(item) for name, item in record.fields.items()},
        "groups": {
            name: [{column: _field_to_json(item) for column, item in row.items()} for row in rows]
            for name, rows in record.groups.items()
        },
        "tables": [_table_to_json(table) for table in record.tables],
        "checks": [
            {
                "name": check.name,
                "passed": check.passed,
                "message": check.message,
                "fields": list(check.fields),
            }
            for check in record.checks
        ],
        "pages": [_page_to_json(page) for page in record.pages],
    }
    if record.key_values:
        document["key_values"] = [_key_value_to_json(item) for item in record.key_values]
    return document


def record_from_json(document: Mapping[str, Json]) -> Record:
    """The record of a document made by ``record_to_json``; InputError for anything else."""
    if document.get("schema") != SCHEMA:
        raise InputError(f"is no record: schema is {document.get('schema')!r}, not {SCHEMA!r}")
    try:
        return _to_record(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"is a damaged record: {error!r}") from error


def _to_record(document: Mapping[str, Json]) -> Record:
    about = as_object(document["document"])
    return Record(
        name=str(about["name"]),
        sha256=str(about["sha256"]),
        form_type=str(document["form_type"]),
        producer={name: str(text) for name, text in as_object(document["producer"]).items()},
        fields=_to_fields(document["fields"]),
        groups={
            name: tuple(_to_fields(row) for row in as_list(rows))
            for name, rows in as_object(document["groups"]).items()
        },
        tables=tuple(_to_table(as_object(item)) for item in as_list(document["tables"])),
        checks=tuple(_to_check(as_object(item)) for item in as_list(document["checks"])),
        pages=tuple(_to_page(as_object(item)) for item in as_list(document["pages"])),
        key_values=tuple(
            _to_key_value(as_object(item)) for item in as_list(document.get("key_values", []))
        ),
    )


def _field_to_json(item: Field) -> JsonObject:
    return {
        "text": item.text,
        "value": item.value,
        "confidence": _rounded(item.confidence),
        "route": item.route,
        "reasons": list(item.reasons),
        "source": None if item.source is None else _source_to_json(item.source),
    }


def _source_to_json(source: Source) -> JsonObject:
    return {
        "page": source.page,
        "box": _box_to_json(source.box),
        "table": source.table,
        "row": source.row,
        "column": source.column,
    }


def _table_to_json(table: Table) -> JsonObject:
    return {
        "pages": list(table.pages),
        "rows": table.rows,
        "columns": table.columns,
        "joined_because": table.joined_because,
        "cells": [_cell_to_json(cell) for cell in table.cells],
    }


def _cell_to_json(cell: TableCell) -> JsonObject:
    shown: JsonObject = {
        "row": cell.row,
        "column": cell.column,
        "rowspan": cell.rowspan,
        "colspan": cell.colspan,
        "text": cell.text,
        "page": cell.page,
        "box": _box_to_json(cell.box),
        "confidence": _rounded(cell.confidence),
    }
    if cell.continues:
        shown["continues"] = True
    return shown


def _page_to_json(page: PageSummary) -> JsonObject:
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "dpi": round(page.dpi, 2),
        "source": page.source,
        "elapsed_ms": {name: round(time, 1) for name, time in page.elapsed_ms.items()},
    }


def _key_value_to_json(item: KeyValue) -> JsonObject:
    return {
        "key": item.key,
        "value": item.value,
        "confidence": _rounded(item.confidence),
        "source": _source_to_json(item.source),
    }


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, 4)


def _box_to_json(box: Box) -> list[Json]:
    return [round(float(side), 1) for side in box]


def _to_fields(stored: Json) -> dict[str, Field]:
    return {name: _to_field(as_object(item)) for name, item in as_object(stored).items()}


def _to_field(item: Mapping[str, Json]) -> Field:
    value = item["value"]
    if not isinstance(value, str | float | int | None):
        raise ValueError(f"value {value!r} is neither text nor number")
    source = item["source"]
    return Field(
        text=str(item["text"]),
        value=value,
        confidence=_to_confidence(item["confidence"]),
        route=cast(Route, item["route"]),
        reasons=_strings(item["reasons"]),
        source=None if source is None else _to_source(as_object(source)),
    )


def _to_source(item: Mapping[str, Json]) -> Source:
    return Source(
        as_integer(item["page"]),
        _to_box(item["box"]),
        *(
            None if item[key] is None else as_integer(item[key])
            for key in ("table", "row", "column")
        ),
    )


def _to_table(item: Mapping[str, Json]) -> Table:
    reason = item["joined_because"]
    return Table(
        pages=tuple(as_integer(page) for page in as_list(item["pages"])),
        rows=as_integer(item["rows"]),
        columns=as_integer(item["columns"]),
        joined_because=None if reason is None else str(reason),
        cells=tuple(_to_cell(as_object(cell)) for cell in as_list(item["cells"])),
    )


def _to_cell(item: Mapping[str, Json]) -> TableCell:
    return TableCell(
        row=as_integer(item["row"]),
        column=as_integer(item["column"]),
        rowspan=as_integer(item["rowspan"]),
        colspan=as_integer(item["colspan"]),
        text=str(item["text"]),
        page=as_integer(item["page"]),
        box=_to_box(item["box"]),
        confidence=_to_confidence(item["confidence"]),
        continues=bool(item.get("continues", False)),
    )


def _to_check(item: Mapping[str, Json]) -> Check:
    passed = item["passed"]
    return Check(
        str(item["name"]),
        None if passed is None else bool(passed),
        str(item["message"]),
        _strings(item["fields"]),
    )


def _to_page(item: Mapping[str, Json]) -> PageSummary:
    return PageSummary(
        number=as_integer(item["number"]),
        width=as_integer(item["width"]),
        height=as_integer(item["height"]),
        dpi=as_number(item["dpi"]),
        source=cast(PageSource, item["source"]),
        elapsed_ms={name: as_number(t) for name, t in as_object(item["elapsed_ms"]).items()},
    )


def _to_key_value(item: Mapping[str, Json]) -> KeyValue:
    return KeyValue(
        str(item["key"]),
        str(item["value"]),
        _to_confidence(item["confidence"]),
        _to_source(as_object(item["source"])),
    )


def _to_confidence(stored: Json) -> float | None:
    return None if stored is None else as_number(stored)


def _to_box(stored: Json) -> Box:
    return Box(*(as_number(side) for side in as_list(stored)))


def _strings(stored: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in as_list(stored))
