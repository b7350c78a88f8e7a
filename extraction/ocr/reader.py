"""Pixels of a page become words, each in exactly one cell or outside of all grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from extraction.engines import Engine, available_threads, choose_engine
from extraction.ocr.borders import cell_boxes, mend_borders, wipe
from extraction.ocr.ctc import SKIPPED, Reading, merge_readings
from extraction.ocr.faint_signs import find_faint_sign
from extraction.ocr.ink import Gray, Mask, PrintInk, box_to_slice, page_to_ink, tight
from extraction.ocr.networks import TextModels
from extraction.ocr.second_look import (
    SLASH_LIKE,
    LoneSign,
    dashes_by_length,
    find_grey_slash,
    find_lone_sign,
    find_short_hyphen,
    is_high,
    is_small_and_round,
    ones_by_strokes,
)
from extraction.ocr.signs import FULL_STOPS, NEVER_FIRST, ROUND, close_brackets, without_dust
from extraction.ocr.text_crops import Crop, crop_to_picture, lines_to_crops
from extraction.ocr.text_lines import (
    HEIGHT_TO_EM,
    Line,
    cut_at_borders,
    detection_size,
    keep_inked,
    quads_to_lines,
    rows_of,
    usual_height,
)
from extraction.values import Box, Cell, Grid, Image, Page, Word

LEAST_SCORE = 0.35
"""Below this a reading is of a speck or of remains, not of text."""

LEAST_LEFTOVER_SCORE = 0.55
DOUBTFUL = 0.8
"""A line with a character less probable than this is read again, cut a little wider."""

SUSPECTED = 0.02
"""A line is read again, too, where a sign that is this probable was left out. Of the lines
that are read right one in a hundred shows as much."""

FIRST_PAD, AGAIN_PAD = 0.1, 0.3
"""Rows above and below that a first and a second reading add, as a share of the type's size.

Tails of commas and semicolons hang below the rows of a line.
"""

LEAST_INK = 0.015
"""Of a word, as a share of a character's square: a seal or a pen leaves specks."""

LEAST_INK_OF_SIGN, LARGEST_SPECK_PX = 0.01, 16
"""The thinnest hyphen of a serif typeface has no more ink than a speck, but is known by its
shape where it is printed on more pixels than dust covers on a coarse scan."""

SAME_PLACE = 0.8
"""Share of the smaller of two boxes from which on they stand around the same ink."""

SURE = 0.9
"""Of a reading that the shape of a lone sign does not outweigh."""

ROUND_SCORE, SLASH_SCORE = 0.7, 0.85
"""Of a full stop that is told by its size and place, and of a slash by its lean."""


class Reader:
    """Reads pages. One object per process, never shared by threads.

    ``recogniser`` is the folder of another recogniser than the shipped one.
    """

    def __init__(
        self,
        engine: Engine | None = None,
        threads: int | None = None,
        recogniser: Path | None = None,
    ) -> None:
        self.engine = choose_engine(engine)
        self.threads = threads or available_threads()
        self._models = TextModels(self.engine, self.threads, recogniser=recogniser)
        self.version = self._models.version

    def read_words(
        self, page: Page, grids: tuple[Grid, ...]
    ) -> tuple[tuple[Grid, ...], tuple[Word, ...]]:
        """``grids`` with the words in their cells, and the words outside of all grids."""
        cells = cell_boxes(grids)
        ink = page_to_ink(page.image, cells, page.dpi)
        lines = self._find_lines(ink, cells, page.dpi)
        usual = usual_height(lines, page.dpi / 72 * 10, ink.mask)
        em = usual * HEIGHT_TO_EM
        mended, lines, rests = mend_borders(grids, lines, ink.mask, em)
        if mended is not grids:
            grids, cells = mended, cell_boxes(mended)
            ink = page_to_ink(page.image, cells, page.dpi)
            wipe(ink, rests)
        crops = lines_to_crops(lines, ink, cells, usual)
        words = self._read_crops(crops, ink, em, page.number)
        for index in set(range(len(cells))) - words.keys():
            sign = find_faint_sign(ink.gray, cells[index], em, page.number)
            if sign is not None:
                words[index] = (sign,)
        return fill_cells(grids, words), words.get(None, ())

    def read_lines(self, pictures: Sequence[Image]) -> list[str]:
        """What each picture of one line says, without a look at any page."""
        return [reading.text.strip() for reading in self._models.read(pictures)]

    def score_upright(self, crops: Sequence[Image]) -> list[float]:
        """The probability that each crop of one text line stands upright."""
        return self._models.upright(crops)

    def count_legible(self, crops: Sequence[Image]) -> float:
        """The characters read in crops of one text line each, counted by their line's score."""
        return sum(len(line.text.strip()) * line.score for line in self._models.read(crops))

    def _find_lines(self, ink: PrintInk, cells: Sequence[Box], dpi: float) -> list[Line]:
        height, width = ink.gray.shape
        across, down = detection_size(width, height, dpi)
        small = cv2.resize(ink.gray, (across, down), interpolation=cv2.INTER_AREA)
        text_map = self._models.text_map(np.repeat(small[:, :, None], 3, axis=2))
        keep_inked(text_map, ink.mask)
        cut_at_borders(text_map, cells, across / width, down / height)
        return quads_to_lines(self._models.map_to_quads(text_map, height, width), cells)

    def _read_crops(
        self, crops: Sequence[Crop], ink: PrintInk, em: float, page: int
    ) -> dict[int | None, tuple[Word, ...]]:
        readings = self._read(crops, ink.gray, ink.mask, em, FIRST_PAD)
        doubtful = [
            index for index, reading in enumerate(readings) if is_doubtful(crops[index], reading)
        ]
        # A character that was lost in its sentence is looked at by itself.
        shown = [
            crops[index] if readings[index].text else replace(crops[index], above=None)
            for index in doubtful
        ]
        again = self._read(shown, ink.ruled, ink.mask, em, AGAIN_PAD)
        for index, reading in zip(doubtful, again, strict=True):
            readings[index] = merge_readings(readings[index], reading)
        words: dict[int | None, list[Word]] = {}
        for crop, reading in zip(crops, readings, strict=True):
            word = crop_to_word(crop, reading, ink, em, page)
            if word is not None:
                words.setdefault(crop.line.cell, []).append(word)
        return {
            cell: close_brackets(without_dust(in_reading_order(without_echoes(found))))
            for cell, found in words.items()
        }

    def _read(
        self, crops: Sequence[Crop], gray: Gray, mask: Mask, em: float, pad: float = 0.0
    ) -> list[Reading]:
        """What ``crops`` say, cut from ``gray`` with ``pad`` × ``em`` more above and below."""
        pictures = [crop_to_picture(crop, gray, mask, em, pad * em) for crop in crops]
        readings = []
        for crop, picture, reading in zip(
            crops, pictures, self._models.read(pictures), strict=True
        ):
            if crop.shows_more:
                reading = reading.after((picture.shape[1] - crop.width) / picture.shape[1])
            # A row of one character has no room for a sign before it: that is the joint.
            readings.append(reading if crop.above is None else reading.without_first(NEVER_FIRST))
        return readings


def is_doubtful(crop: Crop, reading: Reading) -> bool:
    """Whether ``crop`` is to be read again: it may be unsure, or lack a sign or some ink, or
    show one character alone, whose neighbours tell nothing of it."""
    lacks_sign = crop.context is not None and reading.text[:1] not in SKIPPED
    unsure = reading.weakest < DOUBTFUL or reading.overlooked > SUSPECTED
    is_alone = crop.above is not None
    return not crop.leftover and (lacks_sign or crop.at_border or unsure or is_alone)


def crop_to_word(crop: Crop, reading: Reading, ink: PrintInk, em: float, page: int) -> Word | None:
    """The word that ``crop`` shows, None where it shows none."""
    shown = crop.line.box if crop.leftover else crop.box
    text, sign = reading.text.strip(), None
    if not crop.line.parts:
        text = dashes_by_length(reading.text, reading.positions, ink.mask, shown, em).strip()
        text = ones_by_strokes(text, ink.mask, shown, em)
        sign = find_sign(text, reading.score, ink, shown, em)
    if sign is None and crop.centred:
        sign = find_short_hyphen(ink.gray, shown, em)
        if sign is not None:
            return sign_to_word(sign, shown, ink, page)
    least = LEAST_INK * em * em
    if sign is not None:
        least = min(least, max(LEAST_INK_OF_SIGN * em * em, LARGEST_SPECK_PX))
    if not shows_print(shown, ink, least):
        return None
    ends_text = crop.beside_text or crop.above is not None
    if ends_text and text in ROUND and is_small_and_round(ink.mask, shown, em):
        return Word("。", tight(shown, ink.mask), ROUND_SCORE, ROUND_SCORE, page)
    if text in FULL_STOPS and not ends_text and is_high(ink.mask, shown, em):
        text = "0"
    if sign is not None:
        return sign_to_word(sign, shown, ink, page)
    least = LEAST_LEFTOVER_SCORE if crop.leftover else LEAST_SCORE
    if not text or reading.score < least:
        return None
    box = tight(shown, ink.mask)
    return Word(text, box, reading.score, reading.weakest, page, reading.overlooked)


def find_sign(text: str, score: float, ink: PrintInk, box: Box, em: float) -> LoneSign | None:
    """The lone sign inside ``box``, of which the recogniser says ``text``: of a faint ``2`` no
    more than a slash may be ink, but the recogniser sees all of it."""
    sign = find_lone_sign(ink.mask, box, em)
    if sign is not None and sign.text == "/" and text not in SLASH_LIKE and score >= SURE:
        return None
    if sign is None and text in SLASH_LIKE and find_grey_slash(ink.gray, box, em) is not None:
        return LoneSign("/", SLASH_SCORE)
    return sign


def sign_to_word(sign: LoneSign, box: Box, ink: PrintInk, page: int) -> Word:
    return Word(sign.text, tight(box, ink.mask), sign.score, sign.score, page)


def shows_print(box: Box, ink: PrintInk, least: float) -> bool:
    """Whether ``box`` holds ink on ``least`` pixels: no seal, no pen stroke."""
    x0, top, x1, bottom = box_to_slice(box, ink.mask.shape[1], ink.mask.shape[0])
    return int(ink.mask[top:bottom, x0:x1].sum()) >= least


def without_echoes(words: Sequence[Word]) -> list[Word]:
    """Each text once that two crops of the same ink read alike."""
    kept: list[Word] = []
    for word in words:
        if not any(_is_same(word, other) for other in kept):
            kept.append(word)
    return kept


def _is_same(one: Word, other: Word) -> bool:
    shared = one.box.intersection(other.box).area
    return one.text == other.text and shared > SAME_PLACE * min(one.box.area, other.box.area)


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
