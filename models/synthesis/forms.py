"""Synthetic printed forms with their truth: one seed, one form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models.synthesis.content import Author, author_of
from models.synthesis.declared_form import (
    closing_lines,
    declared_form,
    draw_footer,
    reporting_line,
)
from models.synthesis.evaluation_form import draw_evaluation
from models.synthesis.faces import printable
from models.synthesis.other_forms import draw_other, other_forms
from models.synthesis.placed import PlacedPage
from models.synthesis.placement import form_to_pages
from models.synthesis.rendering import PrintedPage, page_to_printed
from models.synthesis.specification import OTHER, FormSpec, LineSpec, Style, TableSpec
from models.synthesis.styling import draw_sheet, draw_style
from models.synthesis.target_form import draw_target
from models.synthesis.truth import Truth, form_to_truth
from models.synthesis.wordings import Split, evaluation_wordings, target_wordings

UNKNOWN = "unknown"
_EVALUATION_SHARE, _TARGET_SHARE = 0.45, 0.25


@dataclass(frozen=True, slots=True)
class PrintedForm:
    """A form as printed, with its truth; ``placed`` is the same in points, for a PDF."""

    form_type: str
    family: str
    seed: int
    pages: tuple[PrintedPage, ...]
    truth: Truth
    placed: tuple[PlacedPage, ...]


def make_form(seed: int, split: Split, kind: str | None = None, dpi: int = 200) -> PrintedForm:
    """The form of the seed. ``kind`` is a form type's name, or the id of another kind of form."""
    spec = draw_form(seed, split, kind)
    placed = form_to_pages(spec)
    pages = tuple(page_to_printed(page, dpi) for page in placed)
    truth = form_to_truth(spec, placed)
    return PrintedForm(spec.form_type, spec.family, seed, pages, truth, placed)


def form_kinds() -> tuple[str, ...]:
    """All the kinds that ``make_form`` knows."""
    declared = (evaluation_wordings().form_type, target_wordings().form_type)
    return (*declared, *(form.form_id for form in other_forms()))


def draw_form(seed: int, split: Split, kind: str | None = None) -> FormSpec:
    """What the form of the seed prints, before it has a place."""
    rng = np.random.default_rng([seed, 0 if split == "train" else 1])
    author = author_of(rng)
    chosen = kind or _draw_kind(author, split)
    style = draw_style(rng, split)
    if chosen == evaluation_wordings().form_type:
        rows = author.number(5, 28) if author.chance(0.85) else author.number(20, 45)
        body = draw_evaluation(author, split, rows)
        spec = declared_form(author, split, evaluation_wordings(), body, style)
    elif chosen == target_wordings().form_type:
        body = draw_target(author, split, author.number(4, 30))
        spec = declared_form(author, split, target_wordings(), body, style)
    else:
        spec = _other_form(author, chosen, style)
    return _printable(spec)


def _draw_kind(author: Author, split: Split) -> str:
    draw = float(author.rng.random())
    if draw < _EVALUATION_SHARE:
        return evaluation_wordings().form_type
    if draw < _EVALUATION_SHARE + _TARGET_SHARE:
        return target_wordings().form_type
    known = [form for form in other_forms() if split == "test" or not form.held_out]
    return known[author.number(0, len(known) - 1)].form_id


def _other_form(author: Author, kind: str, style: Style) -> FormSpec:
    form = next(entry for entry in other_forms() if entry.form_id == kind)
    title = author.pick(form.titles)
    if author.chance(0.4):
        title = author.pick((author.place, f"{author.year}年度", author.unit())) + title
    lines = [LineSpec(((title, OTHER),), style.title_pt, bold=author.chance(0.7))]
    if author.chance(0.2):
        lines.append(LineSpec(((f"（{author.year}年度）", OTHER),), style.size_pt + 1))
    if form.unit_line and author.chance(0.8):
        lines.append(LineSpec(reporting_line(author), style.size_pt, space_pt=1))
    blocks = (*lines, *draw_other(author, form, style.size_pt), *closing_lines(author, style))
    return FormSpec(
        UNKNOWN, kind, draw_sheet(author.rng), style, blocks, footer=draw_footer(author)
    )


def _printable(spec: FormSpec) -> FormSpec:
    """The same form without the characters that none of the installed faces has."""
    style = spec.style

    def kept(text: str) -> str:
        return printable(text, style.face, style.latin)

    blocks = tuple(
        replace(block, cells=tuple(replace(cell, text=kept(cell.text)) for cell in block.cells))
        if isinstance(block, TableSpec)
        else replace(block, parts=tuple((kept(text), label) for text, label in block.parts))
        for block in spec.blocks
    )
    return replace(
        spec,
        blocks=blocks,
        fields={name: kept(text) for name, text in spec.fields.items()},
        groups={
            name: tuple({column: kept(text) for column, text in row.items()} for row in rows)
            for name, rows in spec.groups.items()
        },
    )
