"""Versions of the model and their training: how good each is, what runs, forward and back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from archive.audit import Action
from archive.clock import utc_now
from archive.errors import IllegalMove
from archive.people import Person
from archive.tables import TrainingKind
from archive.training_runs import (
    RunSettings,
    TrainingPolicy,
    cancel_run,
    count_corrected,
    find_last_training,
    find_runs,
    find_training_policy,
    queue_run,
    write_training_policy,
)
from extraction.errors import ModelError
from service.api.auth import MaySee, MayTrain
from service.api.context import Service, TheService
from service.api.model_versions import (
    check_version,
    promote,
    queue_shadow,
    read_gate,
    read_models,
    registry_of,
    roll_back,
)
from service.api.trail import record_action
from service.web.model_view import find_titles, gate_to_view, run_to_view
from service.web.rendering import PageRoute, render, see_other

router = APIRouter(route_class=PageRoute)

_Version = Annotated[str, Path(max_length=100)]
_Id = Annotated[str, Path(max_length=64)]
_SHADOW_DOCUMENTS = 200


@router.get("/models", name="models_page")
def models_page(request: Request, service: TheService, person: MaySee) -> Response:
    return _show_models(request, service, person)


@router.get("/models/{version}", name="model_page")
def model_page(
    version: _Version, request: Request, service: TheService, person: MaySee
) -> Response:
    """Figures of each field and layout beside those of the version before."""
    check_version(service, version)
    shape = next(item for item in read_models(service).versions if item.name == version)
    gate = read_gate(registry_of(service).find(version))
    titles = find_titles(service.declarations)
    return render(
        request,
        person,
        "model.html",
        place="models",
        version=shape,
        gate=None if gate is None else gate_to_view(gate, titles),
    )


@router.post("/models/train", name="start_training")
def post_training(
    request: Request,
    service: TheService,
    person: MayTrain,
    promote: Annotated[bool, Form()] = False,
) -> Response:
    try:
        with service.database.write() as session:
            settings = RunSettings(promote=promote)
            run = queue_run(session, TrainingKind.TRAIN, settings, user_id=person.user_id)
    except IllegalMove:
        return _show_models(request, service, person, failed="models.busy", status=409)
    record_action(service, request, person, Action.CHANGED, f"training:{run.id}")
    return see_other("/models?said=training_queued")


@router.post("/models/rollback", name="roll_back_model")
def post_rollback(request: Request, service: TheService, person: MayTrain) -> Response:
    try:
        roll_back(service, request, person)
    except ModelError:
        return _show_models(request, service, person, failed="models.first", status=409)
    return see_other("/models?said=model_changed")


@router.post("/models/policy", name="training_policy")
def post_policy(
    request: Request,
    service: TheService,
    person: MayTrain,
    documents: Annotated[int, Form(ge=1, le=1_000_000)],
    hour: Annotated[str, Form(pattern=r"^([0-9]|1[0-9]|2[0-3])?$")] = "",
    active: Annotated[bool, Form()] = False,
    promote: Annotated[bool, Form()] = False,
) -> Response:
    policy = TrainingPolicy(active, documents, int(hour) if hour else None, promote)
    with service.database.write() as session:
        write_training_policy(session, policy)
    record_action(service, request, person, Action.CHANGED, "training_policy")
    return see_other("/models?said=policy_changed")


@router.post("/models/runs/{run_id}/cancel", name="cancel_training")
def post_cancel(run_id: _Id, request: Request, service: TheService, person: MayTrain) -> Response:
    with service.database.write() as session:
        cancel_run(session, run_id, utc_now())
    record_action(service, request, person, Action.CANCELLED, f"training:{run_id}")
    return see_other("/models?said=training_cancelled")


@router.post("/models/{version}/promote", name="promote_model")
def post_promote(
    version: _Version, request: Request, service: TheService, person: MayTrain
) -> Response:
    check_version(service, version)
    promote(service, request, person, version)
    return see_other("/models?said=model_changed")


@router.post("/models/{version}/shadow", name="shadow_model")
def post_shadow(
    version: _Version, request: Request, service: TheService, person: MayTrain
) -> Response:
    check_version(service, version)
    queue_shadow(service, request, person, version, _SHADOW_DOCUMENTS)
    return see_other("/models?said=shadow_queued")


def _show_models(
    request: Request,
    service: Service,
    person: Person,
    *,
    failed: str = "",
    status: int = 200,
) -> Response:
    models = read_models(service)
    titles = find_titles(service.declarations)
    with service.database.read() as session:
        runs = find_runs(session)
        policy = find_training_policy(session)
        last = find_last_training(session)
        corrected = count_corrected(session)
        fresh = count_corrected(session, last.created_at) if last else corrected
    views = {
        version.name: gate_to_view(version.gate, titles)
        for version in models.versions
        if version.gate is not None
    }
    return render(
        request,
        person,
        "models.html",
        status,
        place="models",
        versions=tuple(reversed(models.versions)),
        gates=views,
        runs=tuple(run_to_view(run, titles) for run in runs),
        policy=policy,
        corrected=corrected,
        fresh=fresh,
        failed=failed,
    )
