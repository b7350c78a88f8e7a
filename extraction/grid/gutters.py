"""Columns of a table without vertical rulings: white gutters that hold over many lines.

The finder of text runs words of neighbouring columns together; where the gutter shows in
the other lines and the text is too short for its box, such a word is taken apart again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from math import comb
from statistics import median
from typing import NamedTuple

import numpy as np

from extraction.values import Box, Word

Line = tuple[Word, ...]

BRIDGING = 0.3
"""Share of the lines beside a word that show a gutter under it, if it spans columns."""

LINES_PER_CROSSING = 12
NARROW_GUTTER, WIDE_GUTTER = 0.2, 0.7
"""In heights of a line; the narrow one where ``MANY_LINES`` agree on it."""

MANY_LINES = 6
LOOSE_HEIGHT = 1.15
"""In usual heights: a box that high has kept its margin."""

MARGIN = 2.5
"""In ems: the widest margin that a box keeps."""

LONGEST_SPACED = 3
"""Characters of a text that may be set wide apart, yet stands in one column."""

MOST_WAYS = 2000
LONGEST_MERGED = 5
"""Columns that one word may run through, and still be taken apart."""


class Column(NamedTuple):
    """The x range of a column's ink."""

    x0: float
    x1: float


def lines_to_columns(lines: Sequence[Line], height: float) -> list[Column]:
    """The columns that the words of ``lines`` stand in, from the left."""
    em = find_em([word for line in lines for word in line], height)
    lines = [tuple(part for word in line for part in split_at_blanks(word, em)) for line in lines]
    spanning = find_spanning(lines, height)
    plain = [word for line in lines for word in line if word not in spanning]
    least = (NARROW_GUTTER if len(lines) >= MANY_LINES else WIDE_GUTTER) * height
    cores = _covered([w.box for w in plain], len(lines) // LINES_PER_CROSSING, least)
    return _with_sparse(cores, plain, lines, least)


def find_spanning(lines: Sequence[Line], height: float) -> set[Word]:
    """Words that lie over a gutter in many of the lines with several words."""
    words = [word for line in lines for word in line]
    number = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    several = np.array([len(line) > 1 for line in lines])
    x0 = np.array([word.box.x0 for word in words])
    x1 = np.array([word.box.x1 for word in words])
    shared = np.minimum(x1[:, None], x1[None]) - np.maximum(x0[:, None], x0[None])
    under = shared > 0.5 * np.minimum(x1 - x0, height)[None]
    under &= (number[:, None] != number[None]) & several[number][None]
    in_line = (number[:, None] == np.arange(len(lines))[None]).astype(np.float32)
    spanning = np.zeros(len(words), bool)
    for _ in range(2):
        # Words of each line that lie under each word, those that span gutters left out.
        counts = (under & ~spanning[None]).astype(np.float32) @ in_line
        bridged, beside = (counts > 1).sum(axis=1), (counts > 0).sum(axis=1)
        spanning |= (bridged > 0) & (bridged >= BRIDGING * beside)
    return {words[index] for index in np.flatnonzero(spanning)}


def _overlap(one: Box, other: Box) -> float:
    return min(one.x1, other.x1) - max(one.x0, other.x0)


def _needed(box: Box, height: float) -> float:
    return 0.5 * min(box.width, height)


def _covered(boxes: Sequence[Box], crossing: int, least: float) -> list[Column]:
    """x ranges covered by more than ``crossing`` boxes, those nearer than ``least`` as one."""
    steps = sorted([(box.x0, 1) for box in boxes] + [(box.x1, -1) for box in boxes])
    columns: list[Column] = []
    depth, opened = 0, 0.0
    for x, step in steps:
        before, depth = depth, depth + step
        if before <= crossing < depth:
            opened = x
        elif depth <= crossing < before:
            if columns and opened - columns[-1].x1 <= least:
                columns[-1] = Column(columns[-1].x0, x)
            else:
                columns.append(Column(opened, x))
    return columns


def _with_sparse(
    cores: Sequence[Column], plain: Sequence[Word], lines: Sequence[Line], least: float
) -> list[Column]:
    """``cores`` as wide as their words, and the columns of few words, as under a header."""
    head = next((line for line in lines if len(line) > 2), ())
    alone = []
    grown = list(cores)
    for word in plain:
        met = [k for k, core in enumerate(cores) if _overlap(word.box, Box(*_flat(core))) > 0]
        if not met:
            alone.append(word)
        elif len(met) == 1:
            old = grown[met[0]]
            grown[met[0]] = Column(min(old.x0, word.box.x0), max(old.x1, word.box.x1))
    for sparse in _covered([word.box for word in alone], 0, least):
        shared = [min(sparse.x1, c.x1) - max(sparse.x0, c.x0) for c in grown]
        if max(shared, default=0.0) > 0.5 * (sparse.x1 - sparse.x0):
            continue
        inside = [w for w in alone if w.box.x0 >= sparse.x0 and w.box.x1 <= sparse.x1]
        if len(inside) > 1 or any(word in head for word in inside):
            grown.append(sparse)
    grown.sort()
    return [_clipped(grown, k) for k in range(len(grown))]


def _clipped(columns: Sequence[Column], k: int) -> Column:
    """Column ``k`` where a word of it reaches into a neighbour: half of what they share."""
    x0, x1 = columns[k]
    if k and columns[k - 1].x1 > x0:
        x0 = (columns[k - 1].x1 + x0) / 2
    if k + 1 < len(columns) and columns[k + 1].x0 < x1:
        x1 = (columns[k + 1].x0 + x1) / 2
    return Column(x0, max(x0, x1))


def _flat(column: Column) -> tuple[float, float, float, float]:
    return column.x0, 0.0, column.x1, 0.0


def columns_of_box(box: Box, columns: Sequence[Column], height: float) -> range:
    """The columns that ``box`` stands in, or the nearest one."""
    reached = [
        k
        for k, column in enumerate(columns)
        if _overlap(box, Box(*_flat(column))) > _needed(Box(*_flat(column)), height)
    ]
    if not reached:
        at = box.center[0]
        away = [max(column.x0 - at, at - column.x1, 0.0) for column in columns]
        nearest = min(range(len(columns)), key=lambda k: away[k])
        return range(nearest, nearest + 1)
    return range(reached[0], reached[-1] + 1)


def text_units(text: str) -> list[float]:
    """The width of each character in ems, as most faces have it."""
    return [1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.52 for c in text]


def find_em(words: Sequence[Word], height: float) -> float:
    """The type's size in pixels, from words whose text fills their boxes."""
    sizes = sorted(w.box.width / sum(text_units(w.text)) for w in words if len(w.text) >= 4)
    return min(sizes[len(sizes) // 4], 1.25 * height) if sizes else height


def find_height(words: Sequence[Word]) -> float:
    """The usual height of a line in pixels, without the margins that boxes keep."""
    height = median(word.box.height for word in words)
    return min(height, 1.1 * find_em(words, height))


def trimmed(words: Sequence[Word]) -> list[Word]:
    """``words`` with boxes as wide as their texts where the box kept its margin.

    Beside a ruling or on a filled ground the ink does not tell where a text ends.
    """
    if not words:
        return []
    height = find_height(words)
    em = find_em(words, height)
    return [_trimmed(word, em, height) for word in words]


def _trimmed(word: Word, em: float, height: float) -> Word:
    excess = word.box.width - em * sum(text_units(word.text))
    loose = word.box.height > LOOSE_HEIGHT * height or len(word.text) <= LONGEST_SPACED
    if not loose or excess <= 0.3 * em or " " in word.text:
        return word
    cut = min(excess / 2, MARGIN * em)
    return replace(word, box=word.box._replace(x0=word.box.x0 + cut, x1=word.box.x1 - cut))


def split_at_blanks(word: Word, em: float) -> tuple[Word, ...]:
    """``word`` in two where its text has a blank and its box is wide enough for a gutter."""
    texts = word.text.split()
    widths = [em * sum(text_units(text)) for text in texts]
    hidden = word.box.width - sum(widths)
    if len(texts) != 2 or hidden < 0.5 * em:
        return (word,)
    # Where they end inside is a guess; a gutter shall not be lost by it.
    left, right = (max(width - 0.3 * em, 0.3 * em) for width in widths)
    boxes = (word.box._replace(x1=word.box.x0 + left), word.box._replace(x0=word.box.x1 - right))
    return tuple(replace(word, text=text, box=box) for text, box in zip(texts, boxes, strict=True))


def split_at_gutters(lines: Sequence[Line], columns: Sequence[Column], height: float) -> list[Line]:
    """``lines`` with the words that run over gutters taken apart where their text allows."""
    em = find_em([word for line in lines for word in line], height)
    split = []
    for line in lines:
        parts = [part for word in line for part in word_to_parts(word, columns, em, height)]
        split.append(tuple(sorted(parts, key=lambda word: word.box.x0)))
    return split


def word_to_parts(
    word: Word, columns: Sequence[Column], em: float, height: float
) -> tuple[Word, ...]:
    """One word for each column that ``word`` runs through, or ``word`` if it is whole."""
    reached = [columns[k] for k in columns_of_box(word.box, columns, height)]
    if not 1 < len(reached) <= min(LONGEST_MERGED, len(word.text)):
        return (word,)
    units = text_units(word.text)
    hidden = word.box.width - em * sum(units)
    gutters = sum(b.x0 - a.x1 for a, b in pairwise(reached))
    places: Sequence[int] = range(1, len(word.text))
    likely = [k for k in places if _break_between(word.text, k) > 0]
    if len(reached) > 2:
        places = likely
    if not 0 < comb(len(places), len(reached) - 1) <= MOST_WAYS:
        return (word,)
    ways = combinations(places, len(reached) - 1)
    misfit, cuts = min((_misfit(word, units, cuts, reached, em), cuts) for cuts in ways)
    natural = all(_break_between(word.text, cut) > 0 for cut in cuts)
    if misfit > 0.8 or hidden < (-0.5 * em if natural else 0.5 * gutters):
        return (word,)
    return tuple(_parts(word, units, cuts, reached, em))


def _misfit(
    word: Word, units: Sequence[float], cuts: Sequence[int], reached: Sequence[Column], em: float
) -> float:
    """How badly parts of the text would stand in their columns, in ems."""
    ends = [0, *cuts, len(units)]
    widths = [em * sum(units[a:b]) for a, b in pairwise(ends)]
    over = max(0.0, word.box.x0 + widths[0] - reached[1].x0)
    over += max(0.0, reached[-2].x1 - (word.box.x1 - widths[-1]))
    over += sum(
        max(0.0, width - (column.x1 - column.x0) - 0.3 * em)
        for width, column in zip(widths, reached, strict=True)
    )
    return over / em - 0.3 * sum(_break_between(word.text, cut) for cut in cuts)


def _break_between(text: str, k: int) -> int:
    """2 at a blank, 1 between a number and a word, 0 within words, -1 within a number."""
    before, after = text[k - 1], text[k]
    if " " in (before, after):
        return 2 if before == " " else 0
    digits = [c.isascii() and (c.isdigit() or c in ".,%") for c in (before, after)]
    return -1 if all(digits) else int(any(digits))


def _parts(
    word: Word, units: Sequence[float], cuts: Sequence[int], reached: Sequence[Column], em: float
) -> list[Word]:
    ends = [0, *cuts, len(units)]
    parts = []
    for number, (a, b) in enumerate(pairwise(ends)):
        x0, x1 = reached[number]
        if number == 0:
            x0, x1 = word.box.x0, min(word.box.x0 + em * sum(units[a:b]), reached[1].x0)
        elif number == len(cuts):
            x0, x1 = max(word.box.x1 - em * sum(units[a:b]), reached[-2].x1), word.box.x1
        box = Box(x0, word.box.top, max(x1, x0 + 1), word.box.bottom)
        parts.append(replace(word, text=word.text[a:b].strip(), box=box))
    return [part for part in parts if part.text]
