"""TEDS, the similarity of tables by tree edit distance, as published with PubTabNet.

A table is the tree of its HTML: table, rows, cells with their spans. Changing a cell's spans
costs 1, its text the share of characters that differ; the distance is divided by the number
of nodes below the root of the larger tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apted import APTED, Config
from rapidfuzz.distance import Levenshtein

from benchmarks.truth import TableText


@dataclass(frozen=True, slots=True)
class Node:
    tag: str
    text: str = ""
    children: tuple[Node, ...] = ()

    @property
    def below(self) -> int:
        """The number of nodes below this one."""
        return sum(1 + child.below for child in self.children)


class _Costs(Config):  # type: ignore[misc]
    def rename(self, node1: Node, node2: Node) -> float:
        if node1.tag != node2.tag:
            return 1.0
        return float(Levenshtein.normalized_distance(node1.text, node2.text))

    def children(self, node: Node) -> tuple[Node, ...]:
        return node.children


def table_similarity(
    found: Sequence[TableText], true: Sequence[TableText], *, texts: bool
) -> float:
    """TEDS of two tables, 0..1; without ``texts`` TEDS-S."""
    one, other = cells_to_tree(found, texts=texts), cells_to_tree(true, texts=texts)
    size = max(one.below, other.below)
    if one == other or not size:
        return 1.0
    distance = float(APTED(one, other, _Costs()).compute_edit_distance())
    return max(0.0, 1.0 - distance / size)


def cells_to_tree(cells: Sequence[TableText], *, texts: bool) -> Node:
    rows: dict[int, list[Node]] = {}
    for cell in sorted(cells, key=lambda c: (c.row, c.column)):
        node = Node(f"td {cell.rowspan} {cell.colspan}", cell.text if texts else "")
        rows.setdefault(cell.row, []).append(node)
    return Node("table", children=tuple(Node("tr", children=tuple(row)) for row in rows.values()))
