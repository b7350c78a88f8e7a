"""Work spread over processes that may die: a task that kills its process loses only itself."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Crew(Generic[Task, Result]):
    """Processes that each call ``start`` once and then ``work`` for one task after another.

    ``lost`` makes the result of a task that raised, or whose process died twice, the second
    time alone.
    """

    work: Callable[[Task], Result]
    lost: Callable[[Task, BaseException], Result]
    start: Callable[[], None]
    processes: int = 1

    def run(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """Results as they come. Tasks are drawn as processes get free, never all at once."""
        shift = _Shift(self, self._pool(self.processes))
        try:
            for task in tasks:
                shift.submit(task)
                if len(shift.running) > self.processes:
                    yield from shift.results()
            while shift.running:
                yield from shift.results()
            # Idle processes end at once. Left to the interpreter's own end, they race with it.
            shift.pool.shutdown(wait=True)
        finally:
            shift.pool.shutdown(wait=False, cancel_futures=True)

    def alone(self, task: Task) -> Result:
        """The task in a process of its own."""
        pool = self._pool(1)
        try:
            future = pool.submit(self.work, task)
            error = future.exception()
            return future.result() if error is None else self.lost(task, error)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _pool(self, processes: int) -> ProcessPoolExecutor:
        # Inference engines start threads, which a forked process would inherit half-alive.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(processes, context, self.start)


@dataclass(slots=True)
class _Shift(Generic[Task, Result]):
    """One pool at work, replaced by a fresh one when a process of it dies."""

    crew: Crew[Task, Result]
    pool: ProcessPoolExecutor
    running: dict[Future[Result], Task] = field(default_factory=dict)

    def submit(self, task: Task) -> None:
        try:
            future = self.pool.submit(self.crew.work, task)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        self.running[future] = task

    def results(self) -> Iterator[Result]:
        """What has finished by now, at least one; nothing gets lost with a dead process."""
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        suspects: list[Task] = []
        for future in done:
            task = self.running.pop(future)
            error = future.exception()
            if error is None:
                yield future.result()
            elif isinstance(error, BrokenProcessPool):
                suspects.append(task)
            else:
                yield self.crew.lost(task, error)
        if suspects:
            suspects += self._others_of_broken_pool()
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.pool = self.crew._pool(self.crew.processes)
            yield from map(self.crew.alone, suspects)

    def _others_of_broken_pool(self) -> list[Task]:
        """One death breaks the whole pool: what else it held comes out with the same error."""
        wait(self.running)
        broken = [f for f in self.running if isinstance(f.exception(), BrokenProcessPool)]
        return [self.running.pop(future) for future in broken]
