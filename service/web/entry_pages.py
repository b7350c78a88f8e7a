"""In, out, and the language: the only pages for who is not signed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from archive.people import change_language
from service.api.auth import (
    SignedIn,
    check_same_origin,
    clear_session_cookie,
    find_signed_in,
    is_served_securely,
    set_session_cookie,
    sign_in,
    sign_out,
)
from service.api.context import TheService
from service.web.languages import CODES, DEFAULT
from service.web.rendering import LANGUAGE_COOKIE, PageRoute, is_own_address, render, see_other

router = APIRouter(route_class=PageRoute)

_YEAR_S = 365 * 24 * 3600
_Name = Annotated[str, Form(max_length=200)]
_Secret = Annotated[str, Form(max_length=2000)]
_Address = Annotated[str, Form(max_length=2000)]


@router.get("/login", name="login_page")
def login_page(
    request: Request,
    service: TheService,
    next_: Annotated[str, Query(alias="next", max_length=2000)] = "/",
) -> Response:
    """The form; who is signed in already goes on."""
    if find_signed_in(request, service) is not None:
        return see_other(next_ if is_own_address(next_) else "/")
    return render(request, None, "login.html", place="", failed="", username="", next=next_)


@router.post("/login", name="login")
def login(
    request: Request,
    service: TheService,
    username: _Name,
    password: _Secret,
    next_: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Start a session, or show the form again."""
    check_same_origin(request, service)
    started = sign_in(service, request, username.strip(), password)
    if started is None:
        return render(
            request,
            None,
            "login.html",
            401,
            place="",
            failed="login.failed",
            username=username,
            next=next_,
        )
    response = see_other(next_ if is_own_address(next_) else "/")
    set_session_cookie(response, service, started)
    return response


@router.post("/logout", name="logout")
def logout(request: Request, service: TheService, person: SignedIn) -> Response:
    sign_out(service, request, person)
    response = see_other("/login")
    clear_session_cookie(response, service)
    return response


@router.post("/language", name="language")
def choose_language(
    request: Request, service: TheService, code: _Name, back: _Address = "/"
) -> Response:
    """Remembered by the browser, and for who is signed in by the account."""
    check_same_origin(request, service)
    chosen = code if code in CODES else DEFAULT
    person = find_signed_in(request, service)
    if person is not None:
        with service.database.write() as session:
            change_language(session, person.user_id, chosen)
    response = see_other(back if is_own_address(back) else "/")
    response.set_cookie(
        LANGUAGE_COOKIE,
        chosen,
        max_age=_YEAR_S,
        secure=is_served_securely(service),
        httponly=True,
        samesite="lax",
    )
    return response
