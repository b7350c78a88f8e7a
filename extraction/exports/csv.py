"""A record as CSV: one row per field, in UTF-8 with a byte order mark so that Excel reads it."""

from __future__ import annotations

import csv
import io
import re

from extraction.exports.naming import key_value_path, record_to_named_fields
from extraction.values import Record, Source

COLUMNS = ("field", "text", "value", "confidence", "route", "page", "box")

# A sign alone and a plain number are no formula, and forms are full of them.
_HARMLESS = re.compile(r"[+-]?[\d.,]*[%％]?")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def record_to_csv(record: Record) -> bytes:
    """All fields of the record, then its pairs of key and value.

    Page and box are empty where nothing was printed.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for named in record_to_named_fields(record):
        value = named.field
        writer.writerow(
            _row(named.path, value.text, value.value, value.confidence, value.route, value.source)
        )
    for number, pair in enumerate(record.key_values):
        path = f"{key_value_path(number)}.{pair.key}"
        writer.writerow(_row(path, pair.value, None, pair.confidence, "", pair.source))
    return out.getvalue().encode("utf-8-sig")


def _row(
    path: str,
    text: str,
    value: str | float | int | None,
    confidence: float | None,
    route: str,
    source: Source | None,
) -> tuple[str, ...]:
    return (
        without_formula(path),
        without_formula(text),
        "" if value is None else without_formula(str(value)),
        "" if confidence is None else f"{confidence:.4f}",
        route,
        "" if source is None else str(source.page),
        "" if source is None else " ".join(f"{side:.0f}" for side in source.box),
    )


def without_formula(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would compute it."""
    if text.startswith(_FORMULA_STARTS) and not _HARMLESS.fullmatch(text):
        return "'" + text
    return text
