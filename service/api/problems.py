"""Errors as RFC 9457 problem details, in the language that the reader asks for.

Where a browser asks for a page, the page that the app has for it is the answer instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from extraction.errors import FormloopError

MEDIA_TYPE: Final = "application/problem+json"

Kind = Literal[
    "bad_request",
    "not_signed_in",
    "forbidden",
    "csrf",
    "not_found",
    "method_not_allowed",
    "conflict",
    "too_large",
    "unsupported_media_type",
    "invalid",
    "too_many_requests",
    "internal",
    "not_built",
    "unavailable",
    "not_ready",
    "storage_full",
]


@dataclass(frozen=True, slots=True)
class KindOfProblem:
    status: int
    title: str
    title_zh: str


KINDS: Final[Mapping[Kind, KindOfProblem]] = {
    "bad_request": KindOfProblem(400, "The request is malformed", "请求格式有误"),
    "not_signed_in": KindOfProblem(401, "Sign in first", "请先登录"),
    "forbidden": KindOfProblem(403, "Your role or token does not allow this", "权限不足"),
    "csrf": KindOfProblem(403, "The form has expired", "页面已过期，请刷新后重试"),
    "not_found": KindOfProblem(404, "There is no such thing here", "找不到所请求的内容"),
    "method_not_allowed": KindOfProblem(405, "Not a method of this address", "不支持此请求方法"),
    "conflict": KindOfProblem(409, "Not possible in its present state", "当前状态下无法执行"),
    "too_large": KindOfProblem(413, "Larger than the limit", "超出大小限制"),
    "unsupported_media_type": KindOfProblem(415, "Not a type taken here", "不支持的内容类型"),
    "invalid": KindOfProblem(422, "A value is missing or wrong", "参数缺失或有误"),
    "too_many_requests": KindOfProblem(429, "Too many tries", "尝试次数过多，请稍后再试"),
    "internal": KindOfProblem(500, "formloop itself failed", "服务内部错误"),
    "not_built": KindOfProblem(501, "Not part of this version", "此版本尚未提供"),
    "unavailable": KindOfProblem(503, "Unavailable just now; try again", "暂不可用，请稍后再试"),
    "not_ready": KindOfProblem(503, "Not ready to work", "尚未就绪"),
    "storage_full": KindOfProblem(507, "The storage is full", "存储空间已满"),
}
_BY_STATUS: Final[Mapping[int, Kind]] = {kind.status: name for name, kind in KINDS.items()} | {
    403: "forbidden",
    503: "unavailable",
}
_BY_CATEGORY: Final[Mapping[str, Kind]] = {
    "database": "unavailable",
    "storage": "unavailable",
    "storage_full": "storage_full",
    "state": "conflict",
    "not_found": "not_found",
    "blob_missing": "not_found",
    "signature": "forbidden",
}


class ProblemShape(BaseModel):
    """What an error answers, as OpenAPI shows it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:formloop:problem:not_found",
                "title": "There is no such thing here",
                "status": 404,
                "detail": "no document 01J00000000000000000000000",
                "instance": "/api/documents/01J00000000000000000000000",
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None


class Problem(Exception):
    """What a request ends with instead of an answer; ``detail`` says it of this one case."""

    def __init__(
        self, kind: Kind, detail: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or kind)
        self.kind: Kind = kind
        self.detail = detail
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request; ``errors`` names each wrong value of an invalid one."""

    kind: Kind
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[Mapping[str, object]] = ()


FindFailurePage = Callable[[Request, Failure], Awaitable[Response | None]]
"""The page that says what failed; None for a program that asks."""


async def failure_to_answer(request: Request, failure: Failure) -> Response:
    """A page where a browser asks for one, else problem details."""
    find_page: FindFailurePage = request.app.state.find_failure_page
    return await find_page(request, failure) or failure_to_response(request, failure)


def failure_to_response(request: Request, failure: Failure) -> JSONResponse:
    about = KINDS[failure.kind]
    chinese = prefers_chinese(request)
    document: dict[str, object] = {
        "type": f"urn:formloop:problem:{failure.kind}",
        "title": about.title_zh if chinese else about.title,
        "status": about.status,
        "instance": request.url.path,
    }
    if failure.detail:
        document["detail"] = failure.detail
    if failure.errors:
        document["errors"] = jsonable_encoder(failure.errors)
    sent = dict(failure.headers)
    if failure.kind == "not_signed_in":
        sent.setdefault("WWW-Authenticate", 'Bearer realm="formloop"')
    return JSONResponse(document, about.status, headers=sent, media_type=MEDIA_TYPE)


def prefers_chinese(request: Request) -> bool:
    """Whether the first language that the client accepts is Chinese."""
    first = request.headers.get("accept-language", "").split(",")[0]
    return first.strip().casefold().startswith("zh")


def add_problem_answers(app: FastAPI, find_page: FindFailurePage) -> None:
    """Let every error of the app answer as problem details, or as the page found for it."""
    app.state.find_failure_page = find_page
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(FormloopError, _answer_formloop_error)
    app.add_exception_handler(Exception, _answer_fault)


def error_to_kind(error: FormloopError) -> Kind:
    """The kind of problem that an expected error is for the one who asked."""
    return _BY_CATEGORY.get(error.category, "invalid")


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return await failure_to_answer(request, Failure(error.kind, error.detail, error.headers))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, "bad_request")
    return await failure_to_answer(request, Failure(kind, headers=error.headers or {}))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # The wrong input itself is left out: it may be long, or a password.
    errors = [
        {"where": "/".join(map(str, item["loc"])), "reason": item["msg"]} for item in error.errors()
    ]
    return await failure_to_answer(request, Failure("invalid", errors=errors))


async def _answer_formloop_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FormloopError)
    kind = error_to_kind(error)
    headers = {"Retry-After": "2"} if kind == "unavailable" else {}
    return await failure_to_answer(request, Failure(kind, str(error), headers))


async def _answer_fault(request: Request, error: Exception) -> Response:
    return await failure_to_answer(request, Failure("internal"))
