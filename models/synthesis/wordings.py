"""The printed headers of the declared form types, from their data file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from models.synthesis.content import DATA, Author

Split = Literal["train", "test"]
_HELD_OUT_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Term:
    """A header: what stands under it, the label of that, and the header's wordings."""

    role: str
    label: str
    names: tuple[str, ...]
    held_out: tuple[str, ...] = ()

    def printed(self, author: Author, split: Split) -> str:
        """One of its wordings; the held-out ones only in the test split."""
        if split == "test" and self.held_out and author.chance(_HELD_OUT_SHARE):
            return author.pick(self.held_out)
        return author.pick(self.names)


@dataclass(frozen=True, slots=True)
class FormWordings:
    """All the headers of one form type; ``terms`` and ``lists`` go by the file's own names."""

    form_type: str
    year_label: str
    title: Term
    heading: tuple[Term, ...]
    heading_extra: tuple[tuple[str, str], ...]
    columns: tuple[Term, ...]
    extra_columns: tuple[tuple[str, str], ...]
    indicators_outer: tuple[str, ...]
    goals_outer: tuple[str, ...]
    goal_terms: Mapping[str, Term]
    funds_outer: tuple[str, ...]
    goal_openings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    funds_columns: tuple[Term, ...] = ()
    funds_items: Mapping[str, Term] = field(default_factory=dict)
    funds_label: str = ""
    amount_label: str = ""
    corner: tuple[str, ...] = ("",)
    total: tuple[str, ...] = ()
    total_labels: tuple[str, str] = ("", "")


@cache
def _stored() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((DATA / "declared_forms.json").read_text("utf-8"))
    return stored


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(" "))


def _term(entry: Mapping[str, str], role: str = "", label: str = "") -> Term:
    held_out = entry.get("held_out", "")
    return Term(
        entry.get("role", role),
        entry.get("label", label),
        _words(entry["names"]),
        _words(held_out) if held_out else (),
    )


@cache
def evaluation_wordings() -> FormWordings:
    """The self-evaluation's: funds as a matrix, two goals side by side, a total row."""
    form = _stored()["self_evaluation"]
    funds, goals = form["funds"], form["goals"]
    return replace(
        _of_any_form(form, ("left", "right")),
        goal_openings={side: _words(goals[f"{side}_opening"]) for side in ("left", "right")},
        funds_columns=tuple(map(_term, funds["columns"])),
        funds_items={e["role"]: _term(e, label=funds["item_label"]) for e in funds["items"]},
        corner=_words(funds["corner"]),
        total=_words(form["total"]["names"]),
        total_labels=(form["total"]["points_label"], form["total"]["earned_label"]),
    )


@cache
def target_wordings() -> FormWordings:
    """The target declaration's: funds as lines, goals by term, indicators without results."""
    form = _stored()["performance_target"]
    funds, goals = form["funds"], form["goals"]
    return replace(
        _of_any_form(form, ("term", "year")),
        goal_openings={side: _words(goals["openings"]) for side in ("term", "year")},
        funds_items={
            f"{side}.{role}": Term(role, funds["item_label"], _words(funds[side][role]))
            for side in ("term", "year")
            for role in ("total", "grant", "other")
        },
        amount_label=funds["amount_label"],
    )


def _of_any_form(form: Mapping[str, Any], goal_sides: Iterable[str]) -> FormWordings:
    """What the file says of every form type in the same way."""
    funds, goals, columns = form["funds"], form["goals"], form["indicators"]
    return FormWordings(
        form_type=form["form_type"],
        year_label=form["year_label"],
        title=_term(form["title"]),
        heading=tuple(map(_term, form["heading"])),
        heading_extra=tuple(map(tuple, form["heading_extra"])),
        columns=tuple(map(_term, columns["columns"])),
        extra_columns=tuple(map(tuple, columns["extra_columns"])),
        indicators_outer=_words(columns["outer"]),
        goals_outer=_words(goals["outer"]),
        goal_terms={side: _term(goals[side], side) for side in goal_sides},
        funds_outer=_words(funds["outer"]),
        funds_label=funds["item_label"],
    )


@cache
def level_classes() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """First-level indicators, each with its second levels and their kinds of achievement."""
    return tuple(
        (first, tuple((name, kind) for name, kind in seconds))
        for first, seconds in _stored()["level_classes"]
    )


def words_stored(name: str, part: str = "") -> tuple[str, ...]:
    """A list of wordings that belongs to all declared forms."""
    stored = _stored()[name]
    return _words(stored[part] if part else stored)


def pairs_stored(name: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a key and the template of its value."""
    return tuple((key, text) for key, text in _stored()[name])


def level_name(name: str, author: Author) -> str:
    """A printed form of a level's name."""
    variants: Mapping[str, str] = _stored()["level_variants"]
    return author.pick(_words(variants.get(name, name)))
