"""Rows of a table over pages: their heights, where pages break them, what each part prints."""

from __future__ import annotations

from dataclasses import dataclass

from models.synthesis.specification import CellSpec, Style, TableSpec
from models.synthesis.wrapping import text_to_lines

CellLines = tuple[tuple[str, ...], ...]
_ENOUGH_LINES = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A row, or the part of a cut row, on one page: lines ``first`` up to ``last`` of its cells."""

    row: int
    height: float
    first: int = 0
    last: int | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a cell on one page: pieces ``start`` to ``end`` and the lines printed there."""

    cell: int
    start: int
    end: int
    lines: tuple[str, ...]
    continues: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """What one page holds of a table."""

    pieces: tuple[Piece, ...]
    parts: tuple[Part, ...]

    @property
    def height(self) -> float:
        return sum(piece.height for piece in self.pieces)


def cell_lines(table: TableSpec, width_pt: float, style: Style) -> CellLines:
    """The lines of every cell, wrapped to its width."""
    borders = [0.0]
    for share in table.widths:
        borders.append(borders[-1] + share * width_pt)
    return tuple(
        text_to_lines(
            cell.text,
            max(
                style.size_pt * 1.02,
                borders[cell.column + cell.colspan] - borders[cell.column] - 2 * style.side_pad_pt,
            ),
            style.size_pt,
            style,
        )
        for cell in table.cells
    )


def row_heights(table: TableSpec, lines: CellLines, style: Style) -> list[float]:
    """Heights that hold every cell's lines; what a merged cell lacks goes to its last row."""
    heights = [style.row_pt] * table.rows
    in_order = sorted(range(len(lines)), key=lambda i: table.cells[i].rowspan)
    for index in in_order:
        cell = table.cells[index]
        covered = range(cell.row, cell.row + cell.rowspan)
        lack = _lines_height(len(lines[index]), style) - sum(heights[row] for row in covered)
        if lack > 0:
            heights[covered[-1]] += lack
    return heights


def _lines_height(count: int, style: Style) -> float:
    return count * style.size_pt * style.leading + 2 * style.end_pad_pt


def table_to_segments(
    table: TableSpec, lines: CellLines, style: Style, first_room: float, page_room: float
) -> tuple[Segment, ...]:
    """Cut the table where pages end; ``first_room`` and ``page_room`` are the heights there."""
    heights = row_heights(table, lines, style)
    pages: list[list[Piece]] = [[]]
    room = first_room
    for row in range(table.rows):
        pending = Piece(row, heights[row])
        while pending.height > room:
            cut = _cut(pending, table, lines, style, room, page_room)
            if cut is not None:
                pages[-1].append(cut[0])
                pending = cut[1]
            elif not pages[-1] and room >= page_room:
                break
            pages.append(_repeated_header(table, heights, style, row))
            room = page_room - sum(piece.height for piece in pages[-1])
        pages[-1].append(pending)
        room -= pending.height
    held = [page for page in pages if any(not piece.repeated for piece in page)]
    blank_first = [] if held and held[0] is pages[0] else [Segment((), ())]
    return (*blank_first, *_pages_to_segments(held, table, lines, style))


def _repeated_header(table: TableSpec, heights: list[float], style: Style, row: int) -> list[Piece]:
    if not style.repeat_header or not table.header or row <= max(table.header):
        return []
    return [Piece(index, heights[index], repeated=True) for index in table.header]


def _cut(
    piece: Piece, table: TableSpec, lines: CellLines, style: Style, room: float, page_room: float
) -> tuple[Piece, Piece] | None:
    """Cut a row in two where its style allows it, or where no page could hold it whole."""
    if not style.cut_rows and piece.height <= page_room * 0.8:
        return None
    counts = [
        len(lines[i])
        for i, cell in enumerate(table.cells)
        if cell.row == piece.row and cell.rowspan == 1
    ]
    most = max(counts, default=0) - piece.first
    held = int((room - 2 * style.end_pad_pt) / (style.size_pt * style.leading))
    if held < _ENOUGH_LINES or most - held < _ENOUGH_LINES:
        return None
    split = piece.first + held
    rest = max(style.row_pt, _lines_height(most - held, style))
    return (
        Piece(piece.row, _lines_height(held, style), piece.first, split),
        Piece(piece.row, rest, split, None),
    )


def _pages_to_segments(
    pages: list[list[Piece]], table: TableSpec, lines: CellLines, style: Style
) -> list[Segment]:
    spans = [_cell_spans(page, table) for page in pages]
    segments = []
    for number, page in enumerate(pages):
        parts = []
        for index, (start, end) in spans[number].items():
            heights = [
                _span_height(pages[n], spans[n][index])
                for n in range(len(pages))
                if index in spans[n]
            ]
            turn = sum(1 for n in range(number) if index in spans[n])
            repeated = all(piece.repeated for piece in page[start:end])
            shown = _shown_lines(
                table.cells[index], lines[index], page[start:end], heights, turn, style
            )
            parts.append(Part(index, start, end, shown, turn > 0 and not repeated))
        segments.append(Segment(tuple(page), tuple(parts)))
    return segments


def _cell_spans(page: list[Piece], table: TableSpec) -> dict[int, tuple[int, int]]:
    spans = {}
    for index, cell in enumerate(table.cells):
        covered = [
            i for i, piece in enumerate(page) if cell.row <= piece.row < cell.row + cell.rowspan
        ]
        if covered:
            spans[index] = (covered[0], covered[-1] + 1)
    return spans


def _span_height(page: list[Piece], span: tuple[int, int]) -> float:
    return sum(piece.height for piece in page[span[0] : span[1]])


def _shown_lines(
    cell: CellSpec,
    lines: tuple[str, ...],
    pieces: list[Piece],
    heights: list[float],
    turn: int,
    style: Style,
) -> tuple[str, ...]:
    """The lines that the part on this page prints; ``heights`` are those of all its parts."""
    if len(heights) == 1 or all(piece.repeated for piece in pieces):
        return lines
    if cell.rowspan == 1:
        return _lines_of_piece(lines, pieces[0])
    pitch = style.size_pt * style.leading
    holds = [max(1, int((height + pitch * 0.3) / pitch)) for height in heights]
    wanted = {"both": range(len(heights)), "first": (0,), "second": (len(heights) - 1,)}
    printing = [n for n in wanted[style.cut_text] if holds[n] >= len(lines)]
    if not printing:
        printing = [n for n, held in enumerate(holds) if held >= len(lines)][:1]
    if printing:
        return lines if turn in printing else ()
    start = sum(holds[:turn])
    return lines[start:] if turn == len(heights) - 1 else lines[start : start + holds[turn]]


def _lines_of_piece(lines: tuple[str, ...], piece: Piece) -> tuple[str, ...]:
    return lines[piece.first : piece.last]
