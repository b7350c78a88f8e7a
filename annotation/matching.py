"""Which box of an answer is which of those that were asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotation.values import AnsweredRegion, AskedRegion
from extraction.values import Box

_LEAST_SHARED = 0.5
"""A box with another id that shares so much with an asked one was drawn in its stead."""


@dataclass(frozen=True, slots=True)
class Matching:
    """``answered`` by the asked region's id; ``drawn`` are the boxes that nobody asked about."""

    answered: Mapping[str, AnsweredRegion]
    drawn: tuple[AnsweredRegion, ...]


def match_regions(asked: Sequence[AskedRegion], answered: Sequence[AnsweredRegion]) -> Matching:
    """By id; then, for a box that was deleted and drawn anew, by place; then by name and row."""
    open_asked = {region.region_id: region for region in asked}
    matched = {region.region_id: region for region in answered if region.region_id in open_asked}
    rest = [region for region in answered if region.region_id not in matched]
    for region_id in matched:
        del open_asked[region_id]
    for candidates in (_by_place(open_asked, rest), _by_name(open_asked, rest)):
        for region_id, region in candidates:
            if region_id in open_asked and region in rest:
                matched[region_id] = region
                del open_asked[region_id]
                rest.remove(region)
    return Matching(matched, tuple(rest))


def _by_place(
    asked: Mapping[str, AskedRegion], answered: Sequence[AnsweredRegion]
) -> list[tuple[str, AnsweredRegion]]:
    """The pairs that share most first; at the same place, those of one name."""
    pairs = []
    for one in asked.values():
        for other in answered:
            shared = shared_part(one.box, other.box) if one.page == other.page else 0.0
            if shared >= _LEAST_SHARED:
                same_name = one.name == other.name
                rank = (-round(shared, 3), not same_name, one.region_id, other.region_id)
                pairs.append((rank, (one.region_id, other)))
    return [pair for _, pair in sorted(pairs, key=lambda item: item[0])]


def _by_name(
    asked: Mapping[str, AskedRegion], answered: Sequence[AnsweredRegion]
) -> list[tuple[str, AnsweredRegion]]:
    return [
        (one.region_id, other)
        for one in sorted(asked.values(), key=lambda region: region.region_id)
        for other in sorted(answered, key=lambda region: region.region_id)
        if (one.name, one.row) == (other.name, other.row)
    ]


def shared_part(one: Box, other: Box) -> float:
    """The shared area over that of both together, 0..1."""
    both = one.intersection(other)
    if both.width <= 0 or both.height <= 0:
        return 0.0
    return both.area / (one.area + other.area - both.area)
