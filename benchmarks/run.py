"""The bench: every figure that the project promises, measured on this machine.

python -m benchmarks.run [--quick] [--only SECTION]… [--wrong] [--out docs/benchmarks.md]

Each section is printed and put between its markers in the page; notes around them stay.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.quality import (
    ASKED,
    Measured,
    measure_samples,
    measure_synthetic,
    samples_section,
    synthetic_section,
    wrong_lines,
)
from benchmarks.report import Section, machine_section, write_sections
from benchmarks.synthetic import FIRST_SEED, unseen_forms
from extraction.pipeline import Stations
from models.synthesis.levels import LEVEL_NAMES
from workers.stations import build_stations

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SECTIONS = (
    *("samples", "synthetic", "others", "rulings", "speed", "memory", "queue", "answers"),
    *("upload", "review"),
)
PER_LEVEL, QUICK_PER_LEVEL = 8, 2
UNSEEN_SEED = FIRST_SEED + 40_000
"""Of the forms below, some were looked at in order to mend what was wrong with them."""
PAGES, QUICK_PAGES = 300, 40
RULINGS_PER_LEVEL, QUICK_RULINGS_PER_LEVEL = 6, 1


@dataclass(frozen=True, slots=True)
class Options:
    only: tuple[str, ...]
    quick: bool
    wrong: bool
    levels: tuple[str, ...]
    per_level: int
    first_seed: int
    pages: int
    out: Path
    json: Path | None


class Bench:
    """One run: engines are loaded when the first section asks for them."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.folder = folder

    @cached_property
    def stations(self) -> Stations:
        return build_stations()

    def samples(self) -> Section:
        levels = [level for level in ASKED if level in self.options.levels]
        measured = list(measure_samples(self.stations, levels))
        self._show_wrong(measured)
        return samples_section(measured)

    def synthetic(self) -> Section:
        levels = tuple(level for level in LEVEL_NAMES if level in self.options.levels)
        forms = unseen_forms(self.options.per_level, levels, self.options.first_seed)
        measured = list(measure_synthetic(self.stations, forms, self.folder))
        self._show_wrong(measured)
        return synthetic_section(measured)

    def others(self) -> Section:
        levels = [level for level in ASKED if level in self.options.levels]
        section: Section = _loaded("beside").measure_others(self.stations, levels)
        return section

    def rulings(self) -> Section:
        per_level = QUICK_RULINGS_PER_LEVEL if self.options.quick else RULINGS_PER_LEVEL
        levels = [level for level in LEVEL_NAMES if level in self.options.levels]
        section: Section = _loaded("rulings").measure_rulings(per_level, levels)
        return section

    def speed(self) -> Section:
        section: Section = _loaded("speed").measure_speed(quick=self.options.quick)
        return section

    def memory(self) -> Section:
        section: Section = _loaded("memory").measure_memory(self.options.pages, self.folder)
        return section

    def queue(self) -> Section:
        section: Section = _loaded("queue").measure_queue(self.folder, quick=self.options.quick)
        return section

    def answers(self) -> Section:
        section: Section = _loaded("answers").measure_answers(self.folder, quick=self.options.quick)
        return section

    def upload(self) -> Section:
        section: Section = _loaded("upload").measure_upload(self.folder, quick=self.options.quick)
        return section

    def review(self) -> Section:
        levels = [level for level in ASKED if level in self.options.levels]
        section: Section = _loaded("review").measure_review(
            self.stations, levels, quick=self.options.quick
        )
        return section

    def _show_wrong(self, measured: Sequence[Measured]) -> None:
        if self.options.wrong:
            for line in wrong_lines(measured):
                print(line)


def run_sections(options: Options) -> Iterator[Section]:
    with tempfile.TemporaryDirectory(prefix="formloop-bench-") as folder:
        bench = Bench(options, Path(folder))
        yield machine_section()
        for name in SECTIONS:
            if name in options.only:
                measure: Callable[[], Section] = getattr(bench, name)
                yield measure()


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section alone")
    parser.add_argument("--quick", action="store_true", help="few forms, few pages, one repeat")
    parser.add_argument("--wrong", action="store_true", help="list every field that is not right")
    parser.add_argument("--levels", help="comma-separated; all by default")
    parser.add_argument("--per-level", type=int, help="synthetic forms a level")
    parser.add_argument(
        "--first-seed", type=int, default=UNSEEN_SEED, help="of the synthetic forms; others are new"
    )
    parser.add_argument("--pages", type=int, help="pages in one process, for its memory")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page to keep the figures in")
    parser.add_argument("--json", type=Path, help="where to write all that was measured")
    given = parser.parse_args(arguments)
    every = tuple(dict.fromkeys((*ASKED, *LEVEL_NAMES)))
    levels = tuple(given.levels.split(",")) if given.levels else every
    if unknown := set(levels) - set(every):
        parser.error(f"no such level: {', '.join(sorted(unknown))}")
    return Options(
        only=tuple(given.only or SECTIONS),
        quick=given.quick,
        wrong=given.wrong,
        levels=levels,
        per_level=given.per_level or (QUICK_PER_LEVEL if given.quick else PER_LEVEL),
        first_seed=given.first_seed,
        pages=given.pages or (QUICK_PAGES if given.quick else PAGES),
        out=given.out,
        json=given.json,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse_options(arguments)
    done: dict[str, object] = {}
    start = time.perf_counter()
    for section in run_sections(options):
        print(f"\n## {section.title}\n\n{section.body}\n", flush=True)
        # Written one by one: what was measured stays when a later section fails.
        write_sections([section], options.out)
        done[section.name] = section.data
        if options.json is not None:
            options.json.write_text(json.dumps(done, ensure_ascii=False, indent=1), "utf-8")
    print(f"{time.perf_counter() - start:.0f} s, load {os.getloadavg()[0]:.1f}; see {options.out}")


def _loaded(module: str) -> Any:
    """A module that brings other people's engines is loaded only where it is measured."""
    return importlib.import_module(f"benchmarks.{module}")


if __name__ == "__main__":
    main()
