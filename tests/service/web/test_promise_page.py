"""The page of the promise: what it shows, how the target is moved, and its withdrawal."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from annotation.promise import DOUBTS
from annotation.quality import POOREST
from annotation.standing import PromiseState, standing_to_json
from archive.kept_settings import write_setting
from archive.promise import PROMISE, find_standing
from archive.tables import Role
from models.reliability import JudgedField, measure_reliability
from service.web.promise_charts import SIDE, reliability_to_chart, standing_to_chart
from tests.service.web.stage import BrowserPage, Stage
from tests.service.worlds import World


def _page(world: World, role: Role = Role.ENGINEER) -> str:
    answer = world.client.get("/promise", headers=world.browser(role))
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_page_shows_where_the_promise_stands(world: World) -> None:
    html = _page(world)
    assert 'data-state="simulated"' in html and "<polyline" in html
    assert "布里尔分数" in html and 'name="target"' in html
    assert re.search(r'data-figure="automation">\d+\.\d%', html)
    assert 'name="target"' not in _page(world, Role.VIEWER)


def test_a_form_changes_the_promise_in_per_cent(world: World) -> None:
    headers = {**world.browser(Role.ENGINEER), "Content-Type": "application/x-www-form-urlencoded"}
    data = {"target": "1.5", "certainty": "90"}
    answer = world.client.post("/promise", data=data, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/promise?said=promise_changed",
    )
    told = world.client.get("/api/promise", headers=world.bearer()).json()
    assert (told["target"], told["certainty"]) == (0.015, 0.9)
    usual = {"target": "0.5", "certainty": "95"}
    world.client.post("/promise", data=usual, headers=headers)
    assert world.client.post("/promise", data={"target": "90"}, headers=headers).status_code == 422
    viewer = world.browser(Role.VIEWER)
    assert world.client.post("/promise", data=data, headers=viewer).status_code == 403


def test_poor_scans_that_are_shown_whole_are_said_to_be(world: World) -> None:
    with world.service.database.write() as session:
        usual = find_standing(session)
        limited = replace(usual, poorest=POOREST - 1, mixture=(0.25, 0.25, 0.5))
        write_setting(session, PROMISE, standing_to_json(limited))
    rows = re.findall(r"<td[^>]*data-threshold>([^<]*)</td>", _page(world))
    told = world.client.get("/api/promise", headers=world.bearer()).json()["qualities"]
    with world.service.database.write() as session:
        write_setting(session, PROMISE, standing_to_json(usual))
    threshold = f"{usual.threshold:.4f}"
    assert rows == [threshold, threshold, "全部人工核对"]
    assert [one["share"] for one in told] == [0.25, 0.25, 0.5]
    assert [one["threshold"] for one in told] == [usual.threshold, usual.threshold, 1.0]


@pytest.mark.parametrize("group", ["", "form:project_self_evaluation", "quality:2"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_withdrawal_says_what_was_seen(world: World, group: str, language: str) -> None:
    with world.service.database.write() as session:
        usual = find_standing(session)
        broken = replace(usual, state=PromiseState.WITHDRAWN, group=group, error=0.034)
        write_setting(session, PROMISE, standing_to_json(broken))
    world.client.post("/language", data={"code": language}, headers=world.browser(Role.ENGINEER))
    html = _page(world)
    assert 'role="alert"' in html and "3.4" in html
    world.client.post("/language", data={"code": "zh"}, headers=world.browser(Role.ENGINEER))
    with world.service.database.write() as session:
        write_setting(session, PROMISE, standing_to_json(usual))


def test_the_curve_lies_inside_its_picture(world: World) -> None:
    with world.service.database.read() as session:
        standing = find_standing(session)
    chart = standing_to_chart(standing)
    places = [pair.split(",") for pair in chart.error.split()]
    assert len(places) > 5
    assert all(0 <= float(x) <= 640 and 0 <= float(y) <= 300 for x, y in places)
    assert chart.point is not None and len(chart.choices) == len(DOUBTS)
    assert standing_to_chart(replace(standing, level=-1)).point is None


def test_an_honest_confidence_lies_on_the_slanting_line() -> None:
    judged = [JudgedField("text", 0.9, n % 10 > 0) for n in range(200)]
    (dot,) = {
        (one.x, one.x + one.y) for one in reliability_to_chart(measure_reliability(judged, 1)).dots
    }
    assert dot[1] == pytest.approx(SIDE)


def test_moving_the_target_says_how_many_fields_people_look_at(
    stage: Stage, page: BrowserPage
) -> None:
    stage.sign_in(page, Role.ENGINEER)
    page.goto(f"{stage.address}/promise")
    costs = []
    for place in (0, 3, 9):
        page.locator("[data-move] input").evaluate(
            "(range, place) => { range.value = place; range.dispatchEvent(new Event('input')); }",
            place,
        )
        costs.append(int(re.findall(r"\d+", page.locator("[data-cost]").inner_text())[-1]))
    assert costs == sorted(costs, reverse=True) and costs[0] > costs[-1]
    assert page.locator("[data-target]").inner_text() == "5%"
    page.click("form[action='/promise'] button")
    page.wait_for_url("**/promise?said=promise_changed")
    assert (
        stage.world.client.get("/api/promise", headers=stage.world.bearer()).json()["target"]
        == 0.05
    )
