"""A small reverse proxy that serves another server under a path, and counts what is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI, Request, Response

from tests.service.servers import served

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"]
# Of one connection only, or made anew on this side.
_OWN = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
)


@dataclass(slots=True)
class Passed:
    """The answers that came through, counted by method and status."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        return sum(count for (_, status), count in self.answers.items() if status >= 400)


@contextmanager
def proxied(target: str, path: str, port: int) -> Iterator[tuple[str, Passed]]:
    """The address at which ``target`` is found, as nginx serves it by
    ``location PATH/ { proxy_pass TARGET/; }``."""
    passed, app = Passed(), FastAPI(openapi_url=None)

    async def pass_on(request: Request, rest: str) -> Response:
        async with httpx.AsyncClient(base_url=target, timeout=120.0, verify=False) as client:
            answer = await client.request(
                request.method,
                f"/{rest}",
                params=httpx.QueryParams(str(request.query_params)),
                headers=[(name, text) for name, text in request.headers.raw if _passes(name)],
                content=await request.body(),
            )
        passed.answers[request.method, answer.status_code] += 1
        made = Response(answer.content, answer.status_code)
        made.raw_headers += [
            (name.lower(), text) for name, text in answer.headers.raw if _passes(name)
        ]
        return made

    app.add_api_route(f"{path}/{{rest:path}}", pass_on, methods=_METHODS)
    with served(app, port) as url:
        yield f"{url}{path}", passed


def _passes(name: bytes) -> bool:
    return name.decode().lower() not in _OWN
