"""Train the ruling network on simulated scans and write it where ``extraction`` serves it.

python -m models.train_rulings [--forms 800] [--steps 3600] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from extraction.engines import has_fast_bfloat16
from models.ruling_dataset import RulingPage, read_ruling_pages, write_ruling_pages
from models.ruling_network import RulingNetwork

CROP = 320
BATCH = 8
AS_SCANNED = 0.3
"""Share of crops that keep the pixels of their page, and of those without noise of their own:
turned and zoomed, a hairline of a print without noise is never as thin and crisp as it was."""
OUT = Path(__file__).parents[1] / "extraction" / "weights"
BUILD = Path("build/rulings")


def random_crop(page: RulingPage, rng: np.random.Generator) -> tuple[NDArray[np.uint8], ...]:
    """A crop turned by up to 3°, zoomed, perhaps mirrored or transposed, in other light; or one
    that keeps the pixels of its page."""
    height, width = page.grey.shape
    if rng.random() < AS_SCANNED:
        zoom, angle = 1.0, 0.0
        center = (float(rng.integers(width)), float(rng.integers(height)))
    else:
        zoom = float(np.exp(rng.uniform(math.log(0.75), math.log(1.5))))
        angle = float(rng.normal(0, 1.2))
        center = (rng.uniform(0, width), rng.uniform(0, height))
    matrix = np.asarray(cv2.getRotationMatrix2D(center, angle, zoom), np.float64)
    matrix[:, 2] += CROP / 2 - np.array(center)
    grey = cv2.warpAffine(
        page.grey, matrix, (CROP, CROP), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    halved = np.array([[1, 0, -0.5], [0, 1, -0.5]]) * 0.5
    # Output pixels are 2 × 2 input pixels: map through the crop at half resolution.
    to_half = matrix.copy()
    to_half[:, 2] = matrix[:, 2] / 2 + halved[:, 2] + matrix[:, :2] @ np.array([0.25, 0.25])
    rulings = np.stack(
        [
            cv2.warpAffine(mask, to_half, (CROP // 2, CROP // 2), flags=cv2.INTER_LINEAR)
            for mask in page.rulings
        ]
    )
    if rng.random() < 0.5:
        grey, rulings = grey[:, ::-1], rulings[:, :, ::-1]
    if rng.random() < 0.5:
        grey, rulings = grey[::-1], rulings[:, ::-1]
    if rng.random() < 0.5:
        grey, rulings = grey.T, rulings[::-1].transpose(0, 2, 1)
    if rng.random() < 0.04:
        grey = 255 - grey
    light = rng.uniform(0.75, 1.1) * grey + rng.uniform(-25, 25)
    if rng.random() >= AS_SCANNED:
        light += rng.normal(0, rng.uniform(0, 6), grey.shape)
    return np.clip(light, 0, 255).astype(np.uint8), np.ascontiguousarray(rulings)


def batch_of(pages: Sequence[RulingPage], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    crops = [random_crop(pages[int(rng.integers(len(pages)))], rng) for _ in range(BATCH)]
    grey = torch.from_numpy(np.stack([crop[0] for crop in crops])).float().div(255).unsqueeze(1)
    rulings = torch.from_numpy(np.stack([crop[1] for crop in crops])).float().div(255)
    return grey.to(memory_format=torch.channels_last), rulings


def ruling_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy for every pixel and Dice for the thin lines among many blanks."""
    weight = torch.tensor(3.0)
    cross = nn.functional.binary_cross_entropy_with_logits(logits, target, pos_weight=weight)
    p = logits.sigmoid()
    overlap = (p * target).sum((0, 2, 3))
    dice = 1 - (2 * overlap + 1) / ((p * p).sum((0, 2, 3)) + (target * target).sum((0, 2, 3)) + 1)
    return cross + 0.5 * dice.mean()


@torch.no_grad()
def ruling_f1(network: nn.Module, pages: Sequence[RulingPage]) -> dict[str, float]:
    """Pixel F1 at 0.5, one pixel of tolerance, over whole pages that training never saw."""
    network.eval()
    counts = [0, 0, 0, 0]
    for page in pages:
        grey = torch.from_numpy(page.grey.astype(np.float32) / 255)[None, None]
        seen = network(grey)[0].sigmoid().numpy() > 0.5
        truth = page.rulings > 100
        hits, found = (seen & _widened(truth)).sum(), (truth & _widened(seen)).sum()
        here = (hits, seen.sum(), found, truth.sum())
        counts = [total + int(count) for total, count in zip(counts, here, strict=True)]
    network.train()
    precision, recall = counts[0] / max(counts[1], 1), counts[2] / max(counts[3], 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _widened(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kernel = np.ones((3, 3), np.uint8)
    return np.stack([cv2.dilate(mask.astype(np.uint8), kernel) > 0 for mask in masks])


def train(pages: Sequence[RulingPage], steps: int, seed: int) -> RulingNetwork:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = RulingNetwork()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    bfloat16 = has_fast_bfloat16()
    started, smooth = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        grey, rulings = batch_of(pages, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits = network(grey)
        loss = ruling_loss(logits.float(), rulings)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        smooth = float(loss) if step == 1 else 0.98 * smooth + 0.02 * float(loss)
        if step % 100 == 0:
            minutes = (time.monotonic() - started) / 60
            print(f"step {step} of {steps}: loss {smooth:.4f}, {minutes:.1f} min", flush=True)
    return network


def export(network: RulingNetwork, path: Path) -> None:
    network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    network.eval()
    axes = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, 352, 256),),
        str(path),
        input_names=["grey"],
        output_names=["rulings"],
        dynamic_axes={"grey": axes, "rulings": axes},
        opset_version=17,
        dynamo=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=800)
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(2)
    first = 100_000 * options.seed
    write_ruling_pages(
        range(first, first + options.forms), "train", BUILD / "train", options.processes
    )
    write_ruling_pages(range(first, first + 40), "test", BUILD / "test", options.processes)
    network = train(read_ruling_pages(BUILD / "train"), options.steps, options.seed)
    figures = ruling_f1(network, read_ruling_pages(BUILD / "test"))
    export(network, options.out / "rulings.onnx")
    settings = {"seed": options.seed, "forms": options.forms, "steps": options.steps}
    card = json.dumps({"settings": settings, "figures": figures}, indent=2)
    (options.out / "rulings.json").write_text(card + "\n", encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()
