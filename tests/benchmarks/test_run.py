from __future__ import annotations

import pytest

from benchmarks.laps import Lap, seconds_by_way
from benchmarks.memory import Resident, mb_per_hundred_pages
from benchmarks.run import PER_LEVEL, QUICK_PER_LEVEL, SECTIONS, Bench, parse_options


def test_all_sections_run_by_default_and_each_has_its_measure() -> None:
    options = parse_options([])
    assert options.only == SECTIONS
    assert options.per_level == PER_LEVEL
    assert all(callable(getattr(Bench, name)) for name in options.only)


def test_parts_can_be_chosen_and_a_level_that_is_none_is_refused() -> None:
    options = parse_options(["--quick", "--only", "samples", "--levels", "photo,fax200"])
    assert (options.only, options.levels) == (("samples",), ("photo", "fax200"))
    assert options.per_level == QUICK_PER_LEVEL
    with pytest.raises(SystemExit):
        parse_options(["--levels", "office2000"])


def test_growth_leaves_out_the_pages_in_which_caches_fill() -> None:
    filling = [Resident(page, 100.0 * page, 0.0) for page in range(1, 5)]
    flat = [Resident(page, 400.0 + 0.02 * page, 0.0) for page in range(5, 21)]
    assert mb_per_hundred_pages([*filling, *flat]) == pytest.approx(2.0)
    assert mb_per_hundred_pages(filling[:1]) == 0.0


def test_a_way_takes_the_mean_over_documents_of_the_median_over_repeats() -> None:
    laps = [Lap("a", "x", t) for t in (1.0, 9.0, 2.0)] + [Lap("a", "y", 4.0)]
    assert seconds_by_way(laps) == {"a": 3.0}
