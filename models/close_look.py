"""The network that looks closely at doubtful sides: how it is fitted and exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from extraction.grid.side_maps import PATCH_CHANNELS
from extraction.grid.side_measures import MEASURES
from extraction.grid.side_patches import ACROSS, ALONG, with_notes
from models.side_dataset import bytes_to_patches

CHANNELS = len(PATCH_CHANNELS) + 1
NOTES = len(MEASURES) + 1
WIDTHS = (16, 24, 32)
HIDDEN = 32
DROPOUT = 0.4
BATCH = 256

Floats32 = NDArray[np.float32]


class CloseLookNetwork(nn.Module):
    """n × ``CHANNELS`` × ``ACROSS`` × ``ALONG`` → n × 1 log odds that a ruling was printed.

    The last channel is no picture: its first ``NOTES`` pixels are what ``side_notes`` says.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        wide = CHANNELS - 1
        for narrow, pool in zip(WIDTHS, ((1, 2), (2, 2), (2, 2)), strict=True):
            layers += [nn.Conv2d(wide, narrow, 3, padding=1), nn.ReLU(), nn.MaxPool2d(pool)]
            wide = narrow
        self.seen = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(DROPOUT))
        flat = WIDTHS[-1] * (ACROSS // 4) * (ALONG // 8)
        self.said = nn.Sequential(
            nn.Linear(flat + NOTES, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(HIDDEN, 1)
        )

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        notes = patches[:, -1].flatten(1)[:, :NOTES]
        judged: torch.Tensor = self.said(torch.cat([self.seen(patches[:, :-1]), notes], dim=1))
        return judged


def fit_close_look(
    patches: NDArray[np.uint8],
    notes: Floats32,
    printed: Floats32,
    epochs: int,
    seed: int,
) -> CloseLookNetwork:
    """From n strips as ``patches_to_bytes`` keeps them, n × ``NOTES`` by a first look that was not
    fitted to them, and whether a ruling was printed."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = CloseLookNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=2e-2)
    batches = -(-len(printed) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=epochs * batches)
    for epoch in range(1, epochs + 1):
        losses: list[float] = []
        for chosen in np.array_split(rng.permutation(len(printed)), batches):
            strips = _mirrored(bytes_to_patches(patches[chosen]), rng)
            shown = torch.from_numpy(with_notes(strips, notes[chosen]))
            loss = functional.binary_cross_entropy_with_logits(
                network(shown)[:, 0], torch.from_numpy(printed[chosen])
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        print(f"close look, epoch {epoch} of {epochs}: loss {np.mean(losses):.4f}", flush=True)
    network.eval()
    return network


def look_closely(
    network: CloseLookNetwork, patches: NDArray[np.uint8], notes: Floats32
) -> NDArray[np.float64]:
    """n log odds, as the network is shown n strips where it serves."""
    parts: list[Floats32] = [np.zeros(0, np.float32)]
    with torch.no_grad():
        for first in range(0, len(notes), 4096):
            rows = slice(first, first + 4096)
            shown = with_notes(bytes_to_patches(patches[rows]), notes[rows])
            parts.append(network(torch.from_numpy(shown))[:, 0].numpy())
    return np.concatenate(parts).astype(np.float64)


def export_close_look(network: CloseLookNetwork, path: Path) -> None:
    torch.onnx.export(
        network,
        (torch.zeros(2, CHANNELS, ACROSS, ALONG),),
        str(path),
        input_names=["patches"],
        output_names=["odds"],
        dynamic_axes={"patches": {0: "sides"}, "odds": {0: "sides"}},
        opset_version=17,
        dynamo=False,
    )


def _mirrored(strips: Floats32, rng: np.random.Generator) -> Floats32:
    """Each strip turned end to end, or side to side, or both, or not at all."""
    turned: Sequence[Floats32] = (
        strips,
        strips[..., ::-1],
        strips[..., ::-1, :],
        strips[..., ::-1, ::-1],
    )
    chosen = rng.integers(0, 4, len(strips))
    mirrored = np.empty_like(strips)
    for number, version in enumerate(turned):
        mirrored[chosen == number] = version[chosen == number]
    return mirrored
