from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.classical_rulings import see_classical_rulings
from benchmarks.report import Figures, Section, figures_to_markdown, share, write_sections


def test_a_share_below_1_never_reads_1() -> None:
    assert share(0.99996) == "0.999"
    assert share(1.0) == "1.000"
    assert share(0.98765, 2) == "0.99"


def test_a_section_is_replaced_between_its_markers_and_notes_stay(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "page.md"
    write_sections([Section("a", "A", "one", {}), Section("b", "B", "two", {})], page)
    noted = page.read_text(encoding="utf-8").replace("## B", "A note.\n\n## B")
    page.write_text(noted, encoding="utf-8")
    write_sections([Section("a", "A", r"three \1", {})], page)
    assert page.read_text(encoding="utf-8") == noted.replace("one", r"three \1")


def test_figures_are_a_markdown_table() -> None:
    text = figures_to_markdown(Figures(("level", "f"), (("photo", "0.9"),)))
    assert text == "| level |   f |\n|-------|----:|\n| photo | 0.9 |"


def test_classical_rulings_see_lines_and_no_text() -> None:
    grey = np.full((1, 1, 160, 160), 1.0, np.float32)
    grey[0, 0, 40:42, 10:150] = 0.2
    grey[0, 0, 10:150, 80] = 0.2
    grey[0, 0, 100:118, 20:38:4] = 0.0  # strokes of a character
    seen = see_classical_rulings(grey)
    assert seen.shape == (1, 2, 80, 80)
    assert (seen[0, 0, 20, 10:70] > 0).all()
    assert (seen[0, 1, 10:70, 40] > 0).all()
    assert (seen[0, :, 50:60, 8:22] < 0).all()
