"""The lines that rule a table, as long as they run straight on."""

from __future__ import annotations

from collections.abc import Iterator

from models.synthesis.placed import PlacedCell, Rule
from models.synthesis.specification import Style, TableSpec
from models.synthesis.table_rows import Segment

_DOUBLE_GAP_PT = 1.8
Spans = dict[float, list[tuple[float, float]]]


def segment_rules(
    table: TableSpec, segment: Segment, cells: list[PlacedCell], style: Style
) -> Iterator[Rule]:
    """The drawn lines of one page's part of a table, by its manner of ruling."""
    if table.ruling == "none" or not cells:
        return
    frame = (
        min(cell.x0 for cell in cells),
        min(cell.top for cell in cells),
        max(cell.x1 for cell in cells),
        max(cell.bottom for cell in cells),
    )
    if table.ruling == "three":
        yield from _three_rules(table, segment, frame, style)
        return
    across = [(y, cell.x0, cell.x1) for cell in cells for y in (cell.top, cell.bottom)]
    for y, spans in _joined(across).items():
        for start, end in spans:
            yield _rule(True, y, (start, end), y in (frame[1], frame[3]), style)
    if table.ruling != "half":
        down = [(x, cell.top, cell.bottom) for cell in cells for x in (cell.x0, cell.x1)]
        for x, spans in _joined(down).items():
            outer = x in (frame[0], frame[2])
            if not (outer and table.ruling == "open"):
                for start, end in spans:
                    yield _rule(False, x, (start, end), outer, style)
    if style.double_frame and table.ruling == "full":
        yield from _second_frame(frame, style)


def _rule(
    horizontal: bool, at: float, span: tuple[float, float], outer: bool, style: Style
) -> Rule:
    width = style.frame_pt if outer else style.rule_pt
    return Rule(horizontal, at, *span, width, style.dashed and not outer)


def _joined(sides: list[tuple[float, float, float]]) -> Spans:
    """Sides that lie on one line and touch, as spans by the line's position."""
    by_line: Spans = {}
    for at, start, end in sorted(sides):
        spans = by_line.setdefault(at, [])
        if spans and start <= spans[-1][1] + 1e-6:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return by_line


def _three_rules(
    table: TableSpec,
    segment: Segment,
    frame: tuple[float, float, float, float],
    style: Style,
) -> Iterator[Rule]:
    x0, top, x1, bottom = frame
    yield Rule(True, top, x0, x1, style.frame_pt, False)
    yield Rule(True, bottom, x0, x1, style.frame_pt, False)
    header = [piece.height for piece in segment.pieces if piece.row in table.header]
    if header:
        yield Rule(True, top + sum(header), x0, x1, style.rule_pt, False)


def _second_frame(frame: tuple[float, float, float, float], style: Style) -> Iterator[Rule]:
    x0, top, x1, bottom = (
        frame[0] - _DOUBLE_GAP_PT,
        frame[1] - _DOUBLE_GAP_PT,
        frame[2] + _DOUBLE_GAP_PT,
        frame[3] + _DOUBLE_GAP_PT,
    )
    for y in (top, bottom):
        yield Rule(True, y, x0, x1, style.rule_pt, False)
    for x in (x0, x1):
        yield Rule(False, x, top, bottom, style.rule_pt, False)
