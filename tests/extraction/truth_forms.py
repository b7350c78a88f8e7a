"""The truth of the samples as grids, words and labels: what a perfect reading would give."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from extraction.declarations import KEY_LABEL, OTHER_LABEL, labels, load_declarations
from extraction.grid.join import join_grids
from extraction.values import Box, Cell, Grid, LabelledWord, PageReading, Word

TRUTH = Path(__file__).parents[2] / "samples" / "truth"
NAMES = ("seed_000", "seed_001", "seed_004")
LABELS = labels(load_declarations())
_SCALE = 200 / 72
_LINE = 14


@dataclass(frozen=True)
class TruthForm:
    """A form as read without a fault."""

    truth: Mapping[str, object]
    readings: tuple[PageReading, ...]
    grids: tuple[Grid, ...]
    loose: tuple[Word, ...]
    labelled: Mapping[Word, LabelledWord]


def word(text: str, box: Box = Box(0, 0, 10, 10), page: int = 1, score: float = 0.99) -> Word:
    return Word(text, box, score, score, page)


def labelled_word(item: Word, label: str, probability: float = 0.97) -> LabelledWord:
    return LabelledWord(item, label, probability, OTHER_LABEL, (1 - probability) / 2)


def read_truth(name: str) -> TruthForm:
    truth = json.loads((TRUTH / f"{name}.json").read_text("utf-8"))
    roles = _roles(truth)
    labelled: dict[Word, LabelledWord] = {}
    readings = []
    for table in truth["tables"]:
        cells = []
        for entry in table["cells"]:
            cell = _cell(entry, table["page"])
            cells.append(cell)
            label = roles.get((table["page"], entry["row"], entry["col"]), KEY_LABEL)
            labelled |= {item: labelled_word(item, label) for item in cell.words}
        heading = _heading(truth) if table["page"] == 1 else ()
        labelled |= {item: labelled_word(item, label) for item, label in heading}
        grid = Grid(table["n_rows"], table["n_cols"], tuple(cells))
        loose = tuple(item for item, _ in heading)
        readings.append(PageReading(table["page"], 1654, 2339, 200.0, "ocr", (grid,), loose))
    loose = tuple(item for reading in readings for item in reading.loose_words)
    return TruthForm(truth, tuple(readings), join_grids(readings), loose, labelled)


def with_noisy_labels(form: TruthForm, share: float, seed: int) -> TruthForm:
    """``share`` of the words with a random, sure label; half as many with none."""
    draw = random.Random(seed)
    noisy = {}
    for item, found in form.labelled.items():
        chance = draw.random()
        if chance < share:
            found = labelled_word(item, draw.choice(LABELS), 0.9)
        elif chance < 1.5 * share:
            continue
        noisy[item] = found
    return replace(form, labelled=noisy)


def grid_of(rows: Sequence[Sequence[str | tuple[str, int, int] | None]], page: int = 1) -> Grid:
    """A grid from texts; a tuple gives text, rowspan and colspan, None is covered."""
    cells = []
    for r, row in enumerate(rows):
        for c, entry in enumerate(row):
            if entry is None:
                continue
            text, rowspan, colspan = (entry, 1, 1) if isinstance(entry, str) else entry
            box = Box(100 * c, 40 * r + 100, 100 * (c + colspan), 40 * (r + rowspan) + 100)
            words = (word(text, box.padded(-4), page),) if text else ()
            cells.append(Cell(r, c, rowspan, colspan, box, page, words))
    return Grid(len(rows), len(rows[0]), tuple(cells))


def _cell(entry: Mapping[str, object], page: int) -> Cell:
    x0, top, x1, bottom = (value * _SCALE for value in entry["bbox"])  # type: ignore[attr-defined]
    text = str(entry["text"])
    lines = [text[k : k + _LINE] for k in range(0, len(text), _LINE)]
    height = (bottom - top) / max(1, len(lines))
    words = tuple(
        word(line, Box(x0 + 2, top + k * height, x1 - 2, top + (k + 1) * height), page)
        for k, line in enumerate(lines)
    )
    return Cell(
        int(entry["row"]),  # type: ignore[call-overload]
        int(entry["col"]),  # type: ignore[call-overload]
        int(entry["rowspan"]),  # type: ignore[call-overload]
        int(entry["colspan"]),  # type: ignore[call-overload]
        Box(x0, top, x1, bottom),
        page,
        words,
    )


def _heading(truth: Mapping[str, object]) -> tuple[tuple[Word, str], ...]:
    fields = truth["fields"]
    title = word(fields["title"], Box(600, 60, 1050, 100))  # type: ignore[index]
    year = word(f"（{fields['year']}年度）", Box(750, 110, 900, 140))  # type: ignore[index]
    return (title, "title"), (year, "year")


def _roles(truth: Mapping[str, object]) -> dict[tuple[int, int, int], str]:
    """The label of each value cell, found by its place; all others are keys."""
    roles: dict[tuple[int, int, int], str] = {}
    order = ("level1", "level2", "level3", "target", "actual", "weight", "score", "deviation")
    funds = ("item", "budget_initial", "budget_annual", "executed")
    funds += ("weight", "execution_rate", "score")
    for table in truth["tables"]:  # type: ignore[attr-defined]
        page, by_row = table["page"], {}
        starts = sorted({c["col"] for c in table["cells"] if c["text"] == "年度指标值"})
        for entry in table["cells"]:
            by_row.setdefault(entry["row"], []).append(entry)
        header = {c["row"] for c in table["cells"] if c["text"] == "一级指标"}
        total = {c["row"] for c in table["cells"] if c["text"] == "总分"}
        first = next(iter(header), -1)
        for row, entries in by_row.items():
            entries.sort(key=lambda entry: entry["col"])
            if row in header:
                continue
            if row in total:
                for entry, name in zip(entries[1:], ("total_weight", "total_score"), strict=False):
                    roles[page, row, entry["col"]] = name
            elif row > first:
                values = [e for e in entries if e["text"] != "绩效指标"]
                for entry, name in zip(reversed(values), reversed(order), strict=False):
                    roles[page, row, entry["col"]] = f"indicators.{name}"
            elif page == 1 and 4 <= row <= 7:
                for entry, name in zip(entries, funds, strict=True):
                    roles[page, row, entry["col"]] = f"funds.{name}"
            elif page == 1 and row == 9:
                for entry, name in zip(entries, ("goal_expected", "goal_actual"), strict=True):
                    roles[page, row, entry["col"]] = name
            elif page == 1 and row < 3:
                names = (("project_name",), ("department", "implementing_unit"))
                for entry, name in zip(
                    entries[1::2], (*names, ("leader", "phone"))[row], strict=True
                ):
                    roles[page, row, entry["col"]] = name
        assert page > 1 or starts
    return roles
