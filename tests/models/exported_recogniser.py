"""A recogniser as PaddleOCR leaves it after tuning, and lines to judge it by."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import yaml

from extraction.ocr.weights import RECOGNISER, weights_dictionary, weights_file
from models.line_pictures import HELD_OUT_FILE

LINES = 120


def write_exported(folder: Path) -> Path:
    """The shipped weights, as PaddleOCR would leave tuned ones."""
    weights = weights_file(RECOGNISER)
    shutil.copyfile(weights, folder / "inference.onnx")
    config = {"PostProcess": {"character_dict": [*weights_dictionary(weights)]}}
    (folder / "inference.yml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    return folder


def write_lines(folder: Path) -> Path:
    """Three of each document; a picture's brightness is the number of its line."""
    (folder / "test").mkdir()
    listed = []
    for number in range(LINES):
        name = f"test/doc{number // 3}_{number:04}.png"
        picture = np.full((20, 60, 3), number, dtype=np.uint8)
        (folder / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        listed.append(f"{name}\tline {number}\n")
    (folder / HELD_OUT_FILE).write_text("".join(listed), encoding="utf-8")
    return folder
