"""The page of a model version: what became of the shipped confidences."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.tables import Role
from extraction.confidence import load_calibrator
from extraction.json_values import JsonObject
from models.recalibrate import HeldOut, Refit, RefitOutcome, refit_to_json
from models.registry import GATE_FILE, Registry
from tests.models.examples import write_tiny_version
from tests.service.worlds import World, running_world

BASE = load_calibrator()
FITTED = BASE.stretched(0.8, -0.1, "told")
BETTER, WORSE = HeldOut(0.03, 0.012, 0.05, 0.045), HeldOut(0.01, 0.02, 0.04, 0.041)
REFITS = {
    "taken-1": Refit(FITTED, RefitOutcome.TAKEN, 560, 31, 0, 0.8, -0.1, BETTER),
    "few-1": Refit(BASE, RefitOutcome.TOO_FEW, 250, 7, 1),
    "worse-1": Refit(BASE, RefitOutcome.WORSE, 560, 31, 12, 1.3, 0.2, WORSE),
}
SAID = {
    ("zh", "taken-1"): (
        "已校正",
        "31 份文档中的 560 个字段校正；在未参与校正的文档上，两项误差都没有变大",
        "校准误差 0.03000 0.01200",
        "布里尔分数 0.05000 0.04500",
        "某字段的置信度，举例 90.00% 83.99%",
        "对数几率 × 0.8000 -0.1000",
    ),
    ("en", "taken-1"): (
        "Set right by what people found when they audited or corrected 560 fields of 31 documents",
        "neither error grew",
        "Calibration error 0.03000 0.01200",
        "Brier score 0.05000 0.04500",
        "A field's confidence, for example 90.00% 83.99%",
        "log odds × 0.8000 -0.1000",
    ),
    ("zh", "few-1"): (
        "沿用出厂",
        "字段 250 个（至少需 200 个），文档 7 份（至少需 20 份）",
        "另有 1 个字段未计入",
    ),
    ("en", "few-1"): (
        "As shipped",
        "Fields: 250, at least 200 are needed; documents: 7, at least 20 are needed",
        "1 more field was left out",
    ),
    ("zh", "worse-1"): (
        "沿用出厂",
        "两项误差中至少一项变大，因此没有采用",
        "另有 12 个字段未计入",
        "校准误差 0.01000 0.02000",
    ),
    ("en", "worse-1"): (
        "As shipped",
        "at least one of the two errors grew, so it was not taken",
        "12 more fields were left out",
        "Calibration error 0.01000 0.02000",
    ),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Versions with each outcome, and two of a time before there was any."""
    with running_world(tmp_path_factory.mktemp("data")) as made:
        registry = Registry.of_data(made.service.settings.data)
        for name, found in REFITS.items():
            write_judged(registry, name, {"confidences": refit_to_json(found)})
        write_judged(registry, "older-1", {})
        write_judged(registry, "older-2", {"confidences": None})
        yield made


def write_judged(registry: Registry, name: str, more: JsonObject) -> None:
    gate = {
        "champion": registry.find_current().name,
        "passed": True,
        "reasons": [],
        "notes": [],
        "whole": {"champion": 0.2, "challenger": 0.1, "documents": 3},
        "champion_figures": {},
        "challenger_figures": {},
        "suspects": [],
    }
    path: Path = write_tiny_version(registry.own, name)
    (path / GATE_FILE).write_text(json.dumps(gate | more), encoding="utf-8")


def read_page(world: World, name: str, language: str) -> str:
    headers = world.browser()
    token = world.sessions[Role.ADMINISTRATOR][1]
    form = {"code": language, "back": "/models", "csrf_token": token}
    world.client.post("/language", data=form, headers=headers)
    page = world.client.get(f"/models/{name}", headers=headers)
    assert page.status_code == 200
    return page.text


@pytest.mark.parametrize(("language", "name"), SAID)
def test_the_page_says_what_became_of_the_confidences(
    judged: World, language: str, name: str
) -> None:
    found = re.search(
        r'<section class="card" data-refit="(\w+)">.*?</section>',
        read_page(judged, name, language),
        re.DOTALL,
    )
    assert found is not None and found[1] == REFITS[name].outcome
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[0])).split())
    for said in SAID[language, name]:
        assert said in words
    assert ("<table" in found[0]) is (name != "few-1"), "nothing was fitted"
    assert ("left out" in words or "未计入" in words) is (REFITS[name].left_out > 0)


@pytest.mark.parametrize("name", ["older-1", "older-2"])
def test_a_version_that_tells_nothing_of_them_shows_nothing(judged: World, name: str) -> None:
    shown = read_page(judged, name, "zh")
    assert "比较结果" in shown and "data-refit" not in shown
    assert judged.client.get("/models", headers=judged.browser()).status_code == 200
