"""A form with every line, cell and ruling in its place on paper, in points from the top left."""

from __future__ import annotations

from dataclasses import dataclass

from models.synthesis.faces import Face
from models.synthesis.specification import Colour


@dataclass(frozen=True, slots=True)
class PlacedText:
    """One printed line: its pen starts at ``x`` on the ``baseline``; ``cell`` is its page's."""

    text: str
    label: str
    x: float
    baseline: float
    width: float
    size_pt: float
    face: Face
    latin: Face
    bold: bool
    ink: Colour
    cell: int | None


@dataclass(frozen=True, slots=True)
class PlacedCell:
    """A cell on one page; rows and columns are those of the page's smallest grid."""

    row: int
    column: int
    rowspan: int
    colspan: int
    x0: float
    top: float
    x1: float
    bottom: float
    text: str
    label: str
    table: int
    continues: bool
    fill: Colour | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A drawn line in points, horizontal where ``horizontal``."""

    horizontal: bool
    at: float
    start: float
    end: float
    width_pt: float
    dashed: bool


@dataclass(frozen=True, slots=True)
class PlacedPage:
    number: int
    width: float
    height: float
    texts: tuple[PlacedText, ...]
    cells: tuple[PlacedCell, ...]
    rules: tuple[Rule, ...]
    rulings: tuple[str, ...]
    rule_ink: Colour
