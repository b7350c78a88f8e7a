"""The born-digital PDF of a synthetic form carries its text and its rulings."""

from __future__ import annotations

from pathlib import Path

import pypdfium2 as pdfium
import pytest

from models.synthesis.forms import make_form
from models.synthesis.pdf_writing import write_pdf


@pytest.mark.parametrize("seed", [0, 1])
def test_the_text_layer_has_every_cell(tmp_path: Path, seed: int) -> None:
    form = make_form(seed, "train", dpi=60)
    path = tmp_path / "form.pdf"
    write_pdf(form, path)
    document = pdfium.PdfDocument(path)
    assert len(document) == len(form.pages)
    for number, page in enumerate(form.pages):
        layer = document[number].get_textpage().get_text_range()
        found = "".join(layer.split())
        missing = [c for line in page.lines for c in "".join(line.text.split()) if c not in found]
        assert not missing
