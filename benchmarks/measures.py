"""The measures of the record: field accuracy, cell F1, TEDS and CER against a truth.

Texts compare after NFKC with all white space removed. TEDS is tree edit distance over the
HTML tree of a table, as published with PubTabNet: 1 − distance ÷ the larger tree's size.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apted import APTED, Config
from rapidfuzz.distance import Levenshtein

from benchmarks.truth import Truth, TruthCell


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over documents, so that shares weigh every field or cell alike."""

    fields: int = 0
    fields_right: int = 0
    cells_true: int = 0
    cells_found: int = 0
    cells_right: int = 0
    structure_right: int = 0
    characters: int = 0
    edits: int = 0
    teds: tuple[float, ...] = ()
    teds_structure: tuple[float, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    @property
    def field_accuracy(self) -> float:
        return self.fields_right / max(1, self.fields)

    @property
    def cell_f1(self) -> float:
        return 2 * self.cells_right / max(1, self.cells_true + self.cells_found)

    @property
    def structure_f1(self) -> float:
        return 2 * self.structure_right / max(1, self.cells_true + self.cells_found)

    @property
    def cer(self) -> float:
        return self.edits / max(1, self.characters)


def folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def measure_record(record: Mapping[str, object], truth: Truth, *, teds: bool = True) -> Counts:
    """All measures of one record in its JSON form."""
    right, total = field_counts(record, truth)
    found = record_cells(record)
    counts = Counts(fields=total, fields_right=right) + cell_counts(found, truth.cells)
    if teds:
        ours, theirs = _table_tree(found), _table_tree(truth.cells)
        counts += Counts(
            teds=(tree_similarity(ours, theirs, texts=True),),
            teds_structure=(tree_similarity(ours, theirs, texts=False),),
        )
    return counts


def wrong_fields(record: Mapping[str, object], truth: Truth) -> list[tuple[str, str, str]]:
    """Path, printed text and text read of every field that is not exactly right."""
    wrong = []
    for path, printed in truth.fields.items():
        read = _field_text(record, path)
        if folded(printed) and (read is None or folded(read) != folded(printed)):
            wrong.append((path, printed, "" if read is None else read))
    groups: Mapping[str, Sequence[object]] = record["groups"]  # type: ignore[assignment]
    for name, rows in truth.groups.items():
        for extra in range(len(rows), len(groups.get(name, ()))):
            row: Mapping[str, Mapping[str, str]] = groups[name][extra]  # type: ignore[assignment]
            for column, field in row.items():
                if folded(field["text"]):
                    wrong.append((f"{name}[{extra}].{column}", "", field["text"]))
    return wrong


def field_counts(record: Mapping[str, object], truth: Truth) -> tuple[int, int]:
    """Right and printed fields; the fields of a missing or an extra row are all wrong."""
    wrong = wrong_fields(record, truth)
    extra = sum(1 for _, printed, _ in wrong if not folded(printed))
    printed = sum(1 for text in truth.fields.values() if folded(text))
    return printed - (len(wrong) - extra), printed + extra


def cell_counts(found: Sequence[TruthCell], true: Sequence[TruthCell]) -> Counts:
    def keys(cells: Sequence[TruthCell], texts: bool) -> set[tuple[object, ...]]:
        return {
            (c.table, c.row, c.column, c.rowspan, c.colspan, folded(c.text) if texts else "")
            for c in cells
        }

    place = {(c.table, c.row, c.column): folded(c.text) for c in found}
    edits = characters = 0
    for cell in true:
        text = folded(cell.text)
        characters += len(text)
        edits += Levenshtein.distance(text, place.get((cell.table, cell.row, cell.column), ""))
    return Counts(
        cells_true=len(true),
        cells_found=len(found),
        cells_right=len(keys(found, True) & keys(true, True)),
        structure_right=len(keys(found, False) & keys(true, False)),
        characters=characters,
        edits=edits,
    )


def record_cells(record: Mapping[str, object]) -> list[TruthCell]:
    tables: Sequence[Mapping[str, Sequence[Mapping[str, object]]]] = record["tables"]  # type: ignore[assignment]
    return [
        TruthCell(
            table=number,
            row=int(cell["row"]),  # type: ignore[call-overload]
            column=int(cell["column"]),  # type: ignore[call-overload]
            rowspan=int(cell["rowspan"]),  # type: ignore[call-overload]
            colspan=int(cell["colspan"]),  # type: ignore[call-overload]
            text=str(cell["text"]),
        )
        for number, table in enumerate(tables)
        for cell in table["cells"]
    ]


@dataclass(frozen=True, slots=True)
class Node:
    tag: str
    text: str
    children: tuple[Node, ...] = ()

    @property
    def size(self) -> int:
        return 1 + sum(child.size for child in self.children)


class _TableCosts(Config):  # type: ignore[misc]
    def rename(self, one: Node, other: Node) -> float:
        if one.tag != other.tag:
            return 1.0
        if not one.text and not other.text:
            return 0.0
        return float(Levenshtein.normalized_distance(one.text, other.text))

    def children(self, node: Node) -> tuple[Node, ...]:
        return node.children


def tree_similarity(one: Node, other: Node, *, texts: bool) -> float:
    if not texts:
        one, other = _without_texts(one), _without_texts(other)
    distance = APTED(one, other, _TableCosts()).compute_edit_distance()
    return 1.0 - float(distance) / max(one.size, other.size)


def _table_tree(cells: Sequence[TruthCell]) -> Node:
    rows: dict[tuple[int, int], list[TruthCell]] = {}
    for cell in sorted(cells, key=lambda c: (c.table, c.row, c.column)):
        rows.setdefault((cell.table, cell.row), []).append(cell)
    return Node(
        "table",
        "",
        tuple(
            Node(
                "tr",
                "",
                tuple(Node(f"td {c.rowspan} {c.colspan}", folded(c.text)) for c in row),
            )
            for row in rows.values()
        ),
    )


def _without_texts(node: Node) -> Node:
    return Node(node.tag, "", tuple(_without_texts(child) for child in node.children))


def _field_text(record: Mapping[str, object], path: str) -> str | None:
    """``name`` or ``group[3].column`` in a record's JSON; None where it is missing."""
    fields: Mapping[str, Mapping[str, str]] = record["fields"]  # type: ignore[assignment]
    if "[" not in path:
        return fields[path]["text"] if path in fields else None
    group, rest = path.split("[", 1)
    number, column = rest.split("].", 1)
    groups: Mapping[str, Sequence[Mapping[str, Mapping[str, str]]]] = record["groups"]  # type: ignore[assignment]
    rows = groups.get(group, ())
    if int(number) >= len(rows) or column not in rows[int(number)]:
        return None
    return rows[int(number)][column]["text"]
