"""Pages and their ruling lines for training the ruling network, from synthesis and scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.grid.lines import RULING_DPI
from extraction.values import Edge
from models.synthesis.forms import make_form
from models.synthesis.scan import scan_page

LEVELS = (
    *("clean300", "office200", "stamped200") * 2,
    *("fax200", "archive150") * 4,
    *("photo", "copy", "lowres", "mixed") * 2,
    *("marker", "screen"),
)
PRINT_DPIS = (150, 200, 200, 300)


@dataclass(frozen=True, slots=True)
class RulingPage:
    """``grey``: H × W uint8 at ``RULING_DPI``; ``rulings``: 2 × H/2 × W/2 uint8, the
    horizontal and the vertical lines, drawn also where the scan lost them."""

    grey: NDArray[np.uint8]
    rulings: NDArray[np.uint8]


def make_ruling_pages(seed: int, split: str) -> list[RulingPage]:
    """All pages of one form, each scanned at a level of its own."""
    rng = np.random.default_rng([seed, 7])
    form = make_form(seed, split, dpi=int(rng.choice(PRINT_DPIS)))  # type: ignore[arg-type]
    pages = []
    for page in form.pages[:2]:
        level = str(rng.choice(LEVELS))
        scan = scan_page(page.image, page.dpi, level, rng, edges=page.edges)  # type: ignore[arg-type]
        # A known resolution is met exactly as often as one that is a little off.
        off = float(np.exp(rng.normal(0, 0.12))) if rng.random() < 0.5 else 1.0
        zoom = RULING_DPI / scan.dpi * off
        grey = to_ruling_grey(scan.image, zoom)
        pages.append(RulingPage(grey, draw_rulings(page.edges, scan.forward, zoom, grey.shape)))
    return pages


def to_ruling_grey(image: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    """Grey at the network's resolution, each side a multiple of 16, padded with white."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    size = (max(16, round(grey.shape[1] * zoom)), max(16, round(grey.shape[0] * zoom)))
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    padded = np.full([-(-side // 16) * 16 for side in grey.shape], 255, np.uint8)
    padded[: grey.shape[0], : grey.shape[1]] = grey
    return padded


def draw_rulings(
    edges: Sequence[Edge],
    forward: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    zoom: float,
    shape: tuple[int, ...],
) -> NDArray[np.uint8]:
    masks = [np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)]
    for edge in edges:
        along = np.linspace(edge.start, edge.end, max(2, int(edge.length / 12)))
        at = np.full_like(along, edge.at)
        points = (along, at) if edge.axis == "horizontal" else (at, along)
        curve = forward(np.stack(points, axis=1)) * zoom - 0.5  # to pixel centres
        mask = masks[0 if edge.axis == "horizontal" else 1]
        fixed = np.round(curve * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [fixed], False, (255,), thickness=3, lineType=cv2.LINE_AA, shift=4)
    half = (shape[1] // 2, shape[0] // 2)
    return np.stack([cv2.resize(mask, half, interpolation=cv2.INTER_AREA) for mask in masks])


def write_ruling_pages(seeds: Sequence[int], split: str, folder: Path, processes: int) -> None:
    """One ``.npz`` a page; what is there already is kept, so that a killed run goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = [seed for seed in seeds if not (folder / f"{seed:06d}-0.npz").exists()]
    work = partial(_write_form, split=split, folder=folder)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done, _ in enumerate(pool.map(work, todo, chunksize=8), start=1):
            if done % 50 == 0:
                print(f"ruling pages: {done} of {len(todo)} forms", flush=True)


def read_ruling_pages(folder: Path) -> list[RulingPage]:
    pages = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            pages.append(RulingPage(stored["grey"], stored["rulings"]))
    return pages


def _write_form(seed: int, split: str, folder: Path) -> None:
    cv2.setNumThreads(1)
    pages = make_ruling_pages(seed, split)
    for number in reversed(range(len(pages))):
        np.savez_compressed(
            folder / f"{seed:06d}-{number}.npz",
            grey=pages[number].grey,
            rulings=pages[number].rulings,
        )
