"""The promise: error against automation, the point in use, and what another target costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from annotation.drift import FORM_GROUP, QUALITY_GROUP
from annotation.reliability import measure_by_kind
from annotation.simulated_audit import simulated_judged
from annotation.standing import LEAST_TARGET, MOST_TARGET, PromiseGoal
from archive.audit import Action, add_audit
from archive.audited import find_judged
from archive.clock import utc_now
from archive.promise import find_standing, write_goal
from extraction.declarations import FormDeclaration
from models.reliability import measure_reliability
from service.api.auth import MaySee, MayTrain, person_to_actor
from service.api.context import TheService
from service.web.languages import Language
from service.web.promise_charts import reliability_to_chart, standing_to_chart
from service.web.rendering import PageRoute, find_page_language, render, see_other

router = APIRouter(route_class=PageRoute)

LEAST_JUDGED = 500
"""With fewer fields looked at, the reliability of simulated scans is shown."""
TARGETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05)
"""Between which the page lets people move the target."""


@router.get("/promise", name="promise_page")
def promise_page(request: Request, service: TheService, person: MaySee) -> Response:
    with service.database.read() as session:
        standing = find_standing(session)
        judged = find_judged(session, service.declarations)
    language = find_page_language(request, person)
    is_simulated = len(judged) < LEAST_JUDGED
    shown = simulated_judged() if is_simulated else judged
    whole = measure_reliability(shown)
    nearest = min(TARGETS, key=lambda target: abs(target - standing.goal.target))
    return render(
        request,
        person,
        "promise.html",
        place="promise",
        standing=standing,
        group=group_in_words(standing.group, language, service.declarations),
        chart=standing_to_chart(standing),
        targets=TARGETS,
        nearest=TARGETS.index(nearest),
        least=LEAST_TARGET,
        most=MOST_TARGET,
        reliability=whole,
        kinds=measure_by_kind(shown),
        diagram=reliability_to_chart(whole),
        reliability_is_simulated=is_simulated,
    )


def group_in_words(group: str, language: Language, declarations: Sequence[FormDeclaration]) -> str:
    """The kind of documents that a withdrawal was about."""
    if group.startswith(FORM_GROUP):
        name = group.removeprefix(FORM_GROUP)
        title = next((one.title for one in declarations if one.name == name), name)
        return language.text("promise.group.form", title=title)
    if group.startswith(QUALITY_GROUP):
        return language.text(f"promise.group.quality.{group.removeprefix(QUALITY_GROUP)}")
    return language.text("promise.group.all")


@router.post("/promise", name="change_promise")
def post_promise(
    request: Request,
    service: TheService,
    person: MayTrain,
    target: Annotated[float, Form(ge=100 * LEAST_TARGET, le=100 * MOST_TARGET)],
    certainty: Annotated[float, Form(ge=50, le=99.9)],
) -> Response:
    """Target and certainty come in per cent, as people write them."""
    goal = PromiseGoal(round(target / 100, 6), round(certainty / 100, 6))
    with service.database.write() as session:
        write_goal(session, goal, utc_now())
        actor = person_to_actor(person, request)
        detail = {"target": goal.target, "certainty": goal.certainty}
        add_audit(session, actor, Action.CHANGED, "promise:goal", {**detail})
    return see_other("/promise?said=promise_changed")
