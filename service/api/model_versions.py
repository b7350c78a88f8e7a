"""Addresses of model versions: which there are, which is current, forward and back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from archive.audit import Action
from archive.people import Person
from extraction.errors import ModelError
from models.registry import (
    SHIPPED_FOLDER,
    ModelVersion,
    find_current,
    list_versions,
    roll_back,
    set_current,
)
from service.api.auth import MaySee, MayTrain
from service.api.context import Service, TheService
from service.api.problems import Problem
from service.api.shapes import example
from service.api.trail import record_action

router = APIRouter(prefix="/api", tags=["models"])

_EXAMPLE = {
    "name": "v1",
    "parent": None,
    "current": True,
    "created_at": "2026-11-20T19:04:11Z",
    "data_digest": "5f4dcc3b5aa765d6",
    "metrics": {"field_f1": 0.981},
    "thresholds": {},
}


class ModelShape(BaseModel):
    model_config = example(**_EXAMPLE)

    name: str
    parent: str | None
    current: bool
    created_at: str
    data_digest: str
    metrics: dict[str, float]
    thresholds: dict[str, float]


class ModelsShape(BaseModel):
    model_config = example(current="v1", versions=[_EXAMPLE])

    current: str
    versions: list[ModelShape]


@router.get("/models")
def get_models(service: TheService, person: MaySee) -> ModelsShape:
    """All versions of the word labeller, the oldest first."""
    return _read_models()


@router.post("/models/rollback")
def post_rollback(request: Request, service: TheService, person: MayTrain) -> ModelsShape:
    """Make the version before the current one current again."""
    try:
        name = roll_back(SHIPPED_FOLDER)
    except ModelError as error:
        raise Problem("conflict", error.reason) from error
    return _told(service, request, person, name, {"rollback": True})


@router.post("/models/{version}/promote")
def post_promote(
    version: Annotated[str, Path(min_length=1, max_length=100)],
    request: Request,
    service: TheService,
    person: MayTrain,
) -> ModelsShape:
    """Make a version current: for documents that are read from now on."""
    if version not in {known.name for known in list_versions(SHIPPED_FOLDER)}:
        raise Problem("not_found", f"there is no model version {version}")
    set_current(SHIPPED_FOLDER, version)
    return _told(service, request, person, version, {})


def _told(
    service: Service, request: Request, person: Person, name: str, detail: dict[str, Any]
) -> ModelsShape:
    record_action(service, request, person, Action.CHANGED, f"model:{name}", detail)
    return _read_models()


def _read_models() -> ModelsShape:
    current = find_current(SHIPPED_FOLDER).name
    versions = [_to_shape(version, current) for version in list_versions(SHIPPED_FOLDER)]
    return ModelsShape(current=current, versions=versions)


def _to_shape(version: ModelVersion, current: str) -> ModelShape:
    return ModelShape(
        name=version.name,
        parent=version.parent,
        current=version.name == current,
        created_at=version.created_at,
        data_digest=version.data_digest,
        metrics=dict(version.metrics),
        thresholds=dict(version.thresholds),
    )
