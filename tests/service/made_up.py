"""Requests that are made up from the API's own description, those that fit it and others."""

from __future__ import annotations

from unittest import SkipTest

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.specs.openapi.checks import response_schema_conformance

from service.api.openapi import app_to_openapi
from tests.service.worlds import World


def ask_made_up(world: World, mode: GenerationMode, examples: int = 8) -> int:
    """Ask each operation; how many there are. Fails on a fault or an undescribed answer."""
    described = schemathesis.openapi.from_dict(app_to_openapi(world.app))
    asked = 0
    for result in described.get_all_operations():
        operation = result.ok()
        # An endless stream has a test of its own.
        if operation.path.endswith("/events"):
            continue
        asked += 1
        try:
            _try_cases(world, operation.as_strategy(generation_mode=mode), examples)
        except (Unsatisfiable, SkipTest):
            # Nothing can be wrong about a request without parameters.
            continue
    return asked


def _try_cases(world: World, cases: SearchStrategy[Case], examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def ask_and_check(case: Case) -> None:
        case.call_and_validate(
            app=world.app,
            headers=world.bearer(),
            checks=[_no_fault, response_schema_conformance],
        )

    ask_and_check()


def _no_fault(context: CheckContext, response: Response, case: Case) -> None:
    said = f"{case.method} {case.formatted_path}: {response.status_code} {response.content[:200]!r}"
    assert response.status_code < 500 or response.status_code == 501, said
