"""Fine-tuning by the Trainer of ``transformers``: batches that the seed and a step's number
alone decide, an average of the weights, checkpoints to go on from, an early stop, progress
told as it comes."""

from __future__ import annotations

import copy
import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Sampler, SequentialSampler
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from extraction.engines import has_fast_bfloat16
from models.base_network import Base
from models.label_loss import LabelLoss
from models.mixture import Batch, MixedSteps, Part, PlanSettings, fixed_batches, share_out
from models.network import TokenClassifier
from models.samples import Variation
from models.train import class_weights

HEAD = "classify."
CHECKPOINTS = "checkpoint-*"
STATE_FILE = "trainer_state.json"
AVERAGE_FILE = "average.pt"
_WHOLE = (
    *(STATE_FILE, "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"),
    AVERAGE_FILE,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """``tokens`` are those of one batch; the outputs, which may be new, learn ``head_rate``
    times as fast as the rest; ``averaging`` is how much of the averaged weights, which are
    what comes out, a step keeps; ``checks`` is how often in all the held-back samples are
    looked at, ``patience`` how many looks without a gain end it, ``minutes`` end it anyhow: where
    they will not do for all steps, the rates have run out by then all the same."""

    seed: int = 20211
    steps: int = 240
    tokens: int = 4096
    learning_rate: float = 3e-4
    head_rate: float = 8.0
    averaging: float = 0.97
    warm_up: float = 0.06
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    checks: int = 10
    patience: int = 4
    minutes: float = 12.0
    threads: int = 2
    variation: Variation = field(default_factory=Variation)


@dataclass(frozen=True, slots=True)
class TuningProgress:
    """``loss`` is the mean of the last steps, ``held_back_loss`` that of samples kept aside."""

    step: int
    steps: int
    loss: float | None
    held_back_loss: float | None


Tell = Callable[[TuningProgress], None]


@dataclass(frozen=True, slots=True)
class Tuned:
    network: TokenClassifier
    steps: int
    held_back_loss: float
    resumed_at: int


def tune(
    base: Base,
    learnt: Sequence[Part],
    held_back: Sequence[Part],
    settings: TuningSettings,
    folder: Path,
    tell: Tell = lambda progress: None,
) -> Tuned:
    """The network that has learnt some of each part in every step; goes on from a checkpoint
    in ``folder``. The parts held back, alike named, say which checkpoint was the best."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    checkpoint = find_checkpoint(folder)
    parts = share_out(learnt)
    plan = PlanSettings(settings.seed, settings.steps, settings.tokens, settings.variation)
    steps = MixedSteps(parts, base.vocabulary, plan)
    clock = _Clock(60 * settings.minutes)
    average = _Average(copy.deepcopy(base.network).eval(), settings.averaging)
    trainer = _LabelTrainer(
        model=base.network.train(),
        args=_arguments(folder, settings),
        train_dataset=steps,
        # Asked for, but never looked at: the trainer holds its own samples back.
        eval_dataset=steps,
        data_collator=_only_item,
        callbacks=[
            average,
            EarlyStoppingCallback(settings.patience),
            _Teller(tell, clock),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.prepare(parts, share_out(held_back), average, base.labels, settings, clock)
    if checkpoint is not None:
        _log.info("going on from %s", checkpoint.name)
        average.load(checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    best = Path(trainer.state.best_model_checkpoint or folder)
    if (best / AVERAGE_FILE).is_file():
        average.load(best)
    resumed = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
    loss = float(trainer.state.best_metric or 0.0)
    network = average.network.to("cpu").eval()
    return Tuned(network, int(trainer.state.global_step), loss, resumed)


def find_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; those that a kill left half written are removed."""
    found = sorted(folder.glob(CHECKPOINTS), key=lambda path: int(path.name.rpartition("-")[2]))
    for path in reversed(found):
        if _is_whole(path):
            return path
        shutil.rmtree(path, ignore_errors=True)
    return None


def _is_whole(path: Path) -> bool:
    if not all((path / name).is_file() for name in _WHOLE):
        return False
    try:
        json.loads((path / STATE_FILE).read_text(encoding="utf-8"))
        torch.load(path / "optimizer.pt", weights_only=True)
    except (ValueError, OSError, RuntimeError, EOFError):
        return False
    return True


def _only_item(items: Sequence[Batch]) -> Batch:
    """A step's item is a whole batch already."""
    return items[0]


class _Average(TrainerCallback):
    """The weights averaged over the steps, kept with every checkpoint."""

    def __init__(self, network: TokenClassifier, keep: float) -> None:
        self.network, self._keep = network, keep

    def load(self, checkpoint: Path) -> None:
        stored = torch.load(checkpoint / AVERAGE_FILE, weights_only=True)
        self.network.load_state_dict(stored)

    @torch.no_grad()
    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        **_: object,
    ) -> None:
        if model is None:
            return
        # The first steps count for little in the end.
        keep = min(self._keep, state.global_step / (9 + state.global_step))
        self.network.to(next(model.parameters()).device)
        pairs = zip(self.network.parameters(), model.parameters(), strict=True)
        for averaged, current in pairs:
            averaged.lerp_(current, 1 - keep)

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        path = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / AVERAGE_FILE
        # Written last and at once: a checkpoint that has it is whole.
        part = path.with_suffix(".part")
        torch.save(self.network.state_dict(), part)
        part.replace(path)


class _LabelTrainer(Trainer):
    """The loss of labels that may be missing, and held-back samples of its own."""

    def prepare(
        self,
        parts: Sequence[Part],
        held_back: Sequence[Part],
        average: _Average,
        labels: Sequence[str],
        settings: TuningSettings,
        clock: _Clock,
    ) -> None:
        weights = class_weights([s for part in parts for s in part.samples], len(labels))
        self._loss = LabelLoss.of(labels, weights, settings.label_smoothing)
        self._shares = {part.name: part.share for part in parts}
        self._head_rate = settings.head_rate
        self._average, self._clock = average, clock
        self._held_back = fixed_batches(held_back, settings.tokens)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Norms and biases are not decayed; the outputs learn faster."""
        network = cast(TokenClassifier, self.model)
        rate, decay = self.args.learning_rate, self.args.weight_decay
        groups = []
        for is_head, factor in ((False, 1.0), (True, self._head_rate)):
            some = [
                parameter
                for name, parameter in network.named_parameters()
                if name.startswith(HEAD) is is_head
            ]
            for is_wide in (True, False):
                chosen = [one for one in some if (one.dim() > 1) is is_wide]
                kept = decay if is_wide else 0.0
                groups.append({"params": chosen, "lr": rate * factor, "weight_decay": kept})
        self.optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
        return self.optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        warm_up = int(self.args.get_warmup_steps(num_training_steps))

        def rate(step: int) -> float:
            return rate_at(step, num_training_steps, warm_up, self._clock.share())

        self.lr_scheduler = LambdaLR(optimizer or cast(torch.optim.Optimizer, self.optimizer), rate)
        return self.lr_scheduler

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return SequentialSampler(range(self.args.max_steps))

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        losses = []
        for name, own in cast(Batch, inputs).items():
            labels = own.pop("labels")
            losses.append(self._shares[name] * self._loss.of_logits(model(**own), labels))
        return torch.stack(losses).sum()

    @torch.no_grad()
    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        total = 0.0
        for _, share, batch in self._held_back:
            own = self._prepare_inputs(dict(batch))
            labels = own.pop("labels")
            with self.autocast_smart_context_manager():
                logits = self._average.network(**own)
            total += share * float(self._loss.of_logits(logits, labels, is_smooth=False))
        metrics = {"eval_loss": total}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics


class _Teller(TrainerCallback):
    """Tells how far it is, and ends it when its time is over."""

    def __init__(self, tell: Tell, clock: _Clock) -> None:
        self._tell, self._clock = tell, clock
        self._loss: float | None = None
        self._held_back: float | None = None

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: object,
    ) -> None:
        told = logs or {}
        self._loss = told.get("loss", self._loss)
        self._held_back = told.get("eval_loss", self._held_back)
        self._tell(TuningProgress(state.global_step, state.max_steps, self._loss, self._held_back))

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        if self._clock.share() >= 1:
            control.should_evaluate = control.should_save = control.should_training_stop = True


class _Clock:
    """How much of its seconds a process has had; 0 seconds have no end."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started = time.monotonic()

    def share(self) -> float:
        return (time.monotonic() - self._started) / self._seconds if self._seconds else 0.0


def rate_at(step: int, steps: int, warm_up: int, time_share: float) -> float:
    """The share of the learning rate: it rises over the ``warm_up`` and falls along half a cosine
    to nothing when the steps or the time are over, whichever is first. A version that is stopped
    while the rate is high has lost some of what the base knew."""
    done = min(1.0, max(step / steps, time_share))
    return min(1.0, (step + 1) / (warm_up + 1)) * 0.5 * (1 + math.cos(math.pi * done))


def _arguments(folder: Path, settings: TuningSettings) -> TrainingArguments:
    every = max(1, settings.steps // settings.checks)
    is_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=settings.steps,
        per_device_train_batch_size=1,
        learning_rate=settings.learning_rate,
        warmup_steps=round(settings.warm_up * settings.steps),
        weight_decay=settings.weight_decay,
        max_grad_norm=1.0,
        seed=settings.seed,
        bf16=torch.cuda.is_bf16_supported() if is_gpu else has_fast_bfloat16(),
        use_cpu=not is_gpu,
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=max(1, min(10, settings.steps // 20)),
        disable_tqdm=True,
        report_to=[],
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
    )
