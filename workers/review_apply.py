"""What was received from Label Studio, folded into the records it speaks of."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from archive.annotations import find_tasks_to_apply, note_failed
from archive.clock import utc_now
from archive.corrections import Applied, apply_answers
from archive.database import Database
from archive.errors import DatabaseGone, StorageFull
from extraction.declarations import FormDeclaration
from extraction.errors import FormloopError

MOST_AT_ONCE = 200
TOGETHER = 8

_log = logging.getLogger(__name__)


def apply_received(database: Database, declarations: Mapping[str, FormDeclaration]) -> int:
    """Applies all that was received and is not applied yet; to how many tasks.

    One that cannot be applied holds up no other; it is kept with the reason. DatabaseGone
    and StorageFull leave the rest for the next time.
    """
    with database.read() as session:
        waiting = find_tasks_to_apply(session, MOST_AT_ONCE)
    for start in range(0, len(waiting), TOGETHER):
        # Newest documents first, as whoever locks several of them does.
        some = [task_id for _, task_id in sorted(waiting[start : start + TOGETHER], reverse=True)]
        if not _apply_together(database, declarations, some):
            for task_id in some:
                _apply_alone(database, declarations, task_id)
    return len(waiting)


def _apply_together(
    database: Database, declarations: Mapping[str, FormDeclaration], task_ids: Sequence[str]
) -> bool:
    """Several in one transaction, since its end takes longer than all else; False where one
    of them went wrong, and so none of them was applied."""
    try:
        with _uncollected(), database.write() as session:
            done = {
                task_id: apply_answers(session, task_id, declarations, utc_now())
                for task_id in task_ids
            }
    except (DatabaseGone, StorageFull):
        raise
    except Exception:  # noqa: BLE001
        # The edge of a task: which one it was, and why, is found one by one.
        return False
    for task_id, applied in done.items():
        _tell(task_id, applied)
    return True


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: records are many small values without any, and a sixth
    of the time would go into walking over them."""
    searches = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searches:
            gc.enable()


def _apply_alone(
    database: Database, declarations: Mapping[str, FormDeclaration], task_id: str
) -> None:
    try:
        with database.write() as session:
            applied = apply_answers(session, task_id, declarations, utc_now())
        _tell(task_id, applied)
    except (DatabaseGone, StorageFull):
        raise
    except FormloopError as error:
        _log.warning("review task %s cannot be applied: %s", task_id, error)
        _set_aside(database, task_id, error.reason)
    except Exception as error:  # noqa: BLE001
        # The edge of a task: whatever it was, the others go on.
        _log.exception("review task %s failed unexpectedly", task_id)
        _set_aside(database, task_id, f"{type(error).__name__}: {error}")


def _tell(task_id: str, applied: Applied | None) -> None:
    if applied is None:
        return
    told = {"task": task_id, "document": applied.document_id, "state": str(applied.state)}
    if applied.unread:
        _log.warning(
            "answers could not be understood",
            extra={"more": {**told, "annotations": list(applied.unread)}},
        )
    if applied.revision is not None:
        _log.info("corrected", extra={"more": {**told, "revision": applied.revision}})


def _set_aside(database: Database, task_id: str, reason: str) -> None:
    with database.write() as session:
        note_failed(session, task_id, reason, utc_now())
