"""The judge of sides is fitted to what was printed, and ships as it was fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extraction.engines import open_runner
from extraction.grid.side_maps import PATCH_CHANNELS
from extraction.grid.side_patches import ACROSS, ALONG, INK_RANGE, Patches, with_notes
from extraction.grid.sides import load_side_judge
from models.close_look import (
    NOTES,
    CloseLookNetwork,
    export_close_look,
    fit_close_look,
    look_closely,
)
from models.side_dataset import (
    LatticeSides,
    bytes_to_patches,
    make_sides,
    patches_to_bytes,
    read_sides,
    write_sides,
)
from models.train_sides import (
    FirstLook,
    FitSettings,
    doubtful_examples,
    figures_of,
    fit_judge,
    write_judge,
)

SHAPE = (len(PATCH_CHANNELS), ACROSS, ALONG)


@given(st.lists(st.floats(*INK_RANGE, width=32), min_size=1, max_size=20))
def test_strips_come_back_from_their_bytes_nearly_as_they_were(shades: list[float]) -> None:
    strips = np.broadcast_to(
        np.array(shades, np.float32)[:, None, None, None], (len(shades), *SHAPE)
    )
    again = bytes_to_patches(patches_to_bytes(strips))
    assert again.shape == strips.shape
    assert np.abs(again - strips).max() < 0.005


def drawn_strips(count: int, rng: np.random.Generator) -> tuple[Patches, Patches]:
    """Lines that touch both ends, and strokes that keep off them; noise on either."""
    strips = rng.normal(0.0, 0.05, (count, *SHAPE)).astype(np.float32)
    printed = rng.random(count) < 0.5
    middle = ACROSS // 2
    strips[printed, 0, middle, :] += 0.8
    strips[~printed, 0, middle, 10:-10] += 0.8
    return strips, printed.astype(np.float32)


def blank_notes(count: int) -> NDArray[np.float32]:
    return np.zeros((count, NOTES), np.float32)


@pytest.fixture(scope="module")
def fitted() -> CloseLookNetwork:
    strips, printed = drawn_strips(1500, np.random.default_rng(1))
    return fit_close_look(patches_to_bytes(strips), blank_notes(1500), printed, epochs=6, seed=1)


def test_a_stroke_that_keeps_off_the_ends_is_told_from_a_line(fitted: CloseLookNetwork) -> None:
    strips, printed = drawn_strips(200, np.random.default_rng(2))
    odds = look_closely(fitted, patches_to_bytes(strips), blank_notes(200))
    assert ((odds > 0) == (printed > 0.5)).mean() > 0.95


def test_the_exported_network_says_what_the_fitted_one_says(
    fitted: CloseLookNetwork, tmp_path: Path
) -> None:
    export_close_look(fitted, tmp_path / "close.onnx")
    runner = open_runner(tmp_path / "close.onnx", "onnxruntime", threads=1, streams=1)
    stored = patches_to_bytes(drawn_strips(7, np.random.default_rng(3))[0])
    notes = np.random.default_rng(4).normal(size=(7, NOTES)).astype(np.float32)
    served = runner.run(with_notes(bytes_to_patches(stored), notes))
    assert served.shape == (7, 1)
    assert served[:, 0] == pytest.approx(look_closely(fitted, stored, notes), abs=1e-4)


@pytest.fixture(scope="module")
def measured() -> list[LatticeSides]:
    return make_sides(range(310_000, 310_003), "train", 1)


@pytest.mark.slow
def test_lattices_come_back_from_their_file(measured: list[LatticeSides], tmp_path: Path) -> None:
    write_sides(measured, tmp_path / "sides.npz")
    again = read_sides(tmp_path / "sides.npz")
    assert len(again) == len(measured)
    for one, other in zip(measured, again, strict=True):
        assert one.page == other.page
        assert (one.across == other.across).all() and (one.down == other.down).all()
        assert (one.printed == other.printed).all() and (one.patches == other.patches).all()


@pytest.mark.slow
def test_the_whole_judge_is_fitted_and_loads(measured: list[LatticeSides], tmp_path: Path) -> None:
    judge = fit_judge(measured, FitSettings(steps=60, epochs=1, seed=1))
    figures = figures_of(judge, measured)
    assert figures["sides"] > 100 and figures["wrong"] < 0.2
    write_judge(judge, figures, tmp_path / "sides.json")
    loaded = load_side_judge(tmp_path / "sides.json", tmp_path / "close_look.onnx")
    assert loaded.first.log_odds(measured[0].across) == pytest.approx(
        judge.first.log_odds(measured[0].across)
    )


@pytest.mark.slow
def test_sides_of_which_the_first_look_is_sure_are_not_looked_at(
    measured: list[LatticeSides],
) -> None:
    sizes = [one.printed.size for one in measured]
    sure = [FirstLook(np.full(size, 20.0), blank_notes(size)) for size in sizes]
    strips, notes, printed = doubtful_examples(measured, sure)
    assert len(strips) == len(notes) == len(printed) == 0
