"""The bench of a retraining goes the road of the product, in small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.retraining import measure_retraining
from models.finetune import TuningSettings
from models.training_set import Replay


@pytest.mark.slow
def test_it_says_how_many_steps_were_taken_and_how_long_it_took() -> None:
    settings = replace(TuningSettings(), steps=2, tokens=512, checks=1, minutes=0, threads=1)
    section = measure_retraining(4, settings, Replay(forms=8, test_forms=3))
    assert "| 2 of 2 |" in section.body.replace("  ", " ")
    minutes = section.data["minutes"]
    assert isinstance(minutes, float) and 0 < minutes < 10
