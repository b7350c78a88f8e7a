"""What is printed on a sample, as people or the synthesis wrote it down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAME_LINE_PT = 2.0


@dataclass(frozen=True, slots=True)
class TruthCell:
    table: int
    row: int
    column: int
    rowspan: int
    colspan: int
    text: str


@dataclass(frozen=True, slots=True)
class Truth:
    """``fields`` by path (``name`` or ``group[3].column``); ``groups`` by name; ``cells`` of
    the document's tables, those that run over a page break joined."""

    form_type: str
    fields: Mapping[str, str]
    groups: Mapping[str, Sequence[Mapping[str, str]]]
    cells: tuple[TruthCell, ...]


def read_truth(path: Path) -> Truth:
    return truth_from_json(json.loads(path.read_text(encoding="utf-8")))


def truth_from_json(data: Mapping[str, Any]) -> Truth:
    groups = {
        name: rows
        for name, rows in data.items()
        if isinstance(rows, list) and name != "tables"
    }
    fields = dict(data["fields"])
    for name, rows in groups.items():
        for number, row in enumerate(rows):
            fields |= {f"{name}[{number}].{column}": text for column, text in row.items()}
    return Truth(data["form_type"], fields, groups, tuple(join_truth(data["tables"])))


def join_truth(tables: Sequence[Mapping[str, Any]]) -> list[TruthCell]:
    """Tables of consecutive pages as one: rows run on, columns are the union of the lines.

    A table that has ``"starts_new": true`` or shares its page with the one before it stands
    for itself.
    """
    joined: list[list[Mapping[str, Any]]] = []
    for table in tables:
        last = joined[-1][-1] if joined else None
        runs_on = last is not None and table["page"] == last["page"] + 1
        if runs_on and not table.get("starts_new", False):
            joined[-1].append(table)
        else:
            joined.append([table])
    cells = []
    for number, parts in enumerate(joined):
        lines = _union_lines(parts)
        rows_above = 0
        for part in parts:
            for cell in part["cells"]:
                left, right = (_nearest(lines, cell["bbox"][side]) for side in (0, 2))
                cells.append(
                    TruthCell(
                        number,
                        cell["row"] + rows_above,
                        left,
                        cell["rowspan"],
                        right - left,
                        cell["text"],
                    )
                )
            rows_above += part["n_rows"]
    return cells


def _union_lines(parts: Sequence[Mapping[str, Any]]) -> list[float]:
    lines: list[float] = []
    for part in parts:
        for x in sorted({cell["bbox"][side] for cell in part["cells"] for side in (0, 2)}):
            if not lines or min(abs(x - known) for known in lines) > SAME_LINE_PT:
                lines.append(x)
    return sorted(lines)


def _nearest(lines: Sequence[float], x: float) -> int:
    return min(range(len(lines)), key=lambda k: abs(lines[k] - x))
