"""Whether the service lives, whether work goes all the way through it, and its figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel

from archive.clock import utc_now
from archive.errors import DatabaseGone
from archive.health import find_last_canary
from archive.reports import Totals, find_totals
from archive.review_state import ReviewStanding, find_review_standing
from archive.review_tables import ReviewState
from archive.unowned import Removed, find_removed
from service.api.auth import MayOperate
from service.api.context import Service, TheService
from service.api.problems import Problem
from service.api.shapes import example

CANARY_AGE: Final = timedelta(minutes=3)
"""A canary goes out every minute or so; older than this, the queue or the workers stand."""

router = APIRouter(tags=["operation"])


class LiveShape(BaseModel):
    status: Literal["ok"] = "ok"


class ReadyShape(BaseModel):
    model_config = example(status="ready", canary_at="2026-11-21T08:00:00Z")

    status: Literal["ready"] = "ready"
    canary_at: datetime


@router.get("/health/live")
def get_live() -> LiveShape:
    """Whether this process answers."""
    return LiveShape()


@router.get("/health/ready")
def get_ready(service: TheService) -> ReadyShape:
    """Whether a task went through queue, worker and database lately."""
    try:
        with service.database.read() as session:
            canary = find_last_canary(session)
    except DatabaseGone as error:
        raise Problem("not_ready", "the database does not answer") from error
    if canary is None or canary.finished_at is None:
        raise Problem("not_ready", "no task has gone through the queue yet")
    if utc_now() - canary.finished_at > CANARY_AGE:
        raise Problem("not_ready", f"no task went through since {canary.finished_at.isoformat()}")
    return ReadyShape(canary_at=canary.finished_at)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Figures in Prometheus' text format.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
def get_metrics(service: TheService, person: MayOperate) -> Response:
    """Figures of the whole service and of this process."""
    own = generate_latest(service.measures.registry)
    shared = generate_latest(_Shared(service))
    return Response(own + shared, media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Shared:
    """What the database knows, asked for at each scrape."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        with self._service.database.read() as session:
            totals = find_totals(session)
            canary = find_last_canary(session)
            review = find_review_standing(session)
            removed = find_removed(session)
        yield from totals_to_metrics(totals, utc_now())
        yield from review_to_metrics(review)
        yield from removed_to_metrics(removed, utc_now())
        if canary is not None and canary.finished_at is not None:
            age_s = (utc_now() - canary.finished_at).total_seconds()
            yield GaugeMetricFamily(
                "formloop_canary_age_seconds", "Since a canary task finished.", value=age_s
            )


def review_to_metrics(review: ReviewStanding) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "formloop_review_stands",
        "1 while something keeps the review from working.",
        value=float(review.problem is not None),
    )
    tasks = GaugeMetricFamily("formloop_review_tasks", "Review tasks by state.", labels=["state"])
    for state in ReviewState:
        tasks.add_metric([state], review.tasks.get(state, 0))
    yield tasks


def removed_to_metrics(removed: Removed, now: datetime) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "formloop_unowned_blobs_removed", "Blobs without a row.", value=removed.blobs
    )
    if removed.looked_at is not None:
        yield GaugeMetricFamily(
            "formloop_unowned_blobs_age_seconds",
            "Since blobs without a row were last looked for.",
            value=(now - removed.looked_at).total_seconds(),
        )


def totals_to_metrics(totals: Totals, now: datetime) -> Iterator[Metric]:
    yield GaugeMetricFamily("formloop_archives", "Archives.", value=totals.archives)
    documents = GaugeMetricFamily("formloop_documents", "Documents by state.", labels=["state"])
    for state, count in totals.documents.items():
        documents.add_metric([state], count)
    yield documents
    steps = GaugeMetricFamily(
        "formloop_steps", "Steps by kind and state.", labels=["step", "state"]
    )
    for (kind, step_state), count in totals.steps.items():
        steps.add_metric([kind, step_state], count)
    yield steps
    deliveries = GaugeMetricFamily(
        "formloop_deliveries", "Outgoing callbacks by state.", labels=["state"]
    )
    for delivery_state, count in totals.deliveries.items():
        deliveries.add_metric([delivery_state], count)
    yield deliveries
    oldest = totals.oldest_waiting_at
    yield GaugeMetricFamily(
        "formloop_oldest_waiting_seconds",
        "How long the step that waits longest has waited.",
        value=0.0 if oldest is None else (now - oldest).total_seconds(),
    )
