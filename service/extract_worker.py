"""The engines, loaded once in a process of their own, and one document after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from extraction.errors import FormloopError
from extraction.pages.sources import SourceFile
from extraction.pipeline import Extraction, Stations, extract_document
from service import deadline
from service.extract_job import ExtractJob, Outcome, error_to_failure, extract_job
from service.extract_process import ReaderSettings
from workers.stations import THRESHOLD, build_stations


@dataclass(frozen=True, slots=True)
class StationsReader:
    """The road with the engines loaded."""

    stations: Stations
    settings: ReaderSettings

    @property
    def producer(self) -> Mapping[str, str]:
        return self.stations.producer

    def read(self, source: SourceFile) -> Extraction:
        deadline.arm()
        try:
            return extract_document(
                source, self.stations, self.settings.form_type, on_page=deadline.arm
            )
        finally:
            deadline.disarm()


def work(settings: ReaderSettings, job: ExtractJob) -> Outcome:
    try:
        reader = load_reader(settings)
    except FormloopError as error:
        failure = error_to_failure(error, "formloop")
        return Outcome(job.source.name, job.source.sha256, 0.0, failures=(failure,), fatal=True)
    return extract_job(job, reader)


@lru_cache(maxsize=1)
def load_reader(settings: ReaderSettings) -> StationsReader:
    threshold = THRESHOLD if settings.threshold is None else settings.threshold
    stations = build_stations(settings.engine, settings.model, settings.threads, threshold)
    return StationsReader(stations, settings)
