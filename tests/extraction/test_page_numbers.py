"""A page read alone is the page that reading the whole file gives."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pypdfium2 as pdfium
import pytest

from extraction.errors import BlankPage, DamagedInput, EmptyInput, InputError, TooLarge
from extraction.limits import Limits
from extraction.pages import pdf, pictures
from extraction.pages.read import count_pages, read_page_number, read_pages
from extraction.values import RawPage
from tests.extraction.damaged import DamagedFile, damaged_corpus
from tests.extraction.drawn_pages import encoded, picture_pdf, tiff_of, written_page

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")

FIRST, SECOND = written_page(), written_page(("另一页",) * 30)
BLANK = np.full_like(FIRST, 255)


def joined_pdf(parts: Sequence[bytes]) -> bytes:
    whole = pdfium.PdfDocument.new()
    for part in parts:
        whole.import_pages(pdfium.PdfDocument(part))
    out = io.BytesIO()
    whole.save(out)
    return out.getvalue()


WHOLE = {
    "pdf": joined_pdf([picture_pdf(FIRST), picture_pdf(BLANK), picture_pdf(SECOND)]),
    "tiff": tiff_of([FIRST, BLANK, SECOND]),
    "png": encoded(FIRST, "PNG"),
}


def same(one: RawPage | InputError, other: RawPage | InputError) -> bool:
    if isinstance(one, RawPage) and isinstance(other, RawPage):
        alike = (one.number, one.dpi, one.words, one.edges) == (
            other.number,
            other.dpi,
            other.words,
            other.edges,
        )
        return alike and np.array_equal(one.image, other.image)
    return type(one) is type(other) and str(one) == str(other)


@pytest.mark.parametrize("kind", WHOLE)
def test_every_page_alone_is_the_page_of_the_whole(kind: str) -> None:
    together = list(read_pages(WHOLE[kind], "file"))
    assert count_pages(WHOLE[kind], "file") == len(together) == (1 if kind == "png" else 3)
    for number, page in enumerate(together, 1):
        assert same(read_page_number(WHOLE[kind], "file", number), page)


@pytest.mark.parametrize("kind", ["pdf", "tiff"])
def test_blank_page_keeps_its_number(kind: str) -> None:
    page = read_page_number(WHOLE[kind], "file", 2)
    assert isinstance(page, BlankPage)
    assert page.page == 2


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("number", [0, 4])
def test_page_that_is_not_there_is_an_error_not_another_page(kind: str, number: int) -> None:
    assert isinstance(read_page_number(WHOLE[kind], "file", number), DamagedInput)


def test_other_pages_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    load_page, frame_page = pdf._load_page, pictures._frame_page

    def counting_load(document: pdfium.PdfDocument, index: int) -> pdfium.PdfPage:
        read.append(index + 1)
        return load_page(document, index)

    def counting_frame(*given: object) -> RawPage | InputError:
        read.append(given[1])  # type: ignore[arg-type]
        return frame_page(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(pdf, "_load_page", counting_load)
    monkeypatch.setattr(pictures, "_frame_page", counting_frame)
    for kind in ("pdf", "tiff"):
        read_page_number(WHOLE[kind], "file", 3)
        count_pages(WHOLE[kind], "file")
    assert read == [3, 3]


@pytest.mark.parametrize("kind", ["pdf", "tiff"])
def test_too_many_pages_are_refused_when_they_are_counted(kind: str) -> None:
    with pytest.raises(TooLarge):
        count_pages(WHOLE[kind], "file", Limits(max_pages=2))


def test_nothing_has_no_pages() -> None:
    with pytest.raises(EmptyInput):
        count_pages(b"", "file")


@pytest.mark.parametrize("file", damaged_corpus()[::4], ids=lambda file: file.name)
def test_damaged_file_counts_or_says_why_and_its_first_page_agrees(file: DamagedFile) -> None:
    first = next(iter(read_pages(file.data, file.name)))
    alone = read_page_number(file.data, file.name, 1)
    try:
        pages = count_pages(file.data, file.name)
    except InputError as error:
        assert isinstance(first, InputError)
        assert str(error) == str(first)
    else:
        assert pages >= 1
        assert same(alone, first)
