"""A record with decided corrections carried out: its fields, its rows and its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from annotation.paths import Place, path_to_place, record_fields
from annotation.rows import Extent, row_extents
from annotation.values import Correction, Stand, Verdict
from annotation.votes import Decisions
from extraction.declarations import FormDeclaration, GroupDeclaration
from extraction.values import Box, Field, Record, Source, Table, TableCell

CONFIRMED = "confirmed"
CORRECTED = "corrected"
ILLEGIBLE = "illegible"
PRINTED_SO = "printed_so"
DISAGREEMENT = "disagreement"
"""Reasons of fields that people answered."""

_WHOLE_CELL = 0.6
"""A drawn box with so much of a table's cell, and little beside it, is that cell."""
_NOT_PRINTED = Field("", None, None, "accept", (), None)

Row = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Changed:
    """``base_paths`` gives the path before any row was added or removed for each path of
    ``record`` now; those of added rows count on from the last row before."""

    record: Record
    base_paths: Mapping[str, str]


def carry_out(base: Record, decisions: Decisions, declaration: FormDeclaration) -> Changed:
    """Values and checks of the result are still those of ``base``."""
    old = {item.path: item.field for item in record_fields(base)}
    fields = {
        path: _to_field(old.get(path), correction, base.tables)
        for path, correction in decisions.standing.items()
        if correction.verdict is not Verdict.ROW_REMOVED
    }
    for disagreement in decisions.disagreements:
        field = old.get(disagreement.path, _NOT_PRINTED)
        reasons = tuple(dict.fromkeys((*field.reasons, DISAGREEMENT)))
        fields[disagreement.path] = replace(field, route="review", reasons=reasons)
    groups, base_rows = {}, {}
    declared_groups = {item.name: item for item in declaration.groups}
    for name in dict.fromkeys((*base.groups, *declared_groups)):
        rows, declared = base.groups.get(name, ()), declared_groups.get(name)
        gone = _gone_rows(name, rows, decisions)
        groups[name], base_rows[name] = _change_rows(name, rows, gone, fields, declared)
    single = {name: fields.get(name, field) for name, field in base.fields.items()}
    for item in declaration.fields:
        if item.name not in single and item.name in fields:
            single[item.name] = fields[item.name]
    record = replace(
        base, fields=single, groups=groups, tables=_change_tables(base, decisions.standing, fields)
    )
    return Changed(record, _base_paths(record, base_rows))


def _to_field(old: Field | None, correction: Correction, tables: Sequence[Table]) -> Field:
    """Sure, since a person said so; its value is still to be found."""
    reason = CONFIRMED if correction.verdict is Verdict.CONFIRMED else CORRECTED
    after = correction.after
    if after is None or after.box is None or after.page is None:
        text = "" if after is None else after.text
        return Field(text, None, None, "accept", (reason,), None)
    if correction.verdict is Verdict.ILLEGIBLE:
        reason = ILLEGIBLE
    reasons = (reason, PRINTED_SO) if correction.printed_so else (reason,)
    source = _stand_to_source(after, old, tables)
    return Field(after.text, None, 1.0, "accept", reasons, source)


def _stand_to_source(after: Stand, old: Field | None, tables: Sequence[Table]) -> Source | None:
    if after.page is None or after.box is None:
        return None
    before = None if old is None else old.source
    if before is not None and (before.page, before.box) == (after.page, after.box):
        return before
    x, y = after.box.center
    for number, table in enumerate(tables):
        for cell in table.cells:
            if cell.page == after.page and cell.box.contains_point(x, y):
                return Source(after.page, after.box, number, cell.row, cell.column)
    return Source(after.page, after.box)


def _gone_rows(group: str, rows: Sequence[Row], decisions: Decisions) -> frozenset[int]:
    """Rows that were struck out, and of which nobody says that a field is there."""
    struck: set[int] = set()
    kept: set[int] = set()
    for path, correction in decisions.standing.items():
        place = path_to_place(path)
        if place.head == group and place.row is not None and place.row < len(rows):
            removed = correction.verdict is Verdict.ROW_REMOVED
            (struck if removed else kept).add(place.row)
    for disagreement in decisions.disagreements:
        place = path_to_place(disagreement.path)
        if place.head == group and place.row is not None:
            kept.add(place.row)
    return frozenset(struck - kept)


def _change_rows(
    group: str,
    rows: Sequence[Row],
    gone: frozenset[int],
    fields: Mapping[str, Field],
    declared: GroupDeclaration | None,
) -> tuple[tuple[Row, ...], tuple[int, ...]]:
    """The rows now, and the number that each had before."""
    kept = [number for number in range(len(rows)) if number not in gone]
    changed = {
        number: {
            column: fields.get(Place(group, number, column).path, field)
            for column, field in rows[number].items()
        }
        for number in kept
    }
    # A declared column that the record's rows lack, as after a change of the declaration.
    added: dict[int, dict[str, Field]] = {}
    for path, field in fields.items():
        place = path_to_place(path)
        if place.head != group or place.row is None or place.column is None:
            continue
        if place.row in changed:
            changed[place.row].setdefault(place.column, field)
        elif place.row >= len(rows):
            added.setdefault(place.row, {})[place.column] = field
    if declared is None:
        return tuple(changed.values()), tuple(kept)
    order = [column.name for column in declared.columns]
    merged = frozenset(column.name for column in declared.columns if column.merged)
    for number, row in added.items():
        filled = {name: row.get(name, _NOT_PRINTED) for name in order}
        changed[number] = _with_merged(filled, changed, merged)
    numbers = _in_place(kept, sorted(added), changed, merged)
    return tuple(changed[number] for number in numbers), tuple(numbers)


def _with_merged(
    row: dict[str, Field], others: Mapping[int, Row], merged: frozenset[str]
) -> dict[str, Field]:
    """The cells of other rows that reach over an added one are its cells, too."""
    own = row_extents([row], merged).get(0)
    if own is None:
        return row
    for name in merged:
        if row[name].source is None:
            reaching = (other.get(name, _NOT_PRINTED) for other in others.values())
            found = next((field for field in reaching if _reaches(field.source, own)), None)
            row[name] = found or row[name]
    return row


def _reaches(source: Source | None, row: Extent) -> bool:
    if source is None or source.page != row.page:
        return False
    return source.box.top <= row.box.center[1] < source.box.bottom


def _in_place(
    kept: Sequence[int], added: Iterable[int], rows: Mapping[int, Row], merged: frozenset[str]
) -> list[int]:
    """Row numbers in order, each added one after the last row that stands above it."""
    numbers = list(kept)
    for number in added:
        shown = [*numbers, number]
        extents = row_extents([rows[each] for each in shown], merged)
        keys = {shown[index]: extent.key for index, extent in extents.items()}
        own = keys.pop(number, None)
        if own is None or not keys:
            numbers.append(number)
            continue
        above = [place for place, each in enumerate(numbers) if each in keys and keys[each] < own]
        numbers.insert(max(above, default=-1) + 1, number)
    return numbers


def _base_paths(record: Record, base_rows: Mapping[str, Sequence[int]]) -> Mapping[str, str]:
    paths = {}
    for item in record_fields(record):
        place, path = item.place, item.path
        before = None if place.row is None else base_rows[place.head][place.row]
        same = before == place.row
        paths[path] = path if same else Place(place.head, before, place.column).path
    return paths


def _change_tables(
    base: Record, standing: Mapping[str, Correction], fields: Mapping[str, Field]
) -> tuple[Table, ...]:
    """The cells that answered fields stand in, with the texts that people gave them."""
    texts: dict[tuple[int, int, int], str] = {}
    cells = {
        (number, cell.row, cell.column): cell
        for number, table in enumerate(base.tables)
        for cell in table.cells
    }
    for path in sorted(standing):
        source = fields[path].source if path in fields else None
        if source is None or source.table is None or source.row is None or source.column is None:
            continue
        key = (source.table, source.row, source.column)
        if key in cells:
            new = _cell_text(cells[key], texts.get(key, cells[key].text), standing[path])
            if new is not None:
                texts[key] = new
    return tuple(
        replace(
            table,
            cells=tuple(
                _with_text(cell, texts.get((number, cell.row, cell.column))) for cell in table.cells
            ),
        )
        for number, table in enumerate(base.tables)
    )


def _cell_text(cell: TableCell, now: str, correction: Correction) -> str | None:
    """What the cell says after the correction; None where that is not known.

    A field that is only a part of its cell replaces that part.
    """
    before, after = correction.before, correction.after
    if after is None or after.box is None:
        return None
    there = before is not None and before.box == after.box
    if there and before is not None:
        if now in (before.text, after.text):
            return after.text
        # A part that was changed before, for another row of a merged cell, is not found again.
        changed = before.text != after.text and now.count(before.text) == 1
        return now.replace(before.text, after.text) if changed else None
    return after.text if _covers(after.box, cell.box) else None


def _covers(box: Box, cell: Box) -> bool:
    both = box.intersection(cell)
    if both.width <= 0 or both.height <= 0:
        return False
    return both.area >= _WHOLE_CELL * max(box.area, cell.area)


def _with_text(cell: TableCell, text: str | None) -> TableCell:
    return cell if text is None else replace(cell, text=text, confidence=1.0)
