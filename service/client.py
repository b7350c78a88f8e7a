"""A running formloop, as the commands reach it over HTTP."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from archive.settings import DEFAULT_DATA
from extraction.errors import FormloopError
from extraction.json_values import JsonObject

URL_VARIABLE: Final = "FORMLOOP_URL"
TOKEN_VARIABLE: Final = "FORMLOOP_TOKEN"
DATA_VARIABLE: Final = "FORMLOOP_DATA"
ADMIN_FILE: Final = "admin.json"
_TIMEOUT: Final = httpx.Timeout(30.0, read=900.0, write=300.0)


class ServiceUnreachable(FormloopError):
    """No service answers, or it is not known where one is."""

    category = "unreachable"


class ServiceRefused(FormloopError):
    """The service answered with a problem."""

    category = "refused"


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    url: str
    token: str = field(repr=False)


def find_address(data: Path | None, environment: Mapping[str, str] | None = None) -> ServiceAddress:
    """From ``data``/admin.json, else from the environment, else from the usual folder.

    ServiceUnreachable where none of them says it.
    """
    env = os.environ if environment is None else environment
    if data is None and env.get(URL_VARIABLE) and env.get(TOKEN_VARIABLE):
        return ServiceAddress(env[URL_VARIABLE].rstrip("/"), env[TOKEN_VARIABLE])
    file = find_data_folder(data, env) / ADMIN_FILE
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        address = ServiceAddress(str(told["url"]).rstrip("/"), str(told["token"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceUnreachable(
            f"{file} does not say where formloop runs: start it with formloop up, give --data,"
            f" or set {URL_VARIABLE} and {TOKEN_VARIABLE} (a token is made on the account page)"
        ) from error
    return ServiceAddress(env.get(URL_VARIABLE, address.url).rstrip("/"), address.token)


def find_data_folder(data: Path | None, environment: Mapping[str, str] | None = None) -> Path:
    """Where ``formloop up`` keeps everything; perhaps it is not there yet."""
    env = os.environ if environment is None else environment
    return data or Path(env.get(DATA_VARIABLE) or DEFAULT_DATA)


class ServiceClient:
    """Requests to one service. ServiceRefused for a problem, ServiceUnreachable for silence."""

    def __init__(self, address: ServiceAddress, client: httpx.Client) -> None:
        self._address, self._client = address, client

    def get(self, path: str, **query: str | int) -> JsonObject:
        with _translated(self._address):
            return _to_object(self._client.get(path, params=query))

    def post(self, path: str, body: JsonObject | None = None) -> JsonObject:
        with _translated(self._address):
            return _to_object(self._client.post(path, json=body or {}))

    def post_files(
        self,
        path: str,
        fields: Mapping[str, str],
        files: Mapping[str, Path],
        tell_bytes: Callable[[int], None],
    ) -> JsonObject:
        """Upload files by the name each is to have, read from disk while they are sent."""
        opened = {name: _CountedFile(file, tell_bytes) for name, file in files.items()}
        try:
            parts = [("files", (name, stream)) for name, stream in opened.items()]
            with _translated(self._address):
                return _to_object(self._client.post(path, data=dict(fields), files=parts))
        finally:
            for stream in opened.values():
                stream.close()

    @contextmanager
    def stream(self, path: str, **query: str) -> Iterator[Iterator[bytes]]:
        """The bytes of an answer as they come."""
        with (
            _translated(self._address),
            self._client.stream("GET", path, params=query) as response,
        ):
            if response.status_code >= 400:
                response.read()
                raise _to_refusal(response)
            yield response.iter_bytes()

    def find_archive_id(self, name_or_id: str) -> str:
        """The id of the archive that is called this; ServiceRefused where there is none."""
        found = self.find_archive(name_or_id)
        if found is None:
            raise ServiceRefused(f"there is no archive {name_or_id!r}")
        return found

    def find_archive(self, name_or_id: str) -> str | None:
        named = self.get("/api/archives", name=name_or_id)["archives"]
        if isinstance(named, list) and named and isinstance(named[0], dict):
            return str(named[0]["id"])
        try:
            # An id is one plain part of a path.
            return str(self.get(f"/api/archives/{_to_part(name_or_id)}")["id"])
        except ServiceRefused:
            return None


class _CountedFile(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, tell_bytes: Callable[[int], None]) -> None:
        super().__init__(path)
        self._tell_bytes = tell_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(-1 if size is None else size) or b""
        self._tell_bytes(len(piece))
        return piece


@contextmanager
def open_client(address: ServiceAddress) -> Iterator[ServiceClient]:
    headers = {"Authorization": f"Bearer {address.token}"}
    with httpx.Client(base_url=address.url, headers=headers, timeout=_TIMEOUT) as client:
        yield ServiceClient(address, client)


@contextmanager
def _translated(address: ServiceAddress) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise ServiceUnreachable(f"no answer from {address.url}: {reason}") from error
    except httpx.InvalidURL as error:
        raise ServiceUnreachable(f"{address.url} is no address") from error


def _to_object(response: httpx.Response) -> JsonObject:
    if response.status_code >= 400:
        raise _to_refusal(response)
    try:
        told = response.json()
    except ValueError as error:
        raise ServiceUnreachable("what answers there is not formloop") from error
    if not isinstance(told, dict):
        raise ServiceUnreachable("what answers there is not formloop")
    return told


def _to_refusal(response: httpx.Response) -> ServiceRefused:
    try:
        told = response.json()
        said = ": ".join(str(told[key]) for key in ("title", "detail") if told.get(key))
    except (ValueError, AttributeError):
        said = ""
    return ServiceRefused(said or f"the service answered {response.status_code}")


def _to_part(text: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in text)
