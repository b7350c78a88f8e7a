"""Files that came in, before they are documents. Light, for the process that unpacks archives."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from extraction.errors import Facts, InputError
from extraction.pages.formats import Format


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that came in whole and is of a readable format."""

    name: str
    path: Path
    size: int
    sha256: str
    format: Format


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that is not taken, and why; ``category`` and ``facts`` are those of the error."""

    name: str
    reason: str
    category: str
    facts: Facts = field(default_factory=dict)


def error_to_refused(error: InputError) -> RefusedFile:
    return RefusedFile(error.name or "", error.reason, error.category, dict(error.facts))
