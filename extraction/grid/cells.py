"""Words into cells: each word belongs to exactly one cell, or to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from extraction.values import Grid, Word


def words_into_cells(
    words: Sequence[Word], grids: Sequence[Grid]
) -> tuple[tuple[Grid, ...], tuple[Word, ...]]:
    """``grids`` with each word in the cell around its middle, and the words left over.

    The order of ``words`` is the reading order and is kept within a cell.
    """
    places: dict[tuple[int, int], list[Word]] = {}
    loose = []
    for word in words:
        place = _find_place(word, grids)
        if place is None:
            loose.append(word)
        else:
            places.setdefault(place, []).append(word)
    filled = tuple(
        replace(
            grid,
            cells=tuple(
                replace(cell, words=tuple(places.get((number, index), ())))
                for index, cell in enumerate(grid.cells)
            ),
        )
        for number, grid in enumerate(grids)
    )
    return filled, tuple(loose)


def _find_place(word: Word, grids: Sequence[Grid]) -> tuple[int, int] | None:
    """Grid and cell by their index; the smallest cell where a table lies in another."""
    x, y = word.box.center
    around = [
        (cell.box.area, number, index)
        for number, grid in enumerate(grids)
        for index, cell in enumerate(grid.cells)
        if cell.box.contains_point(x, y)
    ]
    return min(around)[1:] if around else None
