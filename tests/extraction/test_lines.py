"""Probability maps of rulings to edges, and the evidence for a stretch of one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.grid.lines import (
    Evidence,
    LineSettings,
    evidence_to_edges,
    evidence_to_probe,
    see_rulings,
    trace_lines,
    without_seals,
)
from extraction.grid.straighten import find_displacement, straighten_evidence
from extraction.values import Image

SCALE = 0.5


def drawn_evidence(bend_px: float = 0.0, size: tuple[int, int] = (400, 300)) -> Evidence:
    """A table of 4 × 3 cells, its lines bent by ``bend_px`` in the middle, in map pixels."""
    height, width = size
    across, down = np.zeros(size, np.float32), np.zeros(size, np.float32)
    x, y = np.arange(30, 271), np.arange(40, 361)
    for at in (40, 120, 200, 280, 360):
        rows = at + bend_px * np.sin(np.pi * x / width)
        across[np.round(rows).astype(int), x] = 0.95
    for at in (30, 110, 190, 270):
        shift = bend_px * np.sin(np.pi * (y - 1) / height)
        down[y, np.clip(np.round(at + shift), 0, width - 1).astype(int)] = 0.95
    return Evidence(across, down, SCALE)


def test_lines_come_out_in_pixels_of_the_page() -> None:
    edges = evidence_to_edges(drawn_evidence())
    across = sorted((e for e in edges if e.axis == "horizontal"), key=lambda e: e.at)
    assert [edge.at for edge in across] == [(y + 0.5) / SCALE for y in (40, 120, 200, 280, 360)]
    assert across[0].start == 60 and across[0].end == 542
    assert sum(edge.axis == "vertical" for edge in edges) == 4


def test_a_gap_shorter_than_the_bridge_leaves_one_line() -> None:
    evidence = drawn_evidence()
    evidence.across[:, 100:104] = 0
    assert sum(edge.axis == "horizontal" for edge in evidence_to_edges(evidence)) == 5


def test_faint_traces_alone_are_no_line() -> None:
    faint = drawn_evidence()
    weak = Evidence(faint.across * 0.45, faint.down * 0.45, SCALE)
    assert evidence_to_edges(weak) == []


def test_the_probe_tells_the_share_that_is_seen() -> None:
    evidence = drawn_evidence()
    evidence.across[:, 150:200] = 0
    probe = evidence_to_probe(evidence)
    assert probe("horizontal", 81, 60, 200) == pytest.approx(1.0)
    assert probe("horizontal", 81, 300, 400) == pytest.approx(0.0)
    assert probe("horizontal", 81, 200, 400) == pytest.approx(0.5, abs=0.03)
    assert probe("vertical", 61, 90, 700) == pytest.approx(1.0)
    assert probe("vertical", 400, 90, 700) == pytest.approx(0.0)


@pytest.mark.parametrize("bend_px", [3.0, 8.0, -6.0])
def test_bent_rulings_are_made_straight(bend_px: float) -> None:
    bent = drawn_evidence(bend_px)
    displacement = find_displacement(bent)
    assert displacement is not None
    straight = straighten_evidence(bent, displacement)
    for map_, count in ((straight.across, 5), (straight.down.T, 4)):
        traces = trace_lines(map_, LineSettings())
        assert len(traces) == count
        assert max(np.ptp(ys[2:-2]) for _, ys, _ in traces) < 1.5


@pytest.mark.parametrize("bend_px", [6.0, -10.0])
def test_the_last_row_of_a_table_alone_on_curled_paper_is_made_straight(bend_px: float) -> None:
    """Far below it the bend of its two rulings came out as anything, and was not believed."""
    bent = drawn_evidence(bend_px)
    bent.across[60:] = 0
    x = np.arange(30, 271)
    bent.across[np.round(54 + bend_px * np.sin(np.pi * x / 300)).astype(int), x] = 0.95
    bent.down[70:] = 0
    displacement = find_displacement(bent)
    assert displacement is not None
    straight = straighten_evidence(bent, displacement)
    traces = trace_lines(straight.across, LineSettings())
    assert len(traces) == 2
    assert max(np.ptp(ys[2:-2]) for _, ys, _ in traces) < 1.5
    below = np.array([[100.0, 500.0], [100.0, 790.0]])
    dx, dy = displacement.shifts(below[:, 0], below[:, 1])
    assert np.ptp(dx) == np.ptp(dy) == 0


def test_straight_rulings_are_left_alone() -> None:
    assert find_displacement(drawn_evidence(0.0)) is None


def test_too_few_rulings_bend_nothing() -> None:
    blank = np.zeros((400, 300), np.float32)
    assert find_displacement(Evidence(blank, blank.copy(), SCALE)) is None


def test_the_network_sees_the_page_at_its_own_resolution() -> None:
    shapes = []

    def network(grey: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        shapes.append(grey.shape)
        return np.zeros((1, 2, grey.shape[2] // 2, grey.shape[3] // 2), np.float32)

    evidence = see_rulings(np.full((1000, 600, 3), 255, np.uint8), 300, network)
    assert shapes == [(1, 1, 512, 304)]
    assert evidence.across.shape == (250, 150) and evidence.scale == 0.25


def unsure(grey: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """A network that sees nothing."""
    return np.full((1, 2, grey.shape[2] // 2, grey.shape[3] // 2), -5.0, np.float32)


def thin_lines(x: int, y: int) -> np.ndarray:  # type: ignore[type-arg]
    """A print at 300 dpi: two rulings and a stroke of a character that crosses none."""
    page = np.full((1200, 960, 3), 255, np.uint8)
    page[100:1100, x] = (0, 0, 0)
    page[100:1100, x + 1] = (123, 123, 123)
    page[y, 100:900] = (60, 60, 60)
    page[y + 1, 100:900] = (60, 60, 60)
    page[600:690, 500:504] = 0
    return page


@pytest.mark.parametrize("x", [328, 329, 330, 331])
def test_thin_rulings_of_a_print_without_noise_are_seen_whatever_the_network_says(x: int) -> None:
    """On one clean scan it overlooked a column line for the most part; moved by two pixels, it
    saw it."""
    edges = evidence_to_edges(see_rulings(thin_lines(x, 301), 300, unsure))
    assert [(edge.axis, round(edge.at / 8), round(edge.length / 100)) for edge in edges] == [
        ("horizontal", round(301 / 8), 8),
        ("vertical", round(x / 8), 10),
    ]


def test_the_dark_edge_of_a_photographed_paper_is_no_ruling() -> None:
    noise = np.random.default_rng(0).integers(0, 40, (1200, 960, 1), dtype=np.uint8)
    assert evidence_to_edges(see_rulings(thin_lines(329, 301) - noise, 300, unsure)) == []


def sealed_page(*, ruled: tuple[int, int, int] | None = None) -> Image:
    """Off-white paper with a seal whose rim crosses a black line; ``ruled``, a long line too."""
    page = np.full((400, 400, 3), (236, 234, 230), np.uint8)
    if ruled is not None:
        cv2.line(page, (20, 380), (380, 380), ruled, 3)
    cv2.circle(page, (200, 200), 110, (215, 60, 70), 7, cv2.LINE_AA)
    cv2.line(page, (20, 200), (380, 200), (40, 38, 42), 3)
    return page


def test_the_rim_of_a_seal_is_no_line_and_print_below_it_is() -> None:
    """Where it ran upright it was the border of a cell, and took the place of the true one."""
    grey = without_seals(sealed_page())
    rim = np.r_[grey[150, 80:100], grey[250, 300:320]]
    assert rim.min() > 200
    assert grey[200, 25:375].max() < 60


def test_red_rulings_stay_as_dark_as_they_are() -> None:
    page = sealed_page(ruled=(205, 50, 60))
    assert (without_seals(page) == cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)).all()


@given(
    shade=st.tuples(*[st.integers(60, 255)] * 3),
    black=st.integers(0, 60),
    blue=st.integers(0, 255),
)
def test_a_page_without_red_ink_is_its_grey_in_any_light(
    shade: tuple[int, int, int], black: int, blue: int
) -> None:
    """A photo by lamplight is reddish all over."""
    page = np.full((64, 96, 3), shade, np.uint8)
    page[30:32] = page[:, 40:42] = (black, black, min(255, black + blue))
    assert (without_seals(page) == cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)).all()
