"""Declarations of a project's targets: heading, funds, goals by term, indicators."""

from __future__ import annotations

from dataclasses import replace

from models.synthesis.bands import Band, BandCell, bands_to_table, shares_to_borders, snapped
from models.synthesis.cell_values import sum_of_money, value_of
from models.synthesis.content import Author
from models.synthesis.evaluation_form import Body
from models.synthesis.heading import between_band, heading_band
from models.synthesis.indicators import Indicator, draw_indicators, draw_levels
from models.synthesis.specification import KEY, OTHER, Align, Row
from models.synthesis.wordings import FormWordings, Split, Term, target_wordings

_WIDTHS = {"class1": 0.7, "class2": 0.9, "name": 1.7, "planned": 1.6}
_MERGED = {"class1": "span1", "class2": "span2", "name": "span3"}


def draw_target(author: Author, split: Split, rows: int) -> Body:
    """The table of one declaration, simple or with two terms side by side."""
    wordings = target_wordings()
    two_terms = author.chance(0.55)
    doubled = two_terms and author.chance(0.6 if split == "train" else 0.8)
    outer = author.chance(0.8)
    start = author.number(28, 70) if outer else 0
    sides = _side_borders(author, start, doubled)
    grid = tuple(sorted({0, *(x for side in sides for x in side)}))
    bold = author.chance(0.15)
    heading, fields = heading_band(author, wordings, grid, split, bold)
    money, funds_rows = _funds_band(author, wordings, grid, two_terms)
    goals, goal_fields = _goals_band(author, wordings, (start, sides), two_terms, split)
    blocks = _draw_blocks(author, sides, rows)
    listed, indicator_rows = _indicators_band(author, wordings, sides, blocks, split)
    groups = {
        wordings.funds_label.partition(".")[0]: funds_rows,
        wordings.columns[0].label.partition(".")[0]: indicator_rows,
    }
    table = bands_to_table((heading, between_band(author), money, goals, listed))
    variant = f"{'two-terms' if two_terms else 'one-term'}-{len(sides)}-sides"
    return Body(table, fields | goal_fields, groups, variant)


def _draw_blocks(
    author: Author, sides: list[tuple[int, ...]], rows: int
) -> list[tuple[Indicator, ...]]:
    """Indicators for every side; a side without a first level of its own shares the left one's."""
    rows = max(2, rows // len(sides))
    levels = draw_levels(author, rows)
    left = draw_indicators(author, levels, 100)
    if len(sides) == 1:
        return [left]
    if len(sides[1]) == len(sides[0]):
        return [left, draw_indicators(author, draw_levels(author, rows), 100)]
    right = draw_indicators(author, levels, 100)
    return [left, tuple(replace(r, first=i.first) for i, r in zip(left, right, strict=True))]


def _side_borders(author: Author, start: int, doubled: bool) -> list[tuple[int, ...]]:
    """Column borders of the indicators, once or left and right of the middle."""
    extra = not doubled and author.chance(0.25)
    shares = [width * float(author.rng.uniform(0.7, 1.35)) for width in _WIDTHS.values()]
    if extra:
        shares.append(0.6)
    if not doubled:
        return [shares_to_borders(tuple(shares), start)]
    middle = (start + 1000) // 2 + author.number(-40, 40)
    right = shares if author.chance(0.6) else shares[1:]
    return [
        shares_to_borders(tuple(shares), start, middle),
        shares_to_borders(tuple(right), middle),
    ]


def _funds_band(
    author: Author, wordings: FormWordings, grid: tuple[int, ...], two_terms: bool
) -> tuple[Band, tuple[Row, ...]]:
    """Sums of the terms side by side or one under the other; group rows in print order."""
    terms = ["term", "year"] if two_terms else ["year"]
    beside = two_terms and author.chance(0.7)
    sums = {term: _sums(author) for term in terms}
    first = snapped((0, author.number(110, 220), 1000), grid, 40)[1]
    roles = ("total", "grant", "other")
    places = [
        (term, role, row if beside else row + 3 * column, column if beside else 0)
        for column, term in enumerate(terms)
        for row, role in enumerate(roles)
    ]
    width = len(terms) if beside else 1
    value = float(author.rng.uniform(0.6, 1.6))
    borders = snapped(shares_to_borders((1.0, value) * width, first), grid, 45)
    rows = 3 if beside else 3 * len(terms)
    cells = [BandCell(0, first, 0, author.pick(wordings.funds_outer), KEY, rowspan=rows)]
    listed = []
    for term, role, row, column in sorted(places, key=lambda place: place[2:]):
        item = wordings.funds_items[f"{term}.{role}"]
        name, amount = author.pick(item.names), sums[term][role]
        at = borders[2 * column : 2 * column + 3]
        cells.append(BandCell(at[0], at[1], row, name, item.label))
        cells.append(BandCell(at[1], at[2], row, amount, wordings.amount_label))
        listed.append(
            {item.label.partition(".")[2]: name, wordings.amount_label.partition(".")[2]: amount}
        )
    return Band(rows, tuple(cells)), tuple(listed)


def _sums(author: Author) -> dict[str, str]:
    places = author.pick(("2", "2", "6", "1", "0"))
    total = round(float(10 ** author.rng.uniform(0.7, 4)), 2)
    share = 1.0 if author.chance(0.6) else float(author.rng.uniform(0.3, 0.9))
    comma = "," if author.chance(0.5) else ""
    if author.chance(0.04):
        return {"total": sum_of_money(author), "grant": sum_of_money(author), "other": ""}
    none = author.pick(("", "0", "0.00", "-", "—", "无"))
    other = f"{total * (1 - share):{comma}.{places}f}" if share < 1 else none
    return {
        "total": f"{total:{comma}.{places}f}",
        "grant": f"{total * share:{comma}.{places}f}",
        "other": other,
    }


def _goals_band(
    author: Author,
    wordings: FormWordings,
    grid: tuple[int, list[tuple[int, ...]]],
    two_terms: bool,
    split: Split,
) -> tuple[Band, dict[str, str]]:
    start, sides = grid
    start = start or sides[0][1]
    middle = sides[1][0] if len(sides) == 2 else 0
    if not middle or middle <= start + 100:
        inner = [x for x in sides[0] if start + 150 < x < 850] or [(start + 1000) // 2]
        middle = inner[author.number(0, len(inner) - 1)]
    spans = (
        {"term": (start, middle), "year": (middle, 1000)} if two_terms else {"year": (start, 1000)}
    )
    headed = two_terms or author.chance(0.3)
    rows = 2 if headed else 1
    cells = [BandCell(0, start, 0, author.pick(wordings.goals_outer), KEY, rowspan=rows)]
    fields = {}
    for side, (x0, x1) in spans.items():
        term = wordings.goal_terms[side]
        if headed:
            name = term.printed(author, split).format(
                a=author.year, b=author.year + 2, y=author.year
            )
            cells.append(BandCell(x0, x1, 0, name, KEY))
        text = _goal_text(author, wordings, side)
        cells.append(BandCell(x0, x1, rows - 1, text, term.label, align="left"))
        fields[term.label] = text.replace("\n", "")
    return Band(rows, tuple(cells)), fields


def _goal_text(author: Author, wordings: FormWordings, side: str) -> str:
    opening = author.pick(wordings.goal_openings[side]) if author.chance(0.35) else ""
    length = int(10 ** author.rng.uniform(1.3, 2.7))
    broken = author.chance(0.45)
    text = author.sentences("goal_sentences", length, author.chance(0.6), broken)
    return opening + ("\n" if opening and broken else "") + text


def _indicators_band(
    author: Author,
    wordings: FormWordings,
    sides: list[tuple[int, ...]],
    blocks: list[tuple[Indicator, ...]],
    split: Split,
) -> tuple[Band, tuple[Row, ...]]:
    """Indicators once, or doubled left and right; rows run left then right on every line."""
    start = sides[0][0]
    rows = max(len(block) for block in blocks)
    cells = []
    if start:
        outer = author.pick(wordings.indicators_outer)
        cells.append(BandCell(0, start, 0, outer, KEY, rowspan=rows + 1))
    truth: list[list[Row]] = []
    first = wordings.columns[0].label.partition(".")[2]
    for borders, block in zip(sides, blocks, strict=True):
        columns = _columns_for(author, wordings, len(borders) - 1)
        side_cells, side_truth = _side(author, columns, borders, block, split)
        cells += side_cells
        truth.append([{first: one.first} | row for one, row in zip(block, side_truth, strict=True)])
    ordered = [side[row] for row in range(rows) for side in truth if row < len(side) and side[row]]
    return Band(rows + 1, tuple(cells), header=(0,)), tuple(ordered)


def _columns_for(author: Author, wordings: FormWordings, count: int) -> list[Term]:
    columns = list(wordings.columns)
    if count == len(columns) + 1:
        name, kind = wordings.extra_columns[author.number(0, len(wordings.extra_columns) - 1)]
        columns.append(Term(kind, OTHER, (name,)))
    return columns if count >= len(columns) else columns[1:]


def _side(
    author: Author,
    columns: list[Term],
    borders: tuple[int, ...],
    block: tuple[Indicator, ...],
    split: Split,
) -> tuple[list[BandCell], list[Row]]:
    cells = []
    truth: list[Row] = [{} for _ in block]
    left = author.chance(0.4)
    for index, column in enumerate(columns):
        x0, x1 = borders[index], borders[index + 1]
        cells.append(BandCell(x0, x1, 0, column.printed(author, split), KEY))
        for row, indicator in enumerate(block):
            text = _cell_text(column, indicator, author, row)
            covers = getattr(indicator, _MERGED[column.role]) if column.role in _MERGED else 1
            align: Align = "left" if left and column.role in ("name", "planned") else "center"
            if covers:
                cells.append(BandCell(x0, x1, row + 1, text, column.label, covers, align))
            if column.label != OTHER:
                truth[row][column.label.partition(".")[2]] = text
    return cells, truth


def _cell_text(column: Term, indicator: Indicator, author: Author, row: int) -> str:
    done = indicator.achievement
    texts = {
        "class1": indicator.first,
        "class2": indicator.second,
        "name": done.name,
        "planned": done.planned,
        "measure": done.measure,
        "serial": str(row + 1),
    }
    return texts[column.role] if column.role in texts else value_of(column.role, author)
