"""Text layer of a born-digital page to words, exactly as printed and without OCR.

A word is a line of text, or the part of it that lies between two vertical rulings or two
wide gaps. Slanted text (a watermark across the page) is left out.
"""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from extraction.pages.pdf_objects import Matrix, address_of, fill_color
from extraction.values import Box, Edge, Image, Word, boxes_union

WIDE_GAP = 1.0
"""Gap between characters that ends a word, in ems."""
SAME_LINE = 0.35
"""Shift of the baseline within a line, in ems: indices and mixed fonts."""
SLANT_RAD = math.radians(3)
WHITE_LEVEL = 240
MOST_UNREADABLE = 0.05

_INVISIBLE_MODES = (3, 7)
_REMOVED = dict.fromkeys([0xAD, 0x2060, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F)])
# Boxes and ticks of forms are often set in Wingdings, whose codes mean nothing by themselves.
_SYMBOLS = {
    0xF0A8: "□",
    0xF06F: "□",
    0xF071: "□",
    0xF0FE: "☑",
    0xF052: "☑",
    0xF0FD: "☒",
    0xF0FC: "✓",
    0xF0FB: "✗",
    0xF06C: "●",
    0xF0B7: "•",
}
_HYPHENS = (0x02, 0xFFFE)
"""What PDFium gives for a hyphen at the end of a line."""


@dataclass(frozen=True, slots=True)
class Character:
    """A printed character; boxes in points as displayed, ``turn`` in quarter turns."""

    text: str
    box: Box
    baseline: float
    em: float
    turn: int
    white: bool
    after_space: bool
    hidden: bool


def read_characters(
    text_page: pdfium.PdfTextPage, to_display: Matrix, covered: frozenset[int]
) -> list[Character]:
    """Characters in the order of the file, spaces as ``after_space``.

    Hidden ones are marked; ``covered`` are the addresses of objects below a picture.
    """
    characters: list[Character] = []
    styles: dict[int, tuple[bool, bool]] = dict.fromkeys(covered, (True, False))
    after_space = False
    rotation = math.atan2(to_display.b, to_display.a)
    for i in range(text_page.count_chars()):
        code = pdfium_c.FPDFText_GetUnicode(text_page, i)
        text = "-" if code in _HYPHENS else clean_text(code)
        if not text.strip() or pdfium_c.FPDFText_IsGenerated(text_page, i) == 1:
            after_space = after_space or bool(text)
            continue
        turn = _quarter_turn(rotation + pdfium_c.FPDFText_GetCharAngle(text_page, i))
        if turn is None:
            continue
        hidden, white = _style(text_page, i, styles)
        placed = _placed(text_page, i, to_display, turn)
        characters.append(Character(text, *placed, turn, white, after_space, hidden))
        after_space = False
    return characters


def clean_text(code: int) -> str:
    """A character as a reader takes it: no zero-width signs, no ligatures, no radicals.

    Full-width forms stay. Some fonts name ideographs by the look-alike codes of Kangxi
    radicals and compatibility forms; the unified ideograph is what is printed.
    """
    if code in _REMOVED or code < 0x20 or 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        return " " if code in (0x09, 0x0A, 0x0D) else ""
    if code in _SYMBOLS:
        return _SYMBOLS[code]
    if 0x2E80 <= code < 0x2FE0 or 0xF900 <= code < 0xFB07:
        return unicodedata.normalize("NFKC", chr(code))
    return " " if code in (0xA0, 0x3000) else chr(code)


def unreadable_share(characters: Sequence[Character]) -> float:
    """Share of characters whose font does not say what they mean."""
    if not characters:
        return 0.0
    bad = sum(
        c.text == "\ufffd" or unicodedata.category(c.text[0]) in ("Co", "Cn", "Cc")
        for c in characters
    )
    return bad / len(characters)


def main_turn(characters: Sequence[Character]) -> int:
    """Quarter turns, clockwise, by which most of the text stands turned."""
    if not characters:
        return 0
    counts = np.bincount([c.turn for c in characters], minlength=4)
    return int(counts.argmax())


def visible_characters(
    characters: Iterable[Character], image: Image, scale: float
) -> list[Character]:
    """Without invisible ones, white on white, and copies printed over each other."""
    shown = [c for c in characters if not c.hidden]
    if any(c.white for c in shown):
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        shown = [c for c in shown if not c.white or _has_contrast(c.box, gray, scale)]
    return _without_copies(shown)


def characters_to_words(
    characters: Sequence[Character], edges: Sequence[Edge], scale: float, page: int
) -> tuple[Word, ...]:
    """Words in reading order, in pixels; ``edges`` in the same pixels."""
    columns = _columns(characters, edges, scale)
    upright = [i for i, c in enumerate(characters) if c.turn == 0]
    turned = [i for i, c in enumerate(characters) if c.turn != 0]
    runs = _merge_runs(_upright_runs(characters, columns, upright), characters, columns)
    runs += _turned_runs(characters, turned)
    words = []
    for run in runs:
        box = Box(*(value * scale for value in boxes_union(characters[i].box for i in run)))
        words.append(Word(_run_text([characters[i] for i in run]), box, 1.0, 1.0, page))
    return tuple(_reading_order(words))


def _quarter_turn(angle: float) -> int | None:
    quarters = angle / (math.pi / 2)
    if abs(quarters - round(quarters)) * (math.pi / 2) > SLANT_RAD:
        return None
    return round(quarters) % 4


def _style(
    text_page: pdfium.PdfTextPage, index: int, styles: dict[int, tuple[bool, bool]]
) -> tuple[bool, bool]:
    """Hidden and white, looked up once for each text object."""
    raw = pdfium_c.FPDFText_GetTextObject(text_page, index)
    if not raw:
        return False, False
    key = address_of(raw)
    if key not in styles:
        mode = pdfium_c.FPDFTextObj_GetTextRenderMode(raw)
        *rgb, alpha = fill_color(raw)
        fills = mode in (0, 2, 4, 6)
        hidden = mode in _INVISIBLE_MODES or (fills and alpha == 0)
        styles[key] = (hidden, fills and min(rgb) >= WHITE_LEVEL)
    return styles[key]


def _placed(
    text_page: pdfium.PdfTextPage, index: int, to_display: Matrix, turn: int
) -> tuple[Box, float, float]:
    """Tight box, baseline and em of a character, in points as displayed."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = pdfium_c.FS_RECTF()
    pdfium_c.FPDFText_GetCharBox(text_page, index, left, right, bottom, top)
    pdfium_c.FPDFText_GetLooseCharBox(text_page, index, loose)
    tight = _display_box(to_display, left.value, bottom.value, right.value, top.value)
    outer = _display_box(to_display, loose.left, loose.bottom, loose.right, loose.top)
    if tight.width <= 0 or tight.height <= 0:
        tight = outer
    pdfium_c.FPDFText_GetCharOrigin(text_page, index, left, top)
    x, y = to_display.point(left.value, top.value)
    em = outer.height if turn % 2 == 0 else outer.width
    return tight, (y if turn % 2 == 0 else x), max(em, 1.0)


def _display_box(matrix: Matrix, x0: float, y0: float, x1: float, y1: float) -> Box:
    ax, ay = matrix.point(x0, y0)
    bx, by = matrix.point(x1, y1)
    return Box(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def _has_contrast(box: Box, gray: NDArray[np.uint8], scale: float) -> bool:
    x0, top, x1, bottom = (round(value * scale) for value in box)
    part = gray[max(0, top - 2) : bottom + 2, max(0, x0 - 2) : x1 + 2]
    return part.size > 0 and int(part.max()) - int(part.min()) > 24


def _without_copies(characters: list[Character]) -> list[Character]:
    """Bold type is sometimes made by printing a text twice, a hair apart."""
    seen: dict[tuple[str, int, int], list[Box]] = {}
    kept = []
    for character in characters:
        x, y = (int(value // 4) for value in character.box.center)
        near = [(character.text, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        if any(_is_copy(character.box, box) for key in near for box in seen.get(key, ())):
            continue
        seen.setdefault((character.text, x, y), []).append(character.box)
        kept.append(character)
    return kept


def _is_copy(first: Box, second: Box) -> bool:
    shared = first.intersection(second)
    return shared.width > 0.6 * max(first.width, second.width) and shared.height > 0.6 * max(
        first.height, second.height
    )


def _columns(characters: Sequence[Character], edges: Sequence[Edge], scale: float) -> list[int]:
    """How many vertical rulings lie to the left of each character.

    Neighbours on a line are in one cell only where that is the same. It is counted at one
    height for the whole line, lest a ruling that ends there be seen by a part of it.
    """
    x = np.array([c.box.center[0] for c in characters]) * scale
    y = np.array([c.baseline - 0.35 * c.em for c in characters]) * scale
    lines = np.array([(e.at, e.start, e.end) for e in edges if e.axis == "vertical"])
    if not len(lines) or not len(x):
        return [0] * len(characters)
    at, start, end = (lines[:, i, None] for i in range(3))
    counts: list[int] = ((at < x) & (start <= y) & (y <= end)).sum(axis=0).tolist()
    return counts


def _upright_runs(
    characters: Sequence[Character], columns: Sequence[int], order: Sequence[int]
) -> list[list[int]]:
    runs: list[list[int]] = []
    for i in order:
        if runs and _follows(characters, columns, runs[-1][-1], i):
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _follows(
    characters: Sequence[Character], columns: Sequence[int], before: int, after: int
) -> bool:
    """Whether one character stands right after another, in the same line and cell."""
    first, second = characters[before], characters[after]
    em = max(first.em, second.em)
    return (
        columns[before] == columns[after]
        and abs(first.baseline - second.baseline) < SAME_LINE * em
        and -SAME_LINE * em < second.box.x0 - first.box.x1 < WIDE_GAP * em
    )


def _merge_runs(
    runs: list[list[int]], characters: Sequence[Character], columns: Sequence[int]
) -> list[list[int]]:
    """Join runs that the file draws apart although they stand side by side."""
    merged: list[list[int]] = []
    in_column: dict[int, list[list[int]]] = {}
    for run in sorted(runs, key=lambda run: characters[run[0]].box.x0):
        hosts = in_column.setdefault(columns[run[0]], [])
        host = next((m for m in hosts if _follows(characters, columns, m[-1], run[0])), None)
        if host is None:
            merged.append(run)
            hosts.append(run)
        else:
            host.extend(run)
    return merged


def _turned_runs(characters: Sequence[Character], order: Sequence[int]) -> list[list[int]]:
    """Lines of text that stands turned on the page, in the order of the file."""
    runs: list[list[int]] = []
    for i in order:
        last = runs[-1][-1] if runs else None
        if last is not None and _follows_turned(characters[last], characters[i]):
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _follows_turned(first: Character, second: Character) -> bool:
    shared = first.box.padded(WIDE_GAP * first.em).intersection(second.box)
    return (
        first.turn == second.turn
        and abs(first.baseline - second.baseline) < SAME_LINE * first.em
        and min(shared.width, shared.height) > 0
    )


def _run_text(run: Sequence[Character]) -> str:
    text = ""
    for character in run:
        if text and character.after_space and _keeps_space(text[-1], character.text[0]):
            text += " "
        text += character.text
    return text


def _keeps_space(before: str, after: str) -> bool:
    """Between Latin words, and between such a word and a number; Chinese takes none."""
    both = before + after
    return both.isascii() and both.isalnum() and not both.isdigit()


def _reading_order(words: Iterable[Word]) -> list[Word]:
    """Lines from the top, each from the left."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: w.box.center[1]):
        middle = word.box.center[1]
        if lines and middle < lines[-1][0].box.bottom - 0.25 * lines[-1][0].box.height:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [word for line in lines for word in sorted(line, key=lambda w: w.box.x0)]
