"""Addresses of recognisers that were tuned elsewhere and brought back: which there are, how well
each reads, which is in use, forward and back."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from archive.people import Person
from extraction.errors import ModelError
from models.ocr_versions import OCR_GATE_FILE, SHIPPED, OcrVersion, OcrVersions
from service.api.auth import MaySee, MayTrain
from service.api.context import Service, TheService
from service.api.problems import Problem
from service.api.shapes import example
from service.api.takeover import go_back, take_over

router = APIRouter(prefix="/api/ocr-versions", tags=["models"])

Name = Annotated[str, Path(min_length=1, max_length=100)]
_EXAMPLE: Final = {
    "name": "ocr-9f86d08188",
    "parent": SHIPPED,
    "current": True,
    "shipped": False,
    "created_at": "2026-11-20T19:04:11+00:00",
    "lines": 1200,
    "accuracy": 0.9715,
    "parent_accuracy": 0.9642,
    "passed": True,
    "gate": {"passed": True, "reasons": []},
}


class OcrVersionShape(BaseModel):
    """``accuracy`` is the share of held-out ``lines`` that it reads exactly, beside that of the
    one it was held against; all null for the shipped one. ``gate`` is what that said."""

    model_config = example(**_EXAMPLE)

    name: str
    parent: str | None
    current: bool
    shipped: bool
    created_at: str | None
    lines: int | None
    accuracy: float | None
    parent_accuracy: float | None
    passed: bool | None
    gate: dict[str, Any] | None


class OcrVersionsShape(BaseModel):
    model_config = example(current="ocr-9f86d08188", versions=[_EXAMPLE])

    current: str
    versions: list[OcrVersionShape]


@router.get("")
def get_ocr_versions(service: TheService, person: MaySee) -> OcrVersionsShape:
    """The recogniser that was shipped, then those that were brought back, the oldest first."""
    return read_ocr_versions(service)


@router.post("/rollback")
def post_rollback_ocr(request: Request, service: TheService, person: MayTrain) -> OcrVersionsShape:
    """Take the recogniser before the current one into use again."""
    try:
        roll_back_ocr(service, request, person)
    except ModelError as error:
        raise Problem("conflict", error.reason) from error
    return read_ocr_versions(service)


@router.post("/{name}/promote")
def post_promote_ocr(
    name: Name, request: Request, service: TheService, person: MayTrain
) -> OcrVersionsShape:
    """Take a recogniser into use: for pages that are read from now on. One that the comparison
    refused stays out of use."""
    check_ocr_version(service, name)
    try:
        promote_ocr(service, request, person, name)
    except ModelError as error:
        raise Problem("conflict", error.reason) from error
    return read_ocr_versions(service)


def promote_ocr(service: Service, request: Request, person: Person, name: str) -> None:
    """Nothing where it is in use already. ModelError for one that the gate refused."""
    versions = versions_of(service)
    if versions.current() != name:
        take_over(service, request, person, versions, part="ocr", name=name)


def roll_back_ocr(service: Service, request: Request, person: Person) -> str:
    """The one that is in use again; ModelError where there is no earlier one."""
    return go_back(service, request, person, versions_of(service), part="ocr")


def versions_of(service: Service) -> OcrVersions:
    return OcrVersions.of_data(service.settings.data)


def check_ocr_version(service: Service, name: str) -> None:
    """Problem ``not_found`` where there is no such version."""
    try:
        versions_of(service).find(name)
    except ModelError as error:
        raise Problem("not_found", f"there is no OCR version {name}") from error


def read_ocr_versions(service: Service) -> OcrVersionsShape:
    versions = versions_of(service)
    current = versions.current()
    brought = [_to_shape(versions, version, current) for version in versions.list_versions()]
    return OcrVersionsShape(current=current, versions=[_shipped(current), *brought])


def _shipped(current: str) -> OcrVersionShape:
    return OcrVersionShape(
        name=SHIPPED,
        parent=None,
        current=current == SHIPPED,
        shipped=True,
        created_at=None,
        lines=None,
        accuracy=None,
        parent_accuracy=None,
        passed=None,
        gate=None,
    )


def _to_shape(versions: OcrVersions, version: OcrVersion, current: str) -> OcrVersionShape:
    file = versions.folder / version.name / OCR_GATE_FILE
    return OcrVersionShape(
        name=version.name,
        parent=version.parent,
        current=version.name == current,
        shipped=False,
        created_at=version.created_at,
        lines=version.lines,
        accuracy=version.accuracy,
        parent_accuracy=version.parent_accuracy,
        passed=version.passed,
        gate=json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None,
    )
