"""The promise over HTTP: what it says, who may change it, what is refused."""

from __future__ import annotations

import pytest

from archive.clock import utc_now
from archive.promise import refresh_promise
from archive.tables import Role
from tests.service.worlds import World


def test_the_promise_is_told_with_its_curve(world: World) -> None:
    answer = world.client.get("/api/promise", headers=world.bearer(Role.VIEWER))
    told = answer.json()
    assert answer.status_code == 200
    assert {"target", "certainty", "kept", "automation", "audited", "curve"} <= set(told)
    assert (told["target"], told["certainty"], told["kept"]) == (0.005, 0.95, False)
    assert told["state"] == "simulated" and told["simulated"] and told["needed"] > 0
    automations = [point["automation"] for point in told["curve"]]
    assert automations == sorted(automations) and 0 < told["automation"] < 1
    assert any(point["threshold"] == pytest.approx(told["threshold"]) for point in told["curve"])


def test_another_target_moves_the_threshold_and_is_kept(world: World) -> None:
    before = world.client.get("/api/promise", headers=world.bearer()).json()
    changed = world.client.put(
        "/api/promise", json={"target": 0.02, "certainty": 0.9}, headers=world.bearer(Role.ENGINEER)
    )
    assert changed.status_code == 200
    assert changed.json()["automation"] > before["automation"]
    assert world.client.get("/api/promise", headers=world.bearer()).json() == changed.json()
    again = world.client.put("/api/promise", json={"target": 0.005}, headers=world.bearer()).json()
    assert (again["target"], again["certainty"]) == (0.005, 0.9)
    world.client.put(
        "/api/promise", json={"target": 0.005, "certainty": 0.95}, headers=world.bearer()
    )


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANNOTATOR, Role.UPLOADER])
def test_only_who_may_train_promises_something_else(world: World, role: Role) -> None:
    answer = world.client.put("/api/promise", json={"target": 0.1}, headers=world.bearer(role))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [{}, {"target": 0}, {"target": 0.6}, {"target": "x"}, {"target": 0.01, "certainty": 1}],
)
def test_a_goal_that_means_nothing_is_refused(world: World, wanted: dict[str, object]) -> None:
    answer = world.client.put("/api/promise", json=wanted, headers=world.bearer())
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_change_stands_in_the_audit_log(world: World) -> None:
    world.client.put("/api/promise", json={"target": 0.01}, headers=world.bearer())
    world.client.put("/api/promise", json={"target": 0.005}, headers=world.bearer())
    log = world.client.get("/audit", headers=world.browser()).text
    assert "promise" in log or "goal" in log


def test_the_background_job_changes_nothing_without_news(world: World) -> None:
    with world.service.database.write() as session:
        one = refresh_promise(session, utc_now())
        assert refresh_promise(session, utc_now()) == one
