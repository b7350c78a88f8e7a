"""Another version of the model is taken between two steps, and no step is lost."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from extraction.confidence import load_calibrator
from extraction.errors import ModelError
from extraction.pipeline import Stations
from models.labeller import Labeller
from models.recalibrate import Refit, RefitOutcome, find_calibrator, write_refit
from models.registry import CALIBRATION_FILE, NETWORK_FILE, Registry, set_current
from tests.models.examples import write_tiny_version
from workers import road
from workers.road import RenewableRoad, StationsRoad, find_road, renew_road
from workers.stations import load_labeller


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    write_tiny_version(tmp_path / "shipped", "shipped")
    set_current(tmp_path / "shipped", "shipped")
    made = Registry(tmp_path / "models", tmp_path / "shipped")
    for name in ("one", "two"):
        write_tiny_version(made.own, name)
    return made


@dataclass(frozen=True)
class FewStations:
    """What of the stations changes with a version."""

    labeller: Labeller
    calibrator: object
    producer: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def real_road(registry: Registry) -> StationsRoad:
    current = registry.find_current()
    stations = FewStations(load_labeller(current, 1), find_calibrator(current))
    return StationsRoad(cast(Stations, stations), registry, current)


def test_the_version_in_use_is_taken_between_two_steps(
    real_road: StationsRoad, registry: Registry
) -> None:
    assert not renew_road(real_road)
    registry.promote("one")
    assert renew_road(real_road)
    assert real_road.stations.labeller.version == "one"
    assert not renew_road(real_road)
    registry.roll_back()
    assert renew_road(real_road)
    assert real_road.stations.labeller.version == "shipped"


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_in_use(
    real_road: StationsRoad, registry: Registry
) -> None:
    (registry.own / "one" / NETWORK_FILE).write_bytes(b"nothing")
    registry.promote("one")
    assert not renew_road(real_road)
    assert real_road.stations.labeller.version == "shipped"
    # It is not tried again before each step.
    assert real_road.refused == registry.find("one")
    registry.promote("two")
    assert renew_road(real_road)


def test_a_document_can_be_read_by_a_version_of_its_own(
    real_road: StationsRoad, registry: Registry
) -> None:
    assert find_road(real_road, None) is real_road
    other = find_road(real_road, "two")
    assert isinstance(other, StationsRoad)
    assert other.stations.labeller.version == "two"
    assert real_road.stations.labeller.version == "shipped"
    assert find_road(real_road, "shipped") is real_road
    with pytest.raises(ModelError, match="no version"):
        find_road(real_road, "lost")


def test_a_version_may_bring_confidences_of_its_own(registry: Registry) -> None:
    shipped = find_calibrator(None)
    assert find_calibrator(registry.find("one")) is shipped
    write_refit(taken(0.8, -0.1), registry.find("one") / CALIBRATION_FILE)
    own = find_calibrator(registry.find("one"))
    assert own == shipped.stretched(0.8, -0.1, "told")


def test_the_confidences_come_and_go_with_the_version(
    real_road: StationsRoad, registry: Registry
) -> None:
    write_refit(taken(0.8, -0.1), registry.find("one") / CALIBRATION_FILE)
    shipped = find_calibrator(None)
    registry.promote("one")
    assert renew_road(real_road)
    assert real_road.stations.calibrator.name == f"{shipped.name}*0.8000-0.1000"
    registry.roll_back()
    assert renew_road(real_road)
    assert real_road.stations.calibrator == shipped


def taken(slope: float, offset: float) -> Refit:
    made = load_calibrator().stretched(slope, offset, "told")
    return Refit(made, RefitOutcome.TAKEN, 500, 50, 0, slope, offset)


def test_a_road_that_keeps_to_one_version_is_left_alone() -> None:
    plain = SimpleNamespace(producer={})
    assert not isinstance(plain, RenewableRoad)
    assert not renew_road(cast(road.Road, plain))
    assert find_road(cast(road.Road, plain), "two") is plain


def test_versions_that_come_and_go_under_load_lose_no_step(
    real_road: StationsRoad, registry: Registry
) -> None:
    stop = threading.Event()

    def promote() -> None:
        while not stop.is_set():
            for name in ("one", "two", "shipped"):
                registry.promote(name)

    promoter = threading.Thread(target=promote)
    promoter.start()
    read_by: set[str] = set()
    steps, deadline = 0, time.monotonic() + 60.0
    try:
        # A slow disk lets many steps pass between two promotions.
        while steps < 150 or (len(read_by) < 3 and time.monotonic() < deadline):
            renew_road(real_road)
            stations = real_road.stations
            assert stations.labeller.label([]) == ()
            read_by.add(stations.labeller.version)
            steps += 1
    finally:
        stop.set()
        promoter.join()
    assert read_by == {"shipped", "one", "two"}
    renew_road(real_road)
    assert real_road.stations.labeller.version == registry.find_current().name
