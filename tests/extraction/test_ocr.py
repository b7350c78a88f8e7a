"""The reader on the top of a sample page, with both engines."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
import pypdfium2
import pytest
from PIL import Image as PillowImage
from PIL import ImageDraw

from extraction.ocr.reader import Reader
from extraction.pages.upright import find_upright
from extraction.values import Box, Cell, Grid, Image, Page, RawPage, Word
from models.synthesis.faces import font_at, installed_faces


class TruthCell(TypedDict):
    row: int
    col: int
    rowspan: int
    colspan: int
    text: str
    bbox: list[float]


DPI = 200.0
TOP_POINTS = 175.0
"""The title and the first eight rows of the table."""


@pytest.fixture(scope="module")
def truth(samples: Path) -> list[TruthCell]:
    table = json.loads((samples / "truth" / "seed_000.json").read_text(encoding="utf-8"))["tables"]
    return [cell for cell in table[0]["cells"] if cell["bbox"][3] < TOP_POINTS]


@pytest.fixture(scope="module")
def image(samples: Path, truth: list[TruthCell]) -> Image:
    """The top of a clean scan, at 200 dpi, cut below a ruling and not through a line of text."""
    bottom = max(float(cell["bbox"][3]) for cell in truth)
    with pypdfium2.PdfDocument(samples / "scans" / "seed_000_clean300.pdf") as pdf:
        picture = pdf[0].render(scale=DPI / 72).to_pil().convert("RGB")
    return np.array(picture)[: round((bottom + 1) * DPI / 72)]


@pytest.fixture(scope="module", params=["onnxruntime", "openvino"])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    if request.param == "openvino" and find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    yield Reader(request.param, threads=2)


def page_of(image: Image) -> Page:
    return Page(1, image, DPI, "ocr", np.eye(3), np.eye(3))


def grid_of(truth: list[TruthCell], shift: float = 0.0) -> Grid:
    cells = []
    for cell in truth:
        box = Box(*(value * DPI / 72 + shift for value in cell["bbox"]))
        cells.append(Cell(cell["row"], cell["col"], cell["rowspan"], cell["colspan"], box, page=1))
    return Grid(8, 11, tuple(cells))


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def texts_of(grid: Grid) -> list[str]:
    return [plain(cell.text) for cell in grid.cells]


def test_cells_and_title_are_read(reader: Reader, image: Image, truth: list[TruthCell]) -> None:
    (grid,), loose = reader.read_words(page_of(image), (grid_of(truth),))
    assert texts_of(grid) == [plain(cell["text"]) for cell in truth]
    assert "-" in texts_of(grid)
    assert loose[0].text == "项目支出绩效自评表"
    words = [word for cell in grid.cells for word in cell.words]
    assert all(0 < word.weakest <= word.score <= 1 for word in words)
    assert all(
        cell.box.padded(2).contains_point(*word.box.center)
        for cell in grid.cells
        for word in cell.words
    )


def test_engines_read_the_same_texts(reader: Reader, image: Image, truth: list[TruthCell]) -> None:
    other = Reader("onnxruntime" if reader.engine == "openvino" else "openvino", threads=2)
    page, grids = page_of(image), (grid_of(truth),)
    (mine,), my_loose = reader.read_words(page, grids)
    (theirs,), their_loose = other.read_words(page, grids)
    assert texts_of(mine) == texts_of(theirs)
    assert [word.text for word in my_loose] == [word.text for word in their_loose]


def test_grid_that_is_off_by_three_pixels_reads_the_same(
    reader: Reader, image: Image, truth: list[TruthCell]
) -> None:
    (grid,), _ = reader.read_words(page_of(image), (grid_of(truth, shift=3.0),))
    assert texts_of(grid) == [plain(cell["text"]) for cell in truth]


def test_seal_over_the_cells_changes_no_text(
    reader: Reader, image: Image, truth: list[TruthCell]
) -> None:
    stamped = image.copy()
    cv2.circle(stamped, (1150, 380), 90, (205, 60, 60), 7)
    cv2.circle(stamped, (1150, 380), 25, (205, 60, 60), -1)
    (grid,), _ = reader.read_words(page_of(np.minimum(stamped, image)), (grid_of(truth),))
    assert texts_of(grid) == [plain(cell["text"]) for cell in truth]


def test_page_without_grid_gives_loose_words(reader: Reader, image: Image) -> None:
    grids, loose = reader.read_words(page_of(image), ())
    assert grids == ()
    assert any("中关村科技园区管理委员会" in word.text for word in loose)


def test_blank_page_has_no_words(reader: Reader) -> None:
    blank = np.full((400, 300, 3), 250, dtype=np.uint8)
    assert reader.read_words(page_of(blank), ()) == ((), ())


@pytest.mark.parametrize("turns", range(4))
def test_a_page_set_as_tightly_as_its_characters_is_read_along_its_lines(
    reader: Reader, turns: int
) -> None:
    """Its columns of characters passed for lines, so that the page lay on its side."""
    text = (
        "经营主体服务有效缓解样品不足的问题全年计划投入资金其中监管平台其他费用按照市政府工作部署"
    )
    pitch, rows, columns = 31, 9, 14
    picture = PillowImage.new("L", (1100, 1500), 250)
    pen = ImageDraw.Draw(picture)
    font = font_at(installed_faces()[0], 30)
    for top in (80, 520, 960):
        for index in range(rows * columns):
            down, along = divmod(index, columns)
            at = (60 + along * pitch, top + down * pitch)
            pen.text(at, text[(top + index) % len(text)], font=font, fill=20)
    image = np.repeat(np.array(picture)[:, :, None], 3, axis=2)
    page = find_upright(RawPage(1, np.ascontiguousarray(np.rot90(image, turns)), DPI), reader)
    assert page.image.shape == image.shape
    assert float(cv2.absdiff(page.image, image).mean()) < 1


def test_upright_lines_score_higher_than_those_on_their_head(
    reader: Reader, image: Image, truth: list[TruthCell]
) -> None:
    (grid,), _ = reader.read_words(page_of(image), (grid_of(truth),))
    words: list[Word] = [word for cell in grid.cells for word in cell.words if len(word.text) > 3]
    crops = []
    for word in words[:6]:
        x0, top, x1, bottom = (round(value) for value in word.box.padded(3))
        crops.append(image[top:bottom, x0:x1])
    upright = np.mean(reader.score_upright(crops))
    turned = np.mean(reader.score_upright([crop[::-1, ::-1] for crop in crops]))
    assert upright > 0.9
    assert turned < 0.1
