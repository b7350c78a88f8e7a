"""Addresses of training runs: start one, see how far it is, cancel it; when they start alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from archive.audit import Action
from archive.clock import utc_now
from archive.reasons import find_reason
from archive.tables import TrainingKind, TrainingRun, TrainingState
from archive.training_runs import (
    RunSettings,
    TrainingPolicy,
    cancel_run,
    find_run,
    find_runs,
    find_training_policy,
    queue_run,
    write_training_policy,
)
from service.api.auth import MaySee, MayTrain
from service.api.context import TheService
from service.api.shapes import example
from service.api.trail import record_action

router = APIRouter(prefix="/api", tags=["training"])

RunId = Annotated[str, Path(min_length=1, max_length=64)]
_EXAMPLE = {
    "id": "01KAJ0V4T2M8Q0Z6W3N5R7X9YB",
    "kind": "train",
    "state": "running",
    "cause": "person",
    "attempts": 1,
    "progress": {"stage": "training", "step": 120, "steps": 600, "loss": 0.61},
    "data_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "version": None,
    "result": {},
    "reason": None,
    "reason_category": None,
    "created_at": "2026-11-21T08:00:00Z",
    "started_at": "2026-11-21T08:00:02Z",
    "finished_at": None,
}


class TrainingOrder(BaseModel):
    """``base`` names a model version, or a checkpoint's folder in the data folder's ``bases``;
    by default the shipped version. ``promote``: at once when the gate lets it pass."""

    model_config = example(promote=True)

    base: str | None = Field(None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}$")
    steps: int | None = Field(None, ge=1, le=100_000)
    minutes: float | None = Field(None, gt=0, le=10_000)
    seed: int | None = Field(None, ge=0, le=2**31 - 1)
    promote: bool = True


class TrainingRunShape(BaseModel):
    """``progress`` says the stage, the step and of how many; ``result`` what the gate said, or
    what a shadow run found. ``reason`` says to people why it failed, ``reason_category`` to
    programs."""

    model_config = example(**_EXAMPLE)

    id: str
    kind: TrainingKind
    state: TrainingState
    cause: str
    attempts: int
    progress: dict[str, Any]
    data_digest: str | None
    version: str | None
    result: dict[str, Any]
    reason: str | None
    reason_category: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TrainingRunsShape(BaseModel):
    model_config = example(runs=[_EXAMPLE])

    runs: list[TrainingRunShape]


class PolicyShape(BaseModel):
    """A run starts by itself when ``documents`` were corrected since the last one, and it is
    ``hour`` o'clock where the service runs (null: at any hour)."""

    model_config = example(active=True, documents=30, hour=2, promote=True)

    active: bool
    documents: int = Field(ge=1, le=1_000_000)
    hour: int | None = Field(ge=0, le=23)
    promote: bool = True


@router.post("/training-runs", status_code=202)
def post_training_run(
    request: Request, service: TheService, person: MayTrain, order: TrainingOrder | None = None
) -> TrainingRunShape:
    """Start a training on all corrections so far; the training process takes it up."""
    settings = RunSettings(**order.model_dump()) if order else RunSettings()
    with service.database.write() as session:
        run = queue_run(session, TrainingKind.TRAIN, settings, user_id=person.user_id)
        shape = run_to_shape(run)
    record_action(service, request, person, Action.CHANGED, f"training:{run.id}")
    return shape


@router.get("/training-runs")
def get_training_runs(service: TheService, person: MaySee) -> TrainingRunsShape:
    """The newest runs, shadow runs among them."""
    with service.database.read() as session:
        return TrainingRunsShape(runs=[run_to_shape(run) for run in find_runs(session)])


@router.get("/training-runs/{run_id}")
def get_training_run(run_id: RunId, service: TheService, person: MaySee) -> TrainingRunShape:
    """One run: how far it is, or what came of it."""
    with service.database.read() as session:
        return run_to_shape(find_run(session, run_id))


@router.post("/training-runs/{run_id}/cancel")
def post_cancel_run(
    run_id: RunId, request: Request, service: TheService, person: MayTrain
) -> TrainingRunShape:
    """Stop a run that waits or works."""
    with service.database.write() as session:
        shape = run_to_shape(cancel_run(session, run_id, utc_now()))
    record_action(service, request, person, Action.CANCELLED, f"training:{run_id}")
    return shape


@router.get("/training-policy")
def get_training_policy(service: TheService, person: MaySee) -> PolicyShape:
    """When runs start by themselves."""
    with service.database.read() as session:
        policy = find_training_policy(session)
    return PolicyShape(
        active=policy.active, documents=policy.documents, hour=policy.hour, promote=policy.promote
    )


@router.put("/training-policy")
def put_training_policy(
    wanted: PolicyShape, request: Request, service: TheService, person: MayTrain
) -> PolicyShape:
    """Let runs start by themselves, or not."""
    with service.database.write() as session:
        write_training_policy(session, TrainingPolicy(**wanted.model_dump()))
    record_action(service, request, person, Action.CHANGED, "training_policy", wanted.model_dump())
    return wanted


def run_to_shape(run: TrainingRun) -> TrainingRunShape:
    reason = find_reason(run)
    return TrainingRunShape(
        id=run.id,
        kind=run.kind,
        state=run.state,
        cause=run.cause,
        attempts=run.attempts,
        progress=run.progress,
        data_digest=run.data_digest,
        version=run.version,
        result=run.result,
        reason=run.reason,
        reason_category=None if reason is None else reason.category or None,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
