"""Sides of lattices, measured on simulated scans, with what was really printed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.engines import choose_engine
from extraction.grid.grids import GridSettings, edges_to_lattices, edges_to_probe
from extraction.grid.lattice import Lattice
from extraction.grid.lines import (
    RulingNetwork,
    evidence_to_edges,
    evidence_to_probe,
    load_ruling_network,
)
from extraction.grid.sides import MEASURES, lattice_to_measures, page_to_side_maps
from extraction.grid.straighten import Displacement, see_straight
from extraction.pages.upright import find_upright
from extraction.values import Axis, Edge, Page, RawPage
from models.ruling_dataset import LEVELS, PRINT_DPIS
from models.synthesis.forms import make_form
from models.synthesis.scan import Scan, scan_page

SCANS = 2
"""How often each page is scanned, each time at another level."""
PRINTED = 0.6
"""A side of which this share is printed is there; below ``BLANK`` it is not; what lies
between says nothing (a separator that is a little off)."""
BLANK = 0.25


@dataclass(frozen=True, eq=False, slots=True)
class Sides:
    """``measures``: n × measures; ``printed``: n, 0 or 1; ``page``: n, whose they are."""

    measures: NDArray[np.float32]
    printed: NDArray[np.float32]
    page: NDArray[np.int64]


def make_sides(seeds: Sequence[int], split: str, processes: int) -> Sides:
    """The sides of every form of ``seeds``, each page scanned at a level of its own."""
    work = partial(_form_sides, split=split)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found = [part for parts in pool.map(work, seeds, chunksize=4) for part in parts]
    measures, printed = (np.concatenate([part[k] for part in found]) for k in (0, 1))
    pages = np.concatenate([np.full(len(part[1]), n) for n, part in enumerate(found)])
    return Sides(measures, printed, pages)


def write_sides(sides: Sides, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, measures=sides.measures, printed=sides.printed, page=sides.page)


def read_sides(path: Path) -> Sides:
    with np.load(path) as stored:
        return Sides(stored["measures"], stored["printed"], stored["page"])


def page_sides(
    raw: RawPage,
    true_edges: Sequence[Edge],
    forward: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    network: RulingNetwork,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Measures and truth of each lattice that is found on a scan; ``forward`` as of ``Scan``."""
    page, evidence, displacement = see_straight(find_upright(raw, None), raw.image, network)
    moved = (_moved(edge, forward, page, displacement) for edge in true_edges)
    printed = [edge for edge in moved if edge is not None]
    truth = edges_to_probe(printed, 3.0 * page.dpi / 72)
    maps = page_to_side_maps(page.image, page.dpi, evidence)
    edges = evidence_to_edges(evidence)
    probe = evidence_to_probe(evidence)
    for lattice in edges_to_lattices(edges, page.dpi, probe, None, GridSettings()):
        yield _with_truth(lattice, lattice_to_measures(lattice, maps), truth)


def _form_sides(seed: int, split: str) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, 11])
    form = make_form(seed, split, dpi=int(rng.choice(PRINT_DPIS)))  # type: ignore[arg-type]
    network = _network()
    sides: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for page in (*form.pages[:2],) * SCANS:
        level = str(rng.choice(LEVELS))
        scan: Scan = scan_page(page.image, page.dpi, level, rng, edges=page.edges)  # type: ignore[arg-type]
        raw = RawPage(1, scan.image, scan.dpi)
        sides.extend(page_sides(raw, page.edges, scan.forward, network))
    return sides


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


def _with_truth(
    lattice: Lattice,
    measures: tuple[NDArray[np.float64], NDArray[np.float64]],
    truth: Callable[..., float],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    xs, ys = lattice.xs, lattice.ys
    across = [[truth("horizontal", y, a, b) for a, b in pairwise(xs)] for y in ys]
    down = [[truth("vertical", x, a, b) for a, b in pairwise(ys)] for x in xs]
    shares = np.concatenate([np.ravel(across), np.ravel(down)])
    every = np.concatenate([part.reshape(-1, len(MEASURES)) for part in measures])
    told = (shares >= PRINTED) | (shares < BLANK)
    return every[told].astype(np.float32), (shares[told] >= PRINTED).astype(np.float32)
