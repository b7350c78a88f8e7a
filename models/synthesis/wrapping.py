"""Break a text into printed lines, as a spreadsheet does."""

from __future__ import annotations

import re

from models.synthesis.faces import text_width_em
from models.synthesis.specification import Style

_NEVER_FIRST = frozenset("，。、；：！？）》”’%％,.;:!?)")
_WORD = re.compile(r"[A-Za-z0-9.,%-]{2,}|.", re.DOTALL)


def text_width_pt(text: str, size_pt: float, style: Style) -> float:
    return text_width_em(text, style.face, style.latin) * size_pt


def text_to_lines(text: str, width_pt: float, size_pt: float, style: Style) -> tuple[str, ...]:
    """Lines no wider than ``width_pt``, but never less than one character wide."""
    if not text:
        return ()
    paragraphs = text.split("\n")
    return tuple(
        line for part in paragraphs for line in _paragraph_to_lines(part, width_pt, size_pt, style)
    )


def _paragraph_to_lines(text: str, width_pt: float, size_pt: float, style: Style) -> list[str]:
    lines, line, used = [], "", 0.0
    for piece in _pieces(text, width_pt, size_pt, style):
        wide = text_width_pt(piece, size_pt, style)
        hangs = style.kinsoku and piece in _NEVER_FIRST and used <= width_pt
        if line and used + wide > width_pt and not hangs:
            lines.append(line)
            line, used = "", 0.0
        line += piece
        used += wide
    return [*lines, line] if line else lines


def _pieces(text: str, width_pt: float, size_pt: float, style: Style) -> list[str]:
    if not style.whole_words:
        return list(text)
    pieces: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group()
        fits = text_width_pt(word, size_pt, style) <= width_pt
        pieces += [word] if fits else list(word)
    return pieces
