"""Printed keys learnt from corrections: the cell beside or above a confirmed value is a key.

A declaration names the keys that its writer knew. Where corrected documents print others in
the same place, document after document, those are proposed as synonyms, kept beside the
declaration as data, and merged into it when it is loaded. What a person refuses stays refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from annotation.examples import ReviewedText, TrainingExample
from annotation.neighbours import PrintedGrid, find_printed_grids
from extraction.declarations import (
    ColumnDeclaration,
    FieldDeclaration,
    FormDeclaration,
    GroupDeclaration,
)
from extraction.errors import DeclarationError
from extraction.fields.key_match import comparable, declared_keys
from extraction.json_values import Json, JsonObject, as_integer, as_list, as_object
from extraction.normalise import text_to_value
from extraction.values import Cell

LEAST_DOCUMENTS: Final = 2
CLEAR_LEAD: Final = 3
"""Times as many documents as for any other field, for a text to be the key of one."""
MANY_ROWS: Final = 3
LONGEST: Final = 24
_COLONS: Final = "：:"


class KeyUse(StrEnum):
    """What a learnt text is in the declaration; for ``END`` and ``SECTION`` the name is a
    group's, for ``TITLE`` the form type's."""

    KEY = "key"
    INLINE = "inline_key"
    IN_ROW = "in_row"
    SECTION = "section"
    END = "end_key"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class LearnedKey:
    """``documents`` corrected documents print ``text`` as a key of ``name``.

    ``refused`` is set by a person: it is not used, and learning more does not bring it back.
    """

    use: KeyUse
    name: str
    text: str
    documents: int
    refused: bool = False

    @property
    def place(self) -> tuple[KeyUse, str, str]:
        return self.use, self.name, comparable(self.text)


def learn_keys(
    examples: Iterable[TrainingExample],
    declaration: FormDeclaration,
    least_documents: int = LEAST_DOCUMENTS,
) -> tuple[LearnedKey, ...]:
    """Keys that the declaration lacks and that enough of the documents agree on.

    A header counts twice in a document that was looked at as a whole and has several rows
    under it, since each of them says the same.
    """
    documents: dict[tuple[KeyUse, str, str], set[str]] = defaultdict(set)
    twice: dict[tuple[KeyUse, str, str], set[str]] = defaultdict(set)
    texts: dict[tuple[KeyUse, str, str], Counter[str]] = defaultdict(Counter)
    for example in examples:
        if example.form_type != declaration.name:
            continue
        for found in _find_keys(example, declaration):
            place = found.use, found.name, comparable(found.text)
            documents[place].add(example.document_id)
            texts[place][found.text] += 1
            if example.is_whole and found.rows >= MANY_ROWS:
                twice[place].add(example.document_id)
    support = {place: len(ids) + len(twice[place]) for place, ids in documents.items()}
    return tuple(
        LearnedKey(
            use, name, texts[use, name, form].most_common(1)[0][0], len(documents[use, name, form])
        )
        for (use, name, form), count in sorted(support.items())
        if count >= least_documents
        and not _is_declared(declaration, use, name, form)
        and _is_clear(support, use, name, form)
    )


def keep_refusals(
    learned: Iterable[LearnedKey], before: Iterable[LearnedKey]
) -> tuple[LearnedKey, ...]:
    """What was learnt now, and refused what was refused before; refusals are never lost."""
    refused = {key.place: key for key in before if key.refused}
    now = {key.place: replace(key, refused=key.refused or key.place in refused) for key in learned}
    return tuple(sorted((refused | now).values(), key=lambda key: key.place))


def declaration_with_keys(
    declaration: FormDeclaration, learned: Iterable[LearnedKey]
) -> FormDeclaration:
    """The declaration with the learnt keys behind its own; those refused or of names that it
    does not declare (any more) are left out."""
    added: dict[tuple[KeyUse, str], list[str]] = defaultdict(list)
    for key in learned:
        if not key.refused:
            added[key.use, key.name].append(key.text)
    if not added:
        return declaration
    return declaration.model_copy(
        update={
            "titles": (*declaration.titles, *added[KeyUse.TITLE, declaration.name]),
            "fields": tuple(_field_with(item, added) for item in declaration.fields),
            "groups": tuple(_group_with(group, added) for group in declaration.groups),
        }
    )


_Added = Mapping[tuple[KeyUse, str], Sequence[str]]


def _field_with(item: FieldDeclaration, added: _Added) -> FieldDeclaration:
    return item.model_copy(
        update={
            "keys": (*item.keys, *added.get((KeyUse.KEY, item.name), ())),
            "inline_keys": (*item.inline_keys, *added.get((KeyUse.INLINE, item.name), ())),
            "in_row": (*item.in_row, *added.get((KeyUse.IN_ROW, item.name), ())),
        }
    )


def _group_with(group: GroupDeclaration, added: _Added) -> GroupDeclaration:
    def column_with(column: ColumnDeclaration) -> ColumnDeclaration:
        more = added.get((KeyUse.KEY, f"{group.name}.{column.name}"), ())
        return column.model_copy(update={"keys": (*column.keys, *more)})

    return group.model_copy(
        update={
            "columns": tuple(map(column_with, group.columns)),
            "sections": (*group.sections, *added.get((KeyUse.SECTION, group.name), ())),
            "end_keys": (*group.end_keys, *added.get((KeyUse.END, group.name), ())),
        }
    )


# --- what one document shows -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """A key in one document; ``rows`` are the confirmed values under a header."""

    use: KeyUse
    name: str
    text: str
    rows: int = 1


def _find_keys(example: TrainingExample, declaration: FormDeclaration) -> Iterator[_Found]:
    placed = [text for text in example.texts if text.text or text.read]
    for grid in find_printed_grids(example.readings, placed):
        for item in declaration.fields:
            for cell in grid.values.get(item.name, ()):
                key = grid.row_key(cell) if item.in_row else grid.key_of(cell)
                if key is not None and reads_like_key(key.text):
                    use = KeyUse.IN_ROW if item.in_row else KeyUse.KEY
                    yield _Found(use, item.name, key.text)
        for group in declaration.groups:
            yield from _group_keys(grid, group)
    yield from _line_keys(example, placed, declaration)


def _group_keys(grid: PrintedGrid, group: GroupDeclaration) -> Iterator[_Found]:
    """Headers right above the first row, the cell at the left of the rows, what follows them."""
    values = {c.name: grid.values.get(f"{group.name}.{c.name}", ()) for c in group.columns}
    cells = [cell for found in values.values() for cell in found]
    if not cells:
        return
    first, last = min(cell.row for cell in cells), max(cell.rows.stop for cell in cells)
    headers = {
        name: header
        for name, found in values.items()
        if found and (header := grid.header_of(found[0], first)) is not None
    }
    if not headers or not _are_headers(headers, group):
        return
    for name, header in headers.items():
        if reads_like_key(header.text):
            rows = len(values[name])
            yield _Found(KeyUse.KEY, f"{group.name}.{name}", header.text, rows)
    left = min(headers.values(), key=lambda cell: cell.column)
    start, section = grid.left_end(left, first)
    if section is not None and reads_like_key(section.text):
        yield _Found(KeyUse.SECTION, group.name, section.text)
    after = grid.cell(last, start)
    opens = after is not None and after.row == last and not grid.is_value(after)
    if after is not None and opens and reads_like_key(after.text):
        yield _Found(KeyUse.END, group.name, after.text)


def _are_headers(headers: Mapping[str, Cell], group: GroupDeclaration) -> bool:
    """Not a first row that nobody was asked about: no number stands over a column of numbers."""
    return not any(
        column.kind in ("number", "percent", "date", "phone")
        and text_to_value(headers[column.name].text, column.kind, column.choices) is not None
        for column in group.columns
        if column.name in headers
    )


def _line_keys(
    example: TrainingExample, placed: Sequence[ReviewedText], declaration: FormDeclaration
) -> Iterator[_Found]:
    """Keys that share a line with their value, and titles."""
    fields = {item.name: item for item in declaration.fields}
    words = example.words
    for text in placed:
        item = fields.get(text.name)
        if item is None:
            continue
        if item.is_title:
            if reads_like_key(text.text):
                yield _Found(KeyUse.TITLE, declaration.name, text.text)
            continue
        for number in text.words:
            key = _inline_key(words[number].text, text.text)
            if key is not None and reads_like_key(key):
                yield _Found(KeyUse.INLINE, item.name, key)


def _inline_key(line: str, value: str) -> str | None:
    for colon in _COLONS:
        key, found, rest = line.partition(colon)
        if found and key and comparable(rest) == comparable(value) != "":
            return key
    return None


def reads_like_key(text: str) -> bool:
    """Short, with letters, and not mostly digits."""
    form = comparable(text)
    digits = sum(character.isdigit() for character in form)
    return 2 <= len(form) <= LONGEST and 2 * digits < len(form) and any(map(str.isalpha, form))


# --- what all of them agree on -----------------------------------------------------------


def _is_declared(declaration: FormDeclaration, use: KeyUse, name: str, form: str) -> bool:
    """Known already, or the key of another field: a printed key is none of its values."""
    if use is KeyUse.TITLE:
        return form in {comparable(title) for title in declaration.titles}
    targets = {
        match.target for match in declared_keys(declaration).find(form) if match.similarity == 1.0
    }
    prefix = {
        KeyUse.SECTION: "section:",
        KeyUse.END: "end:",
        KeyUse.IN_ROW: "in_row:",
    }.get(use, "")
    if f"{prefix}{name}" in targets and use is not KeyUse.INLINE:
        return True
    if use is KeyUse.INLINE:
        inline = declaration.field(name).inline_keys
        return form in {comparable(key) for key in inline}
    single = {item.name for item in declaration.fields}
    return use is KeyUse.KEY and name in single and bool(targets & single)


def _is_clear(
    support: Mapping[tuple[KeyUse, str, str], int], use: KeyUse, name: str, form: str
) -> bool:
    """No other field of the same kind (or column of the same group) prints it nearly as often."""
    if use not in (KeyUse.KEY, KeyUse.INLINE):
        return True
    rivals = [
        count
        for (other_use, other, other_form), count in support.items()
        if (other_use, other_form) == (use, form) and other != name
        if _group_of(other) == _group_of(name)
    ]
    return support[use, name, form] >= CLEAR_LEAD * max(rivals, default=0)


def _group_of(name: str) -> str:
    """The group of a column; "" for a field that stands once."""
    group, _, column = name.partition(".")
    return group if column else ""


# --- as data -----------------------------------------------------------------------------


def learned_to_json(keys: Sequence[LearnedKey]) -> JsonObject:
    return {
        "keys": [
            {
                "use": key.use.value,
                "name": key.name,
                "text": key.text,
                "documents": key.documents,
                "refused": key.refused,
            }
            for key in keys
        ]
    }


def learned_from_json(stored: Mapping[str, Json]) -> tuple[LearnedKey, ...]:
    """DeclarationError says which entry is none."""
    keys = []
    for number, entry in enumerate(as_list(stored.get("keys", []))):
        try:
            item = as_object(entry)
            keys.append(
                LearnedKey(
                    KeyUse(str(item["use"])),
                    str(item["name"]),
                    str(item["text"]),
                    as_integer(item["documents"]),
                    item.get("refused") is True,
                )
            )
        except (KeyError, ValueError) as error:
            raise DeclarationError(f"keys[{number}]: is no learnt key: {error}") from error
    return tuple(keys)
