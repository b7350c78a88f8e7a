"""Texts break without loss; the sums of a form agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.synthesis.bands import shares_to_borders, snapped
from models.synthesis.content import author_of
from models.synthesis.indicators import draw_indicators, draw_levels, total_of
from models.synthesis.styling import draw_style
from models.synthesis.wrapping import text_to_lines, text_width_pt

TEXTS = st.text(alphabet="项目支出，。（）《》12.5%ab \n", max_size=60)


@settings(deadline=None, max_examples=60)
@given(text=TEXTS, width=st.floats(8, 300), seed=st.integers(0, 50))
def test_wrapping_loses_nothing(text: str, width: float, seed: int) -> None:
    style = draw_style(np.random.default_rng(seed), "train")
    lines = text_to_lines(text, width, style.size_pt, style)
    assert "".join(lines) == text.replace("\n", "")
    assert all(
        text_width_pt(line[:-1], style.size_pt, style) <= width + style.size_pt for line in lines
    )


@given(
    shares=st.lists(st.floats(0.3, 3), min_size=2, max_size=9),
    grid=st.lists(st.integers(0, 1000), min_size=1, max_size=9),
)
def test_snapped_borders_stay_in_order(shares: list[float], grid: list[int]) -> None:
    borders = snapped(shares_to_borders(tuple(shares)), tuple(grid), 40)
    assert borders[0] == 0 and borders[-1] == 1000
    assert list(borders) == sorted(set(borders))


@pytest.mark.parametrize("rows", [1, 2, 9, 45])
def test_weights_sum_and_levels_cover_every_row(rows: int) -> None:
    for seed in range(20):
        author = author_of(np.random.default_rng(seed))
        indicators = draw_indicators(author, draw_levels(author, rows), 90)
        assert len(indicators) == rows
        points = [indicator.points for indicator in indicators]
        if all(point.replace(".", "").isdigit() for point in points):
            assert total_of(points) == 90
        for level in ("span1", "span2", "span3"):
            assert sum(getattr(indicator, level) for indicator in indicators) == rows
