"""The web application: routers put together, and what all of them share."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from archive.blobs import Blobs
from archive.database import Database
from archive.settings import Settings
from extraction.declarations import load_declarations
from service.api import (
    archives,
    callbacks,
    documents,
    events,
    exports,
    health,
    hooks,
    keys,
    lexicon,
    model_versions,
    ocr_versions,
    openapi,
    pictures,
    promise,
    review_figures,
    reviews,
    training_runs,
    users,
)
from service.api.context import Service
from service.api.measures import Measures
from service.api.problems import add_problem_answers
from service.api.sights import RecentSights
from service.api.surroundings import Surroundings
from service.web import routes as pages
from service.web.failures import find_failure_page
from workers.app import make_app as make_queue

_STALE_SECONDS: Final = 86_400

ROUTERS: Final = (
    archives.router,
    events.router,
    # Before documents, for /documents/export.
    exports.router,
    documents.router,
    reviews.router,
    model_versions.router,
    ocr_versions.router,
    lexicon.router,
    keys.router,
    training_runs.router,
    promise.router,
    callbacks.router,
    review_figures.router,
    users.router,
    health.router,
    pictures.router,
    hooks.router,
)


def create_app(settings: Settings) -> FastAPI:
    """The application over the database and the storage of ``settings``.

    When it starts it brings the schema up to date.
    """
    service = make_service(settings)
    app = FastAPI(
        title="formloop",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    for router in (*ROUTERS, openapi.make_router(app), pages.router):
        app.include_router(router)
    pages.mount_static(app)
    add_problem_answers(app, find_failure_page)
    secure = settings.public_url.startswith("https://")
    app.add_middleware(Surroundings, measures=service.measures, secure=secure)
    return app


def make_service(settings: Settings) -> Service:
    return Service(
        settings=settings,
        database=Database(settings.database_url),
        blobs=Blobs(settings.storage_url),
        declarations=load_declarations(),
        measures=Measures(),
        sights=RecentSights(),
        queue=make_queue(settings) if settings.redis_url else None,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.database.migrate()
    _clear_stale_uploads(service)
    yield
    service.database.close()


def _clear_stale_uploads(service: Service) -> None:
    """Remove what an upload left behind whose process was killed."""
    folder = service.settings.data / archives.INCOMING_FOLDER
    for left in folder.glob("*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
