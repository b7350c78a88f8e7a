"""Form types as data: one YAML file declares the fields, groups and checks of one form."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from extraction.errors import DeclarationError

FORMS_FOLDER = Path(__file__).parent / "forms"
OTHER_LABEL = "other"
KEY_LABEL = "key"

ValueKind = Literal["text", "number", "percent", "year", "phone", "date", "code", "choice"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Texts = tuple[Annotated[str, Field(min_length=1)], ...]


class _Declared(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class FieldDeclaration(_Declared):
    """A field that stands once on the form.

    ``keys`` are the printed keys that point at its cell; ``inline_keys`` those that share a
    cell or a line with the value (key, colon, value). ``pattern`` takes its first group out
    of the printed text. ``outside`` marks a field that stands in the lines around the
    tables. ``in_row`` and ``in_column`` place it where a row's key crosses a group's column.
    """

    name: Name
    title: str
    kind: ValueKind = "text"
    keys: Texts = ()
    inline_keys: Texts = ()
    required: bool = False
    pattern: str | None = None
    choices: Texts = ()
    outside: bool = False
    is_title: bool = False
    in_row: Texts = ()
    in_column: str | None = None

    @model_validator(mode="after")
    def _check(self) -> FieldDeclaration:
        if self.pattern is not None:
            _check_pattern(self.pattern, f"fields.{self.name}.pattern")
        if bool(self.in_row) != (self.in_column is not None):
            raise ValueError(f"{self.name}: in_row and in_column belong together; give both")
        return self


class ColumnDeclaration(_Declared):
    """A column of a group. ``choices`` are texts usual in its cells, others are allowed.

    ``merged`` says that one cell often stands for several rows: such a cell left blank at a
    page break belongs to its neighbour on the other page.
    """

    name: Name
    title: str
    kind: ValueKind = "text"
    keys: Texts = ()
    choices: Texts = ()
    required: bool = False
    merged: bool = False


class GroupDeclaration(_Declared):
    """A group of rows under column headers.

    ``sections`` are the texts of the cell at its left side; ``end_keys`` start the first row
    that is no longer one of its rows; a row stands where one of the columns ``row_by``
    prints something. ``pairs`` names a key and a value column where the rows may stand as
    key and value cells side by side instead of under headers.
    """

    name: Name
    title: str
    columns: tuple[ColumnDeclaration, ...] = Field(min_length=1)
    sections: Texts = ()
    end_keys: Texts = ()
    row_by: tuple[Name, ...] = Field(min_length=1)
    pairs: tuple[Name, Name] | None = None
    required: bool = False

    @model_validator(mode="after")
    def _check(self) -> GroupDeclaration:
        names = [column.name for column in self.columns]
        _check_unique(names, f"columns of {self.name}")
        for name in (*self.row_by, *(self.pairs or ())):
            if name not in names:
                raise ValueError(
                    f"{self.name}: no column {name!r}; declared are {', '.join(names)}"
                )
        return self

    def column(self, name: str) -> ColumnDeclaration:
        return next(column for column in self.columns if column.name == name)


class RatioCheck(_Declared):
    """In each row: ``result`` = ``dividend`` ÷ ``divisor``, to the printed digits."""

    kind: Literal["ratio"]
    name: Name
    group: Name
    result: Name
    dividend: Name
    divisor: Name


class ProductCheck(_Declared):
    """In each row: ``result`` = product of ``factors``, at most ``cap``."""

    kind: Literal["product_capped"]
    name: Name
    group: Name
    result: Name
    factors: tuple[Name, ...] = Field(min_length=2)
    cap: Name


class PartsCheck(_Declared):
    """In each of ``columns``: the row of ``total`` = sum of the rows of ``parts``.

    Rows are told by the text of ``key_column``.
    """

    kind: Literal["sum_of_parts"]
    name: Name
    group: Name
    key_column: Name
    total: Texts
    parts: Texts
    columns: tuple[Name, ...] = Field(min_length=1)


class TotalCheck(_Declared):
    """The field ``total`` = sum over the columns ``of``, each written ``group.column``."""

    kind: Literal["sum_equals_total"]
    name: Name
    total: Name
    of: Texts


class LimitCheck(_Declared):
    """In each row: ``column`` is at most ``limit``."""

    kind: Literal["at_most"]
    name: Name
    group: Name
    column: Name
    limit: Name


class PlacesCheck(_Declared):
    """Small fractions in ``columns`` that are filled up with noughts have as many places each,
    as a spreadsheet prints them: a nought at the end is easily lost in a scan."""

    kind: Literal["same_places"]
    name: Name
    group: Name
    columns: tuple[Name, ...] = Field(min_length=1)


class FormatCheck(_Declared):
    """Texts of ``fields`` (or ``group.column``) can be read as their declared kind."""

    kind: Literal["format"]
    name: Name
    fields: Texts


CheckDeclaration = Annotated[
    RatioCheck | ProductCheck | PartsCheck | TotalCheck | LimitCheck | PlacesCheck | FormatCheck,
    Field(discriminator="kind"),
]


class FormDeclaration(_Declared):
    """A form type. ``titles`` are its printed titles, ``other_titles`` tell it from its kin.

    ``other_keys`` are printed keys of which no field is taken.
    """

    name: Name
    title: str
    titles: Texts = Field(min_length=1)
    other_titles: Texts = ()
    fields: tuple[FieldDeclaration, ...] = Field(min_length=1)
    groups: tuple[GroupDeclaration, ...] = ()
    other_keys: Texts = ()
    checks: tuple[CheckDeclaration, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> FormDeclaration:
        names = [item.name for item in self.fields] + [item.name for item in self.groups]
        _check_unique(names, "fields and groups")
        _check_unique([check.name for check in self.checks], "checks")
        known = set(field_paths(self))
        for place, path in _references(self):
            if path not in known:
                raise ValueError(f"{place}: nothing is named {path!r}; known: {sorted(known)}")
        return self

    def field(self, name: str) -> FieldDeclaration:
        return next(item for item in self.fields if item.name == name)

    def group(self, name: str) -> GroupDeclaration:
        return next(item for item in self.groups if item.name == name)


def field_paths(declaration: FormDeclaration) -> tuple[str, ...]:
    """Each field's name, then ``group.column``, in the declaration's order."""
    columns = (f"{g.name}.{c.name}" for g in declaration.groups for c in g.columns)
    return (*(item.name for item in declaration.fields), *columns)


def labels(declarations: tuple[FormDeclaration, ...]) -> tuple[str, ...]:
    """The labels of words: "other", "key", then all field paths, shared names once."""
    paths = (path for declaration in declarations for path in field_paths(declaration))
    return tuple(dict.fromkeys((OTHER_LABEL, KEY_LABEL, *paths)))


def check_declaration(path: Path) -> FormDeclaration:
    """Read and check one declaration file; DeclarationError says place and cure."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(f"cannot be read: {error.strerror}", name=str(path)) from error
    except UnicodeDecodeError as error:
        raise DeclarationError("is not UTF-8; save it as UTF-8", name=str(path)) from error
    except yaml.YAMLError as error:
        raise DeclarationError(f"is not YAML: {_one_line(error)}", name=str(path)) from error
    if not isinstance(document, dict):
        raise DeclarationError("must hold a mapping with name, title, fields", name=str(path))
    try:
        # JSON, since strict validation takes a list for a tuple only from JSON.
        declaration = FormDeclaration.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        raise DeclarationError(_validation_reason(error), name=str(path)) from error
    if declaration.name != path.stem:
        reason = f"name: is {declaration.name!r}; rename it or the file so that both agree"
        raise DeclarationError(reason, name=str(path))
    return declaration


@lru_cache(maxsize=8)
def load_declarations(folder: Path | None = None) -> tuple[FormDeclaration, ...]:
    """All form types of a folder, the shipped one by default, in order of their names."""
    folder = FORMS_FOLDER if folder is None else folder
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise DeclarationError("holds no *.yaml; put a form declaration there", name=str(folder))
    return tuple(check_declaration(path) for path in paths)


def _references(declaration: FormDeclaration) -> list[tuple[str, str]]:
    """Every path that the declaration refers to, with the place that does."""
    found = [
        (f"fields.{item.name}", item.in_column)
        for item in declaration.fields
        if item.in_column is not None
    ]
    for check in declaration.checks:
        found += [(f"checks.{check.name}", path) for path in _check_paths(check)]
    return found


def _check_paths(check: CheckDeclaration) -> tuple[str, ...]:
    match check:
        case RatioCheck():
            columns: tuple[str, ...] = (check.result, check.dividend, check.divisor)
        case ProductCheck():
            columns = (check.result, *check.factors, check.cap)
        case PartsCheck():
            columns = (check.key_column, *check.columns)
        case LimitCheck():
            columns = (check.column, check.limit)
        case PlacesCheck():
            columns = check.columns
        case TotalCheck():
            return (check.total, *check.of)
        case FormatCheck():
            return check.fields
    return tuple(f"{check.group}.{column}" for column in columns)


def _check_unique(names: list[str], what: str) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"{what}: {', '.join(doubled)} is declared twice; rename or remove one")


def _check_pattern(pattern: str, place: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{place}: is no regular expression: {error}") from error
    if groups < 1:
        raise ValueError(f"{place}: put brackets around the part to take")


def _validation_reason(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        place = ".".join(str(step) for step in item["loc"]) or "file"
        cure = {
            "missing": "add it",
            "extra_forbidden": "remove it or correct its spelling",
        }.get(item["type"], item["msg"].removeprefix("Value error, "))
        parts.append(f"{place}: {'missing; ' if item['type'] == 'missing' else ''}{cure}")
    return "; ".join(parts)


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
