"""A running service for the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.worlds import World, running_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("data")) as made:
        yield made
