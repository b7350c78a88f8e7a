"""Groups of rows: from header cells, labels and row texts to rows of drafts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extraction.declarations import FormDeclaration, GroupDeclaration
from extraction.fields.drafts import FieldDraft, Row, group_draft
from extraction.fields.key_match import CHOICE, END, SECTION, comparable
from extraction.fields.label_evidence import Labelled, best_label
from extraction.fields.pair_rows import find_pair_rows
from extraction.fields.segments import (
    HeaderBlock,
    Placement,
    carry_placement,
    cell_under,
    place_columns,
    split_blocks,
)
from extraction.fields.table_view import Place, TableView, is_second_half
from extraction.grid.join import column_lines
from extraction.values import Cell

_HEADERS_WANTED = 0.4
"""Share of a group's headers that make a header row of it."""
_REPEATED_HEADER = 0.75
"""Of the best header's score: a header that matches as well is the same one, read worse."""


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """Lines of a group in one grid, in print order, with the block that each stands in.

    Not yet mended where a page ends: a line may hold but the end of a row.

    ``placements`` has one entry per block of columns; ``claimed`` are the places of all
    cells that are headers or values of the group. ``totals`` are rows of the grid with one cell
    over all names.
    """

    name: str
    table: int
    rows: tuple[Row, ...]
    blocks: tuple[int, ...]
    placements: tuple[Placement, ...]
    claimed: frozenset[Place]
    totals: tuple[int, ...] = ()


def find_groups(
    declaration: FormDeclaration, views: Sequence[TableView], labelled: Labelled
) -> tuple[FoundGroup, ...]:
    """The groups of a form in all grids, grid by grid in the declaration's order."""
    found: list[FoundGroup] = []
    for view in views:
        headers = find_headers(declaration, view)
        found += [_read_under_headers(declaration, view, block, labelled) for block in headers]
        for group in declaration.groups:
            if any(block.group.name == group.name for block in headers):
                continue
            taken = {
                place for other in found if other.table == view.index for place in other.claimed
            }
            if group.pairs is not None:
                rows, claimed = find_pair_rows(view, group, group.pairs, taken, labelled)
                if rows:
                    blocks = (0,) * len(rows)
                    found.append(FoundGroup(group.name, view.index, rows, blocks, (), claimed))
            else:
                before = _continued(found, group, views, view)
                carried = _read_carried(declaration, view, group, before, labelled)
                found += carried or _read_by_labels(declaration, view, group, taken, labelled)
    return tuple(found)


def find_headers(declaration: FormDeclaration, view: TableView) -> tuple[HeaderBlock, ...]:
    """The header rows of groups, each group once per grid: where most headers match.

    Of a header that is printed again on each page the first counts, though a later one may
    have been read better.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    for row in range(view.grid.rows):
        scored = [(_header_score(view, row, group), group) for group in declaration.groups]
        score, group = max(scored, key=lambda item: item[0], default=(0.0, None))
        if group is not None and score > 0:
            found.setdefault(group.name, []).append((row, score))
    first = {name: _first_of_the_best(rows) for name, rows in found.items()}
    blocks = (
        _header_block(view, declaration.group(name), row)
        for name, row in sorted(first.items(), key=lambda item: item[1])
    )
    return tuple(block for block in blocks if block.segments)


def _first_of_the_best(rows: Sequence[tuple[int, float]]) -> int:
    best = max(score for _, score in rows)
    return next(row for row, score in rows if score >= _REPEATED_HEADER * best)


def _header_score(view: TableView, row: int, group: GroupDeclaration) -> float:
    """Share of the group's headers that ``row`` prints; 0 where they are too few."""
    keyed = {f"{group.name}.{column.name}" for column in group.columns if column.keys}
    best: dict[str, float] = {}
    for cell in view.starting_in(row):
        for match in view.matches_of(cell):
            if match.target in keyed:
                best[match.target] = max(best.get(match.target, 0.0), match.similarity)
    if len(best) < max(2, math.ceil(_HEADERS_WANTED * len(keyed))):
        return 0.0
    return sum(best.values()) / len(keyed)


def _header_block(view: TableView, group: GroupDeclaration, row: int) -> HeaderBlock:
    targets = [f"{group.name}.{column.name}" for column in group.columns]
    headers = [
        cell
        for cell in view.starting_in(row)
        if any(view.similarity(cell, target) > 0 for target in targets)
    ]
    heights = Counter(cell.rowspan for cell in headers)
    # Of two that are as common the lesser: a section's name may read like a header.
    body = row + min(heights, key=lambda height: (-heights[height], height))
    row = min(
        cell.row
        for cell in view.covering(body - 1, range(view.grid.columns))
        if cell in headers or any(view.similarity(cell, target) > 0 for target in targets)
    )
    segments = [
        cell.columns
        for cell in view.covering(body - 1, range(view.grid.columns))
        if cell.rows.stop <= body
    ]
    return HeaderBlock(group, range(row, body), tuple(segments))


def _read_under_headers(
    declaration: FormDeclaration, view: TableView, block: HeaderBlock, labelled: Labelled
) -> FoundGroup:
    body = tuple(_body_rows(declaration, view, block))
    placements = _place_blocks(view, block, body, labelled)
    return _found_group(view, block, placements, body, labelled)


def _place_blocks(
    view: TableView, block: HeaderBlock, body: Sequence[int], labelled: Labelled
) -> tuple[Placement, ...]:
    blocks = split_blocks(view, block)
    placements = tuple(
        place_columns(view, block.group, block.rows, segments, body, labelled)
        for segments in blocks
    )
    return tuple(placement for placement in placements if placement)


def _found_group(
    view: TableView,
    block: HeaderBlock,
    placements: tuple[Placement, ...],
    body: Sequence[int],
    labelled: Labelled,
) -> FoundGroup:
    group = block.group
    claimed = {
        (cell.row, cell.column)
        for row in block.rows
        for segment in block.segments
        for cell in view.covering(row, segment)
    }
    rows: list[tuple[int, Row]] = []
    totals: list[int] = []
    for number in body:
        for side, placement in enumerate(placements):
            if _is_total(view, group, placement, number):
                totals.append(number)
                continue
            cells = {
                name: cell_under(view, number, place.columns, block.segments)
                for name, place in placement.items()
            }
            used = {(cell.row, cell.column) for cell in cells.values() if cell is not None}
            if _is_continuation(view, group, cells, number):
                claimed |= used
                continue
            row = _read_row(view, group, placement, cells, labelled)
            if any(draft.text for draft in row.values()):
                rows.append((side, row))
            if any(row[name].text for name in group.row_by):
                claimed |= used
    return FoundGroup(
        group.name,
        view.index,
        tuple(row for _, row in rows),
        tuple(side for side, _ in rows),
        placements,
        frozenset(claimed),
        tuple(totals),
    )


def _read_row(
    view: TableView,
    group: GroupDeclaration,
    placement: Placement,
    cells: dict[str, Cell | None],
    labelled: Labelled,
) -> Row:
    row = {}
    for column in group.columns:
        cell = cells.get(column.name)
        if cell is None:
            row[column.name] = FieldDraft()
        else:
            header = placement[column.name].header
            row[column.name] = group_draft(view, group, column.name, cell, labelled, header)
    return row


def _is_total(view: TableView, group: GroupDeclaration, placement: Placement, row: int) -> bool:
    """One cell over all columns whose cells are merged over rows: whatever it says, it names no
    row of the group."""
    names = [column.name for column in group.columns if column.merged and column.name in placement]
    covering = {view.at.get((row, placement[name].columns.start)) for name in names}
    return len(names) > 1 and len(covering) == 1 and None not in covering


def _is_continuation(
    view: TableView, group: GroupDeclaration, cells: dict[str, Cell | None], row: int
) -> bool:
    """The second half of a row that a page break cuts in two."""
    own = [cell for name in group.row_by if (cell := cells.get(name)) and cell.row == row]
    return bool(own) and all(is_second_half(view, cell) for cell in own)


def _body_rows(declaration: FormDeclaration, view: TableView, block: HeaderBlock) -> Iterator[int]:
    """Rows below the header up to the first that belongs to something else."""
    width = sum(len(segment) for segment in block.segments)
    section = _section_cell(view, block)
    for row in range(block.rows.stop, view.grid.rows):
        if _ends_group(declaration, view, block, row):
            return
        if section is not None and _starts_section(view, block.group, section, row):
            return
        if _header_score(view, row, block.group) > 0 or _is_wide(view, block, row, width):
            continue
        yield row


def _section_cell(view: TableView, block: HeaderBlock) -> Cell | None:
    """The cell left of the segments that names the group and runs down beside it."""
    left = block.segments[0].start
    cell = view.at.get((block.rows.stop - 1, left - 1)) if left else None
    return cell if cell is not None and cell.rows.stop > block.rows.stop else None


def _starts_section(view: TableView, group: GroupDeclaration, section: Cell, row: int) -> bool:
    """Another section, not this one once more on its next page, one of them perhaps misread."""
    cell = view.at.get((row, section.column))
    if cell is None or cell.row != row or cell.continues or not cell.words:
        return False
    if any(match.target == SECTION + group.name for match in view.matches_of(cell)):
        return False
    return cell.column == section.column and comparable(cell.text) != comparable(section.text)


def _ends_group(
    declaration: FormDeclaration, view: TableView, block: HeaderBlock, row: int
) -> bool:
    """``row`` opens with an end key, a key of a field or another section, or is its header.

    Where the scan cut the cell of an end key, what comes before it is blank.
    """
    group = block.group
    others = [other for other in declaration.groups if other.name != group.name]
    own_score = _header_score(view, row, group)
    if own_score or any(_header_score(view, row, other) for other in others):
        return any(_header_score(view, row, other) > own_score for other in others)
    ending = {item.name for item in declaration.fields if item.keys}
    ending |= {SECTION + other.name for other in others}
    own = {f"{group.name}.{column.name}" for column in group.columns}
    for cell in view.starting_in(row):
        exact = {m.target for m in view.matches_of(cell) if m.similarity == 1.0}
        if END + group.name in exact:
            return True
        opens = cell.column <= block.segments[0].start
        usual = any(target.startswith(CHOICE + group.name) for target in exact)
        if opens and exact & ending and not exact & own and not usual:
            return True
        if cell.words and not opens:
            return False
    return False


def _is_wide(view: TableView, block: HeaderBlock, row: int, width: int) -> bool:
    """One cell over most of the segments: a note between rows."""
    if len(block.segments) < 3:
        return False
    spans = [
        sum(segment.start in cell.columns for segment in block.segments)
        for cell in view.starting_in(row)
    ]
    return bool(width) and max(spans, default=0) > 0.6 * len(block.segments)


def _continued(
    found: Sequence[FoundGroup],
    group: GroupDeclaration,
    views: Sequence[TableView],
    view: TableView,
) -> tuple[FoundGroup, TableView] | None:
    """The part of the group right before ``view``, where that starts a new page."""
    parts = [part for part in found if part.name == group.name and part.placements]
    if not parts or parts[-1].table != view.index - 1:
        return None
    before = views[view.index - 1]
    runs_on = before.grid.pages[-1] < view.grid.pages[0]
    return (parts[-1], before) if runs_on else None


def _read_carried(
    declaration: FormDeclaration,
    view: TableView,
    group: GroupDeclaration,
    before: tuple[FoundGroup, TableView] | None,
    labelled: Labelled,
) -> list[FoundGroup]:
    """Rows of a table that was not joined with its part on the page before."""
    if before is None:
        return []
    part, upper = before
    lines, onto = column_lines(upper.grid), column_lines(view.grid)
    placements = tuple(
        carried
        for placement in part.placements
        if (carried := carry_placement(placement, lines, onto)) is not None
    )
    if len(placements) != len(part.placements):
        return []
    segments = {place.columns for carried in placements for place in carried.values()}
    ordered = tuple(sorted(segments, key=lambda segment: segment.start))
    block = HeaderBlock(group, range(0, 0), ordered)
    body = tuple(_body_rows(declaration, view, block))
    found = _found_group(view, block, placements, body, labelled)
    return [found] if found.rows else []


def _read_by_labels(
    declaration: FormDeclaration,
    view: TableView,
    group: GroupDeclaration,
    taken: set[Place],
    labelled: Labelled,
) -> list[FoundGroup]:
    """Rows without a header, by the labels of their words alone."""
    names = {f"{group.name}.{column.name}" for column in group.columns}
    wanted = min(3, len(names))
    counts = {
        row: {
            label
            for cell in view.starting_in(row)
            if (cell.row, cell.column) not in taken
            and (label := best_label(cell.words, labelled)) in names
        }
        for row in range(view.grid.rows)
    }
    rows = [row for row, labels in counts.items() if len(labels) >= wanted]
    if not rows:
        return []
    model = max(rows, key=lambda row: len(view.covering(row, range(view.grid.columns))))
    segments = tuple(cell.columns for cell in view.covering(model, range(view.grid.columns)))
    block = HeaderBlock(group, range(rows[0], rows[0]), segments)
    body = [row for row in _body_rows(declaration, view, block) if row <= rows[-1] or counts[row]]
    placement = place_columns(view, group, block.rows, segments, body, labelled)
    if not placement:
        return []
    return [_found_group(view, block, (placement,), body, labelled)]
