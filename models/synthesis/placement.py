"""Give every line and cell of a form its place on paper, page by page, in points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from models.synthesis.placed import PlacedCell, PlacedPage, PlacedText, Rule
from models.synthesis.ruling import segment_rules
from models.synthesis.specification import (
    BLACK,
    OTHER,
    CellSpec,
    FormSpec,
    LineSpec,
    Style,
    TableSpec,
)
from models.synthesis.table_rows import Part, Segment, cell_lines, table_to_segments
from models.synthesis.wrapping import text_to_lines, text_width_pt

_FOOTER_PT = 7.5


@dataclass(slots=True)
class _Draft:
    """A page while it is being filled; ``y`` is how far down."""

    y: float
    texts: list[PlacedText] = field(default_factory=list)
    cells: list[PlacedCell] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    rulings: list[str] = field(default_factory=list)


def form_to_pages(form: FormSpec) -> tuple[PlacedPage, ...]:
    """Set the form on as many pages as it needs."""
    sheet, drafts = form.sheet, [_Draft(form.sheet.top)]
    for block in form.blocks:
        if isinstance(block, LineSpec):
            _place_line(form, block, drafts)
        else:
            _place_table(form, block, drafts)
    for number, draft in enumerate(drafts, start=1):
        _place_footer(form, number, len(drafts), draft)
    return tuple(
        PlacedPage(
            number,
            sheet.width,
            sheet.height,
            tuple(draft.texts),
            tuple(draft.cells),
            tuple(draft.rules),
            tuple(draft.rulings),
            form.style.rule_ink,
        )
        for number, draft in enumerate(drafts, start=1)
    )


def _place_footer(form: FormSpec, number: int, count: int, draft: _Draft) -> None:
    text = form.footer.format(n=number, m=count)
    if not text:
        return
    sheet, line = form.sheet, LineSpec(((text, OTHER),), _FOOTER_PT)
    x = (sheet.width - text_width_pt(text, _FOOTER_PT, form.style)) / 2
    baseline = sheet.height - sheet.bottom / 2 + 0.36 * _FOOTER_PT
    draft.texts.append(_text(text, OTHER, x, baseline, line, form.style))


def _place_line(form: FormSpec, line: LineSpec, drafts: list[_Draft]) -> None:
    sheet, style = form.sheet, form.style
    room = sheet.width - sheet.left - sheet.right
    pitch = line.size_pt * 1.35
    pieces = [(text, label) for text, label in line.parts if text]
    if len(pieces) == 1:
        text, label = pieces[0]
        pieces_by_line = [
            [(part, label)] for part in text_to_lines(text, room, line.size_pt, style)
        ]
    else:
        pieces_by_line = [pieces]
    for on_line in pieces_by_line:
        if drafts[-1].y + pitch > sheet.height - sheet.bottom:
            drafts.append(_Draft(sheet.top))
        draft = drafts[-1]
        baseline = draft.y + pitch / 2 + 0.36 * line.size_pt
        for x, text, label in _spread(on_line, line, form, room):
            draft.texts.append(_text(text, label, x, baseline, line, style))
        draft.y += pitch
    drafts[-1].y += line.space_pt


def _spread(
    pieces: list[tuple[str, str]], line: LineSpec, form: FormSpec, room: float
) -> Iterator[tuple[float, str, str]]:
    """Where each piece of a line starts: evenly over the width, or all at one side."""
    left = form.sheet.left
    widths = [text_width_pt(text, line.size_pt, form.style) for text, _ in pieces]
    if len(pieces) == 1:
        slack = room - widths[0]
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[line.align]
        yield left + max(0.0, slack * share), *pieces[0]
        return
    gap = max(line.size_pt, (room - sum(widths)) / (len(pieces) - 1))
    for (text, label), width in zip(pieces, widths, strict=True):
        yield left, text, label
        left += width + gap


def _text(
    text: str, label: str, x: float, baseline: float, line: LineSpec, style: Style
) -> PlacedText:
    face = style.title_face if line.bold else style.face
    latin = style.title_face if line.bold else style.latin
    width = text_width_pt(text, line.size_pt, style)
    return PlacedText(
        text, label, x, baseline, width, line.size_pt, face, latin, line.bold, BLACK, None
    )


def _place_table(form: FormSpec, table: TableSpec, drafts: list[_Draft]) -> None:
    sheet, style = form.sheet, form.style
    width = sheet.width - sheet.left - sheet.right
    lines = cell_lines(table, width, style)
    bottom = sheet.height - sheet.bottom
    segments = table_to_segments(table, lines, style, bottom - drafts[-1].y, bottom - sheet.top)
    for number, segment in enumerate(segments):
        if number:
            drafts.append(_Draft(sheet.top))
        if segment.pieces:
            _place_segment(form, table, segment, drafts[-1])
    drafts[-1].y += style.size_pt * 0.5


def _place_segment(form: FormSpec, table: TableSpec, segment: Segment, draft: _Draft) -> None:
    width = form.sheet.width - form.sheet.left - form.sheet.right
    xs = [form.sheet.left]
    for share in table.widths:
        xs.append(xs[-1] + share * width)
    ys = [draft.y]
    for piece in segment.pieces:
        ys.append(ys[-1] + piece.height)
    number = len(draft.rulings)
    placed = _placed_cells(table, segment, xs, ys, number)
    first = len(draft.cells)
    for offset, (part, cell) in enumerate(zip(segment.parts, placed, strict=True)):
        draft.texts += _cell_texts(table.cells[part.cell], part, cell, form.style, first + offset)
    draft.cells += placed
    draft.rules += segment_rules(table, segment, placed, form.style)
    draft.rulings.append(table.ruling)
    draft.y = ys[-1]


def _placed_cells(
    table: TableSpec, segment: Segment, xs: list[float], ys: list[float], number: int
) -> list[PlacedCell]:
    """The parts as cells of the smallest grid: borders that no cell has are not counted."""
    specs = [table.cells[part.cell] for part in segment.parts]
    columns = sorted({c for s in specs for c in (s.column, s.column + s.colspan)})
    rows = sorted({r for part in segment.parts for r in (part.start, part.end)})
    column_at = {border: index for index, border in enumerate(columns)}
    row_at = {border: index for index, border in enumerate(rows)}
    return [
        PlacedCell(
            row=row_at[part.start],
            column=column_at[spec.column],
            rowspan=row_at[part.end] - row_at[part.start],
            colspan=column_at[spec.column + spec.colspan] - column_at[spec.column],
            x0=xs[spec.column],
            top=ys[part.start],
            x1=xs[spec.column + spec.colspan],
            bottom=ys[part.end],
            text="".join(part.lines),
            label=spec.label,
            table=number,
            continues=part.continues,
            fill=spec.fill,
        )
        for part, spec in zip(segment.parts, specs, strict=True)
    ]


def _cell_texts(
    spec: CellSpec, part: Part, cell: PlacedCell, style: Style, index: int
) -> Iterator[PlacedText]:
    size, pitch = style.size_pt, style.size_pt * style.leading
    slack = cell.bottom - cell.top - pitch * len(part.lines)
    y = cell.top + (style.end_pad_pt if spec.top else slack / 2)
    for line in part.lines:
        shown = line.strip(" ")
        width = text_width_pt(shown, size, style)
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[spec.align]
        room = cell.x1 - cell.x0 - 2 * style.side_pad_pt - width
        x = cell.x0 + style.side_pad_pt + room * (share if room > 0 else 0.5)
        baseline = y + pitch / 2 + 0.36 * size
        yield PlacedText(
            shown,
            spec.label,
            x,
            baseline,
            width,
            size,
            style.face,
            style.latin,
            spec.bold,
            spec.ink,
            index,
        )
        y += pitch
