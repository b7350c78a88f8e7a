"""Pixels of a page become words, each in exactly one cell or outside of all grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import cv2
import numpy as np

from extraction.ctc import Reading
from extraction.ink import WHITE, Gray, Mask, PrintInk, box_to_slice, page_to_ink
from extraction.ocr_engine import Engine, available_threads, choose_engine
from extraction.ocr_models import TextModels
from extraction.second_look import find_leftover, find_lone_sign, is_small_and_round
from extraction.signs import ROUND, close_brackets
from extraction.text_lines import (
    Line,
    cut_at_borders,
    detection_size,
    is_tilted,
    line_crop,
    lines_by_cell,
    lines_in_reading_order,
    nearest_row,
    quads_to_lines,
    rows_of,
    tight,
    usual_height,
)
from extraction.values import Box, Cell, Grid, Image, Page, Word

LEAST_SCORE = 0.35
"""Below this a reading is of a speck or of remains, not of text."""

LEAST_LEFTOVER_SCORE = 0.55
DOUBTFUL = 0.8
"""A line with a character less probable than this is read again, cut a little wider."""

PAD = 0.1
AGAIN_PAD = 0.3
HEIGHT_TO_EM = 0.72
"""A detected box is higher than the type in it."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture of one line of text and where its word will stand."""

    line: Line
    box: Box
    leftover: bool = False


class Reader:
    """Reads pages. One object per process, never shared by threads."""

    def __init__(self, engine: Engine | None = None, threads: int | None = None) -> None:
        self.engine = choose_engine(engine)
        self._models = TextModels(self.engine, threads or available_threads())
        self.version = self._models.version

    def read_words(
        self, page: Page, grids: tuple[Grid, ...]
    ) -> tuple[tuple[Grid, ...], tuple[Word, ...]]:
        """``grids`` with the words in their cells, and the words outside of all grids."""
        cells = [cell.box for grid in grids for cell in grid.cells]
        ink = page_to_ink(page.image, cells, page.dpi)
        lines = self._find_lines(ink, cells, page.dpi)
        usual = usual_height(lines, fallback=page.dpi / 72 * 10)
        crops = lines_to_crops(lines, ink, cells, usual)
        words = self._read_crops(crops, ink, usual * HEIGHT_TO_EM, page.number)
        return fill_cells(grids, words), words.get(None, ())

    def score_upright(self, crops: Sequence[Image]) -> list[float]:
        """The probability that each crop of one text line stands upright."""
        return self._models.upright(crops)

    def _find_lines(self, ink: PrintInk, cells: Sequence[Box], dpi: float) -> list[Line]:
        height, width = ink.gray.shape
        across, down = detection_size(width, height, dpi)
        small = cv2.resize(ink.gray, (across, down), interpolation=cv2.INTER_AREA)
        text_map = self._models.text_map(np.repeat(small[:, :, None], 3, axis=2))
        cut_at_borders(text_map, cells, across / width, down / height)
        return quads_to_lines(self._models.map_to_quads(text_map, height, width), cells)

    def _read_crops(
        self, crops: Sequence[Crop], ink: PrintInk, em: float, page: int
    ) -> dict[int | None, tuple[Word, ...]]:
        readings = self._models.read(
            [crop_to_picture(crop, ink.gray, ink.mask, em, PAD * em) for crop in crops]
        )
        doubtful = [
            index
            for index, reading in enumerate(readings)
            if reading.weakest < DOUBTFUL and not crops[index].leftover
        ]
        again = self._models.read(
            [
                crop_to_picture(crops[index], ink.ruled, ink.mask, em, AGAIN_PAD * em)
                for index in doubtful
            ]
        )
        for index, reading in zip(doubtful, again, strict=True):
            readings[index] = better_reading(readings[index], reading)
        words: dict[int | None, list[Word]] = {}
        for crop, reading in zip(crops, readings, strict=True):
            word = crop_to_word(crop, reading, ink, em, page)
            if word is not None:
                words.setdefault(crop.line.cell, []).append(word)
        return {cell: close_brackets(in_reading_order(found)) for cell, found in words.items()}


def lines_to_crops(
    lines: Sequence[Line], ink: PrintInk, cells: Sequence[Box], usual: float
) -> list[Crop]:
    """What to cut out of the page: every line, and ink inside cells that no line covers."""
    height, width = ink.gray.shape
    whole = Box(0.0, 0.0, float(width), float(height))
    found = lines_by_cell(lines)
    em = usual * HEIGHT_TO_EM
    crops = []
    for cell in [None, *range(len(cells))]:
        limits = whole if cell is None else cells[cell].padded(1)
        ordered = lines_in_reading_order(found.get(cell, []), ink.mask, usual)
        boxes = [line_crop(line, ordered, limits, ink.mask, em) for line in ordered]
        crops += [Crop(line, box) for line, box in zip(ordered, boxes, strict=True)]
        if cell is not None:
            covered = [box.padded(0.15 * em) for box in boxes]
            left = find_leftover(ink.mask, cells[cell], covered, em)
            crops += [leftover_to_crop(box, cell, ordered, limits, em) for box in left]
    return crops


def leftover_to_crop(box: Box, cell: int, lines: Sequence[Line], limits: Box, em: float) -> Crop:
    """A crop as high as a line around ink that no line covers, on the row where it stands.

    A full stop that wrapped onto a row of its own is told from an O by its place in the row.
    """
    row = nearest_row(box.center[1], lines, em)
    half = max(0.65 * em, abs(box.top - row), abs(box.bottom - row)) + 0.05 * em
    around = Box(box.x0 - 0.6 * em, row - half, box.x1 + 0.6 * em, row + half)
    return Crop(Line(box, cell), around.intersection(limits), leftover=True)


def better_reading(first: Reading, second: Reading) -> Reading:
    """The more probable of two readings of one line; the first where they are alike."""
    return second if second.score > first.score + 0.01 else first


def crop_to_picture(crop: Crop, gray: Gray, mask: Mask, em: float, pad: float) -> Image:
    """The pixels of ``crop``, RGB; characters that stand below each other side by side."""
    if crop.line.parts:
        parts = [_cut(gray, part.padded(2)) for part in crop.line.parts]
        height = max(part.shape[0] for part in parts)
        shown = np.hstack([_centred(part, height) for part in parts])
    elif crop.leftover:
        shown = _cut_alone(gray, crop.line.box.padded(2), crop.box)
    elif is_tilted(crop.line, em):
        shown = _cut(gray, crop.box, crop.line.slope)
    else:
        shown = cut_own_ink(gray, mask, crop.box, pad, em)
    return np.repeat(shown[:, :, None], 3, axis=2)


def _cut(gray: Gray, box: Box, slope: float = 0.0) -> Gray:
    """The pixels inside ``box``, with the fall of a tilted line taken out."""
    height, width = gray.shape
    x0, top, x1, bottom = box_to_slice(box, width, height)
    x1, bottom = max(x1, x0 + 2), max(bottom, top + 2)
    if not slope:
        return gray[top:bottom, x0:x1]
    fall = slope / max(1.0, box.width)
    shear = np.array([[1.0, 0.0, x0], [fall, 1.0, top - fall * (x1 - x0) / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(gray, shear, (x1 - x0, bottom - top), flags=flags, borderValue=WHITE)
    return np.asarray(cut, dtype=np.uint8)


def cut_own_ink(gray: Gray, mask: Mask, box: Box, pad: float, em: float) -> Gray:
    """The rows of ``box`` and ``pad`` above and below, without the ink of other lines there.

    A blob belongs to the line whose rows hold its middle, so that the tail of a comma stays
    with its line and the top of the next line does not. One that runs through is cut.
    """
    height, width = gray.shape
    wide = Box(box.x0, box.top - pad, box.x1, box.bottom + pad)
    x0, top, x1, bottom = box_to_slice(wide, width, height)
    x1, bottom = max(x1, x0 + 2), max(bottom, top + 2)
    shown = gray[top:bottom, x0:x1].copy()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask[top:bottom, x0:x1].astype(np.uint8), connectivity=8
    )
    first, last = box.top - top, box.bottom - top
    starts, heights = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_HEIGHT]
    middles = starts + heights / 2
    foreign = (middles < first) | (middles > last)
    through = ~foreign & (heights > 1.3 * em)
    foreign[0] = through[0] = False
    if not foreign.any() and not through.any():
        return shown
    wiped = foreign[labels]
    rows = np.arange(bottom - top)[:, None]
    wiped |= through[labels] & ((rows < first) | (rows >= last))
    own = (labels > 0) & ~wiped
    edge = np.ones((3, 3), np.uint8)
    wiped = cv2.dilate(wiped.astype(np.uint8), edge, iterations=2) > 0
    shown[wiped & ~(cv2.dilate(own.astype(np.uint8), edge) > 0)] = WHITE
    return shown


def _cut_alone(gray: Gray, shown: Box, box: Box) -> Gray:
    """The pixels inside ``box``, white wherever they are outside of ``shown``."""
    height, width = gray.shape
    x0, top, x1, bottom = box_to_slice(box, width, height)
    picture = np.full((max(2, bottom - top), max(2, x1 - x0)), WHITE, dtype=np.uint8)
    c0, ctop, c1, cbottom = box_to_slice(shown.intersection(box), width, height)
    picture[ctop - top : cbottom - top, c0 - x0 : c1 - x0] = gray[ctop:cbottom, c0:c1]
    return picture


def _centred(part: Gray, height: int) -> Gray:
    above = (height - part.shape[0]) // 2
    return np.pad(part, ((above, height - part.shape[0] - above), (0, 0)), constant_values=WHITE)


def crop_to_word(
    crop: Crop, reading: Reading, ink: PrintInk, em: float, page: int
) -> Word | None:
    """The word that ``crop`` shows, None where it shows none."""
    shown = crop.line.box if crop.leftover else crop.box
    if not shows_print(shown, ink, em):
        return None
    sign = None if crop.line.parts else find_lone_sign(ink.mask, shown, em)
    if sign is not None:
        return Word(sign.text, tight(shown, ink.mask), sign.score, sign.score, page)
    least = LEAST_LEFTOVER_SCORE if crop.leftover else LEAST_SCORE
    text = reading.text.strip()
    if crop.leftover and text in ROUND and is_small_and_round(ink.mask, shown, em):
        text = "。"
    if not text or reading.score < least:
        return None
    return Word(text, tight(shown, ink.mask), reading.score, reading.weakest, page)


def shows_print(box: Box, ink: PrintInk, em: float) -> bool:
    """Whether ``box`` holds at least as much ink as a small sign: no seal, no pen stroke."""
    x0, top, x1, bottom = box_to_slice(box, ink.mask.shape[1], ink.mask.shape[0])
    return int(ink.mask[top:bottom, x0:x1].sum()) >= 0.015 * em * em


def in_reading_order(words: Sequence[Word]) -> tuple[Word, ...]:
    """Words of one cell from top to bottom, left to right in a row."""
    rows = rows_of([Line(word.box, index) for index, word in enumerate(words)])
    order = [line.cell for line in chain.from_iterable(rows)]
    return tuple(words[index] for index in order if index is not None)


def fill_cells(
    grids: Sequence[Grid], words: dict[int | None, tuple[Word, ...]]
) -> tuple[Grid, ...]:
    """``grids`` with ``words`` in their cells, which count through all grids of the page."""
    filled: list[Grid] = []
    start = 0
    for grid in grids:
        cells: list[Cell] = [
            replace(cell, words=words.get(start + index, ()))
            for index, cell in enumerate(grid.cells)
        ]
        filled.append(replace(grid, cells=tuple(cells)))
        start += len(grid.cells)
    return tuple(filled)
