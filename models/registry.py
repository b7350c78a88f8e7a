"""Model versions: a folder each, and a pointer to the current one.

``FOLDER/current`` lists the versions that were current, one name a line, the newest last,
so that a rollback is the loss of its last line. A ``Registry`` puts a folder of versions that
were trained here beside the shipped one, which is never written to.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from extraction.errors import ModelError
from models.tokens import PieceSettings, Vocabulary
from models.windows import WindowSettings

SHIPPED_FOLDER = Path(__file__).parent / "weights" / "labeller"
OWN_FOLDER = "models"
"""Below the data folder: the versions that were trained there."""
NETWORK_FILE = "labeller.onnx"
VERSION_FILE = "version.json"
VOCABULARY_FILE = "vocabulary.json"
CALIBRATION_FILE = "calibration.json"
"""May stand in a version's folder: what people's findings make of the shipped confidences."""
GATE_FILE = "gate.json"
"""In the folder of a version that was trained here: how it compares with its parent."""
POINTER_FILE = "current"

Setting = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """What a labeller was made from and how well it does.

    ``parent`` is the version whose data it adds to; ``data_digest`` names the training
    data; ``labels`` stand in the order of the network's outputs.
    """

    name: str
    parent: str | None
    data_digest: str
    seed: int
    created_at: str
    labels: tuple[str, ...]
    windows: WindowSettings = field(default_factory=WindowSettings)
    network: Mapping[str, Setting] = field(default_factory=dict)
    training: Mapping[str, Setting] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)


def version_to_json(version: ModelVersion) -> str:
    return json.dumps(asdict(version), ensure_ascii=False, indent=1) + "\n"


def json_to_version(text: str) -> ModelVersion:
    """The version that ``version_to_json`` wrote; ModelError where it is another thing."""
    try:
        stored = json.loads(text)
        windows = stored.pop("windows")
        pieces = PieceSettings(**windows.pop("pieces"))
        labels = tuple(stored.pop("labels"))
        return ModelVersion(
            **stored, labels=labels, windows=WindowSettings(pieces=pieces, **windows)
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"is no version of this program's labeller: {error}") from error


def write_version(folder: Path, version: ModelVersion, vocabulary: Vocabulary) -> Path:
    """Write all but the network into ``folder/<name>``, and return that path."""
    path = folder / version.name
    path.mkdir(parents=True, exist_ok=True)
    (path / VERSION_FILE).write_text(version_to_json(version), encoding="utf-8")
    characters = json.dumps("".join(vocabulary.characters), ensure_ascii=False)
    (path / VOCABULARY_FILE).write_text(characters + "\n", encoding="utf-8")
    return path


def read_version(path: Path) -> ModelVersion:
    """The version in the folder ``path``, which must hold its network too."""
    missing = [
        name
        for name in (VERSION_FILE, VOCABULARY_FILE, NETWORK_FILE)
        if not (path / name).is_file()
    ]
    if missing:
        raise ModelError(
            f"lacks {', '.join(missing)}; train a model or choose another", name=str(path)
        )
    try:
        return json_to_version((path / VERSION_FILE).read_text(encoding="utf-8"))
    except ModelError as error:
        raise error.at(name=str(path / VERSION_FILE)) from error


def read_vocabulary(path: Path) -> Vocabulary:
    stored = json.loads((path / VOCABULARY_FILE).read_text(encoding="utf-8"))
    if not isinstance(stored, str):
        raise ModelError("must hold one string of characters", name=str(path / VOCABULARY_FILE))
    return Vocabulary(tuple(stored))


def list_versions(folder: Path = SHIPPED_FOLDER) -> tuple[ModelVersion, ...]:
    """All whole versions, the oldest first."""
    paths = [path.parent for path in folder.glob(f"*/{VERSION_FILE}")]
    whole = [path for path in paths if (path / NETWORK_FILE).is_file()]
    versions = (read_version(path) for path in whole)
    return tuple(sorted(versions, key=lambda version: (version.created_at, version.name)))


def find_version(folder: Path, name: str) -> Path:
    """The folder of the version ``name``; ModelError names those that exist."""
    # A name with a separator could lead out of the folder.
    path = folder / name
    if path.parent != folder or not (path / VERSION_FILE).is_file():
        known = ", ".join(version.name for version in list_versions(folder)) or "none"
        raise ModelError(f"no version {name!r} there; known: {known}", name=str(folder))
    return path


def find_current(folder: Path = SHIPPED_FOLDER) -> Path:
    """The folder of the current version."""
    history = _read_history(folder)
    if not history:
        raise ModelError("no version is current; run `make train`", name=str(folder))
    return find_version(folder, history[-1])


def set_current(folder: Path, name: str) -> None:
    """Make ``name`` current, now and for every process that starts later."""
    find_version(folder, name)
    history = _read_history(folder)
    if not history or history[-1] != name:
        _write_history(folder, [*history, name])


@dataclass(frozen=True, slots=True)
class Registry:
    """The versions of one data folder: its own, and those that came with the program.

    Its pointer may name either. A name that is no longer there (a newer formloop ships
    another version) is passed over.
    """

    own: Path
    shipped: Path = SHIPPED_FOLDER

    @classmethod
    def of_data(cls, data: Path) -> Registry:
        return cls(data / OWN_FOLDER)

    def list_versions(self) -> tuple[ModelVersion, ...]:
        """The shipped ones first, then the own, each the oldest first."""
        own = list_versions(self.own) if self.own.is_dir() else ()
        return (*list_versions(self.shipped), *own)

    def find(self, name: str) -> Path:
        """The folder of the version ``name``; ModelError names those that exist."""
        path = self._find(name)
        if path is None:
            known = ", ".join(version.name for version in self.list_versions())
            raise ModelError(f"there is no version {name!r}; known: {known}")
        return path

    def find_current(self) -> Path:
        """The folder of the version in use: the shipped one until another was promoted."""
        for name in reversed(_read_history(self.own)):
            path = self._find(name)
            if path is not None:
                return path
        return find_current(self.shipped)

    def promote(self, name: str) -> Path:
        """Make ``name`` current, for all processes; its folder. ModelError where there is none."""
        path = self.find(name)
        read_version(path)
        with self._locked():
            history = _read_history(self.own) or [find_current(self.shipped).name]
            if history[-1] != name:
                _write_history(self.own, [*history, name])
        return path

    def roll_back(self) -> str:
        """Make the version before current again; its name."""
        with self._locked():
            history = _read_history(self.own)
            while history and self._find(history[-1]) is None:
                history.pop()
            history = history[:-1]
            while history and self._find(history[-1]) is None:
                history.pop()
            if not history:
                raise ModelError("no earlier version to go back to")
            _write_history(self.own, history)
        return history[-1]

    def _find(self, name: str) -> Path | None:
        for folder in (self.own, self.shipped):
            path = folder / name
            if path.parent == folder and (path / NETWORK_FILE).is_file():
                return path
        return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two who promote at the same moment do it one after the other."""
        self.own.mkdir(parents=True, exist_ok=True)
        with (self.own / f"{POINTER_FILE}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _read_history(folder: Path) -> list[str]:
    path = folder / POINTER_FILE
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def _write_history(folder: Path, history: list[str]) -> None:
    written = folder / f"{POINTER_FILE}.new"
    with written.open("w", encoding="utf-8") as file:
        file.write("\n".join(history) + "\n")
        file.flush()
        os.fsync(file.fileno())
    written.replace(folder / POINTER_FILE)
