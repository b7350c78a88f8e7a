"""The field's other ways to read a page, each with its own defaults, beside ours."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from img2table.document import Image as PageImage
from img2table.ocr.paddle import PaddleOCR as PaddleWords
from img2table.tables.extraction import ExtractedTable
from numpy.typing import NDArray
from rapidocr import RapidOCR

from benchmarks.truth import TableText, smallest_grid
from extraction.engines import cache_folder
from extraction.ocr.weights import DETECTOR, RECOGNISER, model_folder
from extraction.values import Image


class BarePaddle:
    """paddleocr's whole pipeline, as its documentation calls it, with the weights we use."""

    def __init__(self) -> None:
        os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
        os.environ.setdefault("PADDLE_PDX_CACHE_HOME", str(cache_folder() / "paddlex"))
        paddleocr = importlib.import_module("paddleocr")
        logging.getLogger("paddlex").setLevel(logging.ERROR)
        self.pipeline: Any = paddleocr.PaddleOCR(
            engine="onnxruntime",
            device="cpu",
            text_detection_model_name=DETECTOR,
            text_detection_model_dir=str(model_folder(DETECTOR)),
            text_recognition_model_name=RECOGNISER,
            text_recognition_model_dir=str(model_folder(RECOGNISER)),
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
        )

    def read(self, image: Image) -> list[str]:
        (result,) = self.pipeline.predict(image[:, :, ::-1])
        return list(result["rec_texts"])


class BareRapid:
    """rapidocr with its own defaults: the same weights, which come with it."""

    def __init__(self) -> None:
        self.engine = RapidOCR(params={"Global.log_level": "error"})

    def read(self, image: Image) -> list[str]:
        result: Any = self.engine(np.ascontiguousarray(image[:, :, ::-1]))
        return list(result.txts or ())


class TablesOverPaddle:
    """img2table's tables, filled with the words of bare paddleocr."""

    def __init__(self, paddle: BarePaddle) -> None:
        # Its own start would build a pipeline of other weights.
        self._words = PaddleWords.__new__(PaddleWords)
        self._words.ocr = paddle.pipeline

    def read(self, image: Image) -> tuple[TableText, ...]:
        return _tables_to_cells(_open(image).extract_tables(ocr=self._words), page=1)


def find_img2table_cells(
    image: Image, page: int, *, implicit: bool = False
) -> tuple[TableText, ...]:
    """The cells that img2table finds by their rulings, without texts."""
    tables = _open(image).extract_tables(implicit_rows=implicit, implicit_columns=implicit)
    return _tables_to_cells(tables, page)


def _open(image: Image) -> PageImage:
    return PageImage(image_to_png(image))


def image_to_png(image: Image) -> bytes:
    """Fast rather than small."""
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    coded: NDArray[np.uint8] = cv2.imencode(".png", image[:, :, ::-1], fast)[1]
    return coded.tobytes()


def _tables_to_cells(tables: Iterable[ExtractedTable], page: int) -> tuple[TableText, ...]:
    return tuple(
        cell
        for number, table in enumerate(tables)
        for cell in content_to_cells(list(table.content.values()), number, page)
    )


def content_to_cells(rows: Sequence[Sequence[Any]], table: int, page: int) -> list[TableText]:
    """A merged cell stands in each place that it covers, every time with the same box."""
    places: dict[tuple[int, int, int, int], list[tuple[int, int]]] = {}
    texts: dict[tuple[int, int, int, int], str] = {}
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            box = (cell.bbox.x1, cell.bbox.y1, cell.bbox.x2, cell.bbox.y2)
            places.setdefault(box, []).append((row, column))
            texts[box] = cell.value or ""
    found = []
    for box, covered in places.items():
        top, left = (min(place[k] for place in covered) for k in (0, 1))
        bottom, right = (max(place[k] for place in covered) + 1 for k in (0, 1))
        size = (bottom - top, right - left)
        found.append(TableText(table, top, left, *size, texts[box], page))
    return smallest_grid(found)
