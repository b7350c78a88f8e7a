"""Recognisers that were tuned elsewhere and brought back: a folder each beside a pointer.

``DATA/ocr/current`` lists those that were in use, one name a line, the newest last;
``shipped`` is the one that came with the program. None is taken into use that did not
pass the gate (``models.ocr_gate``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from extraction.errors import ModelError

OCR_FOLDER = "ocr"
"""Below the data folder."""
SHIPPED = "shipped"
OCR_VERSION_FILE = "ocr.json"
OCR_GATE_FILE = "gate.json"
"""What the comparison with the one in use said."""
POINTER_FILE = "current"


@dataclass(frozen=True, slots=True)
class OcrVersion:
    """``parent`` is the one that it was held against; accuracies are shares of lines that are
    read exactly, on ``lines`` held-out ones."""

    name: str
    parent: str
    weights_digest: str
    lines_digest: str
    lines: int
    parent_accuracy: float
    accuracy: float
    passed: bool
    created_at: str


@dataclass(frozen=True, slots=True)
class OcrVersions:
    """The recognisers of one data folder."""

    folder: Path

    @classmethod
    def of_data(cls, data: Path) -> OcrVersions:
        return cls(data / OCR_FOLDER)

    def list_versions(self) -> tuple[OcrVersion, ...]:
        """The oldest first."""
        found = [
            read_ocr_version(path.parent) for path in self.folder.glob(f"*/{OCR_VERSION_FILE}")
        ]
        return tuple(sorted(found, key=lambda version: (version.created_at, version.name)))

    def find(self, name: str) -> Path | None:
        """Its folder; None for the shipped one, ModelError where there is none of that name."""
        if name == SHIPPED:
            return None
        path = self.folder / name
        if path.parent != self.folder or not (path / OCR_VERSION_FILE).is_file():
            known = ", ".join([SHIPPED, *(version.name for version in self.list_versions())])
            raise ModelError(f"there is no OCR version {name!r}; known: {known}")
        return path

    def current(self) -> str:
        """The name of the one in use; one that is no longer there is passed over."""
        for name in reversed(self._history()):
            if name == SHIPPED or (self.folder / name / OCR_VERSION_FILE).is_file():
                return name
        return SHIPPED

    def find_current(self) -> Path | None:
        return self.find(self.current())

    def promote(self, name: str) -> None:
        """ModelError for one that is unknown or that the gate refused."""
        path = self.find(name)
        if path is not None and not read_ocr_version(path).passed:
            raise ModelError(f"the gate refused the OCR version {name}; it stays out of use")
        history = self._history() or [SHIPPED]
        if history[-1] != name:
            self._write([*history, name])

    def roll_back(self) -> str:
        """Take the one before into use again; its name."""
        history = self._history()
        if len(history) < 2:
            raise ModelError("no earlier OCR version to go back to")
        self.find(history[-2])
        self._write(history[:-1])
        return history[-2]

    def _history(self) -> list[str]:
        file = self.folder / POINTER_FILE
        return file.read_text(encoding="utf-8").split() if file.is_file() else []

    def _write(self, history: Sequence[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.folder / f"{POINTER_FILE}.new"
        with written.open("w", encoding="utf-8") as file:
            file.write("\n".join(history) + "\n")
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.folder / POINTER_FILE)


def read_ocr_version(path: Path) -> OcrVersion:
    try:
        stored = json.loads((path / OCR_VERSION_FILE).read_text(encoding="utf-8"))
        return OcrVersion(**stored)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"is no OCR version: {error}", name=str(path)) from error
