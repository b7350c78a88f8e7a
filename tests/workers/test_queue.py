from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select, update

from archive.clock import utc_now
from archive.database import Database
from archive.documents import add_archive
from archive.health import write_heartbeat
from archive.settings import ServiceLimits, Settings
from archive.steps import LostStep, StepKey
from archive.tables import Canary, Step, StepKind
from tests.archive.rows import new_document
from workers.alive import is_alive
from workers.app import EXTRACT_QUEUE, LEVELS, make_app
from workers.logs import JsonLines, log_place
from workers.pictures import image_to_picture, picture_type
from workers.queue import args_to_key, count_waiting, push_canary, push_steps, step_level
from workers.redis_server import (
    LONGEST_SOCKET_PATH,
    QueueGone,
    find_socket,
    open_redis,
    redis_command,
    socket_to_url,
    wait_for_redis,
)
from workers.schedule_process import Job, run_jobs
from workers.sweep import LONG_QUEUE, patience, release_canary, sweep_steps


@pytest.fixture
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of its own."""
    socket = find_socket(tmp_path_factory.mktemp("r"))
    server = subprocess.Popen(redis_command(socket))
    url = socket_to_url(socket)
    try:
        wait_for_redis(url, 20.0)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'formloop.db'}")
    made.migrate()
    yield made
    made.close()


def settings_of(redis_url: str | None, folder: Path) -> Settings:
    return replace(Settings.from_environment(folder, {}), redis_url=redis_url)


def step(page: int, priority: int = 0, kind: StepKind = StepKind.PAGE) -> LostStep:
    return LostStep(StepKey("D" * 26, 1, kind, page), priority)


def taken(app, count: int) -> list[list[object]]:  # type: ignore[no-untyped-def]
    """The arguments of messages in the order in which a worker gets them."""
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(EXTRACT_QUEUE)
        args = []
        for _ in range(count):
            message = queue.get(timeout=5)
            args.append(json.loads(message.body)[0])
            message.ack()
        return args


def test_urgent_page_overtakes_a_large_archive(redis_url: str, tmp_path: Path) -> None:
    app = make_app(settings_of(redis_url, tmp_path))
    assert push_steps(app, [step(page) for page in range(1, 6)]) == 5
    push_steps(app, [step(0, kind=StepKind.ASSEMBLE), step(9, priority=1)])
    assert push_canary(app, "canary")
    assert count_waiting(redis_url) == 8
    order = taken(app, 8)
    assert order[0] == ["canary"]
    assert [args[3] for args in order[1:3]] == [9, 0]
    assert [args[3] for args in order[3:]] == [1, 2, 3, 4, 5]
    assert args_to_key(*order[1]) == step(9).key  # type: ignore[arg-type]


@pytest.mark.parametrize("priority", [-9, -1, 0, 1, 9])
def test_no_step_overtakes_the_canary(priority: int) -> None:
    for kind in StepKind:
        assert 0 < step_level(kind, priority) < LEVELS


def test_levels_follow_priorities() -> None:
    levels = [step_level(StepKind.PAGE, priority) for priority in (2, 1, 0, -1)]
    assert levels == sorted(set(levels))
    for priority in (1, 0, -1):
        assert step_level(StepKind.ASSEMBLE, priority) < step_level(StepKind.PAGE, priority)


def test_redis_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    url = socket_to_url(tmp_path / "nobody.sock")
    started = time.monotonic()
    assert push_steps(make_app(settings_of(url, tmp_path)), [step(1)]) == 0
    assert not push_canary(make_app(settings_of(url, tmp_path)), "canary")
    assert count_waiting(url) is None
    assert time.monotonic() - started < 5


def test_no_redis_named_is_said(tmp_path: Path) -> None:
    with pytest.raises(QueueGone, match="formloop up"):
        make_app(settings_of(None, tmp_path))


def test_server_is_for_its_owner_alone(redis_url: str) -> None:
    socket = Path(redis_url.removeprefix("redis+socket://"))
    assert socket.stat().st_mode & 0o077 == 0
    with open_redis(redis_url) as client:
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("save")["save"] == ""


def test_deep_data_folder_gets_a_socket_that_can_be_opened(tmp_path: Path) -> None:
    deep = tmp_path / ("文档" * 30)
    deep.mkdir()
    socket = find_socket(deep)
    assert len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH
    assert find_socket(Path("/d")) == Path("/d/redis.sock")


def test_server_that_never_comes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(QueueGone):
        wait_for_redis(socket_to_url(tmp_path / "nobody.sock"), 0.1)


def test_sweep_sends_what_is_new_once(redis_url: str, tmp_path: Path, database: Database) -> None:
    app = make_app(settings_of(redis_url, tmp_path))
    with database.write() as session:
        archive_id = add_archive(session, "box", None).id
        for number in range(3):
            new_document(session, f"{number}.pdf", archive_id)
    limits = ServiceLimits()
    assert sweep_steps(database, app, count_waiting(redis_url), limits) == 3
    assert sweep_steps(database, app, count_waiting(redis_url), limits) == 0
    assert count_waiting(redis_url) == 3


def test_sweep_finds_what_redis_forgot_and_leaves_a_long_queue_alone(
    redis_url: str, tmp_path: Path, database: Database
) -> None:
    app = make_app(settings_of(redis_url, tmp_path))
    with database.write() as session:
        new_document(session)
    assert sweep_steps(database, app, 0, ServiceLimits()) == 1
    sent_ago(database, timedelta(minutes=1))
    assert sweep_steps(database, app, 5, ServiceLimits()) == 0
    with open_redis(redis_url) as client:
        client.flushall()
    assert sweep_steps(database, app, count_waiting(redis_url), ServiceLimits()) == 1
    assert count_waiting(redis_url) == 1
    sent_ago(database, timedelta(days=1))
    assert sweep_steps(database, app, LONG_QUEUE, ServiceLimits()) == 0
    assert sweep_steps(database, app, 5, ServiceLimits()) == 1


def sent_ago(database: Database, age: timedelta) -> None:
    """As if all steps had been made and sent that long ago."""
    then = utc_now() - age
    with database.write() as session:
        session.execute(update(Step).values(enqueued_at=then, due_at=then - timedelta(seconds=1)))


def test_sweep_waits_while_redis_is_gone(tmp_path: Path, database: Database) -> None:
    with database.write() as session:
        new_document(session)
    app = make_app(settings_of(socket_to_url(tmp_path / "nobody.sock"), tmp_path))
    assert sweep_steps(database, app, None, ServiceLimits()) == 0
    with database.read() as session:
        assert session.scalars(select(Step.enqueued_at)).all() == [None]


def test_patience_grows_with_the_queue() -> None:
    limits = ServiceLimits(requeue_seconds=300)
    assert patience(0, limits) < patience(1, limits) < patience(LONG_QUEUE, limits)


def test_canary_is_a_row_and_a_message(redis_url: str, tmp_path: Path, database: Database) -> None:
    app = make_app(settings_of(redis_url, tmp_path))
    assert release_canary(database, app)
    with database.read() as session:
        assert taken(app, 1) == [[session.scalars(select(Canary.id)).one()]]


def test_clock_goes_on_when_a_job_fails() -> None:
    done: list[str] = []

    class Stop:
        """Like an event that is set once both jobs were done thrice."""

        def is_set(self) -> bool:
            return done.count("good") >= 3

        def wait(self, seconds: float) -> bool:
            time.sleep(min(seconds, 0.01))
            return self.is_set()

    def bad() -> None:
        done.append("bad")
        raise RuntimeError("nobody thought of it")

    jobs = (Job("bad", 0.01, bad), Job("good", 0.01, lambda: done.append("good")))
    run_jobs(jobs, Stop())  # type: ignore[arg-type]
    assert done.count("bad") >= 3


def test_sign_of_life_counts_for_its_own_host_and_kind(database: Database) -> None:
    with database.write() as session:
        write_heartbeat(session, "extract-1.host-a", "extract", utc_now())
        write_heartbeat(session, "schedule-host-b-7", "schedule", utc_now() - timedelta(minutes=5))
    assert is_alive(database, "extract", "host-a")
    assert not is_alive(database, "extract", "host-b")
    assert not is_alive(database, "schedule", "host-b")


def test_log_line_is_json_with_its_place() -> None:
    record = logging.LogRecord("a.b", logging.INFO, "", 1, "读了 %d", (3,), None)
    with log_place(document="D1", step="page", page=2):
        line = JsonLines("extract-1").format(record)
    parsed = json.loads(line)
    assert "\n" not in line
    assert (parsed["message"], parsed["service"], parsed["level"]) == (
        "读了 3",
        "extract-1",
        "info",
    )
    assert (parsed["document"], parsed["step"], parsed["page"]) == ("D1", "page", 2)
    assert "document" not in json.loads(JsonLines("x").format(record))


def test_clean_grey_picture_keeps_every_pixel() -> None:
    grey = printed_page()
    grey[150:190] = np.arange(150, dtype=np.uint8)[None, :, None]
    packed = image_to_picture(grey)
    assert picture_type(packed) == "image/png"
    assert np.array_equal(unpacked(packed), grey)


def test_noisy_grey_picture_shows_the_same_print_in_half_the_bytes() -> None:
    page = printed_page()
    noise = np.random.default_rng(1).normal(0, 4, page.shape[:2])
    page = np.clip(page + noise[:, :, None], 0, 255).astype(np.uint8)
    packed = image_to_picture(page)
    assert picture_type(packed) == "image/jpeg"
    assert len(packed) < len(cv2.imencode(".png", page)[1]) / 2
    shown = unpacked(packed).astype(int)
    assert np.abs(shown - page).mean() < 2
    assert shown[42, 20].max() < 40, "thin strokes stay black"


def test_colour_picture_shows_the_same_print() -> None:
    page = printed_page()
    page[100:160, 60:90] = (200, 30, 30)
    packed = image_to_picture(page)
    assert picture_type(packed) == "image/jpeg"
    shown = unpacked(packed).astype(int)
    assert np.abs(shown - page).mean() < 1
    assert np.abs(shown[130, 75] - (200, 30, 30)).max() < 12, "channels in order"
    assert shown[42, 20].max() < 40, "thin strokes stay black"


@pytest.mark.parametrize("place", [(0, 0), (63, 149), (64, 0), (199, 149)])
def test_colour_is_seen_wherever_it_is(place: tuple[int, int]) -> None:
    page = printed_page()
    page[place] = (250, 249, 250)
    assert picture_type(image_to_picture(page)) == "image/jpeg"


def printed_page() -> NDArray[np.uint8]:
    page = np.full((200, 150, 3), 250, np.uint8)
    page[40:44] = 0
    return page


def unpacked(picture: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image[:, :, ::-1]  # type: ignore[return-value]


def test_step_that_hangs_ends_its_process() -> None:
    code = (
        "import time\nfrom workers.leases import hard_limit\n"
        "with hard_limit(5): pass\n"
        "with hard_limit(0.3): time.sleep(60)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
