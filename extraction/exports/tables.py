"""A record as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as TerminalTable
from rich.text import Text

from extraction.exports.naming import NO_TITLES, ROUTES, Titles, form_title, group_columns
from extraction.values import Check, Field, KeyValue, Record, Table

_LONGEST_TEXT = 120
_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "dim")}


def record_to_tables(record: Record, titles: Titles = NO_TITLES) -> RenderableType:
    """The fields, every group and the checks; for a form without fields, its tables' sizes."""
    return Group(*_parts(record, titles))


def _parts(record: Record, titles: Titles) -> Iterator[RenderableType]:
    heading = f"{record.name} · {form_title(record, titles)} · {len(record.pages)} 页"
    yield Text(heading, style="bold")
    if record.fields:
        yield _fields_table(record.fields, titles)
    for group, rows in record.groups.items():
        if rows:
            yield _group_table(group, rows, titles)
    if record.key_values:
        yield _key_values_table(record.key_values)
    if not record.fields and not record.groups:
        yield from (Text(_table_line(number, table)) for number, table in enumerate(record.tables))
    yield from (_check_line(check) for check in record.checks if not check.passed)
    if record.checks:
        passed = sum(check.passed is True for check in record.checks)
        yield Text(f"{len(record.checks)} 项核对，{passed} 项通过")


def _fields_table(fields: Mapping[str, Field], titles: Titles) -> TerminalTable:
    table = TerminalTable(box=box.ROUNDED, show_lines=False, expand=False)
    table.add_column("字段", no_wrap=True)
    table.add_column("原文", overflow="fold")
    table.add_column("置信度", justify="right", no_wrap=True)
    table.add_column("处理", no_wrap=True)
    for name, value in fields.items():
        confidence = "" if value.confidence is None else f"{value.confidence:.3f}"
        route = Text(ROUTES[value.route], "green" if value.route == "accept" else "yellow")
        table.add_row(Text(titles.of_field(name)), _field_text(value), confidence, route)
    return table


def _group_table(
    group: str, rows: tuple[Mapping[str, Field], ...], titles: Titles
) -> TerminalTable:
    table = TerminalTable(
        title=Text(titles.of_group(group)), title_justify="left", box=box.ROUNDED, show_lines=True
    )
    columns = group_columns(rows)
    for column in columns:
        table.add_column(Text(titles.of_column(group, column)), overflow="fold")
    for row in rows:
        table.add_row(*(_field_text(row[column]) if column in row else "" for column in columns))
    return table


def _key_values_table(pairs: tuple[KeyValue, ...]) -> TerminalTable:
    table = TerminalTable(box=box.ROUNDED)
    table.add_column("键", overflow="fold")
    table.add_column("值", overflow="fold")
    table.add_column("置信度", justify="right", no_wrap=True)
    for pair in pairs:
        confidence = "" if pair.confidence is None else f"{pair.confidence:.3f}"
        table.add_row(_shortened(pair.key), _shortened(pair.value), confidence)
    return table


def _field_text(value: Field) -> Text:
    return _shortened(value.text, "yellow" if value.route == "review" else "")


def _shortened(text: str, style: str = "") -> Text:
    shown = " ".join(text.split())
    if len(shown) > _LONGEST_TEXT:
        shown = shown[: _LONGEST_TEXT - 1] + "…"
    return Text(shown, style)


def _table_line(number: int, table: Table) -> str:
    pages = "、".join(map(str, table.pages))
    return f"表格 {number + 1}：{table.rows} 行 × {table.columns} 列，第 {pages} 页"


def _check_line(check: Check) -> Text:
    mark, style = _MARKS[check.passed]
    return Text.assemble((f"{mark} ", style), check.message or check.name)
