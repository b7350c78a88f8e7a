"""Printed texts to values: numbers, percentages, years, phones, dates, codes, choices.

A text that cannot be read as its kind has no value (None); the text itself is never
changed. A unit after a number (元, 万元, 分, 个 …) is left out: the value is in the unit that
the form prints. A percentage becomes a share: 85.50% is 0.855; without the sign, in a
column of percentages, what is above 1 is taken as percent and the rest as a share.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from extraction.declarations import ValueKind
from extraction.fields.key_match import comparable

Value = str | float | int | None

_NUMBER = re.compile(
    r"[(]?[¥￥$]?(?P<number>[-+−]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|[-+−]?\.[0-9]+)"
    r"(?P<percent>%)?(?P<unit>(?:[万亿千百]?[元美]元?|分|个|人|项|万)?)[)]?"
)
_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")
_CHINESE_YEAR = re.compile(r"[〇○零0一二三四五六七八九]{4}")
_CHINESE_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_DATE = re.compile(r"((?:19|20)[0-9]{2})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_PHONE = re.compile(r"[+]?[0-9]{5,13}")
_PHONE_MARKS = re.compile(r"[-—–()\s]|转|分机|ext\.?")
_PHONE_BREAK = re.compile(r"[/、,;]")
_NOTHING = frozenset({"-", "--", "—", "——", "–", "/", "\\", "无", "一", "0/0", "不适用", "n/a"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number and the worth of one unit in its last printed place."""

    value: Decimal
    last_place: Decimal


def text_to_value(text: str, kind: ValueKind, choices: Sequence[str] = ()) -> Value:
    """The value of a printed text of a kind; None where it cannot be read."""
    compact = compact_text(text)
    if not compact:
        return None
    match kind:
        case "number" | "percent":
            quantity = text_to_quantity(text, kind)
            return None if quantity is None else float(quantity.value)
        case "year":
            return text_to_year(text)
        case "phone":
            return _text_to_phone(compact)
        case "date":
            return _text_to_date(compact)
        case "code":
            return compact if re.search(r"[0-9]", compact) else None
        case "choice":
            return _text_to_choice(compact, choices)
        case "text":
            return compact


def plain(text: str) -> str:
    """NFKC without white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def compact_text(text: str) -> str:
    """NFKC without white space between anything but two Latin words."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    return re.sub(r"(?<![a-zA-Z]) | (?![a-zA-Z])", "", text)


def says_nothing(text: str) -> bool:
    """Blank, or one of the signs for "does not apply"."""
    return compact_text(text).lower() in _NOTHING or not text.strip()


def text_to_quantity(text: str, kind: ValueKind = "number") -> Quantity | None:
    """The exact number of a text; None for anything but one number."""
    match = _NUMBER.fullmatch(compact_text(text))
    if match is None:
        return None
    printed = match["number"].replace(",", "").replace("−", "-").rstrip(".")
    value = Decimal(printed)
    decimals = len(printed.partition(".")[2])
    percent = bool(match["percent"]) or (kind == "percent" and abs(value) > 1)
    shift = 2 if percent else 0
    return Quantity(value.scaleb(-shift), Decimal(1).scaleb(-decimals - shift))


def text_to_year(text: str) -> int | None:
    compact = compact_text(text)
    found = _YEAR.search(compact)
    if found is not None:
        return int(found[1])
    chinese = _CHINESE_YEAR.search(compact)
    year = int(chinese[0].translate(_CHINESE_DIGITS)) if chinese else 0
    return year if 1900 <= year < 2100 else None


def _text_to_phone(compact: str) -> str | None:
    """Digits of the first number, an extension with its dash left out."""
    first = _PHONE_BREAK.split(compact)[0]
    digits = _PHONE_MARKS.sub("", first)
    return digits if _PHONE.fullmatch(digits) else None


def _text_to_date(compact: str) -> str | None:
    found = _DATE.search(compact)
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{year:04d}-{month:02d}-{day:02d}"


def _text_to_choice(compact: str, choices: Sequence[str]) -> str:
    """The declared spelling of a choice, also among ticked boxes; else the text itself."""
    ticked = re.search(r"[☑√✓■☒](?P<text>[^□☑√✓■☒]+)", compact)
    text = comparable(ticked["text"] if ticked else compact)
    return next((choice for choice in choices if comparable(choice) == text), compact)
