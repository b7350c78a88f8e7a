from __future__ import annotations

import io

import pypdfium2 as pdfium
import pytest
from PIL import Image as PillowImage
from reportlab.lib.colors import Color, black, lightgrey, white
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from extraction.pages.read import read_pages
from extraction.pages.text_layer import clean_text
from extraction.values import Edge, Image, RawPage, Word
from tests.extraction.drawn_pages import CHINESE, drawn_pdf, picture_pdf, written_page


def only_page(data: bytes) -> RawPage:
    (page,) = read_pages(data, "form.pdf")
    assert isinstance(page, RawPage), page
    return page


def texts(page: RawPage) -> list[str]:
    assert page.words is not None
    return [word.text for word in page.words]


def edges_at(page: RawPage, axis: str) -> list[float]:
    """Positions in points, rounded; the page is read at two pixels to the point."""
    assert page.edges is not None
    return [round(edge.at / 2, 1) for edge in page.edges if edge.axis == axis]


def two_cells(canvas: Canvas) -> None:
    """A row of two cells, 100..200..300 × 700..730, with a text in each."""
    canvas.grid([100, 200, 300], [700, 730])
    canvas.drawString(105, 710, "项目名称")
    canvas.drawString(205, 710, "国际讲堂2021")


def test_words_and_rulings_of_a_row_are_exact() -> None:
    page = only_page(drawn_pdf(two_cells))
    assert texts(page) == ["项目名称", "国际讲堂2021"]
    assert edges_at(page, "horizontal") == [112.0, 142.0]
    assert edges_at(page, "vertical") == [100.0, 200.0, 300.0]
    assert page.edges is not None and page.words is not None
    assert all(edge.score == 1.0 for edge in page.edges)
    first = page.words[0].box
    assert 205 < first.x0 < 220 and 2 * 842 - 2 * 720 < first.top < first.bottom < 2 * 135


def test_text_that_touches_over_a_ruling_is_two_words() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.grid([100, 118, 200], [700, 730])
        canvas.drawString(100, 710, "分值得分")

    assert texts(only_page(drawn_pdf(draw))) == ["分值", "得分"]


def test_text_drawn_character_by_character_and_out_of_order_is_one_word() -> None:
    def draw(canvas: Canvas) -> None:
        for i, character in reversed(list(enumerate("绩效指标"))):
            canvas.drawString(100 + 9 * i, 700, character)

    assert texts(only_page(drawn_pdf(draw))) == ["绩效指标"]


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_rotate_entry_turns_words_and_rulings_with_the_page(rotate: int) -> None:
    plain = only_page(drawn_pdf(two_cells))
    document = pdfium.PdfDocument(drawn_pdf(two_cells))
    document[0].set_rotation(rotate)
    buffer = io.BytesIO()
    document.save(buffer)
    page = only_page(buffer.getvalue())
    # The text itself is turned by /Rotate, so it is turned back to be read.
    assert texts(page) == texts(plain)
    assert page.image.shape == plain.image.shape
    assert edges_at(page, "vertical") == edges_at(plain, "vertical")
    assert_ink_under_words(page)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_form_drawn_sideways_is_upright_whatever_its_rotate_entry(rotate: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rotate(90)
        canvas.translate(0, -595)
        two_cells_low(canvas)

    document = pdfium.PdfDocument(drawn_pdf(draw))
    document[0].set_rotation(rotate)
    buffer = io.BytesIO()
    document.save(buffer)
    page = only_page(buffer.getvalue())
    assert page.image.shape[1] > page.image.shape[0]
    assert texts(page) == ["项目名称", "国际讲堂2021"]
    assert edges_at(page, "vertical") == [100.0, 200.0, 300.0]
    assert_ink_under_words(page)


def two_cells_low(canvas: Canvas) -> None:
    canvas.setFont(CHINESE, 9)
    canvas.grid([100, 200, 300], [400, 430])
    canvas.drawString(105, 410, "项目名称")
    canvas.drawString(205, 410, "国际讲堂2021")


def assert_ink_under_words(page: RawPage) -> None:
    assert page.words
    for word in page.words:
        x0, top, x1, bottom = (round(value) for value in word.box)
        part = page.image[top:bottom, x0:x1]
        assert part.size and part.min() < 128, f"no ink under {word.text}"


def test_rulings_inside_nested_scaled_forms_are_found() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.beginForm("inner")
        canvas.line(0, 0, 100, 0)
        canvas.rect(0, 50, 100, 0.5, stroke=0, fill=1)
        canvas.setFont(CHINESE, 9)
        canvas.drawString(5, 10, "得分")
        canvas.endForm()
        canvas.translate(100, 600)
        canvas.scale(2, 2)
        canvas.doForm("inner")

    page = only_page(drawn_pdf(draw))
    assert texts(page) == ["得分"]
    assert edges_at(page, "horizontal") == [842 - 700.5, 842 - 600]
    assert page.edges is not None
    assert {(e.start / 2, e.end / 2) for e in page.edges} == {(100, 300)}


def test_border_drawn_in_many_pieces_is_one_edge() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 650, "总分")
        for i in range(10):
            canvas.line(100 + 20 * i, 700, 120 + 20 * i, 700)
            canvas.rect(100 + 20 * i, 699.6, 20, 0.8, stroke=0, fill=1)

    page = only_page(drawn_pdf(draw))
    assert page.edges is not None
    (edge,) = page.edges
    assert edge.axis == "horizontal"
    assert (edge.start / 2, edge.end / 2) == pytest.approx((100, 300), abs=0.1)


def test_double_border_is_one_edge_and_close_rows_are_two() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 650, "总分")
        for y in (700, 702, 710):
            canvas.line(100, y, 300, y)

    assert edges_at(only_page(drawn_pdf(draw)), "horizontal") == [132.0, 141.0]


def test_rulings_that_do_not_show_are_dropped_and_white_ones_on_a_fill_kept() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 500, "总分")
        canvas.setStrokeColor(white)
        canvas.line(100, 600, 300, 600)
        canvas.setStrokeColor(Color(0, 0, 0, alpha=0))
        canvas.line(100, 620, 300, 620)
        canvas.setFillColor(lightgrey)
        canvas.rect(100, 700, 200, 60, stroke=0, fill=1)
        canvas.setStrokeColor(white)
        canvas.line(100, 730, 300, 730)

    assert edges_at(only_page(drawn_pdf(draw)), "horizontal") == [112.0]


def test_rulings_end_at_their_clip() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 650, "总分")
        path = canvas.beginPath()
        path.rect(150, 690, 100, 40)
        canvas.clipPath(path, stroke=0)
        canvas.line(100, 700, 300, 700)
        canvas.line(100, 600, 300, 600)

    page = only_page(drawn_pdf(draw))
    assert page.edges is not None
    (edge,) = page.edges
    assert (edge.start / 2, edge.end / 2) == (150, 250)


def test_hidden_white_and_doubled_text_is_read_once_or_not_at_all() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(100, 700, "年度指标")
        canvas.drawString(100.3, 700, "年度指标")
        canvas.drawString(100, 600, "看不见", mode=3)
        canvas.setFillColor(white)
        canvas.drawString(100, 500, "白纸白字")
        canvas.setFillColor(black)
        canvas.rect(100, 400, 100, 30, stroke=0, fill=1)
        canvas.setFillColor(white)
        canvas.drawString(105, 410, "黑底白字")

    assert texts(only_page(drawn_pdf(draw))) == ["年度指标", "黑底白字"]


def test_spaces_stay_between_latin_words_only() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 9)
        canvas.drawString(100, 700, "ISO 9001 audit 51 300")
        canvas.setFont(CHINESE, 9)
        canvas.drawString(100, 650, "二级 指标")

    assert texts(only_page(drawn_pdf(draw))) == ["ISO 9001 audit 51300", "二级指标"]


def test_text_layer_words_are_certain_and_carry_their_page() -> None:
    pages = list(read_pages(drawn_pdf(two_cells, pages=2), "form.pdf"))
    words = [w for p in pages if isinstance(p, RawPage) for w in p.words or ()]
    assert [w.page for w in words] == [1, 1, 2, 2]
    assert all(isinstance(w, Word) and w.score == w.weakest == 1.0 for w in words)


def test_page_without_rulings_has_no_edges_but_a_text_layer() -> None:
    page = only_page(drawn_pdf(lambda canvas: canvas.drawString(100, 700, "只有一行文字")))
    assert page.edges == () and texts(page) == ["只有一行文字"]


def test_text_hidden_under_or_on_a_scan_leaves_it_a_scan() -> None:
    scan = written_page()
    assert only_page(picture_pdf(scan)).words is None

    assert only_page(picture_with_text(scan, mode=3)).words is None
    assert only_page(picture_with_text(scan, mode=0, below=True)).words is None


def picture_with_text(scan: Image, mode: int, below: bool = False) -> bytes:
    def draw(canvas: Canvas) -> None:
        def picture() -> None:
            canvas.drawImage(ImageReader(PillowImage.fromarray(scan)), 0, 0, 595, 842)

        if not below:
            picture()
        for row in range(20):
            canvas.drawString(20, 40 * row, "机器读出的文字" * 6, mode=mode)
        if below:
            picture()

    return drawn_pdf(draw)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (ord("项"), "项"),
        (0x2F55, "火"),
        (0xF900, "豈"),
        (0xFB01, "fi"),
        (0x200B, ""),
        (0xAD, ""),
        (0xFEFF, ""),
        (0xA0, " "),
        (0x3000, " "),
        (ord("（"), "（"),
        (ord("％"), "％"),
        (0xF0FE, "☑"),
        (0xD800, ""),
    ],
)
def test_characters_are_cleaned_but_full_width_ones_kept(code: int, text: str) -> None:
    assert clean_text(code) == text


def test_edges_are_values_of_the_road() -> None:
    page = only_page(drawn_pdf(two_cells))
    assert page.edges is not None and all(isinstance(edge, Edge) for edge in page.edges)
