"""Which columns of a grid carry which column of a group.

A *segment* is a run of grid columns under one header cell. Each declared column goes to
the segment that its header, the labels of the words below it and their texts speak for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from extraction.declarations import ColumnDeclaration, GroupDeclaration
from extraction.fields.key_match import CHOICE
from extraction.fields.label_evidence import Labelled, find_label_evidence
from extraction.fields.table_view import TableView
from extraction.normalise import says_nothing, text_to_quantity
from extraction.values import Cell

_HEADER_WEIGHT = 6.0
_CHOICE_WEIGHT = 4.0
_KIND_WEIGHT = 1.0
_LEAST_EVIDENCE = 1.5
_ROWS_LOOKED_AT = 12
_SAME_LINE = 0.015
_REPEATED = 2
"""One header twice is a slip; two of them are a second block."""


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """The header rows of a group in a grid: ``rows`` of it, body from ``rows.stop``."""

    group: GroupDeclaration
    rows: range
    segments: tuple[range, ...]


@dataclass(frozen=True, slots=True)
class ColumnPlace:
    """The grid columns of a declared column and how well its header matched."""

    columns: range
    header: float


Placement = Mapping[str, ColumnPlace]


def header_similarity(view: TableView, rows: range, segment: range, target: str) -> float:
    """The best match of a header cell over ``segment`` with ``target``."""
    cells = (cell for row in rows for cell in view.covering(row, segment))
    return max((view.similarity(cell, target) for cell in cells if cell.row in rows), default=0.0)


def split_blocks(view: TableView, block: HeaderBlock) -> tuple[tuple[range, ...], ...]:
    """Segments of each block, where headers repeat from left to right.

    Segments left of the first repeated header are shared: they stand in every block, and
    the assignment drops those that a block has of its own. A block whose first headers were
    misread begins before the one that is seen to repeat.
    """
    names = [_header_name(view, block, segment) for segment in block.segments]
    starts = [k for k, name in enumerate(names) if name is not None and names.index(name) < k]
    if len({names[k] for k in starts}) < _REPEATED:
        return (block.segments,)
    repeated = names.index(names[starts[0]])
    width = starts[0] - repeated
    lacking = -(len(names) - repeated) % width
    if lacking <= repeated and not any(names[starts[0] - lacking : starts[0]]):
        repeated -= lacking
    shared = block.segments[:repeated]
    own = block.segments[repeated:]
    parts = [own[k : k + width] for k in range(0, len(own), width)]
    return tuple((*shared, *part) for part in parts if len(part) == width)


def _header_name(view: TableView, block: HeaderBlock, segment: range) -> str | None:
    similarities = {
        column.name: header_similarity(
            view, block.rows, segment, f"{block.group.name}.{column.name}"
        )
        for column in block.group.columns
    }
    best = max(similarities, key=lambda name: similarities[name])
    tied = [name for name in similarities if similarities[name] == similarities[best]]
    return best if similarities[best] > 0 and len(tied) == 1 else None


def place_columns(
    view: TableView,
    group: GroupDeclaration,
    header_rows: range,
    segments: Sequence[range],
    body: Sequence[int],
    labelled: Labelled,
) -> Placement:
    """The best one-to-one assignment of declared columns to segments."""
    if not segments:
        return {}
    headers = np.array(
        [
            [header_similarity(view, header_rows, s, f"{group.name}.{c.name}") for s in segments]
            for c in group.columns
        ]
    )
    below = [_cells_below(view, segment, segments, body) for segment in segments]
    scores = _HEADER_WEIGHT * headers
    for k, column in enumerate(group.columns):
        for j, cells in enumerate(below):
            scores[k, j] += _body_score(view, group.name, column, cells, labelled)
    # By its full name, which loads that part of scipy once it is needed.
    rows, columns = scipy.optimize.linear_sum_assignment(np.maximum(scores, 0.0), maximize=True)
    return {
        group.columns[k].name: ColumnPlace(segments[j], float(headers[k, j]))
        for k, j in zip(rows, columns, strict=True)
        if scores[k, j] >= _LEAST_EVIDENCE
    }


def carry_placement(
    placement: Placement, lines: Sequence[float], onto: Sequence[float]
) -> Placement | None:
    """The same columns in the part of a table that stands on the next page.

    ``lines`` and ``onto`` are the column lines of both parts. None where they differ.
    """
    carried = {}
    for name, place in placement.items():
        ends = [_nearest(lines[k], onto) for k in (place.columns.start, place.columns.stop)]
        if None in ends:
            return None
        start, stop = (end for end in ends if end is not None)
        if start < stop:
            carried[name] = ColumnPlace(range(start, stop), place.header)
    return carried if len(carried) == len(placement) else None


def _nearest(line: float, lines: Sequence[float]) -> int | None:
    best = min(range(len(lines)), key=lambda k: abs(lines[k] - line))
    return best if abs(lines[best] - line) <= _SAME_LINE else None


def cell_under(view: TableView, row: int, segment: range, segments: Sequence[range]) -> Cell | None:
    """The cell of ``row`` that belongs to ``segment``: it overlaps no other one more.

    Where several do, the first filled one.
    """
    own = []
    for cell in view.covering(row, segment):
        shares = [(_overlap(cell, other), -other.start) for other in segments]
        if max(shares) == (_overlap(cell, segment), -segment.start):
            own.append(cell)
    return next((cell for cell in own if cell.words), own[0] if own else None)


def _overlap(cell: Cell, segment: range) -> int:
    return len(range(max(cell.column, segment.start), min(cell.columns.stop, segment.stop)))


def _cells_below(
    view: TableView, segment: range, segments: Sequence[range], body: Sequence[int]
) -> list[Cell]:
    found = {}
    for row in body:
        cell = cell_under(view, row, segment, segments)
        if cell is not None and cell.words:
            found[cell.row, cell.column] = cell
            if len(found) == _ROWS_LOOKED_AT:
                break
    return list(found.values())


def _body_score(
    view: TableView,
    group: str,
    column: ColumnDeclaration,
    cells: Sequence[Cell],
    labelled: Labelled,
) -> float:
    """Labels, usual texts and readable numbers below a header; about -2 to 8."""
    if not cells:
        return 0.0
    label = f"{group}.{column.name}"
    odds = [find_label_evidence(cell.words, labelled, label).log_odds for cell in cells]
    usual = [view.similarity(cell, CHOICE + label) for cell in cells]
    score = float(np.clip(np.mean(odds), -1.5, 4.0)) + _CHOICE_WEIGHT * float(np.mean(usual))
    if column.kind in ("number", "percent"):
        fits = [
            says_nothing(cell.text) or text_to_quantity(cell.text, column.kind) is not None
            for cell in cells
        ]
        score += _KIND_WEIGHT * (2.0 * float(np.mean(fits)) - 1.0)
    return score
