from __future__ import annotations

from dataclasses import replace

import torch

from models.mixture import MixedSteps, Part, PlanSettings, fixed_batches, share_out
from models.samples import Sample, Variation, forms_to_samples
from models.windows import WindowSettings
from tests.models.examples import LABELS, VOCABULARY, make_form

SETTINGS = PlanSettings(seed=3, steps=20, tokens=600, variation=Variation(lost_words=0.0))


def samples(texts: int, count: int) -> list[Sample]:
    forms = [make_form([("名称", "key")] * texts, seed) for seed in range(count)]
    return forms_to_samples(forms, LABELS, VOCABULARY, WindowSettings())


def parts() -> tuple[Part, ...]:
    long, short = samples(40, 30), samples(3, 2)
    return share_out(
        [Part("known", long, 0.6), Part("corrected", short, 0.2), Part("foreign", [], 0.2)]
    )


def test_a_part_without_samples_leaves_its_share_to_the_others() -> None:
    shares = {part.name: round(part.share, 9) for part in parts()}
    assert shares == {"known": 0.75, "corrected": 0.25}


def test_every_step_shows_every_part_however_short_its_samples_are() -> None:
    steps = MixedSteps(parts(), VOCABULARY, SETTINGS)
    assert len(steps) == 20
    for number in range(len(steps)):
        batch = steps[number]
        assert set(batch) == {"known", "corrected"}
        assert batch["known"]["labels"].shape[1] > batch["corrected"]["labels"].shape[1]


def test_the_seed_and_the_number_alone_decide_a_step() -> None:
    first = MixedSteps(parts(), VOCABULARY, SETTINGS)[7]
    again = MixedSteps(parts(), VOCABULARY, SETTINGS)[7]
    other = MixedSteps(parts(), VOCABULARY, replace(SETTINGS, seed=4))[7]
    assert torch.equal(first["known"]["boxes"], again["known"]["boxes"])
    assert not torch.equal(first["known"]["boxes"], other["known"]["boxes"])


def test_what_is_held_back_is_looked_at_whole_and_as_it_is() -> None:
    batches = fixed_batches(parts(), tokens=600)
    assert sum(len(batch["labels"]) for name, _, batch in batches if name == "known") == 30
    assert abs(sum(share for _, share, _ in batches) - 1) < 1e-9
