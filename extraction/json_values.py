"""JSON as it comes from a file, and the checks that a value is of the kind it should be.

Each raises ValueError that says what was expected and what was found.
"""

from __future__ import annotations

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Json]


def as_object(stored: Json) -> JsonObject:
    if not isinstance(stored, dict):
        raise ValueError(f"expected an object, found {type(stored).__name__}")
    return stored


def as_list(stored: Json) -> list[Json]:
    if not isinstance(stored, list):
        raise ValueError(f"expected a list, found {type(stored).__name__}")
    return stored


def as_number(stored: Json) -> float:
    if isinstance(stored, bool) or not isinstance(stored, int | float):
        raise ValueError(f"expected a number, found {stored!r}")
    return float(stored)


def as_integer(stored: Json) -> int:
    if isinstance(stored, bool) or not isinstance(stored, int):
        raise ValueError(f"expected an integer, found {stored!r}")
    return stored
