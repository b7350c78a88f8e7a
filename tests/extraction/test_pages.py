from __future__ import annotations

import io
import threading

import cv2
import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image as PillowImage
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from extraction.errors import (
    BlankPage,
    DamagedInput,
    EmptyInput,
    EncryptedInput,
    InputError,
    TooLarge,
    UnsupportedInput,
)
from extraction.limits import Limits
from extraction.pages.read import read_pages
from extraction.values import Image, RawPage
from tests.extraction.drawn_pages import (
    drawn_pdf,
    encoded,
    picture_pdf,
    skewed,
    tiff_of,
    written_page,
)

PAGE = written_page()


def only_page(data: bytes, name: str = "page") -> RawPage:
    (page,) = read_pages(data, name)
    assert isinstance(page, RawPage), page
    return page


def only_error(data: bytes, limits: Limits | None = None) -> InputError:
    (error,) = read_pages(data, "page", limits)
    assert isinstance(error, InputError)
    return error


def difference(first: Image, second: Image) -> float:
    assert first.shape == second.shape
    return float(cv2.absdiff(first, second).mean())


def test_embedded_scan_comes_out_pixel_for_pixel() -> None:
    page = only_page(picture_pdf(PAGE))
    assert np.array_equal(page.image, PAGE)
    assert page.dpi == pytest.approx(100, rel=0.01)
    assert page.words is None and page.edges is None


def test_one_bit_scan_is_black_on_white() -> None:
    bits = np.where(PAGE > 128, 255, 0).astype(np.uint8)
    picture = PillowImage.fromarray(bits).convert("1")
    page = only_page(
        drawn_pdf(lambda canvas: canvas.drawImage(ImageReader(picture), 0, 0, 595, 842))
    )
    assert np.array_equal(page.image, bits)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_placement_and_rotate_entry_turn_the_embedded_scan(rotate: int, mirror: bool) -> None:
    def draw(canvas: Canvas) -> None:
        if mirror:
            canvas.translate(595, 0)
            canvas.scale(-1, 1)
        canvas.drawImage(ImageReader(PillowImage.fromarray(PAGE)), 0, 0, 595, 842)

    document = pdfium.PdfDocument(drawn_pdf(draw))
    document[0].set_rotation(rotate)
    buffer = io.BytesIO()
    document.save(buffer)
    expected = PAGE[:, ::-1] if mirror else PAGE
    page = only_page(buffer.getvalue())
    assert np.array_equal(page.image, np.rot90(expected, -rotate // 90))


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_scan_turned_by_its_matrix_is_turned_as_the_page_shows_it(turn: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.translate(595 / 2, 842 / 2)
        canvas.rotate(turn)
        width, height = (595, 842) if turn == 180 else (842, 595)
        reader = ImageReader(PillowImage.fromarray(PAGE))
        canvas.drawImage(reader, -width / 2, -height / 2, width, height)

    page = only_page(drawn_pdf(draw))
    turned = np.rot90(PAGE, turn // 90)
    if turn != 180:
        assert page.image.shape[0] > page.image.shape[1] or page.image.shape == turned.shape
    small = cv2.resize(page.image, (60, 85), interpolation=cv2.INTER_AREA)
    wanted = cv2.resize(np.ascontiguousarray(turned), (60, 85), interpolation=cv2.INTER_AREA)
    assert difference(np.asarray(small, np.uint8), np.asarray(wanted, np.uint8)) < 3


def test_scan_in_strips_or_with_text_over_it_is_rendered_whole() -> None:
    def strips(canvas: Canvas) -> None:
        for top in range(0, PAGE.shape[0], 100):
            part = PAGE[top : top + 100]
            height = 842 * part.shape[0] / PAGE.shape[0]
            y = 842 - 842 * top / PAGE.shape[0] - height
            canvas.drawImage(ImageReader(PillowImage.fromarray(part)), 0, y, 595, height)

    def stamped(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(PillowImage.fromarray(PAGE)), 0, 0, 595, 842)
        canvas.drawString(300, 20, "第1页")

    for draw in (strips, stamped):
        page = only_page(drawn_pdf(draw))
        assert page.words is None and page.dpi == 200
        small = cv2.resize(page.image, PAGE.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert difference(np.asarray(small, np.uint8), PAGE) < 4


def test_tiff_pages_are_numbered_and_keep_their_order() -> None:
    pages = [skewed(PAGE, angle) for angle in (0.0, 3.0, -3.0)]
    read = list(read_pages(tiff_of(pages), "fax.tif"))
    assert [p.number for p in read if isinstance(p, RawPage)] == [1, 2, 3]
    for got, wanted in zip(read, pages, strict=True):
        assert isinstance(got, RawPage) and np.array_equal(got.image, wanted)


def test_fax_with_half_the_lines_has_square_pixels() -> None:
    half = np.ascontiguousarray(np.repeat(PAGE, 2, axis=1))
    page = only_page(tiff_of([half], (200.0, 100.0)))
    assert page.image.shape == (2 * PAGE.shape[0], 2 * PAGE.shape[1], 3)
    assert page.dpi == 200


@pytest.mark.parametrize(
    ("format_", "mode"),
    [
        ("PNG", "1"),
        ("PNG", "L"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("PNG", "LA"),
        ("PNG", "I;16"),
        ("BMP", "1"),
        ("BMP", "P"),
        ("BMP", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
        ("TIFF", "CMYK"),
        ("TIFF", "I;16"),
        ("TIFF", "F"),
    ],
)
def test_every_kind_of_pixel_becomes_the_same_rgb(format_: str, mode: str) -> None:
    if mode == "I;16":
        data = encoded(PAGE[:, :, 0].astype(np.uint16) * 257, format_)
    else:
        data = encoded(PAGE, format_, mode)
    page = only_page(data)
    assert page.image.dtype == np.uint8
    wanted = np.where(PAGE > 127, np.uint8(255), np.uint8(0)) if mode == "1" else PAGE
    assert difference(page.image, wanted) < 3


def test_transparent_paper_is_white() -> None:
    alpha = np.dstack([np.zeros_like(PAGE), 255 - PAGE[:, :, 0]])
    page = only_page(encoded(alpha, "PNG"))
    assert difference(page.image, PAGE) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    picture = PillowImage.fromarray(PAGE)
    exif = picture.getexif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif, quality=95)
    mirrored = PAGE[:, ::-1] if orientation in (2, 4, 5, 7) else PAGE
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[orientation]
    wanted = np.ascontiguousarray(np.rot90(mirrored, turns))
    assert difference(only_page(buffer.getvalue()).image, wanted) < 6


@pytest.mark.parametrize(
    ("stated", "dpi"), [(100, 100.0), (72, 100.0), (1, 100.0), (5000, 100.0), (None, 100.0)]
)
def test_dpi_that_no_page_could_have_is_guessed_from_a4(stated: int | None, dpi: float) -> None:
    buffer = io.BytesIO()
    options = {} if stated is None else {"dpi": (stated, stated)}
    # At 72 dpi this page would be a little over 16 inches high: a possible one.
    PillowImage.fromarray(PAGE).save(buffer, "PNG", **options)
    wanted = 72.0 if stated == 72 else dpi
    assert only_page(buffer.getvalue()).dpi == pytest.approx(wanted, rel=0.01)


def test_very_fine_scans_are_reduced_to_300_dpi() -> None:
    fine = np.repeat(np.repeat(PAGE, 5, axis=0), 5, axis=1)
    page = only_page(encoded(fine, "BMP"))
    assert page.dpi == 300
    assert page.image.shape[0] == pytest.approx(3507, abs=3)


def blank(shade: int = 245) -> Image:
    return np.full_like(PAGE, shade)


def noisy_blank() -> Image:
    noise = np.random.default_rng(5).normal(230, 10, PAGE.shape[:2])
    page = np.repeat(noise.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    page[:, :30] = 60
    for y in (300, 800):
        cv2.circle(page, (60, y), 14, (40, 40, 40), -1)
    return np.ascontiguousarray(page)


@pytest.mark.parametrize("image", [blank(), blank(0), noisy_blank()])
def test_blank_pages_are_named_and_the_others_read(image: Image) -> None:
    first, second, third = read_pages(tiff_of([PAGE, image, PAGE]), "scan.tif")
    assert isinstance(first, RawPage) and isinstance(third, RawPage)
    assert isinstance(second, BlankPage)
    assert str(second) == "scan.tif: page 2: the page is blank"


def test_a_page_of_few_words_is_not_blank() -> None:
    only_page(encoded(written_page(["Total 98.5"]), "PNG"))
    faint = np.asarray(200 + PAGE.astype(int) // 5, np.uint8)
    assert isinstance(only_error(encoded(np.full_like(faint, 249), "PNG")), BlankPage)


def test_empty_pdf_page_is_blank() -> None:
    assert isinstance(only_error(drawn_pdf(lambda canvas: None)), BlankPage)


def test_encrypted_pdf_is_named_as_such() -> None:
    data = drawn_pdf(lambda canvas: canvas.drawString(9, 9, "x"), password="secret")
    assert isinstance(only_error(data), EncryptedInput)


def test_limits_on_pages_pixels_and_bytes() -> None:
    pdf = picture_pdf(PAGE, pages=3)
    tiff = tiff_of([PAGE] * 3)
    assert isinstance(only_error(pdf, Limits(max_pages=2)), TooLarge)
    assert isinstance(only_error(tiff, Limits(max_pages=2)), TooLarge)
    assert len(list(read_pages(tiff, "x", Limits(max_pages=3)))) == 3
    assert isinstance(only_error(pdf, Limits(max_bytes=1000)), TooLarge)
    few = Limits(max_pixels=1000)
    for data in (encoded(PAGE, "PNG"), picture_pdf(PAGE)):
        assert isinstance(only_error(data, few), TooLarge)
    words = drawn_pdf(lambda canvas: canvas.drawString(9, 9, "x"))
    assert isinstance(only_error(words, few), TooLarge)


def test_pdf_cut_short_is_damaged_although_pdfium_would_show_something() -> None:
    data = picture_pdf(PAGE)
    assert isinstance(only_error(data[: len(data) * 2 // 3]), DamagedInput)


def test_content_decides_and_not_the_suffix() -> None:
    assert np.array_equal(only_page(encoded(PAGE, "PNG"), "scan.pdf").image, PAGE)
    (error,) = read_pages(b"<html><body>404</body></html>", "form.pdf")
    assert isinstance(error, UnsupportedInput) and "web page" in str(error)
    (error,) = read_pages(b"", "form.pdf")
    assert isinstance(error, EmptyInput)


def test_threads_may_read_at_once_and_leave_half_way() -> None:
    data = picture_pdf(PAGE, pages=3)
    seen: list[int] = []

    def read() -> None:
        for page in read_pages(data, "x"):
            assert isinstance(page, RawPage) and np.array_equal(page.image, PAGE)
            seen.append(page.number)
            if page.number == 2:
                break

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(seen) == [1] * 4 + [2] * 4
