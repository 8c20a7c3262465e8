# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The complete state that a run needs to continue as if it had never stopped."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import torch
from ultralytics.utils.torch_utils import EarlyStopping, ModelEMA, unwrap_model

from roof_detector.inference.safe_load import load_checkpoint
from training.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

KEY = 'resume'
_STOPPER = {'best_fitness', 'best_epoch', 'possible_stop'}


@dataclass(frozen=True, kw_only=True)
class RunState:
    """A run between two epochs, in full precision.

    It contains no state of a random generator: every epoch and every image begins from a seed of
    its own (nadir_dataset.py). Nor does it contain gradients: an epoch ends with a step of the
    optimizer.
    """

    epochs_done: int
    model: dict[str, Any]
    average: dict[str, Any]
    average_updates: int
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    best_fitness: float | None
    stopper: dict[str, Any]
    results_csv: str
    seconds: float

    @classmethod
    def of(cls, trainer: Any, *, epochs_done: int, seconds: float) -> RunState:
        """Return the state of a trainer between two epochs."""
        stopper = trainer.stopper
        return cls(
            epochs_done=epochs_done,
            model=unwrap_model(trainer.model).state_dict(),
            average=trainer.ema.ema.state_dict(),
            average_updates=trainer.ema.updates,
            optimizer=trainer.optimizer.state_dict(),
            scaler=trainer.scaler.state_dict(),
            best_fitness=None if trainer.best_fitness is None else float(trainer.best_fitness),
            stopper={
                'best_fitness': float(stopper.best_fitness),
                'best_epoch': stopper.best_epoch,
                'possible_stop': bool(stopper.possible_stop),
            },
            results_csv=trainer.csv.read_text() if trainer.csv.exists() else '',
            seconds=seconds,
        )

    def restore(self, trainer: Any) -> None:
        """Restore this state in a trainer that is set up."""
        unwrap_model(trainer.model).load_state_dict(self.model)
        trainer.ema = ModelEMA(trainer.model, updates=self.average_updates)
        trainer.ema.ema.load_state_dict(self.average)
        trainer.optimizer.load_state_dict(self.optimizer)
        trainer.scaler.load_state_dict(self.scaler)
        trainer.best_fitness = self.best_fitness
        stopper: EarlyStopping = trainer.stopper
        vars(stopper).update(self.stopper)
        trainer.start_epoch = self.epochs_done


def read_run(path: Path) -> tuple[RunState, dict[str, Any]]:
    """Read the state of a run and its checkpoint; raise TrainingError if there is none."""
    if not path.is_file():
        msg = f'{path} does not exist, so there is no run to resume. Leave out --resume to begin.'
        raise TrainingError(msg)
    checkpoint = load_checkpoint(path, with_state=True)
    state = checkpoint.get(KEY)
    if not isinstance(state, dict):
        msg = (
            f'{path} is the last checkpoint of a run that is finished: nothing is left to resume. '
            'To go on from its weights, begin a new run with them as weights.'
        )
        raise TrainingError(msg)
    if (
        set(state) != {field.name for field in fields(RunState)}
        or set(state['stopper']) != _STOPPER
    ):
        msg = (
            f'{path} does not hold what a run of this version resumes from. Begin a new run with '
            'it as weights.'
        )
        raise TrainingError(msg)
    return RunState(**state), checkpoint


def write_checkpoint(
    checkpoint: dict[str, Any], path: Path, *, most_bytes: int | None = None
) -> None:
    """Write a checkpoint atomically, also if the power fails.

    Raises TrainingError, and keeps the former file, if it is larger than `most_bytes`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix('.part')
    with fresh.open('wb') as file:
        torch.save(checkpoint, file)
        file.flush()
        os.fsync(file.fileno())
    size = fresh.stat().st_size
    if most_bytes is not None and size > most_bytes:
        fresh.unlink()
        msg = f'{path} would take {size} bytes, at most {most_bytes} are allowed.'
        raise TrainingError(msg)
    fresh.replace(path)
