"""What this process counts of its own work, for Prometheus."""

from __future__ import annotations

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0, 60.0)


class Measures:
    """A registry of its own for each app, so that two apps can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self.registry.register(collector)
        self.requests = Histogram(
            "formloop_request_seconds",
            "Time to the end of an answer, by route, method and status.",
            ("route", "method", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.upload_bytes = Counter(
            "formloop_upload_bytes", "Bytes of upload bodies.", registry=self.registry
        )
        self.upload_files = Counter(
            "formloop_upload_files",
            "Files that came in, by what was said of them.",
            ("answer",),
            registry=self.registry,
        )
        self.watchers = Gauge(
            "formloop_watchers", "Open streams of events.", registry=self.registry
        )
