"""Places in a record: paths like ``items[2].amount`` and what they are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from extraction.errors import InputError
from extraction.values import Field, Record

_PATH = re.compile(
    r"(?P<group>[a-z][a-z0-9_]*)"
    r"(?:\[(?P<row>[0-9]+)\]\.(?P<column>[a-z][a-z0-9_]*))?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A path taken apart; ``row`` and ``column`` are None for a field that stands once."""

    head: str
    row: int | None = None
    column: str | None = None

    @property
    def name(self) -> str:
        """The declared name: ``total`` or ``items.amount``."""
        return self.head if self.column is None else f"{self.head}.{self.column}"

    @property
    def path(self) -> str:
        return self.head if self.column is None else f"{self.head}[{self.row}].{self.column}"


@dataclass(frozen=True, slots=True)
class PlacedField:
    """A field of a record and where it has its place."""

    place: Place
    field: Field

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def name(self) -> str:
        return self.place.name


@lru_cache(maxsize=4096)
def path_to_place(path: str) -> Place:
    match = _PATH.fullmatch(path)
    if match is None:
        raise InputError(f"{path!r} is no path of a field; write name or group[0].column")
    if match["row"] is None:
        return Place(match["group"])
    return Place(match["group"], int(match["row"]), match["column"])


def name_to_place(name: str, row: int | None) -> Place:
    """The place of a declared name in a row; a column of a group without a row is in its first."""
    head, _, column = name.partition(".")
    return Place(head, row or 0, column) if column else Place(head)


def record_fields(record: Record) -> Iterator[PlacedField]:
    """All fields in the record's order: those that stand once, then row after row."""
    for name, field in record.fields.items():
        yield PlacedField(Place(name), field)
    for group, rows in record.groups.items():
        for number, row in enumerate(rows):
            for column, field in row.items():
                yield PlacedField(Place(group, number, column), field)


def record_with_fields(record: Record, fields: Mapping[str, Field]) -> Record:
    """The record with the fields at these paths in place of its own."""
    return replace(
        record,
        fields={name: fields.get(name, field) for name, field in record.fields.items()},
        groups={
            group: tuple(
                {
                    column: fields.get(f"{group}[{number}].{column}", field)
                    for column, field in row.items()
                }
                for number, row in enumerate(rows)
            )
            for group, rows in record.groups.items()
        },
    )
