"""``formloop forms draw`` and ``draft``: one blank form, drawn on, makes a declaration."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from extraction.declarations import check_declaration
from extraction.json_values import Json, JsonObject
from extraction.reading_json import reading_from_json, reading_to_json
from extraction.values import Box, Cell, Grid, PageReading, Word
from service.cli import app
from service.draft_command import CONFIG_FILE, READINGS_FILE

WIDTH, HEIGHT = 600, 800


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["forms", *map(str, arguments)])


def cell(row: int, column: int, text: str) -> Cell:
    box = Box(150 * column, 100 + 40 * row, 150 * (column + 1), 140 + 40 * row)
    words = (Word(text, box.padded(-4), 0.9, 0.9, 1),) if text else ()
    return Cell(row, column, 1, 1, box, 1, words)


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    """What ``draw`` leaves of a blank form of one row."""
    folder = tmp_path / "drawing"
    folder.mkdir()
    texts = ("申请部门", "", "填报日期", "")
    grid = Grid(1, 4, tuple(cell(0, column, text) for column, text in enumerate(texts)))
    loose = (Word("办公用品申领单", Box(100, 20, 400, 60), 0.9, 0.9, 1),)
    reading = PageReading(1, WIDTH, HEIGHT, 100.0, "ocr", (grid,), loose)
    (folder / READINGS_FILE).write_text(json.dumps([reading_to_json(reading)]), encoding="utf-8")
    return folder


def region(number: int, label: str, box: Box, text: str = "") -> list[Json]:
    """A drawn box as Label Studio exports it."""
    place: JsonObject = {
        "x": 100 * box.x0 / WIDTH,
        "y": 100 * box.top / HEIGHT,
        "width": 100 * (box.x1 - box.x0) / WIDTH,
        "height": 100 * (box.bottom - box.top) / HEIGHT,
        "rotation": 0,
    }
    shared: JsonObject = {
        "id": f"box{number}",
        "to_name": "page",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "item_index": 0,
        "origin": "manual",
    }
    labels: JsonObject = {**place, "rectanglelabels": [label]}
    drawn: list[Json] = [
        {**shared, "from_name": "label", "type": "rectanglelabels", "value": labels}
    ]
    if text:
        typed: JsonObject = {**place, "text": [text]}
        drawn.append({**shared, "from_name": "text", "type": "textarea", "value": typed})
    return drawn


def export(path: Path) -> Path:
    """The export of one task, drawn by one person."""
    result = [
        *region(1, "标题", Box(95, 15, 405, 65)),
        *region(2, "填写处", cell(0, 1, "").box, "department"),
        *region(3, "填写处", cell(0, 3, "").box),
    ]
    task: JsonObject = {
        "id": 1,
        "annotations": [
            {
                "id": 5,
                "completed_by": 1,
                "lead_time": 60.0,
                "updated_at": "2026-11-20T12:00:00Z",
                "result": result,
            }
        ],
    }
    path.write_text(json.dumps([task], ensure_ascii=False), encoding="utf-8")
    return path


def test_blank_form_is_written_to_be_drawn_on(tmp_path: Path) -> None:
    sheet = np.full((500, 700, 3), 255, np.uint8)
    for y in (100, 160, 220):
        cv2.line(sheet, (50, y), (650, y), (0, 0, 0), 2)
    for x in (50, 350, 650):
        cv2.line(sheet, (x, 100), (x, 220), (0, 0, 0), 2)
    cv2.putText(sheet, "Name", (80, 145), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2)
    blank, out = tmp_path / "blank.png", tmp_path / "drawing"
    blank.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
    done = call("draw", blank, "--out", out)
    assert done.exit_code == 0, done.output
    assert "1 pages" in done.stderr
    (stored,) = json.loads((out / READINGS_FILE).read_text(encoding="utf-8"))
    picture = cv2.imread(str(out / "page-1.png"))
    reading = reading_from_json(stored)
    assert picture is not None and picture.shape[:2] == (reading.height, reading.width)
    assert "填写处" in (out / CONFIG_FILE).read_text(encoding="utf-8")


def test_what_is_no_scan_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"no pdf at all")
    for file in (bad, tmp_path / "none.pdf"):
        done = call("draw", file, "--out", tmp_path / "drawing")
        assert done.exit_code == 1 and file.name in done.stderr


def test_drawing_makes_a_declaration_named_after_its_file(drawing: Path, tmp_path: Path) -> None:
    out = tmp_path / "supplies.yaml"
    done = call("draft", drawing, export(tmp_path / "export.json"), "--out", out)
    assert done.exit_code == 0, done.output
    made = check_declaration(out)
    assert (made.name, made.title) == ("supplies", "办公用品申领单")
    assert [item.keys for item in made.fields if item.keys] == [("申请部门",), ("填报日期",)]
    again = call("draft", drawing, tmp_path / "export.json", "--out", out)
    assert again.exit_code == 1 and "exists already" in again.stderr


def test_title_can_be_given(drawing: Path, tmp_path: Path) -> None:
    out = tmp_path / "supplies.yaml"
    exported = export(tmp_path / "export.json")
    assert call("draft", drawing, exported, "--out", out, "--title", "申领单").exit_code == 0
    assert check_declaration(out).title == "申领单"


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("not json", "cannot be read"),
        ("[]", "export the one of the blank form"),
        ('{"annotations": []}', "submit the drawing first"),
    ],
)
def test_what_is_no_drawing_is_named(drawing: Path, tmp_path: Path, stored: str, told: str) -> None:
    bad = tmp_path / "export.json"
    bad.write_text(stored, encoding="utf-8")
    out = tmp_path / "supplies.yaml"
    done = call("draft", drawing, bad, "--out", out)
    assert done.exit_code == 1 and not out.exists()
    assert told in done.stderr and "export.json" in done.stderr


def test_folder_that_is_no_drawing_is_named(tmp_path: Path) -> None:
    done = call("draft", tmp_path, export(tmp_path / "export.json"), "--out", tmp_path / "a.yaml")
    assert done.exit_code == 1 and READINGS_FILE in done.stderr
