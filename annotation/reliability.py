"""What people found of the confidences, by the kinds that forms declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from extraction.declarations import FormDeclaration
from models.reliability import JudgedField, Reliability, measure_reliability


def measure_by_kind(judged: Iterable[JudgedField]) -> Mapping[str, Reliability]:
    """Each kind that was seen, in order of its name."""
    kinds: dict[str, list[JudgedField]] = {}
    for field in judged:
        kinds.setdefault(field.kind, []).append(field)
    return {kind: measure_reliability(kinds[kind]) for kind in sorted(kinds)}


def declared_kinds(declaration: FormDeclaration) -> Mapping[str, str]:
    """The value kind of each declared name: ``total`` or ``items.amount``."""
    columns = {
        f"{group.name}.{column.name}": column.kind
        for group in declaration.groups
        for column in group.columns
    }
    return {**{item.name: item.kind for item in declaration.fields}, **columns}
