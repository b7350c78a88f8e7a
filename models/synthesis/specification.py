"""What a synthetic form prints, before anything has a place: lines and tables of cells.

Lengths are in points (1/72 inch); colours are red, green, blue from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from models.synthesis.faces import Face

Colour = tuple[int, int, int]
Align = Literal["left", "center", "right"]
Ruling = Literal["full", "open", "half", "three", "none"]
CutText = Literal["both", "first", "second"]
Row = dict[str, str]

BLACK: Colour = (0, 0, 0)
KEY = "key"
OTHER = "other"


@dataclass(frozen=True, slots=True)
class CellSpec:
    """A cell on the lattice of its table; ``text`` may hold line breaks."""

    row: int
    column: int
    rowspan: int
    colspan: int
    text: str
    label: str
    align: Align = "center"
    bold: bool = False
    fill: Colour | None = None
    ink: Colour = BLACK
    top: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """``widths`` are shares of the table's width; ``header`` rows may repeat on a new page."""

    widths: tuple[float, ...]
    rows: int
    cells: tuple[CellSpec, ...]
    ruling: Ruling = "full"
    header: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LineSpec:
    """A line outside the tables: parts (text, label), spread over the width or at one side."""

    parts: tuple[tuple[str, str], ...]
    size_pt: float
    align: Align = "center"
    bold: bool = False
    space_pt: float = 2.0


@dataclass(frozen=True, slots=True)
class Style:
    """How the whole form is set and ruled."""

    face: Face
    latin: Face
    title_face: Face
    size_pt: float
    title_pt: float
    leading: float
    side_pad_pt: float
    end_pad_pt: float
    row_pt: float
    rule_pt: float
    frame_pt: float
    double_frame: bool
    dashed: bool
    rule_ink: Colour
    kinsoku: bool
    whole_words: bool
    cut_rows: bool
    cut_text: CutText
    repeat_header: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """The paper: size and margins in points."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class FormSpec:
    form_type: str
    family: str
    sheet: Sheet
    style: Style
    blocks: tuple[LineSpec | TableSpec, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    footer: str = ""
