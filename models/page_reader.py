"""The real reading road for training data: a picture in, its words and grids out."""

from __future__ import annotations

from functools import lru_cache

from extraction.grid.sides import RulingModels, load_ruling_models
from extraction.ocr.reader import Reader
from extraction.pipeline import read_page
from extraction.values import Image, Page, PageReading, RawPage


def read_picture(number: int, image: Image, dpi: float) -> tuple[Page, PageReading]:
    """As ``extraction.pipeline.read_page``, with engines that each process loads once; the
    page's number, from 1, tells which tables run on over a page break."""
    return read_page(RawPage(number, image, dpi), *_stations())


@lru_cache(maxsize=1)
def _stations() -> tuple[RulingModels, Reader]:
    reader = Reader(threads=1)
    return load_ruling_models(reader.engine, 1), reader
