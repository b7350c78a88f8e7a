"""Failures as pages: the login form, or what is wrong in plain words and where to go."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import quote

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from archive.people import Person
from service.api.auth import find_signed_in
from service.api.context import find_service
from service.api.problems import KINDS, Failure
from service.web.rendering import PageRoute, address_here, render, see_other

_FOR_PROGRAMS: Final = ("/api", "/hooks", "/health", "/metrics", "/openapi.json")
_log = logging.getLogger(__name__)


async def find_failure_page(request: Request, failure: Failure) -> Response | None:
    """The page for who reads it in a browser; None where a program asks."""
    if not is_for_people(request):
        return None
    if failure.kind == "not_signed_in":
        return _to_login(request)
    person = await run_in_threadpool(_find_reader, request)
    page = render(
        request,
        person,
        "error.html",
        KINDS[failure.kind].status,
        place="",
        kind=failure.kind,
        # A stranger learns no more than that it failed.
        detail=_detail(failure) if person else "",
    )
    page.headers.update(failure.headers)
    return page


def is_for_people(request: Request) -> bool:
    """Whether a page was asked for: one of ours, or by a browser what no program asks for."""
    if isinstance(request.scope.get("route"), PageRoute):
        return True
    first = "/" + request.url.path.strip("/").split("/", 1)[0]
    return first not in _FOR_PROGRAMS and "text/html" in request.headers.get("accept", "")


def _detail(failure: Failure) -> str:
    wrong = "; ".join(f"{one['where']}: {one['reason']}" for one in failure.errors)
    return failure.detail or wrong


def _to_login(request: Request) -> Response:
    if request.headers.get("X-Fragment"):
        return Response(status_code=401)
    if request.method != "GET" or request.url.path == "/":
        return see_other("/login")
    return see_other(f"/login?next={quote(address_here(request), safe='')}")


def _find_reader(request: Request) -> Person | None:
    """Who reads the page; nobody where that cannot be found out."""
    try:
        return find_signed_in(request, find_service(request))
    except Exception as error:  # noqa: BLE001
        # The edge of a request: what made it fail may make this fail too.
        _log.warning("the reader of a failure is not known: %s", error)
        return None
