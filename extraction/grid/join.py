"""Join a table that runs on over a page break, keeping every row, page and box.

Two grids are one table when nothing but page furniture stands between them and their
columns agree. The columns of the joined table are the union of both pages' column lines;
its rows are the rows of the one followed by the rows of the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extraction.values import Cell, Grid, PageReading, Word

_EDGE = r"[-—–_·.,，、/|\s]*"
_FURNITURE = re.compile(
    rf"{_EDGE}((第?\s*\d+\s*页?|[共/]\s*\d+\s*页?|page|of){_EDGE})+"
    rf"|{_EDGE}(接?[上下续]页|续表?|[（(]续表?[)）]|[-—–]){_EDGE}",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"[≥≤<>]?\d[\d,]*(\.\d+)?%?|[-—–/]")
"""A number, or the sign for none."""
_SENTENCE_END = tuple("。；;！!？?")
_SHORTEST_RUN = 8
"""Characters of a text that may run on; shorter ones fit into their cell."""


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """Shares of the table's width."""

    same_line: float = 0.009
    agreeing: float = 0.6
    same_width: float = 0.06


def join_grids(
    readings: Sequence[PageReading], settings: JoinSettings | None = None
) -> tuple[Grid, ...]:
    """All grids of a document; those that run on over a page break joined into one."""
    settings = settings or JoinSettings()
    grids: list[Grid] = []
    before: PageReading | None = None
    for reading in readings:
        here = list(reading.grids)
        if grids and here and before is not None and before.grids:
            reason = why_joined(before, grids[-1], reading, settings)
            if reason is not None:
                grids[-1] = join_two(grids[-1], here.pop(0), reason, settings)
        grids.extend(here)
        before = reading
    return tuple(grids)


def why_joined(
    before: PageReading, upper: Grid, after: PageReading, settings: JoinSettings
) -> str | None:
    """The reason to join ``upper`` with the first grid of ``after``; None to keep apart."""
    lower = after.grids[0]
    if upper.pages[-1] != before.number or after.number != before.number + 1:
        return None
    if not (upper.ruled and lower.ruled) or are_apart(before, upper, after):
        return None
    upper_box, lower_box = upper.box_on(before.number), lower.box_on(after.number)
    wide, narrow = upper_box.width / before.width, lower_box.width / after.width
    if abs(wide - narrow) > settings.same_width * wide:
        return None
    first, second = column_lines(upper), column_lines(lower)
    same = sum(any(abs(a - b) <= settings.same_line for a in first) for b in second[1:-1])
    inner = len(second) - 2
    if inner and same < settings.agreeing * inner:
        return None
    return (
        f"{same} of {inner} inner column lines on page {after.number} continue those of page "
        f"{before.number}, and nothing but page furniture stands between"
    )


def are_apart(before: PageReading, upper: Grid, after: PageReading) -> bool:
    """Whether more than page furniture stands between ``upper`` and the first grid ``after``."""
    bottom = upper.box_on(before.number).bottom
    top = after.grids[0].box_on(after.number).top
    below = [word for word in before.loose_words if word.box.center[1] > bottom]
    above = [word for word in after.loose_words if word.box.center[1] < top]
    return not all(is_furniture(word) for word in [*below, *above])


def is_furniture(word: Word) -> bool:
    """Page numbers and the like, which may stand between the parts of one table."""
    return _FURNITURE.fullmatch(word.text) is not None


def join_two(upper: Grid, lower: Grid, reason: str, settings: JoinSettings) -> Grid:
    """One grid of all rows of both; ``upper`` may itself be a joined one."""
    first, second = column_lines(upper), column_lines(lower)
    lines = list(first)
    for line in second:
        if min(abs(line - known) for known in lines) > settings.same_line:
            lines.append(line)
    lines.sort()
    above = [_onto(cell, first, lines, 0) for cell in upper.cells]
    below = mark_continued(above, [_onto(cell, second, lines, upper.rows) for cell in lower.cells])
    joined = Grid(
        rows=upper.rows + lower.rows,
        columns=len(lines) - 1,
        cells=(*above, *below),
        joined_because=reason
        if upper.joined_because is None
        else f"{upper.joined_because}; {reason}",
    )
    assert len(joined.cells) == len(upper.cells) + len(lower.cells)
    return joined


def mark_continued(above: Sequence[Cell], below: Sequence[Cell]) -> list[Cell]:
    """Mark the cells after the break, and after a repeated header, that are second halves."""
    last = max(cell.rows[-1] for cell in above)
    first = _first_row_of_body(above, below)
    enders = {
        (cell.column, cell.colspan): _with_first_half(cell, above)
        for cell in above
        if cell.rows[-1] == last
    }
    row_is_cut = _row_is_cut(enders, [cell for cell in below if cell.row == first])
    marked = []
    for cell in below:
        half = enders.get((cell.column, cell.colspan)) if cell.row == first else None
        cut = half is not None and (row_is_cut or _is_cut(half, cell))
        marked.append(replace(cell, continues=True) if cut else cell)
    return marked


def _with_first_half(cell: Cell, above: Sequence[Cell]) -> Cell:
    """A blank second half with the words of the half before it: a cell may run over a page."""
    while cell.continues and not cell.words:
        same = [
            one
            for one in above
            if (one.column, one.colspan) == (cell.column, cell.colspan) and one.row < cell.row
        ]
        if not same:
            break
        half = max(same, key=lambda one: one.row)
        cell = replace(cell, row=half.row, words=half.words, continues=half.continues)
    return cell


def _first_row_of_body(above: Sequence[Cell], below: Sequence[Cell]) -> int:
    """The first row after the break that does not print a row of the first page again."""
    printed = {_row_texts(above, row) for row in {cell.row for cell in above}}
    rows = sorted({cell.row for cell in below})
    for row in rows:
        texts = _row_texts(below, row)
        if len(texts) < 2 or texts not in printed:
            return row
    return rows[0]


def _row_texts(cells: Sequence[Cell], row: int) -> frozenset[tuple[int, str]]:
    return frozenset((cell.column, cell.text) for cell in cells if cell.row == row and cell.words)


def _is_cut(upper: Cell, lower: Cell) -> bool:
    """A merged cell whose text is printed on one side of the break, or on both."""
    if upper.rowspan == 1 and lower.rowspan == 1:
        return False
    printed = (bool(upper.text), bool(lower.text))
    return upper.text == lower.text if all(printed) else any(printed)


def _row_is_cut(enders: dict[tuple[int, int], Cell], firsts: Sequence[Cell]) -> bool:
    """The break cuts through a line of the table: a sentence runs on, the rest is blank."""
    pairs = [
        (enders[key], cell)
        for cell in firsts
        if (key := (cell.column, cell.colspan)) in enders
        and cell.rowspan == enders[key].rowspan == 1
    ]
    runs_on = [
        a
        for a, b in pairs
        if b.text and len(a.text) >= _SHORTEST_RUN and not a.text.endswith(_SENTENCE_END)
    ]
    left_blank = [a for a, b in pairs if a.text and not b.text]
    new = [b for a, b in pairs if b.text and not a.text]
    # What is so short is printed on one side of a break; two entries belong to two rows.
    entered = any(_ENTRY.fullmatch(a.text) and _ENTRY.fullmatch(b.text) for a, b in pairs)
    return bool(runs_on) and not new and not entered and len(left_blank) >= len(runs_on)


def _onto(cell: Cell, columns: Sequence[float], lines: Sequence[float], rows_above: int) -> Cell:
    """The cell numbered over the joined table's column lines."""

    def nearest(line: float) -> int:
        return min(range(len(lines)), key=lambda k: abs(lines[k] - line))

    left = nearest(columns[cell.column])
    right = nearest(columns[cell.column + cell.colspan])
    return replace(cell, row=cell.row + rows_above, column=left, colspan=max(1, right - left))


def column_lines(grid: Grid) -> tuple[float, ...]:
    """The column lines from left to right, as shares of the table's width."""
    borders: list[list[float]] = [[] for _ in range(grid.columns + 1)]
    boxes = {page: grid.box_on(page) for page in grid.pages}
    for cell in grid.cells:
        box = boxes[cell.page]
        borders[cell.column].append((cell.box.x0 - box.x0) / box.width)
        borders[cell.columns.stop].append((cell.box.x1 - box.x0) / box.width)
    return tuple(sum(places) / len(places) if places else -1.0 for places in borders)
