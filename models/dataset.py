"""Labelled forms for training: printed ones with measured noise, and really read ones.

Reading a page takes a second, laying one out twenty milliseconds. So ``scanned_forms`` are
drawn, scanned by simulation and read by the given reader, their labels carried over by
place; from them the noise of reading is measured, and put on ``printed_forms``.
"""

from __future__ import annotations

import hashlib
import logging
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extraction.values import Box, Image, Page, PageReading
from models.labelled_forms import (
    LabelledForm,
    carry_labels,
    files_digest,
    number_lines,
    read_forms,
    write_forms,
)
from models.synthesis.forms import PrintedForm, draw_form, make_form
from models.synthesis.levels import LEVEL_NAMES, Level
from models.synthesis.placed import PlacedPage, PlacedText
from models.synthesis.placement import form_to_pages
from models.synthesis.rendering import PrintedLine, PrintedPage
from models.synthesis.scan import scan_page
from models.synthesis.wordings import Split
from models.windows import PlacedWord, box_to_thousandths, readings_to_words
from models.word_noise import (
    SHIPPED_NOISE,
    WordNoise,
    add_noise,
    measure_noise,
    read_noise,
    write_noise,
)

ReadPage = Callable[[int, Image, float], tuple[Page, PageReading]]
"""A page's number from 1, its picture and dpi to the upright page and all that was read on it."""

SYNTHESIS = Path(__file__).parent / "synthesis"
ASCENT, DESCENT = 0.88, 0.14
"""The box of a line around its baseline, in sizes of its type."""
POINTS_SCALE = 100
"""Pages in points are scaled so that rounding to whole units loses nothing."""
HIGHEST_STRENGTH = 2.0
SHARD_FORMS = 250

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """How many forms; ``reader`` is ``module:function``, a ``ReadPage``, or empty for none.

    A form that was really read is shown ``scanned_weight`` times as often as a printed one.
    """

    seed: int = 20211
    printed_forms: int = 8_000
    scanned_forms: int = 160
    test_forms: int = 400
    scanned_test_forms: int = 40
    reader: str = "models.page_reader:read_picture"
    scanned_weight: int = 6
    processes: int = 2

    @property
    def digest(self) -> str:
        """Names what the shards are made from: settings, and the source of the synthesis."""
        sources = sorted(path for path in SYNTHESIS.rglob("*") if path.suffix in (".py", ".json"))
        told = f"{self.seed} {self.reader} {files_digest(sources)}"
        return hashlib.sha256(told.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Shards:
    """Files of labelled forms; ``test`` are of layouts that ``train`` never shows."""

    train: tuple[Path, ...]
    test: tuple[Path, ...]
    noise: WordNoise


# --- printed forms -----------------------------------------------------------------------


def draw_labelled(seed: int, split: Split, kind: str | None = None) -> LabelledForm:
    """The form of the seed as a perfect reader would give it; no picture is drawn."""
    spec = draw_form(seed, split, kind)
    pages = form_to_pages(spec)
    words = (item for number, page in enumerate(pages) for item in _page_words(page, number))
    return _labelled(f"{spec.form_type}/{spec.family}", seed, words)


def draw_forms(seeds: Iterable[int]) -> list[LabelledForm]:
    """Forms for training without any noise."""
    return [draw_labelled(seed, "train") for seed in seeds]


def _page_words(page: PlacedPage, number: int) -> Iterator[tuple[PlacedWord, str]]:
    width, height = round(page.width * POINTS_SCALE), round(page.height * POINTS_SCALE)
    areas = [_points_box(cell.x0, cell.top, cell.x1, cell.bottom) for cell in page.cells]
    for text in page.texts:
        box = box_to_thousandths(_text_box(text), width, height)
        area = box if text.cell is None else box_to_thousandths(areas[text.cell], width, height)
        yield PlacedWord(text.text, box, area, 0, number), text.label


def _text_box(text: PlacedText) -> Box:
    top, bottom = text.baseline - ASCENT * text.size_pt, text.baseline + DESCENT * text.size_pt
    return _points_box(text.x, top, text.x + text.width, bottom)


def _points_box(x0: float, top: float, x1: float, bottom: float) -> Box:
    return Box(*(length * POINTS_SCALE for length in (x0, top, x1, bottom)))


def _labelled(family: str, seed: int, words: Iterable[tuple[PlacedWord, str]]) -> LabelledForm:
    """In reading order, with texts of one character a line as one word."""
    pairs = _join_upright_texts(sorted(words, key=lambda pair: _reading_key(pair[0])))
    placed = number_lines([word for word, _ in pairs])
    return LabelledForm(family, seed, "printed", placed, tuple(label for _, label in pairs))


def _reading_key(word: PlacedWord) -> tuple[int, int, int, int, int]:
    """By page, by the tops of cells, by their left sides, then by lines."""
    return word.page, word.area[1], word.area[0], word.box[1], word.box[0]


def _join_upright_texts(
    pairs: Sequence[tuple[PlacedWord, str]],
) -> list[tuple[PlacedWord, str]]:
    """Lines of one character that follow each other in a cell are read as one text."""
    joined: list[tuple[PlacedWord, str]] = []
    is_upright = False
    for word, label in pairs:
        is_single = word.in_cell and len(word.text) == 1
        last = joined[-1][0] if joined else None
        if last is not None and is_single and is_upright and last.area == word.area:
            box = last.box[0], last.box[1], max(last.box[2], word.box[2]), word.box[3]
            joined[-1] = replace(last, text=last.text + word.text, box=box), label
        else:
            joined.append((word, label))
        is_upright = is_single
    return joined


# --- forms that are really read ----------------------------------------------------------


def read_labelled(
    form: PrintedForm, level: Level, read_page: ReadPage, rng: np.random.Generator
) -> tuple[LabelledForm, LabelledForm]:
    """The form scanned and read: (printed, read), boxes of both on the upright pages."""
    printed: list[tuple[PlacedWord, str]] = []
    readings: list[PageReading] = []
    for number, page in enumerate(form.pages):
        scan = scan_page(page.image, page.dpi, level, rng, edges=page.edges)
        upright, reading = read_page(page.number, scan.image, scan.dpi)
        readings.append(reading)
        to_upright = partial(_project, upright.from_source)
        moved = _moved_lines(page, lambda points: to_upright(scan.forward(points)))  # noqa: B023
        printed += _scanned_words(moved, number, upright.width, upright.height)
    family = f"{form.form_type}/{form.family}"
    truth = _labelled(family, form.seed, printed)
    words, _ = readings_to_words(readings)
    labels = carry_labels(truth, words)
    return truth, LabelledForm(family, form.seed, "ocr", words, labels)


_Moved = tuple[PrintedLine, Box, Box | None]
PointMap = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _moved_lines(page: PrintedPage, to_upright: PointMap) -> list[_Moved]:
    """Each line with its own box and its cell's box on the upright page."""
    areas = [_move_box(cell.box, to_upright) for cell in page.cells]
    return [
        (line, _move_box(line.box, to_upright), None if line.cell is None else areas[line.cell])
        for line in page.lines
    ]


def _scanned_words(
    lines: Sequence[_Moved], number: int, width: int, height: int
) -> Iterator[tuple[PlacedWord, str]]:
    for line, own, cell_box in lines:
        box = box_to_thousandths(own, width, height)
        area = box if cell_box is None else box_to_thousandths(cell_box, width, height)
        yield PlacedWord(line.text, box, area, 0, number), line.label


def _move_box(box: Box, move: PointMap) -> Box:
    """The box around the four moved corners."""
    corners = [(x, y) for x in (box.x0, box.x1) for y in (box.top, box.bottom)]
    moved = move(np.array(corners, dtype=np.float64))
    (x0, top), (x1, bottom) = moved.min(axis=0).tolist(), moved.max(axis=0).tolist()
    return Box(x0, top, x1, bottom)


def _project(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """n × 2 points by a 3 × 3 projective matrix."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:])


# --- shards ------------------------------------------------------------------------------


def make_dataset(folder: Path, settings: DatasetSettings) -> Shards:
    """All shards of the settings below ``folder``; those that exist are taken as they are."""
    folder = folder / settings.digest
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(settings.processes, mp_context=get_context("spawn")) as pool:
        scanned: list[Path] = []
        scanned_test: list[Path] = []
        if settings.reader:
            scanned = _make_scanned(pool, folder, settings, "train", settings.scanned_forms)
            scanned_test = _make_scanned(
                pool, folder, settings, "test", settings.scanned_test_forms
            )
        noise = _noise_of(scanned)
        noise_path = folder / "noise.json"
        write_noise(noise_path, noise)
        printed = _make_printed(pool, folder, noise_path, settings, "train")
        test = _make_printed(pool, folder, noise_path, settings, "test")
    return Shards((*scanned * settings.scanned_weight, *printed), (*scanned_test, *test), noise)


def find_shards(folder: Path) -> Shards:
    """A data set that was made before, each shard once."""
    return Shards(
        train=tuple(sorted([*folder.glob("ocr_train_*"), *folder.glob("printed_train_*")])),
        test=tuple(sorted([*folder.glob("ocr_test_*"), *folder.glob("printed_test_*")])),
        noise=read_noise(folder / "noise.json"),
    )


def _noise_of(scanned: Sequence[Path]) -> WordNoise:
    """Measured on the forms just read, or the shipped measure where none was."""
    if not scanned:
        return read_noise(SHIPPED_NOISE)
    pairs = (
        pair
        for path in scanned
        for pair in zip(read_forms(_truth_path(path)), read_forms(path), strict=True)
    )
    return measure_noise(pairs)


def _truth_path(path: Path) -> Path:
    return path.with_name(f"truth_{path.name}")


def _shard_seeds(settings: DatasetSettings, first: int, count: int) -> list[range]:
    """Runs of seeds; ``first`` keeps the seeds of the parts of the data set apart."""
    start = settings.seed * 1_000_000 + first
    return [
        range(start + at, start + min(at + SHARD_FORMS, count))
        for at in range(0, count, SHARD_FORMS)
    ]


def _make_printed(
    pool: ProcessPoolExecutor,
    folder: Path,
    noise_path: Path,
    settings: DatasetSettings,
    split: Split,
) -> list[Path]:
    count = settings.printed_forms if split == "train" else settings.test_forms
    seeds = _shard_seeds(settings, 0, count)
    noise_digest = files_digest([noise_path])[:6]
    names = (f"printed_{split}_{noise_digest}_{run.start}_{len(run)}" for run in seeds)
    paths = [folder / f"{name}.jsonl.gz" for name in names]
    splits, noises = [split] * len(paths), [noise_path] * len(paths)
    return _collect(pool.map(write_printed_shard, paths, seeds, splits, noises), len(paths))


def _collect(written: Iterable[Path], count: int) -> list[Path]:
    paths = []
    for path in written:
        paths.append(path)
        logger.info("forms: %s, %d of %d", path.name, len(paths), count)
    return paths


def write_printed_shard(path: Path, seeds: range, split: Split, noise_path: Path) -> Path:
    """Forms laid out and given noise of 0 to ``HIGHEST_STRENGTH`` times the measured rates."""
    if not path.is_file():
        noise = read_noise(noise_path)
        write_forms(path, (_noisy_form(seed, split, noise) for seed in seeds))
    return path


def _noisy_form(seed: int, split: Split, noise: WordNoise) -> LabelledForm:
    rng = np.random.default_rng((seed, 77))
    strength = rng.uniform(0, HIGHEST_STRENGTH) if split == "train" else 1.0
    return add_noise(draw_labelled(seed, split), noise, rng, strength)


def _make_scanned(
    pool: ProcessPoolExecutor, folder: Path, settings: DatasetSettings, split: Split, count: int
) -> list[Path]:
    runs = _shard_seeds(settings, 500_000, count)
    # Small shards: reading is slow, and what is written survives an interruption.
    seeds = [run[at : at + 20] for run in runs for at in range(0, len(run), 20)]
    paths = [folder / f"ocr_{split}_{run.start}_{len(run)}.jsonl.gz" for run in seeds]
    splits, readers = [split] * len(paths), [settings.reader] * len(paths)
    return _collect(pool.map(write_scanned_shard, paths, seeds, splits, readers), len(paths))


def write_scanned_shard(path: Path, seeds: range, split: Split, reader: str) -> Path:
    """Forms scanned at the levels in turn and read; what was printed goes to a file beside."""
    if path.is_file() and _truth_path(path).is_file():
        return path
    read_page: ReadPage = pkgutil.resolve_name(reader)
    truths, forms = [], []
    for seed in seeds:
        rng = np.random.default_rng((seed, 78))
        level = LEVEL_NAMES[seed % len(LEVEL_NAMES)]
        truth, form = read_labelled(make_form(seed, split), level, read_page, rng)
        truths.append(truth)
        forms.append(form)
    write_forms(_truth_path(path), truths)
    write_forms(path, forms)
    return path
