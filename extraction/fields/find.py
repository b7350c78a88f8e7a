"""Single fields: a cell to which a printed key points and of which the labels speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extraction.declarations import FieldDeclaration, FormDeclaration, GroupDeclaration
from extraction.fields.drafts import Drafts, FieldDraft, Row, cell_source, words_source
from extraction.fields.groups import FoundGroup, find_groups
from extraction.fields.head_fields import find_outside_field
from extraction.fields.key_match import IN_ROW, declared_keys
from extraction.fields.label_evidence import LabelEvidence, Labelled, find_label_evidence
from extraction.fields.page_breaks import mend_rows
from extraction.fields.printed_lines import (
    PrintedLine,
    find_head_cells,
    find_lines,
    split_inline,
)
from extraction.fields.segments import ColumnPlace
from extraction.fields.table_view import Place, TableView, cell_text, view_tables
from extraction.normalise import plain, text_to_value
from extraction.values import Cell, Grid, Word

_KEY_WEIGHT = 9.0
"""An exact key outweighs labels that are sure of something else."""
_KIND_BONUS = 1.0
_LEAST_EVIDENCE = 2.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A cell for a field, with its evidence."""

    score: float
    name: str
    view: TableView
    cell: Cell
    key_match: float


def find_drafts(
    declaration: FormDeclaration,
    grids: Sequence[Grid],
    loose: Sequence[Word],
    labelled: Labelled,
) -> Drafts:
    """Every declared field and group of a form of a known type."""
    views = view_tables(grids, declared_keys(declaration))
    groups = find_groups(declaration, views, labelled)
    return Drafts(
        find_fields(declaration, views, loose, labelled, groups),
        {group.name: _rows_of(group, groups) for group in declaration.groups},
    )


def find_fields(
    declaration: FormDeclaration,
    views: Sequence[TableView],
    loose: Sequence[Word],
    labelled: Labelled,
    groups: Sequence[FoundGroup],
) -> Mapping[str, FieldDraft]:
    """The single fields, in the declaration's order; one not found has no source."""
    claimed = {(group.table, place) for group in groups for place in group.claimed}
    crossed = _find_crossed(declaration, views, labelled, groups, claimed)
    inside = _find_in_cells(declaration, views, labelled, claimed)
    lines = (*find_head_cells(views), *find_lines(loose))
    outside = {
        item.name: find_outside_field(item, declaration, lines, labelled)
        for item in declaration.fields
        if item.outside
    }
    inline = _find_inline(declaration, views, lines, labelled, claimed)
    drafts = {}
    for item in declaration.fields:
        ways = [
            draft
            for found in (crossed, inside, inline, outside)
            if (draft := found.get(item.name)) is not None
        ]
        # A draft that is no year at all gives way to one that is.
        fitting = [draft for draft in ways if item.kind == "text" or draft.value is not None]
        drafts[item.name] = next(iter((*fitting, *ways)), FieldDraft())
    return drafts


def _rows_of(group: GroupDeclaration, groups: Sequence[FoundGroup]) -> tuple[Row, ...]:
    """The rows of a group in all grids, in print order, mended over page breaks."""
    placed = [
        (table, number, side, row)
        for table, found in enumerate(groups)
        if found.name == group.name
        for number, (side, row) in enumerate(zip(found.blocks, found.rows, strict=True))
    ]
    order: list[tuple[int, int, Row]] = []
    for block in sorted({side for _, _, side, _ in placed}):
        own = [(table, number, row) for table, number, side, row in placed if side == block]
        mended = mend_rows(group, [row for _, _, row in own])
        order += [
            (*own[kept][:2], row)
            for kept, row in mended
            if any(row[name].text for name in group.row_by)
        ]
    return tuple(row for _, _, row in sorted(order, key=lambda placed: placed[:2]))


def _find_in_cells(
    declaration: FormDeclaration,
    views: Sequence[TableView],
    labelled: Labelled,
    claimed: set[tuple[int, Place]],
) -> dict[str, FieldDraft]:
    """Fields that fill a cell, the best supported first, one cell to each."""
    candidates = [
        candidate
        for view in views
        for candidate in _candidates(declaration, view, labelled, claimed)
    ]
    drafts: dict[str, FieldDraft] = {}
    used: set[tuple[int, Place]] = set()
    for found in sorted(candidates, key=lambda candidate: -candidate.score):
        place = found.view.index, (found.cell.row, found.cell.column)
        if found.name not in drafts and place not in used:
            used.add(place)
            item = declaration.field(found.name)
            drafts[found.name] = _cell_draft(item, found, labelled)
    return drafts


def _candidates(
    declaration: FormDeclaration,
    view: TableView,
    labelled: Labelled,
    claimed: set[tuple[int, Place]],
) -> list[_Candidate]:
    free = [cell for cell in view.grid.cells if (view.index, _place(cell)) not in claimed]
    places = {_place(cell) for cell in free}
    pointed = _pointed_cells(declaration, view, free, places)
    found = []
    for item in declaration.fields:
        if item.outside and not item.keys:
            continue
        for cell in free:
            similarity = pointed.get((item.name, _place(cell)), 0.0)
            score = _score(view, item, cell, similarity, labelled)
            if score >= _LEAST_EVIDENCE:
                found.append(_Candidate(score, item.name, view, cell, similarity))
    return found


def _score(
    view: TableView, item: FieldDeclaration, cell: Cell, similarity: float, labelled: Labelled
) -> float:
    """Key and labels together; a cell without a key needs labels that are sure."""
    evidence = find_label_evidence(cell.words, labelled, item.name)
    if not similarity and (evidence.probability < 0.5 or view.is_key(cell) or item.outside):
        return 0.0
    odds = max(-3.0, min(4.0, evidence.log_odds))
    fits = _KIND_BONUS if cell.words and _fits(item, cell.text) else 0.0
    return _KEY_WEIGHT * similarity + odds + fits


def _fits(item: FieldDeclaration, text: str) -> bool:
    return item.kind != "text" and text_to_value(text, item.kind, item.choices) is not None


def _pointed_cells(
    declaration: FormDeclaration,
    view: TableView,
    free: Sequence[Cell],
    places: set[Place],
) -> dict[tuple[str, Place], float]:
    """(field, place of its value) → similarity of the key that points there."""
    names = {item.name for item in declaration.fields}
    pointed: dict[tuple[str, Place], float] = {}
    for key in free:
        targets = [m for m in view.matches_of(key) if m.target in names]
        value = _value_cell(view, key, places) if targets else None
        if value is None:
            continue
        for match in targets:
            # A slip that makes two keys look alike proves neither.
            certainty = (
                match.similarity if match.similarity == 1.0 else (match.similarity / len(targets))
            )
            where = match.target, _place(value)
            pointed[where] = max(pointed.get(where, 0.0), certainty)
    return pointed


def _value_cell(view: TableView, key: Cell, places: set[Place]) -> Cell | None:
    """The cell right of a key, or the one below where right of it stands another key."""
    for cell in (view.right_of(key), view.below(key)):
        if cell is None or cell.continues or _place(cell) not in places:
            continue
        if not view.is_key(cell):
            return cell
    return None


def _cell_draft(item: FieldDeclaration, found: _Candidate, labelled: Labelled) -> FieldDraft:
    printed = cell_text(found.view, found.cell)
    text = printed.text
    inline = () if found.key_match else split_inline(printed.words, item.inline_keys)
    if inline:
        text = inline[0].value
    return FieldDraft(
        text=text,
        value=text_to_value(text, item.kind, item.choices),
        source=cell_source(found.view, printed),
        words=printed.words,
        key_match=1.0 if inline else found.key_match,
        label=find_label_evidence(printed.words, labelled, item.name),
        quality=min(part.quality for part in printed.cells),
    )


def _find_crossed(
    declaration: FormDeclaration,
    views: Sequence[TableView],
    labelled: Labelled,
    groups: Sequence[FoundGroup],
    claimed: set[tuple[int, Place]],
) -> dict[str, FieldDraft]:
    """Fields where the row of a key crosses the column of a group: totals."""
    drafts: dict[str, FieldDraft] = {}
    for item in declaration.fields:
        if item.in_column is None:
            continue
        group_name, _, column = item.in_column.partition(".")
        for group in groups:
            if group.name != group_name or item.name in drafts:
                continue
            for placement in group.placements:
                if column not in placement:
                    continue
                view = views[group.table]
                taken = {place for table, place in claimed if table == group.table}
                draft = _read_crossing(item, view, group, placement[column], taken, labelled)
                if draft is not None:
                    drafts[item.name] = draft
    return drafts


def _read_crossing(
    item: FieldDeclaration,
    view: TableView,
    group: FoundGroup,
    place: ColumnPlace,
    taken: set[Place],
    labelled: Labelled,
) -> FieldDraft | None:
    """The cell of a column in the row that opens with a key that is not ``taken``.

    Without one, in the first row below the group that looks like a row of totals.
    """
    below = max((row for row, _ in group.claimed), default=-1)
    keys = [
        (view.similarity(cell, IN_ROW + item.name), cell)
        for cell in view.grid.cells
        if cell.column < place.columns.start and _place(cell) not in taken
    ]
    known = sorted((k for k in keys if k[0] > 0), key=lambda k: (-k[0], -k[1].row))
    totals = [
        (0.0, cell)
        for _, cell in keys
        if cell.row > below and (cell.row in group.totals or _runs_up_to(view, cell, place))
    ]
    for similarity, key in (*known, *totals):
        cells = [cell for cell in view.covering(key.row, place.columns) if cell != key]
        filled = [cell for cell in cells if cell.words] or cells
        if filled and (similarity or _fits(item, filled[0].text)):
            candidate = _Candidate(0.0, item.name, view, filled[0], similarity)
            return _cell_draft(item, candidate, labelled)
    return None


def _runs_up_to(view: TableView, cell: Cell, place: ColumnPlace) -> bool:
    """One cell over most columns left of a group's column, in a row of its own: a total."""
    room = place.columns.start
    right = view.at.get((cell.row, place.columns.start))
    own_row = cell.rowspan == 1 and right is not None and right.row == cell.row
    return own_row and room > 2 and 2 * cell.colspan > room


def _find_inline(
    declaration: FormDeclaration,
    views: Sequence[TableView],
    lines: Sequence[PrintedLine],
    labelled: Labelled,
    claimed: set[tuple[int, Place]],
) -> dict[str, FieldDraft]:
    """Fields that share a cell or a loose line with their key."""
    owners = {key: item for item in declaration.fields for key in item.inline_keys}
    cells = [
        PrintedLine(cell.words, view, cell)
        for view in views
        for cell in view.grid.cells
        if cell.words and (view.index, _place(cell)) not in claimed
    ]
    drafts: dict[str, FieldDraft] = {}
    loose = [line for line in lines if line.cell is None]
    for line in (*cells, *loose):
        for pair in split_inline(line.words, tuple(owners)):
            item = next(owner for key, owner in owners.items() if plain(key) == pair.key)
            if item.name not in drafts:
                drafts[item.name] = _inline_draft(item, line, pair.value, pair.words, labelled)
    for line in loose:
        for name, words in _beside_keys(declaration, line):
            if name not in drafts:
                text = "".join(word.text for word in words)
                item = declaration.field(name)
                drafts[name] = _inline_draft(item, line, text, words, labelled)
    return drafts


def _beside_keys(
    declaration: FormDeclaration, line: PrintedLine
) -> Iterator[tuple[str, tuple[Word, ...]]]:
    """Fields of which a word of ``line`` is the key as it stands, and the words up to the next:
    a row of a table of which the scan lost the rulings."""
    names = {item.name for item in declaration.fields if not item.outside}
    keys = declared_keys(declaration)
    places: list[tuple[int, str]] = []
    for number, word in enumerate(line.words):
        exact = keys.exact(word.text)
        if len(exact) == 1 and exact[0] in names:
            places.append((number, exact[0]))
    for (number, name), (end, _) in pairwise([*places, (len(line.words), "")]):
        if end > number + 1:
            yield name, line.words[number + 1 : end]


def _inline_draft(
    item: FieldDeclaration,
    line: PrintedLine,
    text: str,
    words: tuple[Word, ...],
    labelled: Labelled,
) -> FieldDraft:
    source = words_source(words)
    quality = 1.0
    if line.view is not None and line.cell is not None:
        quality = line.cell.quality
        source = replace(source, table=line.view.index, row=line.cell.row, column=line.cell.column)
    evidence = find_label_evidence(words, labelled, item.name)
    return FieldDraft(
        text=text,
        value=text_to_value(text, item.kind, item.choices),
        source=source,
        words=words,
        key_match=1.0,
        # The word also holds the key, so a label of the key is no sign against the field.
        label=evidence if evidence.log_odds > 0 else LabelEvidence(),
        quality=quality,
    )


def _place(cell: Cell) -> Place:
    return cell.row, cell.column
