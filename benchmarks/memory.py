"""Peak memory of a process that reads one page, and its growth over many."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import BORN_DIGITAL, SAMPLES, samples_by_level
from benchmarks.report import Figures, Section, figures_to_markdown
from benchmarks.synthetic import FIRST_SEED
from models.synthesis.forms import PrintedForm, form_kinds, make_form
from models.synthesis.scan import scan_page, write_scan_pdf

A4_SAMPLE = SAMPLES / "scans" / "seed_004_office200.pdf"
A4_PX_AT_72 = (842, 595)
A4_MOST_MB, A3_MOST_MB = 1200, 2000
TRIED_SEEDS = 24


@dataclass(frozen=True, slots=True)
class Resident:
    """Memory of the process after it has read ``pages``."""

    pages: int
    resident_mb: float
    peak_mb: float


def measure_memory(pages: int, folder: Path) -> Section:
    a3 = folder / "a3.pdf"
    write_dense_a3(a3)
    scans = [path for level, path, _ in samples_by_level() if level != BORN_DIGITAL]
    a4_peak = read_in_process([A4_SAMPLE], 1)[-1].peak_mb
    a3_peak = read_in_process([a3], 1)[-1].peak_mb
    growth = read_in_process(scans, pages)
    rows = (
        ("peak, A4 at 200 dpi", f"{a4_peak:.0f} MB", f"≤ {A4_MOST_MB} MB"),
        ("peak, dense A3 at 300 dpi", f"{a3_peak:.0f} MB", f"≤ {A3_MOST_MB} MB"),
        *growth_rows(growth),
    )
    body = figures_to_markdown(Figures(("memory of one process", "measured", "asked"), rows))
    steps = [asdict(step) for step in growth]
    data = {"a4_peak_mb": a4_peak, "a3_peak_mb": a3_peak, "growth": steps}
    return Section("memory", "Memory", body, data)


def growth_rows(steps: Sequence[Resident]) -> list[tuple[str, str, str]]:
    chosen = [steps[round(part * (len(steps) - 1))] for part in (0.2, 0.6, 1.0)]
    rows = [(f"after {s.pages} pages", f"{s.resident_mb:.0f} MB", "") for s in chosen]
    growth = mb_per_hundred_pages(steps)
    return [*rows, ("growth over 100 pages", f"{growth:+.1f} MB", "flat")]


def mb_per_hundred_pages(steps: Sequence[Resident]) -> float:
    """The slope over all but the first fifth, in which caches fill."""
    late = steps[len(steps) // 5 :]
    if len(late) < 2:
        return 0.0
    slope = np.polyfit([step.pages for step in late], [step.resident_mb for step in late], 1)[0]
    return 100 * float(slope)


def read_in_process(files: Sequence[Path], pages: int) -> list[Resident]:
    command = [sys.executable, "-m", "benchmarks.one_process", "--pages", str(pages)]
    done = subprocess.run(
        [*command, *map(str, files)], check=True, stdout=subprocess.PIPE, text=True
    )
    lines = (line for line in done.stdout.splitlines() if line.startswith("{"))
    return [Resident(**json.loads(line)) for line in lines]


def write_dense_a3(path: Path) -> None:
    """Two full A4 forms side by side on one sheet, scanned at 300 dpi."""
    left, right = (make_form(seed, "test", form_kinds()[0], dpi=300) for seed in dense_seeds())
    sheet: NDArray[np.uint8] = np.hstack([left.pages[0].image, right.pages[0].image])
    scan = scan_page(sheet, 300, "clean300", np.random.default_rng(FIRST_SEED))
    write_scan_pdf([scan], path)


def dense_seeds() -> tuple[int, int]:
    """Of some forms on upright A4, the two with the most lines of text on the first page."""
    seeds = range(FIRST_SEED, FIRST_SEED + TRIED_SEEDS)
    forms = [make_form(seed, "test", form_kinds()[0], dpi=72) for seed in seeds]
    fitting = [form for form in forms if form.pages[0].image.shape[:2] == A4_PX_AT_72]
    fitting.sort(key=_lines, reverse=True)
    return fitting[0].seed, fitting[1].seed


def _lines(form: PrintedForm) -> int:
    return len(form.pages[0].lines)
