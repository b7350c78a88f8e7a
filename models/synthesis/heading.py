"""The block of named values at the head of a declared form."""

from __future__ import annotations

from models.synthesis.bands import Band, BandCell, shares_to_borders, snapped
from models.synthesis.cell_values import value_of
from models.synthesis.content import Author
from models.synthesis.specification import KEY, OTHER, Align
from models.synthesis.wordings import FormWordings, Split, Term, pairs_stored

Pair = tuple[str, str, str]


def heading_band(
    author: Author,
    wordings: FormWordings,
    grid: tuple[int, ...],
    split: Split,
    bold: bool,
) -> tuple[Band, dict[str, str]]:
    """Rows of one to four pairs of a key and its value, most borders on those of ``grid``."""
    pairs = _draw_pairs(author, wordings, split)
    truth = {label: text for _, text, label in pairs if label != OTHER and text}
    per_row = author.pick(("2", "2", "2", "2", "3", "1", "4" if split == "test" else "2"))
    cells: list[BandCell] = []
    first_border = snapped((0, author.number(110, 230), 1000), grid, 40)[1]
    align: Align = "left" if author.chance(0.2) else "center"
    row, rest = 0, list(pairs)
    borders: dict[int, tuple[int, ...]] = {}
    while rest:
        wide = (len(rest[0][1]) > 14 and author.chance(0.85)) or (row == 0 and author.chance(0.7))
        count = min(len(rest), 1 if wide else int(per_row))
        if count not in borders:
            borders[count] = _row_borders(author, count, first_border, grid)
        at = borders[count]
        for number in range(count):
            key, text, label = rest.pop(0)
            key_end = at[2 * number + 1]
            cells.append(BandCell(at[2 * number], key_end, row, key, KEY, bold=bold))
            cells.append(BandCell(key_end, at[2 * number + 2], row, text, label, align=align))
        row += 1
    return Band(row, tuple(cells)), truth


def _row_borders(author: Author, pairs: int, first: int, grid: tuple[int, ...]) -> tuple[int, ...]:
    if pairs == 1:
        return (0, first, 1000)
    value = float(author.rng.uniform(1.3, 2.4))
    shares = (1.0, value) * (pairs - 1)
    rest = shares_to_borders((value, *shares), first)
    return (0, *snapped(rest, grid, 45))


def _draw_pairs(author: Author, wordings: FormWordings, split: Split) -> list[Pair]:
    terms = [term for term in wordings.heading if _kept(term, author)]
    roles = {term.role for term in terms}
    if {"bureau", "bureau_code"} <= roles:
        out = "bureau" if author.chance(0.6) else "bureau_code"
        terms = [term for term in terms if term.role != out]
    if author.chance(0.15):
        order = author.rng.permutation(len(terms) - 1) + 1
        terms = [terms[0], *(terms[int(i)] for i in order)]
    pairs = [
        (_spaced(term.printed(author, split), author), _value(term, author), term.label)
        for term in terms
    ]
    for key, kind in wordings.heading_extra:
        if author.chance(0.08):
            place = author.number(1, len(pairs))
            pairs.insert(place, (key, value_of(kind, author), OTHER))
    return pairs


def _kept(term: Term, author: Author) -> bool:
    return term.role == "work" or author.chance(0.94)


def _spaced(key: str, author: Author) -> str:
    """Short keys are sometimes spread with spaces to the length of the others."""
    if len(key) <= 4 and author.chance(0.06):
        return author.pick((" ", "  ", "　")).join(key)
    return key + "：" if author.chance(0.05) else key


def _value(term: Term, author: Author) -> str:
    if author.chance(0.03):
        return author.pick(("", "/", "无", "—"))
    if term.role == "work":
        return author.project()
    if term.role == "bureau_code":
        code = author.digits(6 if author.chance(0.3) else 3)
        form = author.pick(("{b}[{c}]", "[{c}]{b}", "{b}{c}", "{b}（{c}）", "{c}-{b}", "{b} {c}"))
        return form.format(b=author.bureau(), c=code)
    return value_of(term.role, author)


def between_band(author: Author) -> Band:
    """Rows of a key and a long text that no declaration knows, between the known blocks."""
    if not author.chance(0.12):
        return Band(0, ())
    entries = pairs_stored("between")
    key, template = entries[author.number(0, len(entries) - 1)]
    end = author.number(100, 200)
    return Band(
        1,
        (
            BandCell(0, end, 0, key, KEY),
            BandCell(end, 1000, 0, author.expand(template), OTHER, align="left"),
        ),
    )
