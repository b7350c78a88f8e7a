"""What surrounds every request: a limit for its body, headers of its answer, time and log.

Plain ASGI, because answers and uploads are streamed.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.measures import Measures
from service.api.problems import Failure, Kind, Problem, failure_to_answer

MAX_BODY_BYTES: Final = 1 << 20
_UPLOAD: Final = re.compile(r"/api/archives(/[^/]+/documents)?")
_CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": _CONTENT_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
}
_STATIC: Final = "/static/"
_QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics", _STATIC})
_log = logging.getLogger("formloop.requests")


class Surroundings:
    """Wraps an app. ``secure`` tells browsers to come by https only."""

    def __init__(self, app: ASGIApp, measures: Measures, *, secure: bool) -> None:
        self._app, self._measures = app, measures
        self._headers = dict(_HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, scope["path"])
            await send(message)

        try:
            refusal = _find_refusal(scope)
            if refusal is not None:
                answer = await failure_to_answer(Request(scope), Failure(refusal))
                await answer(scope, receive, send_with_headers)
            else:
                await self._app(scope, _limited(scope, receive), send_with_headers)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _add_headers(self, message: Message, path: str) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        if path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = _find_route(scope)
        self._measures.requests.labels(route, scope["method"], str(status)).observe(seconds)
        if route in _QUIET:
            return
        told = {"method": scope["method"], "route": route, "status": status}
        told |= {"ms": round(1000 * seconds, 1), **scope.get("path_params", {})}
        # The token of a picture is a permission.
        told.pop("token", None)
        _log.info("request", extra={"more": told})


def _find_route(scope: Scope) -> str:
    """One name for many addresses, so that figures and logs can be summed up by it."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path is not None:
        return path
    return _STATIC if scope["path"].startswith(_STATIC) else "unmatched"


def _is_upload(scope: Scope) -> bool:
    return scope["method"] == "POST" and _UPLOAD.fullmatch(scope["path"]) is not None


def _find_refusal(scope: Scope) -> Kind | None:
    # No database stores it, and PostgreSQL does not even compare with it.
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        return "bad_request"
    stated = Headers(scope=scope).get("content-length", "")
    too_long = stated.isdecimal() and int(stated) > MAX_BODY_BYTES
    return "too_large" if too_long and not _is_upload(scope) else None


def _limited(scope: Scope, receive: Receive) -> Receive:
    """``receive`` that ends a body which never stated how long it is."""
    if _is_upload(scope):
        return receive
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise Problem("too_large", f"a body may hold {MAX_BODY_BYTES} bytes")
        return message

    return limited
