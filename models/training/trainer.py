"""A training loop that knows nothing of the model: stages, steps, checkpoints, metrics.

A step's batch, and whatever a layer draws at random, depends on the seed and the step's number
alone, so a run that was stopped goes on as if it had not been.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from grainseal.models.training.memory import keep_freed_memory

BatchT = TypeVar("BatchT")

_WARM_UP = 100  # steps
_FINAL_RATE = 0.02  # of the first
_LARGEST_GRADIENT = 1.0
_STEP_BITS = 32


class TrainingError(RuntimeError):
    """A run that cannot go on; the message says what to do."""


@dataclass(frozen=True)
class Phase(Generic[BatchT]):
    """`steps` steps of Adam on one loss; the rate falls along a cosine."""

    name: str
    steps: int
    learning_rate: float
    loss: Callable[[nn.Module, BatchT], Tensor]


@dataclass(frozen=True)
class Schedule(Generic[BatchT]):
    """Phases in order, where their batches come from, and how often to look up."""

    phases: tuple[Phase[BatchT], ...]
    batches: Callable[[int, int], Iterator[BatchT]]  # first step, count
    validate: Callable[[nn.Module], dict[str, float]]
    seed: int = 0  # of what layers draw
    every: int = 500  # steps between validations, which also write the checkpoint

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)


class Trainer(Generic[BatchT]):
    """Runs a schedule on a module; `folder` gets checkpoint.pt and metrics.jsonl."""

    def __init__(self, module: nn.Module, schedule: Schedule[BatchT], folder: Path) -> None:
        self._module = module
        self._schedule = schedule
        self._folder = folder
        self._step = 0
        self.seconds = 0.0  # of training, interrupted runs counted in
        self._optimizer = torch.optim.Adam(module.parameters())

    def resume(self) -> int:
        """Take up the folder's checkpoint if there is one; the step it was written at."""
        path = self._folder / "checkpoint.pt"
        if path.exists():
            try:
                state = torch.load(path, weights_only=True)
                self._module.load_state_dict(state["module"])
                self._optimizer.load_state_dict(state["optimizer"])
                self._step, self.seconds = int(state["step"]), float(state["seconds"])
            except Exception as error:  # torch raises anything on files it does not like
                raise TrainingError(
                    f"{path} is no checkpoint of this configuration: use another folder"
                ) from error
        return self._step

    def run(self, progress: Callable[[int, float], None] | None = None) -> dict[str, float]:
        """Train to the end; the last validation's metrics. `progress` gets step and loss."""
        keep_freed_memory()
        metrics: dict[str, float] = {}
        end = 0
        for phase in self._schedule.phases:
            start, end = end, end + phase.steps
            while self._step < end:
                count = min(self._schedule.every, end - self._step)
                metrics = self._stretch(phase, self._step - start, count, progress)
        if not metrics:  # an earlier run came to the end
            self._module.eval()
            metrics = self._schedule.validate(self._module)
        return metrics

    def _stretch(
        self,
        phase: Phase[BatchT],
        done: int,
        count: int,
        progress: Callable[[int, float], None] | None,
    ) -> dict[str, float]:
        """Some steps, then validation, metrics and checkpoint."""
        begun = time.monotonic()
        self._module.train()
        total = 0.0
        for batch in self._schedule.batches(self._step, count):
            loss = self._one_step(phase, done, batch)
            done += 1
            self._step += 1
            total += loss
            if progress is not None:
                progress(self._step, loss)
        self._module.eval()
        metrics = self._schedule.validate(self._module)
        self.seconds += time.monotonic() - begun
        self._record(phase.name, total / count, metrics)
        return metrics

    def _one_step(self, phase: Phase[BatchT], done: int, batch: BatchT) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = phase.learning_rate * _rate(done, phase.steps)
        torch.manual_seed((self._schedule.seed << _STEP_BITS) + self._step)
        loss = phase.loss(self._module, batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(f"the loss is {value} at step {self._step}: lower learning_rate")
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._module.parameters(), _LARGEST_GRADIENT)
        self._optimizer.step()
        return value

    def _record(self, phase: str, loss: float, metrics: dict[str, float]) -> None:
        line = {
            "step": self._step,
            "phase": phase,
            "loss": loss,
            **metrics,
            "seconds": round(self.seconds, 1),
        }
        with (self._folder / "metrics.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        state: dict[str, Any] = {
            "module": self._module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "seconds": self.seconds,
        }
        written = self._folder / "checkpoint.tmp"
        torch.save(state, written)
        written.replace(self._folder / "checkpoint.pt")  # whole or not at all


def _rate(done: int, steps: int) -> float:
    """Linear warm-up, then a cosine down to _FINAL_RATE."""
    warm = min(_WARM_UP, max(1, steps // 10))
    if done < warm:
        return (done + 1) / warm
    share = (done - warm) / max(1, steps - warm)
    return _FINAL_RATE + (1 - _FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * share))
