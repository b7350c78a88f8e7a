"""Records to export: one built from a sample's truth, and a small one full of awkward texts."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

from extraction.values import (
    Box,
    Check,
    Field,
    KeyValue,
    PageSummary,
    Record,
    Source,
    Table,
    TableCell,
)

DPI = 150.0


def truth_to_record(path: Path) -> Record:
    """A record as the road would give it, with a doubtful field and a failed check in it."""
    truth = json.loads(path.read_text(encoding="utf-8"))
    tables = _truth_tables(truth["tables"])
    places = {cell.text: (cell, number) for number, t in enumerate(tables) for cell in t.cells}

    def field(text: str, doubtful: bool = False) -> Field:
        place = places.get(text) if text else None
        source = (
            Source(place[0].page, place[0].box, place[1], place[0].row, place[0].column)
            if place
            else None
        )
        route, reasons = ("review", ("low_confidence",)) if doubtful else ("accept", ())
        return Field(text, text, 0.62 if doubtful else 0.991, route, reasons, source)

    return Record(
        name=path.with_suffix(".pdf").name,
        sha256="0" * 64,
        form_type=truth["form_type"],
        producer={"ocr": "PP-OCRv6_small", "labeller": "none", "formloop": "0.1.0"},
        fields={name: field(text, name == "leader") for name, text in truth["fields"].items()},
        groups={
            group: tuple(
                {name: field(text, len(text) > 24) for name, text in row.items()}
                for row in truth[group]
            )
            for group in ("funds", "indicators")
        },
        tables=tables,
        checks=(
            Check("execution_rate", True, "执行率等于全年执行数除以全年预算数", ()),
            Check("score_at_most_weight", False, "得分 2.7 高于分值 2", ("indicators[2].score",)),
            Check("phone", None, "联系电话没有填写，未能核对", ("phone",)),
        ),
        pages=tuple(
            PageSummary(page["page"], 1240, 1754, DPI, "ocr", {}) for page in truth["tables"]
        ),
    )


def awkward_record(text: str) -> Record:
    """One field, one group and one table, all holding ``text``."""
    box = Box(10, 20, 110, 60)
    field = Field(text, None, None, "review", (text,), Source(1, box, 0, 0, 0))
    cell = TableCell(0, 0, 1, 1, text, 1, box, None)
    return Record(
        name="a.png",
        sha256="1" * 64,
        form_type="unknown",
        producer={"formloop": "0.1.0"},
        fields={"a": field},
        groups={"g": ({"c": field},)},
        tables=(Table((1,), 1, 1, None, (cell,)),),
        checks=(Check("k", False, text, ("a",)),),
        pages=(PageSummary(1, 200, 100, 96.0, "ocr", {}),),
        key_values=(KeyValue(text, text, 0.5, Source(1, Box(110, 20, 190, 60))),),
    )


def _truth_tables(pages: list[dict[str, list[dict[str, Any]]]]) -> tuple[Table, ...]:
    """The pages' grids under each other as one table over the union of their column lines."""
    heights = [max(cell["row"] + cell["rowspan"] for cell in page["cells"]) for page in pages]
    lines = _union([side for page in pages for cell in page["cells"] for side in cell["bbox"][::2]])
    cells = []
    for number, (page, start) in enumerate(
        zip(pages, accumulate([0, *heights[:-1]]), strict=False), start=1
    ):
        for cell in page["cells"]:
            left, right = (_nearest(lines, side) for side in cell["bbox"][::2])
            box = Box(*(side * DPI / 72 for side in cell["bbox"]))
            place = (cell["row"] + start, left, cell["rowspan"], right - left)
            cells.append(TableCell(*place, cell["text"], number, box, 0.99))
    reason = "同样的列线续到下一页" if len(pages) > 1 else None
    numbers = tuple(range(1, len(pages) + 1))
    return (Table(numbers, sum(heights), len(lines) - 1, reason, tuple(cells)),)


def _union(positions: list[float]) -> list[float]:
    lines: list[float] = []
    for position in sorted(positions):
        if not lines or position - lines[-1] > 2:
            lines.append(position)
    return lines


def _nearest(lines: list[float], position: float) -> int:
    return min(range(len(lines)), key=lambda place: abs(lines[place] - position))
