"""``formloop train`` and ``formloop models``: ask a running service to learn, go forward, back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rich.table import Table

from extraction.errors import FormloopError
from extraction.json_values import Json, JsonObject
from service.client import ServiceClient, find_address, open_client
from service.client_options import TrainOptions
from service.terminal import answers, messages, say_error

LOOK_EVERY_S: Final = 2.0
_OPEN: Final = ("queued", "running")


def run(options: TrainOptions) -> int:
    """Start a training and print its id; with ``wait`` 1 where nothing better came of it."""

    def start(client: ServiceClient) -> int:
        settings = ("base", "steps", "minutes", "seed", "promote")
        order: JsonObject = {name: getattr(options, name) for name in settings}
        run_id = str(client.post("/api/training-runs", order)["id"])
        answers().print(run_id, highlight=False)
        return _wait(client, run_id) if options.wait else 0

    return _with_client(options.data, start)


def show_models(data: Path | None) -> int:
    def show(client: ServiceClient) -> int:
        answers().print(models_to_table(client.get("/api/models")))
        return 0

    return _with_client(data, show)


def promote(version: str, data: Path | None) -> int:
    return _change(data, f"/api/models/{quote(version, safe='')}/promote")


def roll_back(data: Path | None) -> int:
    return _change(data, "/api/models/rollback")


def models_to_table(answer: JsonObject) -> Table:
    """A row per version, the current one marked."""
    table = Table("", "version", "made", "words right", "corrected", "gate", box=None)
    versions = answer["versions"]
    for version in versions if isinstance(versions, list) else []:
        if not isinstance(version, dict):
            continue
        metrics = version["metrics"] if isinstance(version["metrics"], dict) else {}
        table.add_row(
            "*" if version["current"] else "",
            str(version["name"]),
            str(version["created_at"])[:16].replace("T", " "),
            _share(metrics.get("word_accuracy")),
            _share(metrics.get("corrected_word_accuracy")),
            gate_to_words(version),
        )
    return table


def gate_to_words(version: JsonObject) -> str:
    gate = version["gate"]
    if not isinstance(gate, dict):
        return "shipped" if version["shipped"] else "-"
    return "passed" if gate["passed"] else f"refused: {reasons_to_words(gate['reasons'])}"


def reasons_to_words(reasons: Json) -> str:
    """What the gate holds against a version, as its card says it."""
    said = []
    for reason in reasons if isinstance(reasons, list) else []:
        if isinstance(reason, dict):
            code = str(reason["code"]).replace("_", " ")
            wrong = f"{_share(reason['champion'])} → {_share(reason['challenger'])} wrong"
            said.append(
                " ".join(part for part in (code, str(reason["name"]), f"({wrong})") if part)
            )
    return "; ".join(said)


def _wait(client: ServiceClient, run_id: str) -> int:
    told = ""
    while True:
        run = client.get(f"/api/training-runs/{run_id}")
        if run["state"] not in _OPEN:
            return _tell_end(run)
        line = progress_to_words(run)
        if line != told:
            messages().print(line, highlight=False, markup=False)
            told = line
        time.sleep(LOOK_EVERY_S)


def progress_to_words(run: JsonObject) -> str:
    progress = run["progress"]
    if run["state"] == "queued" or not isinstance(progress, dict) or not progress:
        return "waiting for the training process"
    steps = f" {progress['step']}/{progress['steps']}" if progress.get("steps") else ""
    loss = progress.get("loss")
    shown = f", loss {loss:.3f}" if isinstance(loss, float) else ""
    return f"{progress.get('stage')}{steps}{shown}"


def _tell_end(run: JsonObject) -> int:
    result = run["result"]
    if run["state"] != "done" or not isinstance(result, dict):
        say_error(f"the training {run['state']}: {run['reason'] or 'no reason given'}")
        return 1
    in_use = ", in use now" if result.get("promoted") else ""
    if result.get("passed"):
        answers().print(f"{run['version']}: passed{in_use}", highlight=False, markup=False)
        return 0
    said = reasons_to_words(result.get("reasons"))
    answers().print(f"{run['version']}: refused: {said}", highlight=False, markup=False)
    return 1


def _change(data: Path | None, path: str) -> int:
    def change(client: ServiceClient) -> int:
        answers().print(f"in use: {client.post(path)['current']}", highlight=False, markup=False)
        return 0

    return _with_client(data, change)


def _with_client(data: Path | None, action: Callable[[ServiceClient], int]) -> int:
    try:
        with open_client(find_address(data)) as client:
            return action(client)
    except FormloopError as error:
        say_error(str(error))
        return 1


def _share(value: Json) -> str:
    return f"{100 * value:.2f} %" if isinstance(value, int | float) else "-"
