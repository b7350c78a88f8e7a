"""Which cells of a printed table are values that people confirmed, and what stands around."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from annotation.examples import ReviewedText
from extraction.values import Box, Cell, Grid, PageReading


@dataclass(frozen=True, slots=True)
class PrintedGrid:
    """One page's table. ``values`` gives the cells of each declared name, from the top."""

    at: Mapping[tuple[int, int], Cell]
    values: Mapping[str, tuple[Cell, ...]]
    value_places: frozenset[tuple[int, int]]

    def cell(self, row: int, column: int) -> Cell | None:
        return self.at.get((row, column))

    def is_value(self, cell: Cell) -> bool:
        return (cell.row, cell.column) in self.value_places

    def key_of(self, value: Cell) -> Cell | None:
        """The key left of a value and as high as it, or the one above and as wide, or else
        what begins level with it at the left."""
        left = self._key(value.row, value.column - 1)
        above = self._key(value.row - 1, value.column)
        if left is not None and left.rows == value.rows:
            return left
        if above is not None and above.columns == value.columns:
            return above
        return left if left is not None and left.row == value.row else None

    def row_key(self, value: Cell) -> Cell | None:
        """The nearest printed cell at the left that is no value, in the value's own row."""
        column = value.column - 1
        while (cell := self.cell(value.row, column)) is not None:
            if cell.words and not self.is_value(cell):
                return cell if cell.row == value.row else None
            column = cell.column - 1
        return None

    def header_of(self, value: Cell, first: int) -> Cell | None:
        """The cell over the column of ``value`` right above row ``first``."""
        cell = self.cell(first - 1, value.column)
        if cell is None or not cell.words or self.is_value(cell):
            return None
        return cell

    def left_end(self, header: Cell, first: int) -> tuple[int, Cell | None]:
        """The first column of the header row, and the cell left of it that runs down beside
        the rows, if there is one."""
        start = header.column
        while (cell := self.cell(header.rows.stop - 1, start - 1)) is not None:
            if cell.rows.stop > first:
                return start, cell if cell.words else None
            start = cell.column
        return start, None

    def _key(self, row: int, column: int) -> Cell | None:
        cell = self.cell(row, column)
        return cell if cell is not None and cell.words and not self.is_value(cell) else None


def find_printed_grids(
    readings: Sequence[PageReading], texts: Sequence[ReviewedText]
) -> Iterator[PrintedGrid]:
    for reading in readings:
        own = [text for text in texts if text.page == reading.number]
        for grid in reading.grids:
            yield _printed_grid(grid, own)


def _printed_grid(grid: Grid, texts: Sequence[ReviewedText]) -> PrintedGrid:
    at = {
        (row, column): cell for cell in grid.cells for row in cell.rows for column in cell.columns
    }
    values: dict[str, list[Cell]] = defaultdict(list)
    for text in texts:
        cell = find_cell(grid, text.box)
        if cell is not None and cell not in values[text.name]:
            values[text.name].append(cell)
    ordered = {
        name: tuple(sorted(cells, key=lambda cell: (cell.row, cell.column)))
        for name, cells in values.items()
    }
    places = frozenset((cell.row, cell.column) for cells in ordered.values() for cell in cells)
    return PrintedGrid(at, ordered, places)


def find_cell(grid: Grid, box: Box) -> Cell | None:
    """The cell that the middle of ``box`` lies in."""
    return next((cell for cell in grid.cells if cell.box.contains_point(*box.center)), None)
