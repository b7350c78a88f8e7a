"""Group rows that stand as key and value side by side instead of under headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from extraction.declarations import GroupDeclaration
from extraction.fields.drafts import FieldDraft, Row, cell_source, group_draft
from extraction.fields.key_match import CHOICE, SECTION, KeyIndex, comparable
from extraction.fields.label_evidence import Labelled, find_label_evidence
from extraction.fields.table_view import Place, TableView, cell_text
from extraction.normalise import text_to_value
from extraction.values import Cell

_SURE_LABEL = 0.5
_COLON = re.compile(r"[:：]")


def find_pair_rows(
    view: TableView,
    group: GroupDeclaration,
    pair: tuple[str, str],
    taken: set[Place],
    labelled: Labelled,
) -> tuple[tuple[Row, ...], frozenset[Place]]:
    """The rows in print order, those of one line from left to right, and their cells."""
    keys = _key_cells(view, group, pair[0], taken, labelled)
    places = {(cell.row, cell.column) for cell in keys}
    rows: list[Row] = []
    claimed = set(places)
    for cell in keys:
        inline = _split_inline(view, group, pair, cell)
        if inline is not None:
            rows.append(inline)
            continue
        value = view.right_of(cell)
        if value is not None and ((value.row, value.column) in places or view.is_key(value)):
            value = None
        if value is not None:
            claimed.add((value.row, value.column))
        rows.append(_read_pair(view, group, pair, (cell, value), labelled))
    return tuple(rows), frozenset(claimed)


def _read_pair(
    view: TableView,
    group: GroupDeclaration,
    pair: tuple[str, str],
    cells: tuple[Cell, Cell | None],
    labelled: Labelled,
) -> Row:
    match = view.similarity(cells[0], f"{CHOICE}{group.name}.{pair[0]}")
    drafts = {column.name: FieldDraft() for column in group.columns}
    for name, cell in zip(pair, cells, strict=True):
        if cell is not None:
            drafts[name] = group_draft(view, group, name, cell, labelled, match)
    return drafts


def _key_cells(
    view: TableView, group: GroupDeclaration, name: str, taken: set[Place], labelled: Labelled
) -> list[Cell]:
    """Cells printed like a usual key of the pairs, and those in line with them."""
    free = [
        cell
        for row in range(view.grid.rows)
        for cell in view.starting_in(row)
        if cell.words and (cell.row, cell.column) not in taken
    ]
    section = set(_section_rows(view, group))
    if section:
        free = [cell for cell in free if cell.row in section]
    sure = [cell for cell in free if _is_pair_key(view, group, name, cell)]
    columns = {cell.column for cell in sure}
    label = f"{group.name}.{name}"

    def is_likely(cell: Cell) -> bool:
        if _is_number(cell) or view.is_key(cell):
            return False
        if section and cell.column in columns:
            return True
        evidence = find_label_evidence(cell.words, labelled, label)
        return evidence.probability > _SURE_LABEL

    likely = [cell for cell in free if cell in sure or is_likely(cell)]
    # One label alone may be a slip of the labeller.
    return likely if section or len(likely) > len(sure) + 1 else sure


def _is_number(cell: Cell) -> bool:
    return text_to_value(cell.text, "number") is not None


def _section_rows(view: TableView, group: GroupDeclaration) -> Iterator[int]:
    for cell in view.grid.cells:
        if view.similarity(cell, SECTION + group.name) > 0:
            yield from cell.rows


def _is_pair_key(view: TableView, group: GroupDeclaration, name: str, cell: Cell) -> bool:
    """Printed like a usual key and not itself the value of another key."""
    left = view.left_of(cell)
    if view.is_key(cell) or (left is not None and _is_other_key(view, group, left)):
        return False
    usual = view.similarity(cell, f"{CHOICE}{group.name}.{name}") == 1.0
    return usual or _inline_split(group, name, cell.text) is not None


def _is_other_key(view: TableView, group: GroupDeclaration, cell: Cell) -> bool:
    return view.is_key(cell) and not view.similarity(cell, SECTION + group.name)


def _inline_split(group: GroupDeclaration, name: str, text: str) -> tuple[str, str] | None:
    """Key and value of a cell that holds both, parted by a colon."""
    choices = {comparable(choice): (name,) for choice in group.column(name).choices}
    for colon in _COLON.finditer(text):
        key, value = text[: colon.start()], text[colon.end() :]
        if value.strip() and KeyIndex(choices).find(key):
            return key, value
    return None


def _split_inline(
    view: TableView, group: GroupDeclaration, pair: tuple[str, str], cell: Cell
) -> Row | None:
    printed = cell_text(view, cell)
    parts = _inline_split(group, pair[0], printed.text)
    if parts is None:
        return None
    drafts = {column.name: FieldDraft() for column in group.columns}
    for name, text in zip(pair, parts, strict=True):
        drafts[name] = FieldDraft(
            text=text,
            value=text_to_value(text, group.column(name).kind),
            source=cell_source(view, printed),
            words=printed.words,
            key_match=1.0,
            quality=cell.quality,
        )
    return drafts
