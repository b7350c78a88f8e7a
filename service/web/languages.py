"""The texts of the pages: one dictionary file per language, the same keys in each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "languages"
_TAGS: Final = {"zh": "zh-CN", "en": "en"}

CODES: Final = tuple(_TAGS)
DEFAULT: Final = "zh"


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language of the pages. ``tag`` is what ``<html lang>`` says."""

    code: str
    tag: str
    texts: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """The text of ``key`` with its ``{names}`` filled in; KeyError for an unknown key.

        A text of the form ``one|many`` is chosen by the value ``count``.
        """
        found = self.texts[key]
        if "|" in found and "count" in values:
            one, many = found.split("|", 1)
            found = one if values["count"] == 1 else many
        return found.format(**values) if values else found

    def text_or(self, key: str, otherwise: str) -> str:
        """The text of ``key``, or ``otherwise`` where the dictionary has none."""
        return self.texts.get(key, otherwise)

    def under(self, prefix: str) -> dict[str, str]:
        """All texts whose key starts with ``prefix``, by the rest of their key."""
        return {
            key.removeprefix(prefix): text
            for key, text in self.texts.items()
            if key.startswith(prefix)
        }


@lru_cache(maxsize=len(_TAGS))
def find_language(code: str) -> Language:
    """The language of a code; FileNotFoundError where there is no dictionary of it."""
    texts = json.loads((_FOLDER / f"{code}.json").read_text("utf-8"))
    return Language(code, _TAGS[code], texts)
