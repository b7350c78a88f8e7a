"""Whether a recogniser that was tuned elsewhere may take over: the same held-out lines, read by
it and by the one in use, compared in pairs."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from extraction.engines import Engine
from extraction.errors import ModelError
from extraction.ocr.reader import Reader
from extraction.ocr.weights import lay_out_recogniser
from models.gate import GateSettings, Verdict, judge
from models.line_pictures import LinePicture, ReadLines, find_line_outcomes, lines_digest
from models.ocr_versions import OCR_GATE_FILE, OCR_VERSION_FILE, OcrVersion, OcrVersions
from models.outcomes import FormOutcome

OpenLines = Callable[[Path | None], ReadLines]
"""A way to read lines with the recogniser in a folder; None: the shipped one."""


def open_line_reader(
    recogniser: Path | None, engine: Engine | None = "onnxruntime", threads: int = 1
) -> ReadLines:
    return Reader(engine, threads, recogniser).read_lines


def add_ocr(
    exported: Path,
    lines: Sequence[LinePicture],
    versions: OcrVersions,
    now: datetime,
    settings: GateSettings | None = None,
    open_lines: OpenLines = open_line_reader,
) -> tuple[OcrVersion, Verdict]:
    """Bring back the recogniser in ``exported``, held against the one in use; not promoted.

    ModelError where it does not fit, or where there is no line to judge by.
    """
    if not lines:
        raise ModelError("there is no held-out line to judge by; export corrected documents")
    versions.folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=versions.folder))
    try:
        lay_out_recogniser(exported, draft)
        digest = _folder_digest(draft)
        parent, name = versions.current(), f"ocr-{digest[:10]}"
        if parent == name:
            raise ModelError(f"this recogniser is in use already, as {name}")
        before = find_line_outcomes(lines, open_lines(versions.find(parent)))
        after = find_line_outcomes(lines, open_lines(draft))
        verdict = judge(before, after, settings)
        version = OcrVersion(
            name=name,
            parent=parent,
            weights_digest=digest,
            lines_digest=lines_digest(lines),
            lines=len(lines),
            parent_accuracy=_accuracy(before),
            accuracy=_accuracy(after),
            passed=verdict.passed,
            created_at=now.isoformat(timespec="seconds"),
        )
        path = versions.folder / name
        # The same weights again: what is there may be in use.
        if not path.is_dir():
            draft.replace(path)
        _write_version(path, version, verdict)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return version, verdict


def _folder_digest(folder: Path) -> str:
    digest = sha256()
    for name in ("inference.onnx", "inference.yml"):
        digest.update(sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def _accuracy(outcomes: Sequence[FormOutcome]) -> float:
    """Share of lines that are read exactly."""
    total = sum(outcome.total for outcome in outcomes)
    return round(1 - sum(outcome.wrong for outcome in outcomes) / total, 5)


def _write_version(folder: Path, version: OcrVersion, verdict: Verdict) -> None:
    """What makes it a version is written last."""
    gate = json.dumps(asdict(verdict), ensure_ascii=False, indent=1)
    (folder / OCR_GATE_FILE).write_text(gate + "\n", encoding="utf-8")
    told = json.dumps(asdict(version), ensure_ascii=False, indent=1)
    (folder / OCR_VERSION_FILE).write_text(told + "\n", encoding="utf-8")
