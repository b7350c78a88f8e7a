"""Synthetic test forms: layouts and faces that training never saw, scanned at every level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.truth import Truth, truth_from_json
from models.synthesis.forms import PrintedForm, draw_form, form_kinds, make_form
from models.synthesis.levels import LEVEL_NAMES, Level
from models.synthesis.scan import scan_page, write_scan_pdf
from models.synthesis.specification import TableSpec

FIRST_SEED = 900_000
"""Training takes seeds below, so that no form of the test is ever met there."""
SEEDS_PER_LEVEL = 1000
PRINT_DPI = 300


@dataclass(frozen=True, slots=True)
class UnseenForm:
    """Which form to make and how to scan it; ``kind`` None lets the seed choose."""

    seed: int
    level: Level
    kind: str | None = None


def unseen_forms(
    per_level: int, levels: tuple[Level, ...] = LEVEL_NAMES, first_seed: int = FIRST_SEED
) -> Iterator[UnseenForm]:
    """At each level in turn the declared types and other kinds, two of three declared."""
    kinds = form_kinds()
    declared, others = kinds[:2], kinds[2:]
    for level in levels:
        number = LEVEL_NAMES.index(level)
        for k in range(per_level):
            turn = number * per_level + k
            kind = others[turn // 3 % len(others)] if k % 3 == 2 else declared[k % 3]
            yield UnseenForm(first_seed + number * SEEDS_PER_LEVEL + k, level, kind)


def form_rng(form: UnseenForm) -> np.random.Generator:
    return np.random.default_rng([form.seed, LEVEL_NAMES.index(form.level)])


def print_form(form: UnseenForm, dpi: int = PRINT_DPI) -> PrintedForm:
    return make_form(form.seed, "test", form.kind, dpi=dpi)


def write_form_scan(form: UnseenForm, printed: PrintedForm, path: Path) -> None:
    """The form's pages as a scanned PDF."""
    rng = form_rng(form)
    scans = [scan_page(p.image, p.dpi, form.level, rng, edges=p.edges) for p in printed.pages]
    write_scan_pdf(scans, path)


def printed_truth(printed: PrintedForm, form: UnseenForm) -> Truth:
    return truth_from_json(printed.truth.to_json(), find_new_tables(printed, form))


def find_new_tables(printed: PrintedForm, form: UnseenForm) -> frozenset[int]:
    """Numbers of the tables that begin on their page: their texts are of another table of
    the form than those of the table before."""
    blocks = draw_form(form.seed, "test", form.kind).blocks
    specs = ["\0".join(c.text for c in b.cells) for b in blocks if isinstance(b, TableSpec)]
    specs = ["".join(spec.split()) for spec in specs]
    new: set[int] = set()
    current = -1
    for number, table in enumerate(printed.truth.tables):
        texts = ["".join(cell.text.split()) for cell in table.cells]
        if current < 0 or not all(text in specs[current] for text in texts):
            new.add(number)
            current = min(current + 1, len(specs) - 1)
    return frozenset(new)
