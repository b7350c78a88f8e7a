"""The text models: PP-OCRv6 small through paddleocr, which nothing else imports."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from extraction.engines import (
    Engine,
    Runner,
    Shape,
    Tensor,
    cache_folder,
    import_openvino,
    open_runner,
)
from extraction.ocr.ctc import NOTHING, Reading, find_alphabet, output_to_reading
from extraction.ocr.weights import (
    DETECTOR,
    LINE_HEIGHT_PX,
    RECOGNISER,
    UPRIGHT,
    model_folder,
)
from extraction.values import Image

NARROWEST_PX = 64
WIDEST_PX = 3200
USUAL_WIDEST_PX = 1200
UPRIGHT_WIDTH_PX = 192
MOST_LINES = 10_000
"""Of a page; paddlex would drop what stands at the top of a page with more than 1000."""
STRIP_PX = 768
STRIP_OVERLAP_PX = 192
USUAL_PAGE_PX = 896
"""The width at which the detector sees an upright A4 page."""
"""Lines are told apart less well near the edges of what the detector sees."""


# Imported by paddlex along the way and never used to read text: the download of models from
# hubs (which loads torch and transformers where they are installed), other downloads, tables of
# Excel, time series, web clients, language models, whole pipelines, repositories for training.
SET_ASIDE = (
    "paddlex.utils.download",
    "paddlex.inference.utils.io.tablepyxl",
    "paddlex.inference.utils.official_models",
    "paddlex.inference.models.common.tokenizer",
    "paddlex.inference.models.common.ts",
    "paddlex.inference.pipelines",
    "paddlex.repo_apis",
    "paddlex.repo_manager",
    "paddleocr._api_client.async_client",
    "paddleocr._api_client.client",
    "pandas",
)


class _Unused:
    """Stands in for whatever a module that was set aside would hold."""

    def __init__(self, *_: object, **__: object) -> None:
        pass


class _Blank(types.ModuleType):
    """Stands in for a module that is imported but never used."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (_Unused,), {})


class _BlankImporter(MetaPathFinder, Loader):
    """Finds a blank module for each of ``names`` and all that lies below them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.found: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if any(f"{fullname}.".startswith(f"{name}.") for name in self._names):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        self.found.append(spec.name)
        return _Blank(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing: it is made blank."""


@contextmanager
def modules_set_aside(names: Sequence[str]) -> Iterator[None]:
    """Import blank modules for those of ``names`` that are not loaded, inside the block."""
    importer = _BlankImporter([name for name in names if name not in sys.modules])
    sys.meta_path.insert(0, importer)
    try:
        yield
    finally:
        sys.meta_path.remove(importer)
        for name in importer.found:
            sys.modules.pop(name, None)


def import_paddleocr(cache: Path) -> types.ModuleType:
    """paddleocr with all that asks the network switched off, in about a second."""
    os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
    os.environ.setdefault("PADDLE_PDX_CACHE_HOME", str(cache / "paddlex"))
    with modules_set_aside(SET_ASIDE):
        paddleocr = importlib.import_module("paddleocr")
    logging.getLogger("paddlex").setLevel(logging.ERROR)
    return paddleocr


class TextModels:
    """Detector, recogniser and the judge of upright lines, on one engine.

    One object per process, never shared by threads. ``recogniser`` is the folder of another
    one than is shipped (``extraction.ocr.weights.lay_out_recogniser``), named like its version.
    """

    def __init__(
        self,
        engine: Engine,
        threads: int,
        cache: Path | None = None,
        recogniser: Path | None = None,
    ) -> None:
        self._cache = cache or cache_folder()
        self._own = {RECOGNISER: recogniser} if recogniser is not None else {}
        self._networks = Networks(self._weights, engine, threads, self._cache)
        import_paddleocr(self._cache)
        told = f"paddleocr-{version('paddleocr')}/PP-OCRv6_small/{engine}"
        self.version = told if recogniser is None else f"{told}/{recogniser.name}"
        self._detector = self._predictor("text_detection", "TextDetRunnerPredictor", DETECTOR)
        self._detector.post_op.max_candidates = MOST_LINES
        self._recogniser = self._predictor("text_recognition", "TextRecRunnerPredictor", RECOGNISER)
        self._alphabet = find_alphabet("".join(self._recogniser.post_op.character[1:-1]))
        self._networks.check()

    def _folder(self, model: str) -> Path:
        return self._own.get(model) or model_folder(model, self._cache)

    def _weights(self, model: str) -> Path:
        return self._folder(model) / "inference.onnx"

    def _predictor(self, task: str, name: str, model: str) -> Any:
        """What paddleocr runs for a task, for what it does before and after its network: ours
        runs that, so none is opened for it. Without a device named, it would look for one with
        torch."""
        module = importlib.import_module(f"paddlex.inference.models.{task}.predictor")
        return getattr(module, name)(
            model_dir=str(self._folder(model)),
            model_name=model,
            runner=None,
            engine_config={"device_type": "cpu"},
        )

    def text_map(self, image: Image) -> NDArray[np.float32]:
        """How likely each pixel of ``image`` lies in the core of a text line, 0..1.

        The sides of ``image`` (height × width × 3, RGB) are multiples of 32. It is seen in
        strips of one size, so that memory does not grow with the height of a page.
        """
        height = image.shape[0]
        starts, strip = strip_rows(height)
        text_map = np.zeros(image.shape[:2], dtype=np.float32)
        for start in starts:
            seen = self._strip_map(image[start : start + strip])
            first = 0 if start == 0 else STRIP_OVERLAP_PX // 2
            text_map[start + first : start + strip] = seen[first:]
        return text_map

    def _strip_map(self, image: Image) -> NDArray[np.float32]:
        operations = self._detector.pre_tfs
        normal = operations["Normalize"](imgs=[np.ascontiguousarray(image[:, :, ::-1])])
        (batch,) = operations["ToBatch"](imgs=operations["ToCHW"](imgs=normal))
        return np.array(self._networks.detect.run(np.ascontiguousarray(batch))[0, 0])

    def map_to_quads(
        self, text_map: NDArray[np.float32], height: int, width: int
    ) -> NDArray[np.float64]:
        """The text lines of a map, lines × 4 corners × (x, y) in an image of that size."""
        shape = np.array([height, width, 1.0, 1.0])
        (quads,), _ = self._detector.post_op([text_map[None, None]], [shape])
        return np.asarray(quads, dtype=np.float64).reshape(-1, 4, 2)

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """What each crop of one text line says."""
        order = sorted(range(len(crops)), key=lambda index: -_width(crops[index]))
        batches = (self._line_batch(crops[index]) for index in order)
        readings = [NOTHING] * len(crops)
        for index, reading in zip(
            order, self._networks.recognise.run_each(batches, self._decode), strict=True
        ):
            readings[index] = reading
        return readings

    def _decode(self, output: Tensor) -> Reading:
        return output_to_reading(output[0], self._alphabet)

    def _line_batch(self, crop: Image) -> Tensor:
        """1 × 3 × 48 × width, padded at the right to one of few widths."""
        width = min(WIDEST_PX, _width(crop))
        line = _resized(crop, width, LINE_HEIGHT_PX)[:, :, ::-1]
        ratio = (bucket(width) + 0.5) / LINE_HEIGHT_PX
        tensor: Tensor = self._recogniser.pre_tfs["ReisizeNorm"].resize_norm_img(line, ratio)
        return tensor[None]

    def upright(self, crops: Sequence[Image]) -> list[float]:
        """The probability that each crop of one text line stands upright, not on its head."""
        outputs = self._networks.judge.run_each(
            [_judge_batch(crop) for crop in crops], lambda output: float(output[0, 0])
        )
        return list(outputs)


class Networks:
    """The three networks, opened and prepared by a thread while Python imports what else is
    needed: the first page waits for what is left of that."""

    def __init__(
        self, weights: Callable[[str], Path], engine: Engine, threads: int, cache: Path
    ) -> None:
        opened = partial(
            open_runner, engine=engine, threads=threads, cache=cache / "ocr" / "compiled"
        )
        if engine == "openvino":
            # Now: what paddleocr does not use is set aside while it is imported.
            import_openvino()
        self._lines_wait = threading.Event()
        pool = ThreadPoolExecutor(1, "open-text-models")
        self._detect = pool.submit(opened, weights(DETECTOR), streams=1)
        self._recognise = pool.submit(opened, weights(RECOGNISER), streams=threads)
        self._judge = pool.submit(opened, weights(UPRIGHT), streams=threads)
        strip = (1, 3, STRIP_PX, USUAL_PAGE_PX)
        self._can_detect = pool.submit(self._prepare, self._detect, [strip])
        lines = [(1, 3, LINE_HEIGHT_PX, width) for width in usual_widths()]
        self._can_recognise = pool.submit(self._prepare, self._recognise, lines)
        pool.shutdown(wait=False)

    def _prepare(self, opened: Future[Runner], shapes: Sequence[Shape]) -> None:
        """Until lines are there to be read: they need a part of the shapes only, and all
        streams prepare those. A process that is over, having met no scan, does not wait."""
        main = threading.main_thread()
        opened.result().prepare(
            takewhile(lambda _: main.is_alive() and not self._lines_wait.is_set(), shapes)
        )

    def check(self) -> None:
        """ModelError where one of them cannot be opened."""
        for opened in (self._detect, self._recognise, self._judge):
            opened.result()

    @property
    def detect(self) -> Runner:
        self._can_detect.result()
        return self._detect.result()

    @property
    def recognise(self) -> Runner:
        self._lines_wait.set()
        self._can_recognise.result()
        return self._recognise.result()

    @property
    def judge(self) -> Runner:
        return self._judge.result()


def strip_rows(height: int) -> tuple[list[int], int]:
    """Where the strips of a picture of that height begin, and how high they all are."""
    if height <= STRIP_PX:
        return [0], height
    count = -(-(height - STRIP_OVERLAP_PX) // (STRIP_PX - STRIP_OVERLAP_PX))
    step = (height - STRIP_PX) / (count - 1)
    return [round(number * step) for number in range(count)], STRIP_PX


def _width(crop: Image) -> int:
    """The width of ``crop`` once it is as high as the recogniser wants it."""
    height, width = crop.shape[:2]
    return max(8, round(LINE_HEIGHT_PX * int(width) / int(height)))


def bucket(width: int) -> int:
    """The next of few widths, in steps of about an eighth: each new shape costs a set-up."""
    width = max(NARROWEST_PX, width)
    step = max(32, 1 << (width.bit_length() - 4))
    return min(WIDEST_PX, -(-width // step) * step)


def usual_widths() -> list[int]:
    """Of lines on nearly every page, the widest first."""
    return sorted({bucket(width) for width in range(USUAL_WIDEST_PX)}, reverse=True)


def _resized(crop: Image, width: int, height: int) -> Image:
    shrinks = crop.shape[0] > height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (width, height), interpolation=method), dtype=np.uint8)


def _judge_batch(crop: Image) -> Tensor:
    width = min(UPRIGHT_WIDTH_PX, _width(crop))
    line = _resized(crop, width, LINE_HEIGHT_PX)[:, :, ::-1].astype(np.float32)
    batch = np.zeros((1, 3, LINE_HEIGHT_PX, UPRIGHT_WIDTH_PX), dtype=np.float32)
    batch[0, :, :, :width] = (line / 127.5 - 1.0).transpose(2, 0, 1)
    return batch
