"""The parts of a declared rule by the titles that are printed on the form."""

from __future__ import annotations

from collections.abc import Mapping

from extraction.declarations import (
    CheckDeclaration,
    FormatCheck,
    FormDeclaration,
    LimitCheck,
    PartsCheck,
    PlacesCheck,
    ProductCheck,
    RatioCheck,
    TotalCheck,
)
from extraction.exports.naming import Titles, declaration_to_titles


def check_to_terms(declaration: FormDeclaration, check: CheckDeclaration) -> Mapping[str, str]:
    """What the sentence of the rule's kind is filled in with."""
    titles = declaration_to_titles(declaration)
    match check:
        case RatioCheck():
            return _columns(
                titles,
                check.group,
                result=check.result,
                dividend=check.dividend,
                divisor=check.divisor,
            )
        case ProductCheck():
            factors = " × ".join(titles.of_column(check.group, name) for name in check.factors)
            named = _columns(titles, check.group, result=check.result, cap=check.cap)
            return {**named, "factors": factors}
        case PartsCheck() | PlacesCheck():
            columns = "、".join(titles.of_column(check.group, name) for name in check.columns)
            return {"group": titles.of_group(check.group), "columns": columns}
        case LimitCheck():
            return _columns(titles, check.group, column=check.column, limit=check.limit)
        case TotalCheck():
            parts = " + ".join(_path_title(titles, path) for path in check.of)
            return {"total": _path_title(titles, check.total), "parts": parts}
        case FormatCheck():
            names = dict.fromkeys(_last_title(titles, path) for path in check.fields)
            return {"fields": "、".join(names)}


def _columns(titles: Titles, group: str, **columns: str) -> dict[str, str]:
    named = {part: titles.of_column(group, name) for part, name in columns.items()}
    return {"group": titles.of_group(group), **named}


def _path_title(titles: Titles, path: str) -> str:
    group, dot, column = path.partition(".")
    if not dot:
        return titles.of_field(path)
    return f"{titles.of_group(group)}·{titles.of_column(group, column)}"


def _last_title(titles: Titles, path: str) -> str:
    group, dot, column = path.partition(".")
    return titles.of_column(group, column) if dot else titles.of_field(path)
