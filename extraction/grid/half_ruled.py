"""Stacks of horizontal rulings that bound a table and draw none of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from extraction.grid.gutters import Column, columns_of_box
from extraction.grid.spans import Area
from extraction.values import Edge, Word

SHORTEST, SHORTEST_PART = 10.0, 3.0
"""Of a ruling over the whole table and over some of its columns, in heights of a line."""

SAME_EXTENT, SHORTEST_SHARE = 0.7, 0.25
"""Of the table's width, of a ruling over all of it and over a part."""

FEWEST_STRIPS = 4
LEAST_PARTING = 0.4
"""Share of a cell's width that a ruling below it covers."""


@dataclass(frozen=True, slots=True)
class Rule:
    """All horizontal edges at one height."""

    at: float
    spans: tuple[tuple[float, float], ...]

    @property
    def x0(self) -> float:
        return min(start for start, _ in self.spans)

    @property
    def x1(self) -> float:
        return max(end for _, end in self.spans)

    def share_of(self, x0: float, x1: float) -> float:
        """How much of ``x0`` … ``x1`` is ruled."""
        ruled = sum(max(0.0, min(end, x1) - max(start, x0)) for start, end in self.spans)
        return ruled / max(1.0, x1 - x0)


@dataclass(frozen=True, slots=True)
class Stack:
    """Rulings over the same stretch, from top to bottom, and shorter ones between them."""

    x0: float
    x1: float
    whole: tuple[Rule, ...]
    parts: tuple[Rule, ...] = ()

    @property
    def every(self) -> tuple[Rule, ...]:
        return tuple(sorted((*self.whole, *self.parts), key=lambda rule: rule.at))


def edges_to_rules(edges: Sequence[Edge], height: float) -> list[Rule]:
    """Horizontal rulings that no vertical ones meet, from top to bottom."""
    across = [e for e in edges if e.axis == "horizontal" and e.length >= SHORTEST_PART * height]
    long = [edge for edge in across if edge.length >= SHORTEST * height]
    down = [
        edge
        for edge in edges
        if edge.axis == "vertical"
        and edge.length > 2 * height
        and sum(_meet(other, edge, height) for other in long) > 1
    ]
    rules: list[Rule] = []
    for edge in sorted(across, key=lambda edge: edge.at):
        if sum(_meet(edge, other, height) for other in down) > 1:
            continue
        if rules and edge.at - rules[-1].at < 0.4 * height:
            rules[-1] = Rule(rules[-1].at, (*rules[-1].spans, (edge.start, edge.end)))
        else:
            rules.append(Rule(edge.at, ((edge.start, edge.end),)))
    return rules


def _meet(across: Edge, down: Edge, reach: float) -> bool:
    return (
        across.start - reach < down.at < across.end + reach
        and down.start - reach < across.at < down.end + reach
    )


def rules_to_stacks(rules: Sequence[Rule], words: Sequence[Word], height: float) -> list[Stack]:
    """Runs of two or more rulings of one extent with lines of several words between them."""
    left = sorted(rules, key=lambda rule: rule.x0 - rule.x1)
    stacks: list[Stack] = []
    while left and left[0].x1 - left[0].x0 >= SHORTEST * height:
        base = left[0]
        near = 0.05 * (base.x1 - base.x0)
        inside = [r for r in left if base.x0 - near <= r.x0 and r.x1 <= base.x1 + near]
        whole = sorted(
            (r for r in inside if r.share_of(base.x0, base.x1) >= SAME_EXTENT),
            key=lambda rule: rule.at,
        )
        parts = [
            rule
            for rule in inside
            if rule not in whole and rule.share_of(base.x0, base.x1) >= SHORTEST_SHARE
        ]
        stacks += _runs(base, whole, parts, words)
        left = [rule for rule in left if rule is not base and rule not in whole]
    return stacks


def _runs(
    base: Rule, whole: Sequence[Rule], parts: Sequence[Rule], words: Sequence[Word]
) -> list[Stack]:
    """``whole`` cut where nothing, or the caption of the next table, stands between two."""
    stacks: list[Stack] = []
    run: list[Rule] = list(whole[:1])
    for upper, lower in pairwise(whole):
        between = [
            word
            for word in words
            if upper.at < word.box.center[1] < lower.at and base.x0 < word.box.center[0] < base.x1
        ]
        if not between or (len(between) == 1 and _is_caption(between[0], base)):
            stacks += _stack(base, run, parts)
            run = []
        run.append(lower)
    return stacks + _stack(base, run, parts)


def _is_caption(word: Word, base: Rule) -> bool:
    """Whether ``word`` stands like the name of the next table: long, from the left edge on."""
    height = word.box.height
    return word.box.x0 - base.x0 < height and word.box.width > 4 * height


def _stack(base: Rule, run: Sequence[Rule], parts: Sequence[Rule]) -> list[Stack]:
    if len(run) < 2:
        return []
    inner = tuple(part for part in parts if run[0].at < part.at < run[-1].at)
    return [Stack(base.x0, base.x1, tuple(run), inner)]


def stack_to_strips(stack: Stack, words: Sequence[Word]) -> list[list[Word]]:
    """The words between each two rulings, over the whole table or a part of it."""
    ats = [rule.at for rule in stack.every]
    strips = [
        [word for word in words if upper <= word.box.center[1] < lower]
        for upper, lower in pairwise(ats)
    ]
    return [strip for strip in strips if strip]


def rules_every_row(
    strips: Sequence[Sequence[Word]], columns: Sequence[Column], height: float
) -> bool:
    """Whether each strip between two rulings is one row: one of its columns has one line."""
    single = 0
    for strip in strips:
        heights: dict[int, list[float]] = {}
        for word in strip:
            at = columns_of_box(word.box, columns, height).start
            heights.setdefault(at, []).append(word.box.center[1])
        single += any(max(at) - min(at) < 0.5 * height for at in heights.values())
    return len(strips) >= FEWEST_STRIPS and single >= 0.7 * len(strips)


def unruled_areas(
    stack: Stack, xs: Sequence[float], ys: Sequence[float], height: float
) -> list[Area]:
    """Areas over the rows that no ruling parts."""
    parting = [
        next((rule for rule in stack.every if abs(rule.at - y) < 0.5 * height), None)
        for y in ys[1:-1]
    ]
    areas = []
    for column, (x0, x1) in enumerate(pairwise(xs)):
        top = 0
        for bottom, rule in enumerate([*parting, None], start=1):
            open_below = rule is not None and rule.share_of(x0, x1) < LEAST_PARTING
            if not open_below:
                if bottom - top > 1:
                    areas.append(Area(top, bottom, column, column + 1))
                top = bottom
    return areas
