"""Which row of a group a drawn box belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from annotation.values import AnsweredRegion
from extraction.declarations import FormDeclaration
from extraction.values import Box, Field, Record, boxes_union

_LEAST_OVERLAP = 0.5
"""Share of the lower of two heights."""

Row = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a row stands: the cells that are its own."""

    page: int
    box: Box

    @property
    def key(self) -> tuple[int, float, float]:
        """Orders rows as they are read."""
        return self.page, self.box.top, self.box.x0


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box of a group's column that one of the answers adds. ``removed`` are rows that the
    same answer strikes out."""

    annotation_id: int
    region: AnsweredRegion
    group: str
    column: str
    row: int | None
    removed: frozenset[int]


def row_extents(rows: Sequence[Row], merged: Collection[str] = ()) -> Mapping[int, Extent]:
    """Row number → its extent, without cells that stand for other rows as well; those of
    ``merged`` columns count only where a row has no others. Rows that are printed nowhere
    have none."""
    shared = Counter(
        (name, field.source) for row in rows for name, field in row.items() if field.source
    )
    extents = {}
    for number, row in enumerate(rows):
        own = {
            name: field.source
            for name, field in row.items()
            if field.source is not None and shared[name, field.source] == 1
        }
        sources = [source for name, source in own.items() if name not in merged]
        sources = sources or [*own.values()]
        if sources:
            page = min(source.page for source in sources)
            boxes = [source.box for source in sources if source.page == page]
            extents[number] = Extent(page, boxes_union(boxes))
    return extents


def place_drawn(
    drawn: Iterable[DrawnBox], record: Record, declaration: FormDeclaration
) -> Mapping[DrawnBox, tuple[int, ...]]:
    """Box → the rows that it is the cell of.

    A box without a row is in the one that it stands level with. One that is level with none,
    or whose row lies past the last, is in a new row; new rows are counted on from the last in
    reading order, and boxes that different people drew level with each other are in the same.
    """
    rows: dict[DrawnBox, tuple[int, ...]] = {}
    for group in declaration.groups:
        items = sorted((item for item in drawn if item.group == group.name), key=_order)
        merged = {column.name for column in group.columns if column.merged}
        rows |= _place_in_group(items, record.groups.get(group.name, ()), merged)
    return rows


def _order(item: DrawnBox) -> tuple[int, float, float, int, str]:
    region = item.region
    return region.page, region.box.top, region.box.x0, item.annotation_id, region.region_id


def _place_in_group(
    items: Sequence[DrawnBox], rows: Sequence[Row], merged: Collection[str]
) -> dict[DrawnBox, tuple[int, ...]]:
    extents = row_extents(rows, merged)
    placed: dict[DrawnBox, tuple[int, ...]] = {}
    homeless, spanning = [], []
    for item in items:
        if item.row is not None and item.row < len(rows):
            placed[item] = (item.row,)
        elif item.row is None and item.column in merged:
            spanning.append(item)
        elif item.row is None and (found := _level_row(item, extents)) is not None:
            placed[item] = (found,)
        else:
            homeless.append(item)
    every = dict(extents)
    for number, cluster in enumerate(_clusters(homeless), start=len(rows)):
        placed |= dict.fromkeys(cluster, (number,))
        boxes = [item.region.box for item in cluster if item.region.page == cluster[0].region.page]
        every[number] = Extent(cluster[0].region.page, boxes_union(boxes))
    alone = []
    for item in spanning:
        inside = _spanned_rows(item, every)
        if inside:
            placed[item] = inside
        else:
            alone.append(item)
    following = max((*every, len(rows) - 1)) + 1
    for number, cluster in enumerate(_clusters(alone), start=following):
        placed |= dict.fromkeys(cluster, (number,))
    return placed


def _level_row(item: DrawnBox, extents: Mapping[int, Extent]) -> int | None:
    """The row nearest at the side among those level with the box; None if there is none."""
    box, found = item.region.box, []
    for number, extent in extents.items():
        if extent.page != item.region.page or number in item.removed:
            continue
        overlap = level_part(box, extent.box)
        if overlap >= _LEAST_OVERLAP:
            gap = max(0.0, extent.box.x0 - box.x1, box.x0 - extent.box.x1)
            found.append((gap, -overlap, number))
    return min(found)[2] if found else None


def _spanned_rows(item: DrawnBox, extents: Mapping[int, Extent]) -> tuple[int, ...]:
    """Rows whose middle is as high as a part of the box, or else the one it is level with."""
    box = item.region.box
    inside = tuple(
        number
        for number, extent in extents.items()
        if extent.page == item.region.page
        and number not in item.removed
        and box.top <= extent.box.center[1] < box.bottom
    )
    level = _level_row(item, extents) if not inside else None
    return inside if level is None else (level,)


def _clusters(items: Sequence[DrawnBox]) -> list[tuple[DrawnBox, ...]]:
    """Items of one row together, rows in reading order, whatever the order of ``items``."""
    left, clusters = list(items), []
    while left:
        cluster = [left.pop(0)]
        for one in cluster:
            near = [other for other in left if _same_row(one, other)]
            cluster += near
            left = [other for other in left if other not in near]
        clusters.append(tuple(sorted(cluster, key=_order)))
    return sorted(clusters, key=lambda cluster: _order(cluster[0]))


def _same_row(one: DrawnBox, other: DrawnBox) -> bool:
    if one.annotation_id == other.annotation_id and None not in (one.row, other.row):
        return one.row == other.row
    if one.region.page != other.region.page:
        return False
    return level_part(one.region.box, other.region.box) >= _LEAST_OVERLAP


def level_part(one: Box, other: Box) -> float:
    """The shared height over the lower of both."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    lower = min(one.height, other.height)
    return shared / lower if lower > 0 and shared > 0 else 0.0
