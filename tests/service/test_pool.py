"""A task that kills its process loses only itself, and never takes its neighbours along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from service.pool import Crew
from tests.service import crew_tasks


def crew(processes: int) -> Crew[str, str]:
    return Crew(crew_tasks.work, crew_tasks.lost, crew_tasks.start, processes)


def test_every_task_gives_one_result_whatever_its_neighbours_do(tmp_path: Path) -> None:
    tasks = ["a", "die", "b", "raise", "c", f"die once {tmp_path / 'seen'}", "d"]
    results = sorted(crew(2).run(iter(tasks)))
    assert results == sorted(
        [
            *(f"{name} yes" for name in "abcd"),
            "die lost to BrokenProcessPool",
            "raise lost to ValueError",
            f"die once {tmp_path / 'seen'} yes",
        ]
    )


def test_a_task_that_stands_still_is_ended_and_the_next_is_done() -> None:
    assert sorted(crew(1).run(iter(["hang", "a"]))) == ["a yes", "hang lost to BrokenProcessPool"]


def test_tasks_are_drawn_no_faster_than_they_are_done() -> None:
    drawn: list[int] = []

    def tasks() -> Iterator[str]:
        for number in range(20):
            drawn.append(number)
            yield str(number)

    results = crew(1).run(tasks())
    next(results)
    assert len(drawn) <= 3
    results.close()


def test_no_tasks_give_no_results() -> None:
    assert list(crew(1).run(iter([]))) == []
