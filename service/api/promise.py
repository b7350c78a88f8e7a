"""The promised error rate: what is asked for, whether it is kept, and what it costs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from annotation.promise import CurvePoint
from annotation.standing import (
    LEAST_TARGET,
    MOST_TARGET,
    PromiseGoal,
    PromiseStanding,
    PromiseState,
)
from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.promise import find_standing, write_goal
from service.api.auth import MaySee, MayTrain, person_to_actor
from service.api.context import TheService
from service.api.shapes import example

router = APIRouter(prefix="/api", tags=["promise"])

_POINT = {"threshold": 0.985, "error": 0.0031, "bound": 0.0047, "automation": 0.79, "audited": 9120}
_EXAMPLE = {
    "target": 0.005,
    "certainty": 0.95,
    "kept": True,
    "automation": 0.79,
    "audited": 9120,
    "curve": [_POINT],
    "state": "kept",
    "threshold": 0.985,
    "wrong": 28,
    "documents": 2140,
    "needed": 0,
    "simulated": False,
    "qualities": [
        {"share": 0.35, "threshold": 0.985},
        {"share": 0.45, "threshold": 0.985},
        {"share": 0.2, "threshold": 1.0},
    ],
}


class CurvePointShape(BaseModel):
    """What accepting from ``threshold`` on costs and gives. ``error`` is null where nothing
    accepted was looked at; it is below ``bound`` at the certainty asked for."""

    model_config = example(**_POINT)

    threshold: float
    error: float | None
    bound: float
    automation: float
    audited: int


class QualityShape(BaseModel):
    """Scans of one quality: their share of what came lately (null while too little did), and
    the confidence from which fields pass; nothing does at 1."""

    share: float | None
    threshold: float


class PromiseShape(BaseModel):
    """``kept`` is true once audited documents prove it, and until they speak against it.

    ``state`` says more: ``simulated`` while too little was audited (``needed`` more
    documents), ``kept``, or ``withdrawn``. ``audited`` counts accepted fields that were looked
    at, ``wrong`` those that were wrong. ``curve`` is of simulated scans while ``simulated``.
    ``qualities`` are good, middling and poor scans.
    """

    model_config = example(**_EXAMPLE)

    target: float
    certainty: float
    kept: bool
    automation: float
    audited: int
    curve: list[CurvePointShape]
    state: PromiseState
    threshold: float
    wrong: int
    documents: int
    needed: int
    simulated: bool
    qualities: list[QualityShape]


class WantedPromise(BaseModel):
    """At most ``target`` of what nobody looks at is wrong, at ``certainty``."""

    model_config = example(target=0.005, certainty=0.95)

    target: float = Field(ge=LEAST_TARGET, le=MOST_TARGET)
    certainty: float | None = Field(default=None, ge=0.5, le=0.999)


@router.get("/promise")
def get_promise(service: TheService, person: MaySee) -> PromiseShape:
    """The promised error rate, whether it is kept, and error against automation."""
    with service.database.read() as session:
        return standing_to_shape(find_standing(session))


@router.put("/promise")
def put_promise(
    wanted: WantedPromise, request: Request, service: TheService, person: MayTrain
) -> PromiseShape:
    """Promise another error rate. What was audited so far counts for it, too."""
    with service.database.write() as session:
        certainty = wanted.certainty or find_standing(session).goal.certainty
        standing = write_goal(session, PromiseGoal(wanted.target, certainty), utc_now())
        detail = {"target": standing.goal.target, "certainty": standing.goal.certainty}
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.CHANGED, "promise:goal", {**detail})
    return standing_to_shape(standing)


def standing_to_shape(standing: PromiseStanding) -> PromiseShape:
    return PromiseShape(
        target=standing.goal.target,
        certainty=standing.goal.certainty,
        kept=standing.kept,
        automation=standing.automation,
        audited=standing.audited,
        curve=[point_to_shape(point) for point in standing.curve],
        state=standing.state,
        threshold=standing.threshold,
        wrong=standing.wrong,
        documents=standing.documents,
        needed=standing.needed,
        simulated=standing.is_simulated,
        qualities=[
            QualityShape(share=one.share, threshold=one.threshold) for one in standing.qualities
        ],
    )


def point_to_shape(point: CurvePoint) -> CurvePointShape:
    return CurvePointShape(
        threshold=point.threshold,
        error=point.error,
        bound=point.bound,
        automation=point.automation,
        audited=point.audited,
    )
