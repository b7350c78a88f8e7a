"""What every test may count on: one thread per library, no network models, the samples."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# Read when numpy and the engines are first loaded, so before any test module is.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")

# Other processes share the machine, so a slow example says nothing about the code.
settings.register_profile("formloop", deadline=None, max_examples=50)
settings.load_profile("formloop")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder with ``pdf/``, ``scans/`` and ``truth/``."""
    return ROOT / "samples"
