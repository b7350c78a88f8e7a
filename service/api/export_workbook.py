"""Many records as one workbook, row by row: a sheet per form type and per group of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from extraction.declarations import FormDeclaration
from extraction.exports.naming import PASSED
from extraction.values import Field, Record

_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_UNNAMEABLE: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_LONGEST_TEXT: Final = 32_767
_LONGEST_SHEET_NAME: Final = 31
_MOST_ROWS: Final = 1_048_575

Content = str | float | int | None


class SharedWorkbook:
    """The sheets of a workbook, each made with its heading when its first row comes.

    Rows go to temporary files as they come, so that no record stays in memory; ``close``
    removes what is left of them.
    """

    def __init__(self, declarations: tuple[FormDeclaration, ...]) -> None:
        self._book = Workbook(write_only=True)
        self._declarations = {item.name: item for item in declarations}
        self._sheets: dict[str, WriteOnlyWorksheet] = {}
        self._names: set[str] = set()
        self._rows: dict[str, int] = {}
        self._sheet("documents", "文件", ("文件", "状态", "表单", "页数", "待核字段", "SHA-256"))

    def add(self, name: str, state: str, record: Record) -> None:
        """A document's rows."""
        doubtful = sum(field.route == "review" for field in _all_fields(record))
        about = (name, state, record.form_type, len(record.pages), doubtful, record.sha256)
        self._append("documents", about)
        declaration = self._declarations.get(record.form_type)
        if declaration is not None:
            self._add_fields(name, record, declaration)
            self._add_groups(name, record, declaration)
        self._add_checks(name, record)
        self._add_key_values(name, record)

    def write(self, out: IO[bytes]) -> None:
        """Once, at the end."""
        self._book.save(out)

    def close(self) -> None:
        """Without this an export that nobody waits for leaves its files behind."""
        for sheet in self._sheets.values():
            if not sheet.closed:
                sheet.close()
                sheet._writer.cleanup()

    def _add_fields(self, name: str, record: Record, declaration: FormDeclaration) -> None:
        titles = [item.title for item in declaration.fields]
        key = f"fields {declaration.name}"
        self._sheet(key, declaration.title, ("文件", *titles))
        fields = [record.fields.get(item.name) for item in declaration.fields]
        self._append(key, (name, *(field.text if field else None for field in fields)))

    def _add_groups(self, name: str, record: Record, declaration: FormDeclaration) -> None:
        for group in declaration.groups:
            key = f"group {declaration.name} {group.name}"
            title = f"{group.title}·{declaration.title}"
            columns = group.columns
            self._sheet(key, title, ("文件", "行", *(item.title for item in columns)))
            for number, row in enumerate(record.groups.get(group.name, ()), start=1):
                fields = [row.get(item.name) for item in columns]
                texts = (field.text if field else None for field in fields)
                self._append(key, (name, number, *texts))

    def _add_checks(self, name: str, record: Record) -> None:
        self._sheet("checks", "核对", ("文件", "核对", "结果", "说明"))
        for check in record.checks:
            self._append("checks", (name, check.name, PASSED[check.passed], check.message))

    def _add_key_values(self, name: str, record: Record) -> None:
        if not record.key_values:
            return
        self._sheet("key_values", "键值", ("文件", "键", "值", "置信度", "页"))
        for pair in record.key_values:
            row = (name, pair.key, pair.value, pair.confidence, pair.source.page)
            self._append("key_values", row)

    def _sheet(self, key: str, title: str, heading: tuple[str, ...]) -> None:
        if key not in self._sheets:
            self._sheets[key] = self._book.create_sheet(self._sheet_name(title))
            self._sheets[key].freeze_panes = "B2"
            self._append(key, heading)

    def _append(self, key: str, row: Iterable[Content]) -> None:
        if self._rows.get(key, 0) > _MOST_ROWS:
            return
        self._rows[key] = self._rows.get(key, 0) + 1
        sheet = self._sheets[key]
        sheet.append([_to_cell(sheet, content) for content in row])

    def _sheet_name(self, wanted: str) -> str:
        """A name that Excel allows and that no earlier sheet has, compared as Excel does."""
        name = _UNNAMEABLE.sub("", wanted).strip("'")[:_LONGEST_SHEET_NAME] or "数据"
        unique, number = name, 2
        while unique.casefold() in self._names:
            suffix = f"-{number}"
            unique = name[: _LONGEST_SHEET_NAME - len(suffix)] + suffix
            number += 1
        self._names.add(unique.casefold())
        return unique


def _to_cell(sheet: WriteOnlyWorksheet, content: Content) -> WriteOnlyCell | Content:
    """Text stays text, whatever it starts with."""
    if not isinstance(content, str):
        return content
    text = _UNWRITABLE.sub("", content)[:_LONGEST_TEXT]
    if not text.startswith(("=", "+", "-", "@")):
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def _all_fields(record: Record) -> Iterable[Field]:
    yield from record.fields.values()
    for rows in record.groups.values():
        for row in rows:
            yield from row.values()
