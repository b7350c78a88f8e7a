"""A road of the same contract as the real one, on which the file says what happens.

A file is JSON: how many pages it has, how long each takes, and which of them go wrong:
``bad`` cannot be read, ``fault`` fails in the engine, ``flaky`` only the first time, ``kill``
ends the process, ``hang`` never comes back.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from extraction.errors import BlankPage, DamagedInput, EngineError
from extraction.pages.sources import SourceFile
from extraction.values import Box, Image, PageReading, PageSummary, Record, Word
from tests.extraction.export_samples import awkward_record
from workers.road import ReadPage

WIDTH, HEIGHT, DPI = 120, 160, 100.0
PRODUCER = {"ocr": "fake", "labeller": "fake", "calibration": "fake", "formloop": "test"}
FOREVER_S = 3600.0


def fake_file(pages: int, salt: object = "", ms: float = 0.0, **wrong: Sequence[int]) -> bytes:
    """The bytes of a document; ``salt`` makes two of them different."""
    return json.dumps({"pages": pages, "salt": str(salt), "ms": ms, **wrong}).encode()


def file_to_source(data: bytes, name: str = "a.pdf") -> SourceFile:
    return SourceFile(name, name, data, hashlib.sha256(data).hexdigest())


@dataclass(slots=True)
class FakeRoad:
    producer: Mapping[str, str] = field(default_factory=lambda: dict(PRODUCER))
    failed_once: set[str] = field(default_factory=set)

    def count(self, source: SourceFile) -> int:
        return cast(int, _order(source)["pages"])

    def read(self, source: SourceFile, page: int) -> ReadPage:
        order = _order(source)
        if not 1 <= page <= cast(int, order["pages"]):
            raise DamagedInput("the file has no such page", name=source.name, page=page)
        _work(cast(float, order["ms"]) / 1000)
        wrong = {name for name, pages in order.items() if isinstance(pages, list) and page in pages}
        self._go_wrong(wrong, source, page)
        return ReadPage(_image(page), _reading(page, f"{source.sha256[:8]} {page}"))

    def assemble(
        self, source: SourceFile, readings: Sequence[PageReading], form_type: str | None
    ) -> Record:
        record = awkward_record("=1+1")
        return replace(
            record,
            name=source.name,
            sha256=source.sha256,
            form_type=form_type or record.form_type,
            producer=dict(self.producer),
            pages=tuple(
                PageSummary(r.number, r.width, r.height, r.dpi, r.source, {}) for r in readings
            ),
        )

    def _go_wrong(self, wrong: set[str], source: SourceFile, page: int) -> None:
        if "bad" in wrong:
            raise BlankPage("the page is blank", name=source.name, page=page)
        if "kill" in wrong:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang" in wrong:
            time.sleep(FOREVER_S)
        if "fault" in wrong:
            raise EngineError("the engine failed", name=source.name, page=page)
        once = f"{source.sha256} {page}"
        if "flaky" in wrong and once not in self.failed_once:
            self.failed_once.add(once)
            raise RuntimeError("something nobody thought of")


def build() -> FakeRoad:
    return FakeRoad()


def _order(source: SourceFile) -> Mapping[str, object]:
    try:
        return cast(Mapping[str, object], json.loads(source.data))
    except ValueError as error:
        raise DamagedInput("the file is damaged", name=source.name) from error


def _work(seconds: float) -> None:
    time.sleep(seconds)


def _image(page: int) -> Image:
    return np.random.default_rng(page).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def _reading(page: int, text: str) -> PageReading:
    word = Word(text, Box(10.0, 10.0, 80.0, 24.0), 0.98, 0.9, page)
    return PageReading(page, WIDTH, HEIGHT, DPI, "ocr", (), (word,), {"ocr": 1.0})
