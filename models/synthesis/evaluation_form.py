"""Self-evaluations of a project's spending: heading, funds matrix, goals, indicators, total."""

from __future__ import annotations

from dataclasses import dataclass

from models.synthesis.bands import Band, BandCell, bands_to_table, shares_to_borders, snapped
from models.synthesis.cell_values import value_of
from models.synthesis.content import Author
from models.synthesis.heading import between_band, heading_band
from models.synthesis.indicators import (
    SLIP_SHARE,
    Funds,
    Indicator,
    draw_funds,
    draw_indicators,
    draw_levels,
    number_text,
    total_of,
)
from models.synthesis.specification import KEY, OTHER, Align, Row, TableSpec
from models.synthesis.wordings import FormWordings, Split, Term, evaluation_wordings

_WIDTHS = {
    "class1": 0.7,
    "class2": 0.9,
    "name": 1.5,
    "planned": 1.9,
    "reached": 1.8,
    "points": 0.5,
    "earned": 0.5,
    "reason": 1.6,
}
_MERGED = {"class1": "span1", "class2": "span2", "name": "span3"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices that make one variant of the layout."""

    outer: bool
    roles: tuple[str, ...]
    extra: tuple[str, str] | None
    borders: tuple[int, ...]
    rows: int
    keys_bold: bool
    left_texts: bool
    goal_length: int
    split: Split


@dataclass(frozen=True, slots=True)
class Body:
    """The table of a form and the truth of what it prints."""

    table: TableSpec
    fields: dict[str, str]
    groups: dict[str, tuple[Row, ...]]
    variant: str


def draw_plan(author: Author, split: Split, wordings: FormWordings, rows: int) -> Plan:
    roles = [term.role for term in wordings.columns]
    dropped = set()
    if author.chance(0.12):
        dropped.add("reason")
    if author.chance(0.05):
        dropped.add("class1")
    if (split == "test" and author.chance(0.15)) or author.chance(0.04):
        roles.remove("points")
        roles.insert(roles.index("planned"), "points")
    kept = tuple(role for role in roles if role not in dropped)
    extra = None
    if author.chance(0.22):
        extra = wordings.extra_columns[author.number(0, len(wordings.extra_columns) - 1)]
    outer = author.chance(0.75)
    shares = [_WIDTHS[role] * float(author.rng.uniform(0.7, 1.4)) for role in kept]
    shares = [0.45 if outer else 0.0, *shares]
    if extra:
        shares.insert(_extra_position(kept) + 1, 0.6)
    start = author.number(25, 60) if outer else 0
    borders = (*((0,) if outer else ()), *shares_to_borders(tuple(shares[1:]), start))
    length = int(10 ** author.rng.uniform(1.3, 2.75))
    return Plan(
        outer, kept, extra, borders, rows, author.chance(0.15), author.chance(0.5), length, split
    )


def _extra_position(roles: tuple[str, ...]) -> int:
    return roles.index("planned")


def draw_evaluation(author: Author, split: Split, rows: int) -> Body:
    """The table of one self-evaluation and its truth."""
    wordings = evaluation_wordings()
    plan = draw_plan(author, split, wordings, rows)
    points = author.pick(("10", "10", "10", "10", "20", "0"))
    funds = draw_funds(author, int(points))
    indicators = draw_indicators(author, draw_levels(author, rows), 100 - int(points))
    heading, fields = heading_band(author, wordings, plan.borders, split, plan.keys_bold)
    money, funds_rows = _funds_band(author, wordings, plan, funds)
    goals, goal_fields = _goals_band(author, wordings, plan)
    listed, indicator_rows = indicators_band(author, wordings, plan, indicators)
    total, total_fields = _total_band(author, wordings, plan, funds, indicators)
    bands = [heading, between_band(author), money, goals, listed, total]
    return Body(
        bands_to_table(tuple(bands)),
        fields | goal_fields | total_fields,
        {
            _group(wordings.funds_label): funds_rows,
            _group(wordings.columns[0].label): indicator_rows,
        },
        f"{'outer' if plan.outer else 'plain'}-{len(plan.borders) - 1}-columns",
    )


def _group(label: str) -> str:
    return label.partition(".")[0]


def _column(label: str) -> str:
    return label.partition(".")[2]


def _funds_band(
    author: Author, wordings: FormWordings, plan: Plan, funds: Funds
) -> tuple[Band, tuple[Row, ...]]:
    """The matrix of funds: items down, kinds of sums across."""
    columns = [c for c in wordings.funds_columns if c.role != "initial" or not author.chance(0.08)]
    start = author.number(110, 240)
    widths = (1.4, *(1.2 if c.role in ("initial", "annual", "spent") else 0.7 for c in columns))
    borders = snapped(shares_to_borders(widths, start), plan.borders, 28)
    items = list(wordings.funds_items.values())
    if author.chance(0.08):
        items.pop()
    rows = len(items) + 1
    first = snapped((0, borders[0], 1000), plan.borders, 40)[1]
    borders = (first, *borders[1:])
    cells = [
        BandCell(
            0, first, 0, author.pick(wordings.funds_outer), KEY, rowspan=rows, bold=plan.keys_bold
        )
    ]
    corner = author.pick(wordings.corner) if author.chance(0.2) else ""
    cells.append(BandCell(borders[0], borders[1], 0, corner, KEY))
    for index, column in enumerate(columns, start=1):
        cells.append(
            BandCell(
                borders[index],
                borders[index + 1],
                0,
                column.printed(author, plan.split),
                KEY,
                bold=plan.keys_bold,
            )
        )
    truth = []
    for row, item in enumerate(items, start=1):
        name = item.printed(author, plan.split)
        cells.append(BandCell(borders[0], borders[1], row, name, item.label))
        values = {_column(item.label): name}
        for index, column in enumerate(columns, start=1):
            text = funds.cells[item.role][column.role]
            cells.append(BandCell(borders[index], borders[index + 1], row, text, column.label))
            values[_column(column.label)] = text
        truth.append(values)
    return Band(rows, tuple(cells)), tuple(truth)


def _goals_band(author: Author, wordings: FormWordings, plan: Plan) -> tuple[Band, dict[str, str]]:
    left, right = wordings.goal_terms["left"], wordings.goal_terms["right"]
    start = plan.borders[1] if plan.outer or author.chance(0.5) else plan.borders[2]
    middle = snapped((0, author.number(420, 620), 1000), plan.borders, 60)[1]
    texts = {}
    for side, term, kind in (("left", left, "goal_sentences"), ("right", right, "done_sentences")):
        numbered, broken = author.chance(0.6), author.chance(0.5)
        opening = author.pick(wordings.goal_openings[side]) if author.chance(0.4) else ""
        length = max(20, int(plan.goal_length * float(author.rng.uniform(0.6, 1.4))))
        text = author.sentences(kind, length, numbered, broken)
        texts[term.label] = opening + ("\n" if opening and broken else "") + text
    cells = [BandCell(0, start, 0, author.pick(wordings.goals_outer), KEY, rowspan=2)]
    fields = {label: text.replace("\n", "") for label, text in texts.items()}
    align: Align = "left" if author.chance(0.85) else "center"
    stacked = author.chance(0.1)
    if stacked:
        middle = start + author.number(50, 150)
    for row, term in enumerate((left, right)):
        name, text = term.printed(author, plan.split), texts[term.label]
        if stacked:
            key, value = (start, middle, row), (middle, 1000, row)
        else:
            span = (start, middle) if row == 0 else (middle, 1000)
            key, value = (*span, 0), (*span, 1)
        cells.append(BandCell(*key, name, KEY, bold=plan.keys_bold))
        cells.append(BandCell(*value, text, term.label, align=align, top=author.chance(0.2)))
    return Band(2, tuple(cells)), fields


def _columns_of(wordings: FormWordings, plan: Plan) -> list[Term]:
    by_role = {term.role: term for term in wordings.columns}
    columns = [by_role[role] for role in plan.roles]
    if plan.extra:
        columns.insert(_extra_position(plan.roles), Term(plan.extra[1], OTHER, (plan.extra[0],)))
    return columns


def indicators_band(
    author: Author, wordings: FormWordings, plan: Plan, indicators: tuple[Indicator, ...]
) -> tuple[Band, tuple[Row, ...]]:
    """The header row and a row for each indicator, with merged levels."""
    columns = _columns_of(wordings, plan)
    borders = plan.borders[1:] if plan.outer else plan.borders
    cells = []
    if plan.outer:
        cells.append(
            BandCell(
                0,
                plan.borders[1],
                0,
                author.pick(wordings.indicators_outer),
                KEY,
                rowspan=len(indicators) + 1,
            )
        )
    truth: list[Row] = [{} for _ in indicators]
    for index, column in enumerate(columns):
        span = borders[index], borders[index + 1]
        cells.append(
            BandCell(*span, 0, column.printed(author, plan.split), KEY, bold=plan.keys_bold)
        )
        align: Align = (
            "left"
            if plan.left_texts and column.role in ("name", "planned", "reached", "reason")
            else "center"
        )
        for row, indicator in enumerate(indicators):
            text = _cell_text(column, indicator, author, row)
            covers = getattr(indicator, _MERGED[column.role]) if column.role in _MERGED else 1
            if covers:
                cells.append(BandCell(*span, row + 1, text, column.label, covers, align))
            if column.label != OTHER:
                truth[row][_column(column.label)] = text
    return Band(len(indicators) + 1, tuple(cells), header=(0,)), tuple(truth)


def _cell_text(column: Term, indicator: Indicator, author: Author, row: int) -> str:
    done = indicator.achievement
    texts = {
        "class1": indicator.first,
        "class2": indicator.second,
        "name": done.name,
        "planned": done.planned,
        "reached": done.reached,
        "points": indicator.points,
        "earned": indicator.earned,
        "reason": done.reason,
        "measure": done.measure,
        "serial": str(row + 1),
    }
    return texts[column.role] if column.role in texts else value_of(column.role, author)


def _total_band(
    author: Author,
    wordings: FormWordings,
    plan: Plan,
    funds: Funds,
    indicators: tuple[Indicator, ...],
) -> tuple[Band, dict[str, str]]:
    if author.chance(0.04):
        return Band(0, ()), {}
    columns = _columns_of(wordings, plan)
    borders = plan.borders[1:] if plan.outer else plan.borders
    earned = total_of([i.earned for i in indicators]) + funds.earned
    if author.chance(SLIP_SHARE):
        earned = max(0.0, earned - 1.5)
    roles = [column.role for column in columns]
    points_at, earned_at = borders[roles.index("points")], borders[roles.index("earned")]
    shown = {
        wordings.total_labels[0]: "100",
        wordings.total_labels[1]: author.pick((f"{earned:.2f}", number_text(earned))),
    }
    cells = [BandCell(0, points_at, 0, author.pick(wordings.total), KEY, bold=plan.keys_bold)]
    for label, at in zip(shown, (points_at, earned_at), strict=True):
        after = borders[borders.index(at) + 1]
        cells.append(BandCell(at, after, 0, shown[label], label))
    ends = [
        points_at,
        borders[borders.index(points_at) + 1],
        earned_at,
        borders[borders.index(earned_at) + 1],
        1000,
    ]
    for x0, x1 in ((ends[1], ends[2]), (ends[3], ends[4])):
        if x1 > x0:
            cells.append(BandCell(x0, x1, 0, "", OTHER))
    return Band(1, tuple(cells)), shown
