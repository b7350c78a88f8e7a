"""A declared form whole: its table among title, year, reporting line, notes and signatures."""

from __future__ import annotations

from dataclasses import replace

from models.synthesis.content import Author, phrases
from models.synthesis.evaluation_form import Body
from models.synthesis.other_forms import draw_fill
from models.synthesis.specification import (
    KEY,
    OTHER,
    Align,
    CellSpec,
    FormSpec,
    LineSpec,
    Style,
    TableSpec,
)
from models.synthesis.styling import draw_sheet
from models.synthesis.wordings import FormWordings, Split, pairs_stored, words_stored

_YEAR_LINES = (
    "（{}年度）",
    "（{}年度）",
    "（{}年度）",
    "({}年度)",
    "（{}年）",
    "（ {} 年度）",
    "{}年度",
    "{}年",
    "（预算年度：{}年）",
    "年度：{}",
    "( {}年度 )",
)
_HELD_OUT_YEAR_LINES = ("〔{}年度〕", "（{} 年 度）")


def declared_form(
    author: Author, split: Split, wordings: FormWordings, body: Body, style: Style
) -> FormSpec:
    title = wordings.title.printed(author, split)
    year = str(author.year)
    year_in_title = author.chance(0.05)
    if year_in_title:
        title = f"{year}年度{title}"
    fields = {wordings.title.label: title} | body.fields
    year_line = ""
    if not year_in_title and author.chance(0.95):
        held_out = split == "test" and author.chance(0.3)
        year_line = author.pick(_HELD_OUT_YEAR_LINES if held_out else _YEAR_LINES).format(year)
        fields[wordings.year_label] = year
    table, lines = _decorated(author, body.table), []
    if author.chance(0.15):
        lines.append(
            LineSpec(((author.pick(words_stored("above")), OTHER),), style.size_pt, "left")
        )
    heads = [(title, wordings.title.label), (year_line, wordings.year_label)]
    if author.chance(0.05):
        table = _with_top_rows(table, [head for head in heads if head[0]])
    else:
        lines += _head_lines(author, heads, style)
    if author.chance(0.25):
        lines.append(LineSpec(reporting_line(author), style.size_pt, space_pt=1))
    return FormSpec(
        form_type=wordings.form_type,
        family=f"{wordings.form_type}/{body.variant}",
        sheet=draw_sheet(author.rng),
        style=style,
        blocks=(*lines, table, *closing_lines(author, style)),
        fields=fields,
        groups=body.groups,
        footer=draw_footer(author),
    )


def _head_lines(author: Author, heads: list[tuple[str, str]], style: Style) -> list[LineSpec]:
    title, year = heads
    lines = [LineSpec((title,), style.title_pt, bold=author.chance(0.8))]
    if year[0]:
        align: Align = "center" if author.chance(0.92) else "right"
        lines.append(LineSpec((year,), style.size_pt + author.number(0, 3), align))
    return lines


def _decorated(author: Author, table: TableSpec) -> TableSpec:
    """Perhaps fills under the keys, an open frame, or a note as the last row."""
    cells, rows = table.cells, table.rows
    if author.chance(0.25):
        fill, ink = draw_fill(author)
        cells = tuple(
            replace(cell, fill=fill, ink=ink) if cell.label == KEY else cell for cell in cells
        )
    if author.chance(0.15):
        cells += _note_cells(author, table)
        rows += 1
    return replace(
        table, cells=cells, rows=rows, ruling="open" if author.chance(0.04) else table.ruling
    )


def _note_cells(author: Author, table: TableSpec) -> tuple[CellSpec, ...]:
    notes = pairs_stored("notes")
    key, template = notes[author.number(0, len(notes) - 1)]
    text, columns = author.expand(template), len(table.widths)
    if author.chance(0.4):
        return (CellSpec(table.rows, 0, 1, columns, f"{key}：{text}", OTHER, "left"),)
    first = next(i for i in range(1, columns) if sum(table.widths[:i]) > 0.05 or i == columns - 1)
    return (
        CellSpec(table.rows, 0, 1, first, key, KEY),
        CellSpec(table.rows, first, 1, columns - first, text, OTHER, "left"),
    )


def _with_top_rows(table: TableSpec, texts: list[tuple[str, str]]) -> TableSpec:
    """The same table with its title, and its year line, as merged rows at the top."""
    count = len(texts)
    top = tuple(
        CellSpec(row, 0, 1, len(table.widths), text, label, bold=row == 0)
        for row, (text, label) in enumerate(texts)
    )
    moved = tuple(replace(cell, row=cell.row + count) for cell in table.cells)
    header = tuple(row + count for row in table.header)
    return replace(table, rows=table.rows + count, cells=top + moved, header=header)


def reporting_line(author: Author) -> tuple[tuple[str, str], ...]:
    """Who reports, when, and in which unit of money."""
    unit = (f"{author.pick(words_stored('reporting', 'unit'))}：{author.bureau()}", OTHER)
    date = (f"{author.pick(words_stored('reporting', 'date'))}：{author.date()}", OTHER)
    money = (author.pick(words_stored("reporting", "money")), KEY)
    return tuple(part for part in (unit, date, money) if author.chance(0.7)) or (money,)


def closing_lines(author: Author, style: Style) -> tuple[LineSpec, ...]:
    lines = []
    if author.chance(0.25):
        note = author.expand(author.pick(phrases()["notes"]))
        lines.append(LineSpec(((note, OTHER),), style.size_pt, "left"))
    if author.chance(0.25):
        parts = tuple((author.phrase("signatures"), OTHER) for _ in range(author.number(1, 3)))
        lines.append(LineSpec(parts, style.size_pt, "left"))
    return tuple(lines)


def draw_footer(author: Author) -> str:
    """A page number's template, or nothing."""
    return author.pick(words_stored("footers")) if author.chance(0.2) else ""
