"""``formloop extract``: a run over many documents, its progress and its summary."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from extraction.declarations import FormDeclaration, load_declarations
from extraction.errors import FormloopError, InputError
from extraction.exports.naming import find_titles
from extraction.exports.tables import record_to_tables
from extraction.pages.sources import iter_sources
from extraction.record import record_to_json
from extraction.values import Record
from service.deadline import PAGE_SECONDS
from service.extract_job import (
    FILE_FORMATS,
    ExtractJob,
    Failure,
    FileFormat,
    Outcome,
    error_to_failure,
)
from service.extract_process import ReaderSettings, start, work
from service.extract_summary import (
    Tally,
    outcome_to_tally,
    read_failed_digests,
    tallies_to_table,
    tally_line,
    write_failures,
)
from service.options import STDOUT, ExtractOptions
from service.pool import Crew
from service.terminal import answers, messages, say_error

ALL_WELL, SOME_FAILED, WRONG_CALL = 0, 1, 2
TABLE = "table"
TRACEBACK_VARIABLE = "FORMLOOP_TRACEBACK"


@dataclass(frozen=True, slots=True)
class Run:
    """A call that was found right: where results go and in which form."""

    folder: Path | None
    formats: tuple[FileFormat, ...]
    prints_tables: bool
    declarations: tuple[FormDeclaration, ...]


def run(options: ExtractOptions) -> int:
    """Do what the options ask for; the exit code."""
    try:
        plan = options_to_run(options)
    except ValueError as error:
        say_error(str(error))
        return WRONG_CALL
    except FormloopError as error:
        say_error(str(error))
        return SOME_FAILED
    started = time.perf_counter()
    try:
        tallies = tuple(_follow(plan, _outcomes(plan, options)))
    except BrokenPipeError:
        # Who read the answers has gone; what is still buffered has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    messages().print(tallies_to_table(tallies, time.perf_counter() - started))
    if plan.folder is not None:
        write_failures(plan.folder, tallies)
    return SOME_FAILED if any(tally.failures for tally in tallies) else ALL_WELL


def options_to_run(options: ExtractOptions) -> Run:
    """ValueError says what is wrong in the call."""
    wanted = [part.strip().lower() for part in options.formats.split(",") if part.strip()]
    known = (*FILE_FORMATS, TABLE)
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise ValueError(f"--format {options.formats!r}: known are {', '.join(known)}")
    declarations = load_declarations()
    names = [declaration.name for declaration in declarations]
    if options.form_type is not None and options.form_type not in names:
        raise ValueError(f"--form-type {options.form_type!r}: known are {', '.join(names)}")
    folder = None if options.out == STDOUT else Path(options.out)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise ValueError(f"--out {options.out!r}: is a file, not a folder")
    formats = tuple(name for name in FILE_FORMATS if name in wanted)
    return Run(folder, formats, TABLE in wanted and folder is not None, declarations)


def _outcomes(plan: Run, options: ExtractOptions) -> Iterator[Outcome]:
    """An outcome for every input, as they come; ends early where no job can succeed."""
    threads = max(1, _cores() // options.jobs)
    # Read when numpy and its kin are first loaded, which is in the processes to come.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    settings = ReaderSettings(
        options.engine, options.model, threads, options.form_type, options.threshold
    )
    crew: Crew[ExtractJob, Outcome] = Crew(partial(work, settings), lost, start, options.jobs)
    refused: list[Outcome] = []
    for outcome in crew.run(_jobs(plan, options, refused.append)):
        yield from _taken(refused)
        yield outcome
        if outcome.fatal:
            return
    yield from _taken(refused)


def _jobs(
    plan: Run, options: ExtractOptions, refuse: Callable[[Outcome], None]
) -> Iterator[ExtractJob]:
    """A job for every readable input; what cannot be read goes to ``refuse``."""
    failed_before = read_failed_digests(plan.folder) if plan.folder is not None else frozenset()
    for source in iter_sources(options.paths):
        if isinstance(source, InputError):
            refuse(Outcome(source.name or "", "", 0.0, failures=(error_to_failure(source, ""),)))
            continue
        again = options.again or source.sha256 in failed_before
        yield ExtractJob(source, plan.folder, plan.formats, options.form_type, again)


def _taken(refused: list[Outcome]) -> Iterator[Outcome]:
    while refused:
        yield refused.pop(0)


def lost(job: ExtractJob, error: BaseException) -> Outcome:
    """The outcome of a job that ended without one."""
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    reason = f"formloop itself failed on it: {type(error).__name__}: {error}"
    if isinstance(error, BrokenProcessPool):
        reason = (
            "its process ended twice: out of memory, or no page done for "
            f"{PAGE_SECONDS / 60:.0f} minutes"
        )
    failure = Failure(job.source.name, None, "internal", reason)
    return Outcome(job.source.name, job.source.sha256, 0.0, failures=(failure,))


def _follow(plan: Run, outcomes: Iterator[Outcome]) -> Iterator[Tally]:
    """Answer with each record and tell how its document went."""
    answering = plan.folder is None or plan.prints_tables
    with _progress(hidden=answering and sys.stdout.isatty()) as progress:
        task = progress.add_task("extract", total=None)
        for outcome in outcomes:
            tally = outcome_to_tally(outcome)
            if outcome.record is not None:
                _answer(plan, outcome.record)
            if not outcome.fatal:
                progress.console.print(tally_line(tally), soft_wrap=True)
            for failure in outcome.failures:
                say_error(str(failure))
            progress.advance(task)
            yield tally


def _answer(plan: Run, record: Record) -> None:
    """The record on standard output, as a line or as tables, where that was asked for."""
    if plan.folder is None:
        line = json.dumps(record_to_json(record), ensure_ascii=False)
        print(line, flush=True)  # noqa: T201
    elif plan.prints_tables:
        titles = find_titles(record.form_type, plan.declarations)
        answers().print(record_to_tables(record, titles))


def _progress(*, hidden: bool) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} documents"),
        TimeElapsedColumn(),
        console=messages(),
        disable=hidden or not sys.stderr.isatty(),
        redirect_stdout=False,
        transient=True,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
