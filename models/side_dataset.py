"""Sides of lattices, measured on simulated scans, with what was really printed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.engines import choose_engine
from extraction.grid.grids import GridSettings, Probe, edges_to_lattices, edges_to_probe
from extraction.grid.lattice import Lattice
from extraction.grid.lines import (
    RulingNetwork,
    evidence_to_edges,
    evidence_to_probe,
    load_ruling_network,
)
from extraction.grid.side_maps import SideMaps, page_to_side_maps
from extraction.grid.side_measures import MEASURES, lattice_to_measures
from extraction.grid.side_patches import INK_RANGE, Patches, sides_to_patches
from extraction.grid.straighten import Displacement, see_straight
from extraction.pages.upright import find_upright
from extraction.values import Axis, Edge, Page, RawPage
from models.ruling_dataset import LEVELS, PRINT_DPIS
from models.synthesis.forms import make_form
from models.synthesis.scan import Scan, scan_page

SCANS = 2
"""How often each page is scanned, each time at another level."""
SIDE_LEVELS = (*LEVELS, "skewed", "mixed", "copy", "fax200")


@dataclass(frozen=True, eq=False, slots=True)
class LatticeSides:
    """One lattice: ``across`` is ys × gaps of xs × measures, ``down`` xs × gaps of ys ×
    measures, ``printed_…`` the share of each side on which a ruling was printed, and ``patches``
    the strip of each side as ``patches_to_bytes`` keeps it, those across first."""

    across: NDArray[np.float32]
    down: NDArray[np.float32]
    printed_across: NDArray[np.float32]
    printed_down: NDArray[np.float32]
    patches: NDArray[np.uint8]
    page: int

    @property
    def printed(self) -> NDArray[np.float32]:
        """Of all sides, those across first."""
        return np.concatenate([self.printed_across.ravel(), self.printed_down.ravel()])


def make_sides(seeds: Sequence[int], split: str, processes: int) -> list[LatticeSides]:
    """The lattices of every form of ``seeds``, each page scanned at a level of its own."""
    work = partial(_form_sides, split=split)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        pages = [page for pages in pool.map(work, seeds, chunksize=4) for page in pages]
    return [replace(lattice, page=number) for number, page in enumerate(pages) for lattice in page]


def write_sides(sides: Sequence[LatticeSides], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = [part.reshape(-1, len(MEASURES)) for one in sides for part in (one.across, one.down)]
    np.savez(
        path,
        patches=np.concatenate([one.patches for one in sides]),
        measures=np.concatenate(flat),
        printed=np.concatenate([one.printed for one in sides]),
        lines=np.array([(len(one.across), len(one.down)) for one in sides]),
        page=np.array([one.page for one in sides]),
    )


def read_sides(path: Path) -> list[LatticeSides]:
    with np.load(path) as stored:
        measures, printed = stored["measures"], stored["printed"]
        lines, page, patches = stored["lines"], stored["page"], stored["patches"]
    sides, start = [], 0
    for (ys, xs), number in zip(lines.tolist(), page.tolist(), strict=True):
        middle, end = start + ys * (xs - 1), start + ys * (xs - 1) + xs * (ys - 1)
        sides.append(
            LatticeSides(
                measures[start:middle].reshape(ys, xs - 1, -1),
                measures[middle:end].reshape(xs, ys - 1, -1),
                printed[start:middle].reshape(ys, xs - 1),
                printed[middle:end].reshape(xs, ys - 1),
                patches[start:end],
                number,
            )
        )
        start = end
    return sides


def page_sides(
    raw: RawPage,
    true_edges: Sequence[Edge],
    forward: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    network: RulingNetwork,
) -> list[LatticeSides]:
    """Each lattice that is found on a scan, as the judge is shown it; ``forward`` as of
    ``Scan``."""
    page, evidence, displacement = see_straight(find_upright(raw, None), raw.image, network)
    moved = (_moved(edge, forward, page, displacement) for edge in true_edges)
    printed = [edge for edge in moved if edge is not None]
    truth = edges_to_probe(printed, 3.0 * page.dpi / 72)
    maps = page_to_side_maps(page.image, page.dpi, evidence, page.grey)
    shown: list[Lattice] = []

    def judge(lattice: Lattice) -> Lattice:
        shown.append(lattice)
        return lattice

    probe = evidence_to_probe(evidence)
    # All of them are asked for, so that the judge is shown every one.
    tuple(edges_to_lattices(evidence_to_edges(evidence), page.dpi, probe, judge, GridSettings()))
    return [_with_truth(lattice, maps, truth) for lattice in shown]


def _form_sides(seed: int, split: str) -> list[list[LatticeSides]]:
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, 11])
    form = make_form(seed, split, dpi=int(rng.choice(PRINT_DPIS)))  # type: ignore[arg-type]
    network = _network()
    pages: list[list[LatticeSides]] = []
    for page in (*form.pages[:2],) * SCANS:
        level = str(rng.choice(SIDE_LEVELS))
        scan: Scan = scan_page(page.image, page.dpi, level, rng, edges=page.edges)  # type: ignore[arg-type]
        raw = RawPage(1, scan.image, scan.dpi)
        pages.append(page_sides(raw, page.edges, scan.forward, network))
    return pages


@lru_cache(maxsize=1)
def _network() -> RulingNetwork:
    return load_ruling_network(choose_engine(), 1)


def _moved(
    edge: Edge,
    forward: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    page: Page,
    displacement: Displacement | None,
) -> Edge | None:
    """A printed line as it lies on the straightened page; None where it left the page."""
    along = np.linspace(edge.start, edge.end, 7)
    at = np.full_like(along, edge.at)
    points = np.stack((along, at) if edge.axis == "horizontal" else (at, along), axis=1)
    scanned = np.concatenate([forward(points), np.ones((7, 1))], axis=1) @ page.from_source.T
    upright = scanned[:, :2] / scanned[:, 2:]
    if displacement is not None:
        dx, dy = displacement.shifts(upright[:, 0], upright[:, 1])
        upright = upright + np.stack([dx, dy], axis=1)
    spread = np.ptp(upright, axis=0)
    axis: Axis = "horizontal" if spread[0] >= spread[1] else "vertical"
    run, across = (0, 1) if axis == "horizontal" else (1, 0)
    if not np.isfinite(upright).all():
        return None
    start, end = sorted((float(upright[0, run]), float(upright[-1, run])))
    return Edge(axis, float(np.median(upright[:, across])), start, end, 1.0)


def _with_truth(lattice: Lattice, maps: SideMaps, truth: Probe) -> LatticeSides:
    xs, ys = lattice.xs, lattice.ys
    across, down = lattice_to_measures(lattice, maps)
    every = (np.full(part.shape[:2], True) for part in (across, down))
    patches = np.concatenate(sides_to_patches(lattice, maps, *every))
    return LatticeSides(
        across.astype(np.float32),
        down.astype(np.float32),
        np.array([[truth("horizontal", y, a, b) for a, b in pairwise(xs)] for y in ys], np.float32),
        np.array([[truth("vertical", x, a, b) for a, b in pairwise(ys)] for x in xs], np.float32),
        patches_to_bytes(patches),
        page=0,
    )


def patches_to_bytes(patches: Patches) -> NDArray[np.uint8]:
    """A quarter of the memory; ``INK_RANGE`` is the widest that any channel has."""
    low, high = INK_RANGE
    shares = (patches - low) * np.float32(255 / (high - low))
    return np.asarray(np.clip(np.round(shares), 0, 255), np.uint8)


def bytes_to_patches(stored: NDArray[np.uint8]) -> Patches:
    low, high = INK_RANGE
    return np.asarray(stored * np.float32((high - low) / 255) + np.float32(low), np.float32)
