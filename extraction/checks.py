"""Checks of a form's fields against each other. A check never changes a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

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
    ValueKind,
)
from extraction.fields.drafts import Drafts, FieldDraft, Row
from extraction.fields.key_match import comparable, forms_of
from extraction.normalise import Quantity, says_nothing, text_to_quantity, text_to_value
from extraction.values import Check

_HALF = Decimal("0.5")
_SMALL_FRACTION = re.compile(r"-?[\d,]+\.(\d{3,})")
_FEWEST_USUAL = 2
"""Numbers that must agree before another one can be odd."""


def run_checks(declaration: FormDeclaration, drafts: Drafts) -> tuple[Check, ...]:
    """Every declared check, row by row where it speaks of rows.

    ``passed`` is None where a number is missing or cannot be read; rows that print none of
    the numbers are left out.
    """
    return tuple(
        result for check in declaration.checks for result in _run(check, declaration, drafts)
    )


def _run(check: CheckDeclaration, declaration: FormDeclaration, drafts: Drafts) -> Iterator[Check]:
    match check:
        case RatioCheck():
            yield from _check_rows(check, declaration, drafts)
        case ProductCheck():
            yield from _check_rows(check, declaration, drafts)
        case LimitCheck():
            yield from _check_rows(check, declaration, drafts)
        case PartsCheck():
            yield from _check_parts(check, declaration, drafts)
        case TotalCheck():
            yield _check_total(check, declaration, drafts)
        case PlacesCheck():
            yield from _check_places(check, declaration, drafts)
        case FormatCheck():
            yield from _check_formats(check, declaration, drafts)


def _check_rows(
    check: RatioCheck | ProductCheck | LimitCheck,
    declaration: FormDeclaration,
    drafts: Drafts,
) -> Iterator[Check]:
    columns = _columns(check)
    group = declaration.group(check.group)
    titles = {name: group.column(name).title for name in columns}
    for number, row in enumerate(drafts.groups[check.group]):
        if all(says_nothing(row[name].text) for name in columns):
            continue
        paths = tuple(f"{check.group}[{number}].{name}" for name in columns)
        numbers = {
            name: text_to_quantity(row[name].text, group.column(name).kind) for name in columns
        }
        known = {name: quantity for name, quantity in numbers.items() if quantity is not None}
        if len(known) < len(columns):
            missing = "、".join(titles[name] for name in columns if name not in known)
            yield Check(check.name, None, f"第{number + 1}行缺少可用的{missing}，未检查", paths)
            continue
        passed, message = _compare_row(check, known, titles)
        yield Check(check.name, passed, f"第{number + 1}行{message}", paths)


def _columns(check: RatioCheck | ProductCheck | LimitCheck) -> tuple[str, ...]:
    match check:
        case RatioCheck():
            names: tuple[str, ...] = (check.result, check.dividend, check.divisor)
        case ProductCheck():
            names = (check.result, *check.factors, check.cap)
        case LimitCheck():
            names = (check.column, check.limit)
    return tuple(dict.fromkeys(names))


def _compare_row(
    check: RatioCheck | ProductCheck | LimitCheck,
    numbers: Mapping[str, Quantity],
    titles: Mapping[str, str],
) -> tuple[bool | None, str]:
    match check:
        case RatioCheck():
            return _compare_ratio(check, numbers, titles)
        case ProductCheck():
            return _compare_product(check, numbers, titles)
        case LimitCheck():
            value, limit = numbers[check.column].value, numbers[check.limit].value
            sign = "不高于" if value <= limit else "高于"
            names = titles[check.column], titles[check.limit]
            return value <= limit, f"{names[0]}{_plain(value)}{sign}{names[1]}{_plain(limit)}"


def _compare_ratio(
    check: RatioCheck, numbers: Mapping[str, Quantity], titles: Mapping[str, str]
) -> tuple[bool | None, str]:
    dividend, divisor = numbers[check.dividend].value, numbers[check.divisor].value
    printed = numbers[check.result]
    if not divisor:
        return None, f"{titles[check.divisor]}为0，无法计算{titles[check.result]}"
    exact = dividend / divisor
    # Both numbers are printed rounded, which matters where they are small.
    rounding = numbers[check.dividend].last_place + abs(exact) * numbers[check.divisor].last_place
    slack = (printed.last_place + rounding / abs(divisor)) * _HALF
    passed = abs(printed.value - exact) <= slack
    return passed, (
        f"{titles[check.result]}{_percent(printed)}，"
        f"按{titles[check.dividend]}÷{titles[check.divisor]}应为{_percent(printed, exact)}"
    )


def _compare_product(
    check: ProductCheck, numbers: Mapping[str, Quantity], titles: Mapping[str, str]
) -> tuple[bool | None, str]:
    printed = numbers[check.result]
    exact, slack = Decimal(1), Decimal(0)
    for name in check.factors:
        # Factors are printed rounded, and so the product may be off by their rounding.
        slack = slack * numbers[name].value + exact * numbers[name].last_place * (
            _HALF if name != check.cap else 0
        )
        exact *= numbers[name].value
    exact = min(exact, numbers[check.cap].value)
    passed = abs(printed.value - exact) <= printed.last_place * _HALF + abs(slack)
    factors = "×".join(titles[name] for name in check.factors)
    shown = exact.quantize(printed.last_place)
    return passed, (
        f"{titles[check.result]}{_plain(printed.value)}，"
        f"按{factors}（不超过{titles[check.cap]}）应为{_plain(shown)}"
    )


def _check_parts(
    check: PartsCheck, declaration: FormDeclaration, drafts: Drafts
) -> Iterator[Check]:
    rows = drafts.groups[check.group]
    totals = _rows_named(rows, check.key_column, check.total)
    parts = _rows_named(rows, check.key_column, check.parts)
    if not totals or not parts:
        return
    # A second total opens another block of its own; only the first's parts are sure.
    total, until = totals[0], totals[1] if len(totals) > 1 else len(rows)
    between = range(total + 1, until)
    parts = [number for number in parts if number in between]
    for column in check.columns:
        declared = declaration.group(check.group).column(column)
        drawn = {number: rows[number][column] for number in (total, *parts)}
        if all(says_nothing(draft.text) for draft in drawn.values()) or not parts:
            continue
        paths = tuple(f"{check.group}[{number}].{column}" for number in drawn)
        unknown = [rows[k][check.key_column].text for k in between if k not in parts]
        if unknown:
            yield Check(check.name, None, f"{declared.title}：不知“{unknown[0]}”是否分项", paths)
            continue
        passed, message = _compare_sum(
            drawn[total], [drawn[number] for number in parts], declared.kind
        )
        yield Check(check.name, passed, f"{declared.title}：{message}", paths)


def _rows_named(rows: Sequence[Row], column: str, names: Sequence[str]) -> list[int]:
    wanted = {form for name in names for form in forms_of(name)}
    return [n for n, row in enumerate(rows) if not wanted.isdisjoint(forms_of(row[column].text))]


def _check_total(check: TotalCheck, declaration: FormDeclaration, drafts: Drafts) -> Check:
    total = drafts.fields[check.total]
    parts: dict[str, FieldDraft] = {}
    seen = set()
    for path in check.of:
        group, _, column = path.partition(".")
        for number, row in enumerate(drafts.groups[group]):
            draft = row[column]
            # A merged cell stands in each row that it covers and counts once.
            if draft.source is not None and draft.source not in seen:
                seen.add(draft.source)
                parts[f"{group}[{number}].{column}"] = draft
    title = declaration.field(check.total)
    passed, message = _compare_sum(total, list(parts.values()), title.kind)
    return Check(check.name, passed, f"{title.title}：{message}", (check.total, *parts))


def _compare_sum(
    total: FieldDraft, parts: Sequence[FieldDraft], kind: ValueKind
) -> tuple[bool | None, str]:
    """Half a unit of the total's last printed place is rounding, more is a slip."""
    printed = text_to_quantity(total.text, kind)
    numbers = [text_to_quantity(part.text, kind) for part in parts]
    unread = [
        part.text
        for part, number in zip(parts, numbers, strict=True)
        if number is None and not says_nothing(part.text)
    ]
    if printed is None:
        return None, "没有可用的合计数，未检查"
    if unread:
        return None, f"“{unread[0]}”不是数字，未检查"
    if not any(number is not None for number in numbers):
        return None, "没有可用的分项数，未检查"
    found = sum((number.value for number in numbers if number is not None), Decimal(0))
    passed = abs(found - printed.value) <= printed.last_place * _HALF
    sign = "与合计一致" if passed else "与合计不一致"
    return passed, f"分项之和{_plain(found)}，合计{_plain(printed.value)}，{sign}"


def _check_places(
    check: PlacesCheck, declaration: FormDeclaration, drafts: Drafts
) -> Iterator[Check]:
    """One result for all numbers of the usual number of places, one for each that has fewer."""
    group = declaration.group(check.group)
    places = {
        (number, column): len(found[1])
        for number, row in enumerate(drafts.groups[check.group])
        for column in check.columns
        if (found := _SMALL_FRACTION.fullmatch(comparable(row[column].text)))
    }
    ranked = Counter(places.values()).most_common(2)
    counts = [count for _, count in ranked]
    if not counts or counts[0] < _FEWEST_USUAL or counts[0] in counts[1:]:
        return
    usual = ranked[0][0]
    paths = {place: f"{check.group}[{place[0]}].{place[1]}" for place in places}
    alike = tuple(paths[place] for place, count in places.items() if count == usual)
    yield Check(check.name, True, f"{group.title}均为{usual}位小数", alike)
    for (number, column), count in places.items():
        text = drafts.groups[check.group][number][column].text
        if count < usual and text.endswith("0"):
            said = f"第{number + 1}行{group.column(column).title}{text}为{count}位小数"
            message = f"{said}，其余为{usual}位，末尾可能少读了0"
            yield Check(check.name, False, message, (paths[number, column],))


def _check_formats(
    check: FormatCheck, declaration: FormDeclaration, drafts: Drafts
) -> Iterator[Check]:
    """One result for all well-formed texts of a target, one for each that is not."""
    for target in check.fields:
        kind, title, texts = _target_texts(target, declaration, drafts)
        printed = {path: text for path, text in texts.items() if text.strip()}
        bad = {
            path: text
            for path, text in printed.items()
            if not says_nothing(text) and text_to_value(text, kind) is None
        }
        good = tuple(path for path in printed if path not in bad)
        if good:
            yield Check(check.name, True, f"{title}格式正确", good)
        for path, text in bad.items():
            yield Check(check.name, False, f"{title}“{text}”格式不正确", (path,))


def _target_texts(
    target: str, declaration: FormDeclaration, drafts: Drafts
) -> tuple[ValueKind, str, dict[str, str]]:
    group, _, column = target.partition(".")
    if not column:
        item = declaration.field(target)
        return item.kind, item.title, {target: drafts.fields[target].text}
    declared = declaration.group(group).column(column)
    texts = {
        f"{group}[{number}].{column}": row[column].text
        for number, row in enumerate(drafts.groups[group])
    }
    return declared.kind, declared.title, texts


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _percent(printed: Quantity, value: Decimal | None = None) -> str:
    """A share as percent, to the places of ``printed``."""
    number = (printed.value if value is None else value).quantize(printed.last_place)
    return f"{_plain(number * 100)}%"
