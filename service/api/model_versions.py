"""Addresses of model versions: which there are, which is current, forward and back, and what
another one would change."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from archive.audit import Action
from archive.people import Person
from archive.tables import TrainingKind
from archive.training_runs import RunSettings, queue_run
from extraction.errors import ModelError
from models.registry import GATE_FILE, ModelVersion, Registry
from service.api.auth import MaySee, MayTrain
from service.api.context import Service, TheService
from service.api.problems import Problem
from service.api.shapes import example
from service.api.takeover import go_back, take_over
from service.api.trail import record_action
from service.api.training_runs import TrainingRunShape, run_to_shape

router = APIRouter(prefix="/api", tags=["models"])

Version = Annotated[str, Path(min_length=1, max_length=100)]
_EXAMPLE = {
    "name": "labeller-5f4dcc3b5a",
    "parent": "labeller-dfcf98ed3c",
    "current": True,
    "shipped": False,
    "created_at": "2026-11-20T19:04:11Z",
    "data_digest": "5f4dcc3b5aa765d6",
    "metrics": {"word_accuracy": 0.991},
    "thresholds": {},
    "gate": {"passed": True, "reasons": []},
}


class ModelShape(BaseModel):
    """``gate`` is what the comparison with the version in use said, null for a shipped one."""

    model_config = example(**_EXAMPLE)

    name: str
    parent: str | None
    current: bool
    shipped: bool
    created_at: str
    data_digest: str
    metrics: dict[str, float]
    thresholds: dict[str, float]
    gate: dict[str, Any] | None


class ModelsShape(BaseModel):
    model_config = example(current="labeller-5f4dcc3b5a", versions=[_EXAMPLE])

    current: str
    versions: list[ModelShape]


@router.get("/models")
def get_models(service: TheService, person: MaySee) -> ModelsShape:
    """All versions of the word labeller: those that were shipped, then those trained here."""
    return read_models(service)


@router.post("/models/rollback")
def post_rollback(request: Request, service: TheService, person: MayTrain) -> ModelsShape:
    """Make the version before the current one current again."""
    try:
        roll_back(service, request, person)
    except ModelError as error:
        raise Problem("conflict", error.reason) from error
    return read_models(service)


@router.post("/models/{version}/promote")
def post_promote(
    version: Version, request: Request, service: TheService, person: MayTrain
) -> ModelsShape:
    """Make a version current: for documents that are read from now on."""
    check_version(service, version)
    promote(service, request, person, version)
    return read_models(service)


@router.post("/models/{version}/shadow", status_code=202)
def post_shadow(
    version: Version,
    request: Request,
    service: TheService,
    person: MayTrain,
    documents: Annotated[int, Query(ge=1, le=10_000)] = 200,
) -> TrainingRunShape:
    """Let a version read the newest documents beside the current one; what it would change is
    found in the run's result."""
    check_version(service, version)
    return queue_shadow(service, request, person, version, documents)


def queue_shadow(
    service: Service, request: Request, person: Person, version: str, documents: int
) -> TrainingRunShape:
    with service.database.write() as session:
        run = queue_run(
            session,
            TrainingKind.SHADOW,
            RunSettings(documents=documents),
            user_id=person.user_id,
            version=version,
        )
        shape = run_to_shape(run)
    record_action(service, request, person, Action.CHANGED, f"training:{run.id}")
    return shape


def promote(service: Service, request: Request, person: Person, version: str) -> None:
    """Nothing where it is current already."""
    registry = registry_of(service)
    if registry.find_current().name != version:
        take_over(service, request, person, registry, part="model", name=version)


def roll_back(service: Service, request: Request, person: Person) -> str:
    """The version that is current again; ModelError where there is no earlier one."""
    return go_back(service, request, person, registry_of(service), part="model")


def registry_of(service: Service) -> Registry:
    return Registry.of_data(service.settings.data)


def check_version(service: Service, version: str) -> None:
    """Problem ``not_found`` where there is no such version."""
    try:
        registry_of(service).find(version)
    except ModelError as error:
        raise Problem("not_found", f"there is no model version {version}") from error


def read_models(service: Service) -> ModelsShape:
    registry = registry_of(service)
    current = registry.find_current().name
    versions = [_to_shape(registry, version, current) for version in registry.list_versions()]
    return ModelsShape(current=current, versions=versions)


def read_gate(path: FilePath) -> dict[str, Any] | None:
    """What the gate said of the version in ``path``; None where it was never judged."""
    file = path / GATE_FILE
    if not file.is_file():
        return None
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return told


def _to_shape(registry: Registry, version: ModelVersion, current: str) -> ModelShape:
    path = registry.find(version.name)
    return ModelShape(
        name=version.name,
        parent=version.parent,
        current=version.name == current,
        shipped=path.parent == registry.shipped,
        created_at=version.created_at,
        data_digest=version.data_digest,
        metrics=dict(version.metrics),
        thresholds=dict(version.thresholds),
        gate=read_gate(path),
    )
