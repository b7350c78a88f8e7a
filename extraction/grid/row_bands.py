"""Rows of a table without rulings, where cells wrap over lines and stand centred.

The lines are cut into rows so that in each row the cells are centred on one height, few
are blank, and a text runs on to a second line only where its first one is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from extraction.grid.gutters import Column, columns_of_box, find_em, text_units
from extraction.values import Word

ROWS_APART = 0.75
"""Of the usual distance of lines: where those of one text are nearer, rows stand apart."""

NEARLY_FULL = 0.9
"""Of the widest line of a column: those wider than that show how long a full one is."""

SAME_PITCH = 1.3

NEVER_FIRST = frozenset("，。、；：！？）》”’%％,.;:!?)")


@dataclass(frozen=True, slots=True)
class RowCosts:
    """What speaks against a row; ``highest`` in heights of a line.

    ``side_by_side`` is for each column more than one that goes on to another line before its
    last was full: so do two rows beside a name that stands between them. ``near`` speaks against
    a border between lines as near as those of one text, where rows stand farther apart.
    """

    blank: float = 0.35
    off_centre: float = 1.5
    tolerance: float = 0.12
    joined: float = 0.1
    not_full: float = 0.9
    apart: float = 1.0
    none_single: float = 1.5
    side_by_side: float = 0.6
    torn: float = 0.25
    most_torn: float = 0.5
    near: float = 0.7
    impossible: float = 100.0
    highest: float = 16.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """The words of one column at one height; ``room`` is what is left of the column's width
    after it, in ems, less what the next line starts with."""

    band: int
    centre: float
    text: str
    width: float
    spans: bool


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[tuple[_Piece, ...], ...]
    weights: tuple[float, ...]
    widths: tuple[float, ...]
    leading: float
    pitch: float
    em: float
    height: float


def words_to_rows(
    words: Sequence[Word],
    columns: Sequence[Column],
    height: float,
    costs: RowCosts | None = None,
) -> list[tuple[Word, ...]]:
    """The words of each row, from top to bottom."""
    if not words:
        return []
    costs = costs or RowCosts()
    bands = words_to_bands(words, 0.3 * height)
    table = _bands_to_table(bands, columns, height)
    torn = [_torn(table, number, costs) for number in range(len(bands))]
    centres = [median(word.box.center[1] for word in band) for band in bands]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(bands) + 1):
        ways = []
        for start in range(end - 1, -1, -1):
            if centres[end - 1] - centres[start] > costs.highest * height:
                break
            tear = torn[start - 1] if start else 0.0
            ways.append((best[start][0] + _row_cost(table, start, end, costs) + tear, start))
        best.append(min(ways))
    cuts = [len(bands)]
    while cuts[-1]:
        cuts.append(best[cuts[-1]][1])
    cuts.reverse()
    return [tuple(word for band in bands[a:b] for word in band) for a, b in pairwise(cuts)]


def words_to_bands(words: Sequence[Word], reach: float) -> list[list[Word]]:
    """Words whose middles lie within ``reach`` below the first, from top to bottom."""
    bands: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box.center[1]):
        if bands and word.box.center[1] - bands[-1][0].box.center[1] <= reach:
            bands[-1].append(word)
        else:
            bands.append([word])
    return bands


def _bands_to_table(
    bands: Sequence[Sequence[Word]], columns: Sequence[Column], height: float
) -> _Table:
    em = find_em([word for band in bands for word in band], height)
    pieces: list[list[_Piece]] = [[] for _ in columns]
    for number, band in enumerate(bands):
        for word in sorted(band, key=lambda word: word.box.x0):
            reached = columns_of_box(word.box, columns, height)
            piece = _Piece(number, word.box.center[1], word.text, word.box.width, len(reached) > 1)
            for column in reached:
                _add_piece(pieces[column], piece, height)
    pitches = sorted(b.centre - a.centre for column in pieces for a, b in pairwise(column))
    counts = [len(column) for column in pieces]
    usual = max(1, sorted(counts)[len(counts) // 3])
    return _Table(
        tuple(map(tuple, pieces)),
        tuple(min(1.0, count / usual) for count in counts),
        tuple(_full_width([p.width for p in c if not p.spans]) for c in pieces),
        _leading(pitches, height),
        median(pitches) if pitches else 1.3 * height,
        em,
        height,
    )


def _leading(pitches: Sequence[float], height: float) -> float:
    """Distance of the lines of one text: the middle of the smallest of the sorted ``pitches``,
    since specks of a fax move lines up and down."""
    if not pitches:
        return 1.3 * height
    least = max(pitches[len(pitches) // 20], 0.8 * height)
    return median([least, *(pitch for pitch in pitches if least <= pitch < SAME_PITCH * least)])


def _full_width(widths: Sequence[float]) -> float:
    """Of a line that fills its column: the middle of the longest, since a speck of a fax beside
    a line makes it wider."""
    return median(w for w in widths if w > NEARLY_FULL * max(widths)) if widths else 0.0


def _add_piece(pieces: list[_Piece], piece: _Piece, height: float) -> None:
    """``piece`` as a new line of the column, or a further part of its last line."""
    if pieces and piece.centre - pieces[-1].centre < 0.5 * height:
        last = pieces[-1]
        pieces[-1] = _Piece(
            last.band,
            last.centre,
            last.text + piece.text,
            last.width + piece.width,
            last.spans or piece.spans,
        )
    else:
        pieces.append(piece)


def _row_cost(table: _Table, start: int, end: int, costs: RowCosts) -> float:
    """What speaks against bands ``start`` … ``end`` - 1 being one row."""
    total = 0.0
    fewest, broken = 99, 0
    centres: list[tuple[float, int, float]] = []
    for number, column in enumerate(table.columns):
        inside = [piece for piece in column if start <= piece.band < end]
        weight = table.weights[number]
        if not inside:
            total += costs.blank * weight
            continue
        fewest = min(fewest, len(inside))
        centres.append(((inside[0].centre + inside[-1].centre) / 2, len(inside), weight))
        joins = [_join_cost(table, number, a, b, costs) for a, b in pairwise(inside)]
        total += sum(joins)
        broken += max(joins, default=0.0) > costs.not_full
    if not centres:
        return costs.impossible
    total += costs.side_by_side * max(0, broken - 1)
    if len(centres) > 1 and fewest > 1:
        total += costs.none_single
    single = [centre for centre, count, _ in centres if count == 1]
    middle = median(single or [centre for centre, _, _ in centres])
    for centre, _, weight in centres:
        away = abs(centre - middle) / table.height - costs.tolerance
        total += costs.off_centre * weight * min(1.0, max(0.0, away))
    return total


def _join_cost(table: _Table, column: int, upper: _Piece, lower: _Piece, costs: RowCosts) -> float:
    if upper.spans or lower.spans:
        return costs.joined
    cost = costs.joined
    if not _is_full(table, column, upper, lower):
        cost += costs.not_full
    if lower.centre - upper.centre > 1.35 * table.leading:
        cost += costs.apart
    return cost


def _is_full(table: _Table, column: int, upper: _Piece, lower: _Piece) -> bool:
    """Whether the first characters of ``lower`` would not have fitted behind ``upper``."""
    if lower.text[0] in NEVER_FIRST:
        return True
    first = 1
    while first < len(lower.text) and lower.text[: first + 1].isascii():
        first += 1
    added = sum(text_units(lower.text[:first])) * table.em
    return table.widths[column] - upper.width - added < 0.6 * table.em


def _torn(table: _Table, band: int, costs: RowCosts) -> float:
    """What speaks against a new row after ``band``: texts that seem to run on."""
    total = near = 0.0
    parted = table.leading < ROWS_APART * table.pitch
    for number, column in enumerate(table.columns):
        upper = next((piece for piece in reversed(column) if piece.band <= band), None)
        lower = next((piece for piece in column if piece.band > band), None)
        if upper is None or lower is None or upper.spans or lower.spans:
            continue
        close = lower.centre - upper.centre < 1.15 * table.leading
        if parted and close:
            near = costs.near
        if lower.text[0] in NEVER_FIRST:
            total += 2 * costs.torn
        elif close and _is_full(table, number, upper, lower):
            total += costs.torn
    return min(total, costs.most_torn) + near
