"""Draw a placed page as a picture, with the boxes of its lines, cells and rulings in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from extraction.values import Box, Edge
from models.synthesis.faces import advance_em, font_at, text_to_runs
from models.synthesis.placed import PlacedPage, PlacedText, Rule

_POINTS_PER_INCH = 72.0
_DASH_PT, _GAP_PT = 3.0, 2.0
_ASCENT, _DESCENT = 0.88, 0.14


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One line of text; ``cell`` indexes the page's cells, None outside every table."""

    text: str
    box: Box
    cell: int | None
    label: str


@dataclass(frozen=True, slots=True)
class PrintedCell:
    """A cell of the smallest grid of table number ``table`` of the page."""

    row: int
    column: int
    rowspan: int
    colspan: int
    text: str
    box: Box
    label: str
    table: int
    continues: bool


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """A page as printed, before any scanner saw it. ``rulings`` has one name per table."""

    number: int
    image: NDArray[np.uint8]
    dpi: int
    lines: tuple[PrintedLine, ...]
    cells: tuple[PrintedCell, ...]
    edges: tuple[Edge, ...]
    rulings: tuple[str, ...]


def page_to_printed(page: PlacedPage, dpi: int) -> PrintedPage:
    scale = dpi / _POINTS_PER_INCH
    shape = (round(page.height * scale), round(page.width * scale), 3)
    pixels = np.full(shape, 255, np.uint8)
    _draw_fills(pixels, page, scale)
    for rule in page.rules:
        _draw_rule(pixels, rule, page.rule_ink, scale)
    image = Image.fromarray(pixels)
    canvas = ImageDraw.Draw(image)
    lines = tuple(_draw_text(canvas, text, scale) for text in page.texts)
    cells = tuple(
        PrintedCell(
            cell.row,
            cell.column,
            cell.rowspan,
            cell.colspan,
            cell.text,
            Box(cell.x0 * scale, cell.top * scale, cell.x1 * scale, cell.bottom * scale),
            cell.label,
            cell.table,
            cell.continues,
        )
        for cell in page.cells
    )
    edges = tuple(
        Edge(
            "horizontal" if rule.horizontal else "vertical",
            rule.at * scale,
            rule.start * scale,
            rule.end * scale,
        )
        for rule in page.rules
    )
    kept = tuple(line for line in lines if line.text)
    return PrintedPage(page.number, np.array(image), dpi, kept, cells, edges, page.rulings)


def _draw_fills(pixels: NDArray[np.uint8], page: PlacedPage, scale: float) -> None:
    for cell in page.cells:
        if cell.fill is not None:
            top, bottom = round(cell.top * scale), round(cell.bottom * scale)
            left, right = round(cell.x0 * scale), round(cell.x1 * scale)
            pixels[top:bottom, left:right] = cell.fill


def _draw_rule(
    pixels: NDArray[np.uint8], rule: Rule, ink: tuple[int, int, int], scale: float
) -> None:
    """Lay the line down with the share of each pixel row that it covers, at least one full."""
    view = pixels if rule.horizontal else pixels.transpose(1, 0, 2)
    half = max(1.0, rule.width_pt * scale) / 2
    middle = rule.at * scale
    along = _dashes(rule, scale, half)
    for row in range(int(middle - half), int(middle + half) + 1):
        cover = min(row + 1, middle + half) - max(row, middle - half)
        if cover <= 0.02 or not 0 <= row < view.shape[0]:
            continue
        for start, end in along:
            part = view[row, start:end].astype(np.float32)
            view[row, start:end] = part + (np.array(ink, np.float32) - part) * cover


def _dashes(rule: Rule, scale: float, half: float) -> list[tuple[int, int]]:
    start, end = rule.start * scale - half, rule.end * scale + half
    if not rule.dashed:
        return [(max(0, round(start)), round(end))]
    starts = np.arange(start, end, (_DASH_PT + _GAP_PT) * scale)
    return [(max(0, round(s)), round(min(end, s + _DASH_PT * scale))) for s in starts.tolist()]


def _draw_text(canvas: ImageDraw.ImageDraw, text: PlacedText, scale: float) -> PrintedLine:
    """Draw each character where the pen stands, so that widths do not depend on hinting."""
    px = max(6.0, round(text.size_pt * scale * 4) / 4)
    x, y = text.x * scale, text.baseline * scale
    left, shown = x, ""
    heavier = text.bold and not text.face.name.endswith("bold")
    smear = max(0.6, 0.02 * px) if heavier else 0.0
    for run, face in text_to_runs(text.text, text.face, text.latin):
        font = font_at(face, px)
        for character in run:
            if not character.isspace():
                canvas.text((x, y), character, fill=text.ink, font=font, anchor="ls")
            if smear:
                canvas.text((x + smear, y), character, fill=text.ink, font=font, anchor="ls")
            x += advance_em(face, character) * text.size_pt * scale
        shown += run
    box = Box(left, y - _ASCENT * px, x, y + _DESCENT * px)
    return PrintedLine(shown, box, text.cell, text.label)
