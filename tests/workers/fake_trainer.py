"""Stands for ``models.retrain``: the same arguments, a version in a moment.

``FAKE_TRAINER`` says how it goes: ``pass``, ``refuse``, ``fail``, ``slow`` (for ever, until
killed), ``slow-once`` (the second start ends).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

from extraction.confidence import load_calibrator
from models.audited_fields import read_audited
from models.recalibrate import RefitOutcome, refit, refit_to_json, write_refit
from models.registry import CALIBRATION_FILE

FIGURES = {"word_accuracy": 0.9, "field name": 0.9, "layout kind/a": 0.9}
WHOLE = {
    "kind": "whole", "name": "", "documents": 3, "words": 30,
    "champion": 0.2, "challenger": 0.1, "low": -0.2, "high": -0.05,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    for name in ("--models", "--out", "--base", "--judged"):
        parser.add_argument(name, type=Path)
    for name in ("--threads", "--steps", "--minutes", "--seed"):
        parser.add_argument(name)
    given = parser.parse_args()
    how = os.environ.get("FAKE_TRAINER", "pass")
    starts = given.out / "starts"
    with starts.open("a") as file:
        file.write(f"{given.data.name}\n")
    tell(given.out, {"stage": "training", "step": 3, "steps": 12, "loss": 0.5})
    if how == "fail":
        sys.stderr.write("error: it went wrong\n")
        return 1
    if how == "slow" or (how == "slow-once" and len(starts.read_text().split()) == 1):
        time.sleep(600)
    name = f"made-{given.out.name[-6:].lower()}"
    path = given.models / name
    shutil.copytree(given.base, path)
    version = json.loads((path / "version.json").read_text())
    (path / "version.json").write_text(json.dumps({**version, "name": name}))
    found = refit(load_calibrator(), read_audited(given.judged))
    if found.outcome is RefitOutcome.TAKEN:
        write_refit(found, path / CALIBRATION_FILE)
    reason = {"code": "field_worse", "name": "name", "champion": 0.1, "challenger": 0.3}
    gate = {
        "champion": "base", "passed": how != "refuse", "notes": [], "groups": [],
        "reasons": [reason] if how == "refuse" else [], "whole": WHOLE, "suspects": [],
        "documents": {"train": 2}, "champion_figures": FIGURES, "challenger_figures": FIGURES,
        "confidences": refit_to_json(found),
    }  # fmt: skip
    (path / "gate.json").write_text(json.dumps(gate))
    (given.out / "result.json").write_text(json.dumps({"version": name}))
    return 0


def tell(out: Path, progress: dict[str, object]) -> None:
    (out / "progress.part").write_text(json.dumps(progress))
    (out / "progress.part").replace(out / "progress.json")


if __name__ == "__main__":
    raise SystemExit(main())
