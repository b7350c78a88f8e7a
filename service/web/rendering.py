"""Templates to answers: the one place where a page is made and its headers are set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from archive.people import Person, Right
from service.web import words
from service.web.languages import CODES, DEFAULT, Language, find_language

LANGUAGE_COOKIE: Final = "formloop_language"
_STATIC: Final = Path(__file__).parent / "static"
_CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie",
}


@lru_cache(maxsize=1)
def static_version() -> str:
    """A digest of everything under ``static``, so that browsers may keep it for ever."""
    digest = hashlib.sha256()
    for file in sorted(_STATIC.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def static_address(name: str) -> str:
    return f"/static/{static_version()}/{name}"


class _KeptFiles(StaticFiles):
    """Files whose address changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def mount_static(app: FastAPI) -> None:
    """Serve style sheet, scripts and icons; they hold nothing that is secret.

    Compiles the templates too, so that no reader waits for it.
    """
    for template in _environment().list_templates(extensions=["html"]):
        _environment().get_template(template)
    app.mount(f"/static/{static_version()}", _KeptFiles(directory=_STATIC), name="static")


def find_page_language(request: Request, person: Person | None) -> Language:
    """What the person chose, else what this browser chose, else Chinese."""
    code = person.language if person else request.cookies.get(LANGUAGE_COOKIE, DEFAULT)
    return find_language(code if code in CODES else DEFAULT)


def render(
    request: Request,
    person: Person | None,
    template: str,
    status: int = 200,
    **context: object,
) -> HTMLResponse:
    """A page, or with a name under ``parts/`` a part of one."""
    language = find_page_language(request, person)
    said = language.text_or(f"said.{request.query_params.get('said', '')}", "")
    html = (
        _environment()
        .get_template(template)
        .render(
            language=language,
            t=language.text,
            person=person,
            may={right.value: person is not None and person.may(right) for right in Right},
            csrf_token=person.csrf if person else "",
            here=address_here(request),
            said=said,
            script_texts=_find_script_texts(language),
            **context,
        )
    )
    return HTMLResponse(html, status, headers=_HEADERS)


def _find_script_texts(language: Language) -> dict[str, str]:
    """Their own, and why a file is refused: that is said by scripts and by pages."""
    failures = {f"failure.{name}": text for name, text in language.under("failure.").items()}
    return language.under("js.") | failures


def address_here(request: Request) -> str:
    """Path and query of this request, without what was said once."""
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "said"]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


def address_with(request: Request, **changes: object) -> str:
    """This address with some of its parameters changed; None or "" removes one."""
    kept = {key: value for key, value in request.query_params.items() if key != "said"}
    kept |= {key: str(value) for key, value in changes.items() if value not in (None, "")}
    for key, value in changes.items():
        if value in (None, ""):
            kept.pop(key, None)
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


def page_address(request: Request) -> Callable[[int], str]:
    """The address of another page of the same list."""
    return lambda page: address_with(request, page=page)


def see_other(address: str) -> RedirectResponse:
    """After a form: the browser fetches ``address``."""
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})


def is_own_address(address: str) -> bool:
    """Whether a redirect there stays on this site."""
    return address.startswith("/") and not address.startswith(("//", "/\\"))


class PageRoute(APIRoute):
    """A route whose failures are pages, whoever asks (``service.web.failures``)."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("service.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_address
    environment.filters.update(
        iso=words.time_to_iso,
        utc=words.time_to_utc,
        percent=words.share_to_percent,
        small_percent=words.small_share_to_percent,
        seconds_in_words=words.seconds_in_words,
        bytes_in_words=words.bytes_in_words,
        plain_number=words.plain_number,
        folded=words.fold_width,
        shortened=words.shorten,
        shares=words.find_shares,
        counts_in_words=words.counts_in_words,
        pace_in_words=words.pace_in_words,
        reasons_in_words=words.reasons_in_words,
        field_hint=words.field_hint,
        rule_in_words=words.rule_in_words,
        rule_counts=words.rule_counts,
        event_in_words=words.event_in_words,
        failure_in_words=words.failure_in_words,
    )
    return environment
