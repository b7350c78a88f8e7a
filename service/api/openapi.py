"""The API's own description, with what every address may also answer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from service.api.auth import SignedIn
from service.api.problems import MEDIA_TYPE, ProblemShape

DESCRIPTION: Final = """Scanned Chinese forms in, checked records out.

Send `Authorization: Bearer TOKEN`, with a token made on the account page. Errors are problem
details (RFC 9457). Times are in UTC.
"""
_REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}


def app_to_openapi(app: FastAPI) -> dict[str, Any]:
    """The description, made once and kept by the app."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="formloop",
            version=metadata.version("formloop"),
            description=DESCRIPTION,
            routes=app.routes,
        )
        schemas = document["components"]["schemas"]
        schemas["Problem"] = ProblemShape.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for operation in _operations(document):
            _add_problems(operation)
        app.openapi_schema = document
    return app.openapi_schema


def make_router(app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/openapi.json", include_in_schema=False)
    def get_openapi_json(person: SignedIn) -> JSONResponse:
        return JSONResponse(app_to_openapi(app))

    return router


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _add_problems(operation: dict[str, Any]) -> None:
    """Wrong values as 422, all other errors under ``default``."""
    responses = operation["responses"]
    content = {MEDIA_TYPE: {"schema": _REFERENCE}}
    if "422" in responses:
        responses["422"] = {"description": "A value is missing or wrong.", "content": content}
    responses["default"] = {"description": "A problem.", "content": content}
