"""Pages and tiny models for the tests of the labeller."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from extraction.values import Box, Cell, Grid, PageReading, Word
from models.labelled_forms import LabelledForm
from models.registry import NETWORK_FILE, ModelVersion, write_version
from models.tokens import Vocabulary
from models.windows import PlacedWord, WindowSettings

LABELS = ("other", "key", "project_name", "indicators.weight")
VOCABULARY = Vocabulary(tuple("0123456789.名指标目称项"))


def make_word(text: str, x0: float, top: float, page: int = 1) -> Word:
    return Word(text, Box(x0, top, x0 + 10 * len(text), top + 12), 0.99, 0.9, page)


def make_reading(rows: list[list[list[str]]], page: int = 1, loose: str = "") -> PageReading:
    """A page of 1000 × 1000 pixels: a grid of rows of cells of lines, and one loose word."""
    cells = []
    for row, texts in enumerate(rows):
        for column, lines in enumerate(texts):
            x0, top = 50 + 200 * column, 100 + 60 * row
            words = tuple(
                make_word(line, x0 + 5, top + 4 + 14 * at, page) for at, line in enumerate(lines)
            )
            box = Box(x0, top, x0 + 200, top + 60)
            cells.append(Cell(row, column, 1, 1, box, page, words))
    columns = max((len(texts) for texts in rows), default=0)
    grids = (Grid(len(rows), columns, tuple(cells)),) if cells else ()
    loose_words = (make_word(loose, 400, 40, page),) if loose else ()
    return PageReading(page, 1000, 1000, 200, "ocr", grids, loose_words)


def _line_of(text: str, top: int) -> PlacedWord:
    return PlacedWord(text, (110, top + 4, 300, top + 16), (100, top, 500, top + 20), 0, 0)


def make_form(texts: list[tuple[str, str]], seed: int = 0) -> LabelledForm:
    """A form of one column of cells: (text, label) each."""
    words = tuple(_line_of(text, 20 * at) for at, (text, _) in enumerate(texts))
    return LabelledForm("column", seed, "printed", words, tuple(label for _, label in texts))


def write_tiny_version(
    folder: Path,
    name: str = "tiny",
    labels: tuple[str, ...] = LABELS,
    windows: WindowSettings | None = None,
    created_at: str = "2021-01-01T00:00:00+00:00",
) -> Path:
    """A version whose network looks at the first character of a token alone."""
    version = ModelVersion(name, None, "0" * 64, 1, created_at, labels, windows or WindowSettings())
    path = write_version(folder, version, VOCABULARY)
    onnx.save(_first_character_network(len(labels)), str(path / NETWORK_FILE))
    return path


def _first_character_network(labels: int) -> onnx.ModelProto:
    """Logits = a row of a table for the first character; every input is taken."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(len(VOCABULARY), labels)).astype(np.float32)
    dims: dict[str, list[str | int | None]] = {"pieces": ["b", "n", "p"], "boxes": ["b", "n", 4]}
    names = ("pieces", "boxes", "positions", "pages", "mask")
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, dims.get(name, ["b", "n"]))
        for name in names
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "n", labels])
    nodes = [
        helper.make_node("Gather", ["pieces", "zero"], ["first"], axis=2),
        helper.make_node("Gather", ["table", "first"], ["logits"], axis=0),
    ]
    constants = [
        helper.make_tensor("zero", TensorProto.INT64, [], [0]),
        helper.make_tensor("table", TensorProto.FLOAT, table.shape, table.ravel().tolist()),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
