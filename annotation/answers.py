"""One annotation as Label Studio hands it over, to an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType

from annotation.labels import MARK_TITLES, find_labels
from annotation.percent import PercentBox, percent_to_box
from annotation.values import Answer, AnsweredRegion, Mark
from extraction.declarations import FormDeclaration
from extraction.errors import InputError
from extraction.json_values import (
    Json,
    JsonObject,
    as_integer,
    as_list,
    as_number,
    as_object,
)
from extraction.values import Box, Word, words_text

NOBODY = ""
"""The author of an annotation that names none, such as one that is gone."""

_BOX_SIDES = ("x", "y", "width", "height")
_FOREVER = datetime.max.replace(tzinfo=UTC)
_MARKS: Mapping[str, Mark] = {
    **{mark.value: mark for mark in Mark},
    **{title: mark for mark, title in MARK_TITLES.items()},
}


def annotation_to_answer(
    payload: Mapping[str, Json],
    declaration: FormDeclaration,
    retired: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """The answer of an annotation as the API or a webhook gives it, or of ``deleted_payload``.

    ``retired`` are labels that are no longer declared, title to declared name. A skipped
    annotation answers nothing, like a deleted one. A box without any label has an empty
    name. InputError names the annotation and the region that cannot be read.
    """
    inner = payload.get("annotation")
    annotation = inner if isinstance(inner, dict) else payload
    number = _annotation_id(annotation)
    if annotation.get("deleted") is True:
        return Answer(number, _FOREVER, NOBODY, 0.0, None)
    try:
        updated_at = _to_time(annotation)
        seconds = annotation.get("lead_time")
        return Answer(
            annotation_id=number,
            updated_at=updated_at,
            author=_to_author(annotation.get("completed_by")),
            seconds=0.0 if seconds is None else as_number(seconds),
            regions=None
            if annotation.get("was_cancelled") is True
            else _to_regions(annotation, _names(declaration, retired)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"annotation {number} cannot be read: {error}") from error


def deleted_payload(annotation_id: int) -> JsonObject:
    """What stands for an annotation that is gone: it outlasts every version of it."""
    return {"id": annotation_id, "deleted": True}


def _annotation_id(annotation: Mapping[str, Json]) -> int:
    try:
        return as_integer(annotation.get("id"))
    except ValueError as error:
        raise InputError(f"is no annotation: id: {error}") from error


def _to_time(annotation: Mapping[str, Json]) -> datetime:
    text = annotation.get("updated_at") or annotation.get("created_at")
    if not isinstance(text, str):
        raise ValueError("it has no updated_at")
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _to_author(stored: Json) -> str:
    """The address where it is known, else Label Studio's number of the person."""
    if isinstance(stored, dict):
        stored = stored.get("email") or stored.get("id")
    return NOBODY if stored is None else str(stored)


def _names(declaration: FormDeclaration, retired: Mapping[str, str]) -> Mapping[str, str]:
    """Title or declared name → declared name."""
    titles = _titles(declaration)
    known = {name: name for name in titles.values()}
    return {**known, **retired, **titles}


@lru_cache(maxsize=32)
def _titles(declaration: FormDeclaration) -> Mapping[str, str]:
    return {label.title: label.name for label in find_labels(declaration)}


def _to_regions(
    annotation: Mapping[str, Json], names: Mapping[str, str]
) -> tuple[AnsweredRegion, ...]:
    """In the order of their ids. Results that belong to no box are left out."""
    parts: dict[str, list[JsonObject]] = {}
    for item in as_list(annotation.get("result")):
        result = as_object(item)
        value = result.get("value")
        if isinstance(value, dict) and all(side in value for side in _BOX_SIDES):
            parts.setdefault(str(result["id"]), []).append(result)
    return tuple(_to_region(key, parts[key], names) for key in sorted(parts))


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where a result's box stands."""

    page: int
    box: Box


def _to_region(key: str, results: Iterable[JsonObject], names: Mapping[str, str]) -> AnsweredRegion:
    try:
        values = {str(item["type"]): as_object(item["value"]) for item in results}
        seen = _to_seen(next(iter(results)))
        return AnsweredRegion(
            region_id=key,
            name=_to_name(_strings(values, "rectanglelabels"), names),
            row=_to_row(values.get("number", {}).get("number")),
            text=_to_text(_strings(values, "textarea", "text")),
            page=seen.page,
            box=seen.box,
            marks=frozenset(map(_to_mark, _strings(values, "choices"))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"region {key}: {error}") from error


def _to_seen(result: JsonObject) -> _Seen:
    value = as_object(result["value"])
    percent = PercentBox(*(as_number(value[side]) for side in _BOX_SIDES))
    width, height = as_number(result["original_width"]), as_number(result["original_height"])
    index = result.get("item_index")
    number = 0 if index is None else as_integer(index)
    if width <= 0 or height <= 0 or number < 0:
        raise ValueError(f"its page is {width} × {height} pixels with index {number}")
    return _Seen(number + 1, percent_to_box(percent, width, height))


def _strings(values: Mapping[str, JsonObject], kind: str, key: str = "") -> list[str]:
    stored = values.get(kind, {}).get(key or kind)
    if stored is None:
        return []
    return [str(item) for item in (stored if isinstance(stored, list) else [stored])]


def _to_name(titles: list[str], names: Mapping[str, str]) -> str:
    if not titles:
        return ""
    if titles[-1] not in names:
        raise ValueError(
            f"no field is labelled {titles[-1]!r}; declare it again or give the box another label"
        )
    return names[titles[-1]]


def _to_row(stored: Json) -> int | None:
    """People count rows from 1."""
    if stored is None:
        return None
    number = as_number(stored)
    if number != int(number) or number < 1:
        raise ValueError(f"row {number:g} is no row; give a whole number from 1")
    return int(number) - 1


def _to_text(texts: Iterable[str]) -> str:
    """As records print it: lines joined, nothing between them but a space in Latin text."""
    lines = (line.strip() for text in texts for line in text.splitlines())
    return words_text(Word(line, Box(0, 0, 0, 0), 1.0, 1.0, 0) for line in lines if line)


def _to_mark(text: str) -> Mark:
    if text not in _MARKS:
        raise ValueError(f"no mark is called {text!r}")
    return _MARKS[text]
