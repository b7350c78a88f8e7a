"""A grid with its cells found by place, and the declared keys that they match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from extraction.fields.cut_keys import cut_at_keys
from extraction.fields.key_match import (
    CHOICE,
    END,
    IN_ROW,
    KeyIndex,
    KeyMatch,
    comparable,
    edit_distance,
)
from extraction.values import Box, Cell, Grid, Word, boxes_union, words_text

_FULL_LINE = 0.6

Place = tuple[int, int]
"""Row and column of a cell's upper left corner."""


@dataclass(frozen=True, slots=True)
class TableView:
    """``at`` gives the cell that covers a place; ``matches`` the keys of each filled cell;
    ``cut_labels`` the second halves of labels that page breaks cut."""

    index: int
    grid: Grid
    at: Mapping[Place, Cell]
    matches: Mapping[Place, tuple[KeyMatch, ...]]
    cut_labels: frozenset[Place] = frozenset()

    def matches_of(self, cell: Cell) -> tuple[KeyMatch, ...]:
        return self.matches.get((cell.row, cell.column), ())

    def similarity(self, cell: Cell, target: str) -> float:
        """How well ``cell`` matches a key of ``target``; 0 where it does not."""
        found = (m.similarity for m in self.matches_of(cell) if m.target == target)
        return max(found, default=0.0)

    def is_key(self, cell: Cell) -> bool:
        """Printed exactly like the key of a field, a header or a section."""
        return _is_key(self.matches_of(cell))

    def starting_in(self, row: int) -> Iterator[Cell]:
        """Cells whose first row is ``row``, from the left."""
        for column in range(self.grid.columns):
            cell = self.at.get((row, column))
            if cell is not None and (cell.row, cell.column) == (row, column):
                yield cell

    def covering(self, row: int, columns: range) -> list[Cell]:
        """The cells of ``row`` over ``columns``, from the left, each once."""
        cells = {(c.row, c.column): c for k in columns if (c := self.at.get((row, k)))}
        return list(cells.values())

    def left_of(self, cell: Cell) -> Cell | None:
        return self.at.get((cell.row, cell.column - 1))

    def right_of(self, cell: Cell) -> Cell | None:
        return self.at.get((cell.row, cell.column + cell.colspan))

    def below(self, cell: Cell) -> Cell | None:
        return self.at.get((cell.row + cell.rowspan, cell.column))


@dataclass(frozen=True, slots=True)
class CellText:
    """The text of a cell over page breaks, with the cells that print it."""

    text: str
    words: tuple[Word, ...]
    cells: tuple[Cell, ...]

    @property
    def page(self) -> int:
        return self.cells[0].page

    @property
    def box(self) -> Box:
        return boxes_union(cell.box for cell in self.cells if cell.page == self.page)


def view_tables(grids: Sequence[Grid], index: KeyIndex) -> tuple[TableView, ...]:
    return tuple(_view(number, grid, index) for number, grid in enumerate(grids))


def _view(number: int, grid: Grid, index: KeyIndex) -> TableView:
    grid = cut_at_keys(grid, lambda text: _is_key(index.find(text)))
    cut = _find_cut_labels(grid, index)
    if cut:
        cells = (replace(c, continues=c.continues or (c.row, c.column) in cut) for c in grid.cells)
        grid = replace(grid, cells=tuple(cells))
    at = _cells_by_place(grid)
    matches = {(cell.row, cell.column): index.find(cell.text) for cell in grid.cells if cell.words}
    return TableView(number, grid, at, matches, cut)


def _is_key(matches: Sequence[KeyMatch]) -> bool:
    return any(
        match.similarity == 1.0 and not match.target.startswith((CHOICE, END, IN_ROW))
        for match in matches
    )


def _cells_by_place(grid: Grid) -> dict[Place, Cell]:
    return {(r, c): cell for cell in grid.cells for r in cell.rows for c in cell.columns}


def _find_cut_labels(grid: Grid, index: KeyIndex) -> frozenset[Place]:
    """The second halves of labels whose texts a page break cuts: both halves together print
    something declared, and not each by itself the like of it."""
    if len(grid.pages) == 1:
        return frozenset()
    at = _cells_by_place(grid)

    def is_cut(cell: Cell) -> bool:
        above = at.get((cell.row - 1, cell.column))
        while above is not None and above.page == cell.page and _stands_for(above.text, index):
            # A header that is printed again.
            above = at.get((above.row - 1, cell.column))
        if above is None or not above.words or above.page >= cell.page:
            return False
        if above.columns != cell.columns:
            return False
        whole = _stands_for(above.text + cell.text, index)
        return bool(whole) and not (
            whole & _stands_for(above.text, index) and whole & _stands_for(cell.text, index)
        )

    later = (cell for cell in grid.cells if cell.words and cell.page > grid.pages[0])
    return frozenset((cell.row, cell.column) for cell in later if is_cut(cell))


def _stands_for(text: str, index: KeyIndex) -> frozenset[str]:
    return frozenset(match.target for match in index.find(text) if match.similarity == 1.0)


def cell_text(view: TableView, cell: Cell) -> CellText:
    """What a cell prints, a page break through it mended.

    Where both halves print the same, it stands once, and each half is its own source.
    """
    halves = _halves(view, cell)
    printed = [half for half in halves if half.words]
    if len(printed) > 1 and _repeats(printed) and cell.words:
        printed = [cell]
    elif len(printed) > 1 and _repeats(printed):
        printed = printed[:1]
    sources = tuple(printed or halves[:1])
    words = tuple(word for half in sources for word in half.words)
    return CellText(words_text(words), words, sources)


def _halves(view: TableView, cell: Cell) -> list[Cell]:
    halves = [cell]
    while is_second_half(view, halves[0]):
        halves.insert(0, _before_break(view, halves[0]) or halves[0])
    while (below := _after_break(view, halves[-1])) is not None and is_second_half(view, below):
        halves.append(below)
    return halves


def is_second_half(view: TableView, cell: Cell) -> bool:
    """Marked as cut by a page break, and not against the look of both halves.

    Where both print, they print the same, or the first ends with a full line.
    """
    if (cell.row, cell.column) in view.cut_labels:
        return True
    if not cell.continues or view.is_key(cell):
        return False
    above = _before_break(view, cell)
    if above is None:
        return False
    if not (above.words and cell.words):
        return True
    return _repeats((above, cell)) or runs_on(above.words, above.box)


def _before_break(view: TableView, cell: Cell) -> Cell | None:
    """The last cell above on an earlier page; a header that is printed again lies between."""
    above = view.at.get((cell.row - 1, cell.column))
    while above is not None and above.page == cell.page:
        above = view.at.get((above.row - 1, cell.column))
    return above


def _after_break(view: TableView, cell: Cell) -> Cell | None:
    """The cell below in which ``cell`` may run on, past a header that is printed again."""
    below = view.below(cell)
    while below is not None and below.page > cell.page and not below.continues:
        below = view.below(below)
    if below is None or below.page == cell.page or below.column != cell.column:
        return None
    return below if _before_break(view, below) is cell else None


def runs_on(words: Sequence[Word], box: Box) -> bool:
    """The last line of ``words`` fills ``box``, as where a sentence goes on."""
    last = max(words, key=lambda word: word.box.bottom)
    return last.box.width >= _FULL_LINE * box.width


def _repeats(cells: Sequence[Cell]) -> bool:
    first, *others = (comparable(cell.text) for cell in cells)
    limit = max(1, len(first) // 10)
    return all(edit_distance(first, other, limit) <= limit for other in others)
