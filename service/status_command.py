"""``formloop status``: how far the archives of a running service are."""

from __future__ import annotations

from rich.table import Table

from extraction.errors import FormloopError
from extraction.json_values import JsonObject
from service.client import ServiceClient, ServiceRefused, find_address, open_client
from service.client_options import StatusOptions
from service.terminal import answers, say_error

_STATES = ("received", "extracting", "in_review", "done", "failed", "cancelled", "duplicates")


def run(options: StatusOptions) -> int:
    """Print a row per archive, or what became of one; 1 where the service cannot be asked."""
    try:
        with open_client(find_address(options.data)) as client:
            if options.archive is None:
                answers().print(archives_to_table(_objects(client.get("/api/archives"))))
            else:
                _show_archive(client, client.find_archive_id(options.archive))
            _show_problem(client)
    except FormloopError as error:
        say_error(str(error))
        return 1
    return 0


def archives_to_table(archives: list[JsonObject]) -> Table:
    table = Table("archive", "id", *_STATES, "pages/min", "left", box=None)
    for archive in archives:
        counts = archive["counts"]
        assert isinstance(counts, dict)
        table.add_row(
            str(archive["name"]),
            str(archive["id"]),
            *(str(counts[state]) for state in _STATES),
            pace_to_words(archive["pages_per_minute"], archive["seconds_left"]),
            seconds_to_words(archive["seconds_left"]),
        )
    return table


def pace_to_words(pages_per_minute: object, seconds_left: object) -> str:
    """Of an archive in which nothing is left to do, the pace of its last minutes says nothing."""
    if seconds_left == 0 or not isinstance(pages_per_minute, int | float):
        return "-"
    return f"{pages_per_minute:.1f}"


def seconds_to_words(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return "?"
    if seconds <= 0:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _show_archive(client: ServiceClient, archive_id: str) -> None:
    answers().print(archives_to_table([client.get(f"/api/archives/{archive_id}")]))
    failed = client.get("/api/documents", archive=archive_id, state="failed")
    for document in _objects(failed, "documents"):
        say_error(f"{document['name']}: {document['reason']}")


def _show_problem(client: ServiceClient) -> None:
    """What keeps the review from working, and what to do; for those who may correct."""
    try:
        problem = client.get("/api/review")["problem"]
    except ServiceRefused:
        return
    if problem:
        say_error(f"the review waits: {problem}")


def _objects(answer: JsonObject, key: str = "archives") -> list[JsonObject]:
    found = answer[key]
    assert isinstance(found, list)
    return [item for item in found if isinstance(item, dict)]
