"""``compose.yaml`` as Compose would see it: merged, and its variables filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)([^}]*))?\}")


@dataclass(frozen=True)
class ComposeService:
    name: str
    content: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        return [str(part) for part in self.content["command"]]

    @property
    def environment(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.content.get("environment", {}).items()}


def read_services(variables: Mapping[str, str]) -> dict[str, ComposeService]:
    """KeyError where a variable that has to be set is not."""
    filled = _fill(COMPOSE.read_text(encoding="utf-8"), variables)
    services = cast(dict[str, Any], yaml.safe_load(filled)["services"])
    return {name: ComposeService(name, content) for name, content in services.items()}


def needed_variables() -> set[str]:
    """Those that have no default."""
    found = _VARIABLE.finditer(COMPOSE.read_text(encoding="utf-8"))
    return {match[1] for match in found if match[2] == "?"}


def _fill(text: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, kind, word = match.groups()
        if variables.get(name):
            return variables[name]
        if kind == "-":
            return str(word)
        raise KeyError(name)

    return _VARIABLE.sub(value, text)
