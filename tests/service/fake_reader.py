"""A reader that keeps the contract of the real one without an engine.

The bytes say what happens: ``bad`` is refused, ``half`` loses its second page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from extraction.errors import BlankPage, DamagedInput
from extraction.pages.sources import SourceFile
from extraction.pipeline import Extraction
from service.extract_job import ExtractJob, Outcome, extract_job
from tests.extraction.export_samples import awkward_record


@dataclass(slots=True)
class FakeReader:
    producer: Mapping[str, str] = field(default_factory=lambda: {"formloop": "test"})
    reads: int = 0

    def read(self, source: SourceFile) -> Extraction:
        self.reads += 1
        if source.data == b"bad":
            raise DamagedInput("the file ends early", page=2)
        record = replace(
            awkward_record("=1+1"),
            name=source.name,
            sha256=source.sha256,
            producer=dict(self.producer),
        )
        errors = (BlankPage("nothing is printed on it", page=2),) if source.data == b"half" else ()
        return Extraction(record, (np.zeros((100, 200, 3), np.uint8),), errors)


def bytes_to_source(data: bytes, name: str = "a.pdf", stem: str = "a") -> SourceFile:
    return SourceFile(name, stem, data, hashlib.sha256(data).hexdigest())


def work(job: ExtractJob) -> Outcome:
    """What ``service.extract_worker.work`` does, with the fake."""
    return extract_job(job, FakeReader())
