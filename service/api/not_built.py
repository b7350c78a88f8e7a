"""Addresses that are settled but whose work does not exist yet: each answers 501."""

from __future__ import annotations

from typing import NoReturn

from fastapi import APIRouter

from service.api.auth import MaySee, MayTrain
from service.api.problems import Problem

router = APIRouter(prefix="/api", tags=["not yet"])
hooks = APIRouter(tags=["not yet"])


@router.post("/training-runs", response_model=None)
def post_training_run(person: MayTrain) -> NoReturn:
    """Start a training run."""
    raise Problem("not_built", "training runs are started with make train")


@router.get("/training-runs/{run_id}", response_model=None)
def get_training_run(run_id: str, person: MaySee) -> NoReturn:
    """One training run."""
    raise Problem("not_built", "training runs are started with make train")


@router.get("/promise", response_model=None)
def get_promise(person: MaySee) -> NoReturn:
    """The promised error rate, and whether it is kept."""
    raise Problem("not_built", "no error rate is promised yet")


@router.put("/promise", response_model=None)
def put_promise(person: MayTrain) -> NoReturn:
    """Promise another error rate."""
    raise Problem("not_built", "no error rate is promised yet")


@hooks.post("/hooks/label-studio", response_model=None)
def post_label_studio(person: MayTrain) -> NoReturn:
    """What Label Studio tells of annotations."""
    raise Problem("not_built", "no Label Studio is connected yet")
