"""Recognisers that were brought back: how well each reads, which is in use, forward and back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from archive.people import Person
from extraction.errors import ModelError
from service.api.auth import MaySee, MayTrain
from service.api.context import Service, TheService
from service.api.ocr_versions import (
    check_ocr_version,
    promote_ocr,
    read_ocr_versions,
    roll_back_ocr,
)
from service.web.model_view import reasons_to_views
from service.web.rendering import PageRoute, render, see_other

router = APIRouter(route_class=PageRoute)

_Name = Annotated[str, Path(max_length=100)]


@router.get("/ocr", name="ocr_page")
def ocr_page(request: Request, service: TheService, person: MaySee) -> Response:
    return _show_versions(request, service, person)


@router.post("/ocr/rollback", name="roll_back_ocr")
def post_rollback(request: Request, service: TheService, person: MayTrain) -> Response:
    try:
        roll_back_ocr(service, request, person)
    except ModelError:
        return _show_versions(request, service, person, failed="models.first")
    return see_other("/ocr?said=ocr_changed")


@router.post("/ocr/{name}/promote", name="promote_ocr")
def post_promote(name: _Name, request: Request, service: TheService, person: MayTrain) -> Response:
    check_ocr_version(service, name)
    try:
        promote_ocr(service, request, person, name)
    except ModelError:
        return _show_versions(request, service, person, failed="ocr.refused")
    return see_other("/ocr?said=ocr_changed")


def _show_versions(
    request: Request, service: Service, person: Person, *, failed: str = ""
) -> Response:
    known = read_ocr_versions(service)
    reasons = {
        version.name: reasons_to_views(version.gate["reasons"], {})
        for version in known.versions
        if version.gate is not None
    }
    return render(
        request,
        person,
        "ocr.html",
        409 if failed else 200,
        place="models",
        current=known.current,
        versions=tuple(reversed(known.versions)),
        reasons=reasons,
        failed=failed,
    )
