"""Write a synthetic form as a born-digital PDF: TrueType text and vector rulings."""

from __future__ import annotations

from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from models.synthesis.faces import FONTS, Face, face_named, text_to_runs, text_width_em
from models.synthesis.forms import PrintedForm
from models.synthesis.placed import PlacedPage, PlacedText


def write_pdf(form: PrintedForm, path: Path) -> None:
    """The pages of ``form``, in points as they were placed; the same seed writes the same bytes."""
    canvas = Canvas(str(path), invariant=1)
    for page in form.placed:
        canvas.setPageSize((page.width, page.height))
        _draw_page(canvas, page)
        canvas.showPage()
    canvas.save()


def _draw_page(canvas: Canvas, page: PlacedPage) -> None:
    for cell in page.cells:
        if cell.fill is not None:
            canvas.setFillColorRGB(*(level / 255 for level in cell.fill))
            size = cell.x1 - cell.x0, cell.bottom - cell.top
            canvas.rect(cell.x0, page.height - cell.bottom, *size, stroke=0, fill=1)
    canvas.setStrokeColorRGB(*(level / 255 for level in page.rule_ink))
    for rule in page.rules:
        canvas.setLineWidth(rule.width_pt)
        canvas.setDash(*((3, 2) if rule.dashed else ()))
        at = page.height - rule.at
        ends = (
            (rule.start, at, rule.end, at)
            if rule.horizontal
            else (rule.at, page.height - rule.start, rule.at, page.height - rule.end)
        )
        canvas.line(*ends)
    for text in page.texts:
        _draw_text(canvas, text, page.height)


def _draw_text(canvas: Canvas, text: PlacedText, height: float) -> None:
    """Set the line in the TrueType stand-ins of its faces, scaled to the width it was given."""
    face, latin = _stand_in(text.face), _stand_in(text.latin)
    wide = text_width_em(text.text, face, latin) * text.size_pt
    if not wide:
        return
    written = canvas.beginText(text.x, height - text.baseline)
    written.setHorizScale(100 * text.width / wide)
    written.setFillColorRGB(*(level / 255 for level in text.ink))
    for run, chosen in text_to_runs(text.text, face, latin):
        written.setFont(_registered(_stand_in(chosen)), text.size_pt)
        written.textOut(run)
    canvas.drawText(written)


def _stand_in(face: Face) -> Face:
    return face_named(face.pdf_name) or face


def _registered(face: Face) -> str:
    if face.name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(face.name, str(FONTS / face.path), subfontIndex=face.index))
    return face.name
