# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A training run from its configuration to its model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml

from roof_detector.inference.safe_load import load_checkpoint
from training.data_admission import admit
from training.errors import TrainingError
from training.interruption import Interrupted, StopRequest, stop_on_signals
from training.model_card import model_card
from training.run_record import begin_record
from training.trainer.architecture import task_of
from training.trainer.arguments import resolve_device
from training.trainer.checkpoint import RECORD
from training.trainer.patches import patched_trainer
from training.trainer.processes import is_one_of_several, train_in_processes
from training.trainer.roof_trainer import WRITES, RoofDetectionTrainer, RoofSegmentationTrainer
from training.trainer.run_state import KEY, RunState, read_run, write_checkpoint

if TYPE_CHECKING:
    from training.train_config import TrainConfig

# May differ when a run is resumed: they change where and how fast it runs, not what it learns.
_FREE = frozenset({'device', 'threads', 'workers', 'cache', 'plots', 'tensorboard'})


def run(config: TrainConfig, output: Path, *, resume: bool = False) -> Path:
    """Train, and return the path of the best checkpoint; `output` keeps everything else."""
    output = output.absolute()
    with stop_on_signals() as stop:
        if is_one_of_several():
            record = json.loads((output / 'record.json').read_text())
            return _train(config, output, record=record, resume=resume, stop=stop)
        record = _prepare(config, output, resume=resume)
        devices = resolve_device(config.device).split(',')
        if len(devices) == 1:
            return _train(config, output, record=record, resume=resume, stop=stop)
        command = [str(output / 'config.yaml'), '--output', str(output)]
        command += ['--resume'] if resume else []
        train_in_processes(command, count=len(devices), stop=stop)
        return output / 'weights' / 'best.pt'


def _prepare(config: TrainConfig, output: Path, *, resume: bool) -> dict[str, Any]:
    """Refuse what cannot become a run, then begin its record."""
    last = output / 'weights' / 'last.pt'
    if last.exists() and not resume:
        msg = f'{output} holds a run already. Go on with it by --resume, or give another --output.'
        raise TrainingError(msg)
    task = task_of(config.model)
    record = begin_record(config, task=task, **admit(Path(config.data), task=task))
    if resume:
        _, checkpoint = read_run(last)
        _refuse_another_run(checkpoint[RECORD], record, last)
        record = checkpoint[RECORD]
    output.mkdir(parents=True, exist_ok=True)
    (output / 'record.json').write_text(json.dumps(record, indent=1))
    (output / 'config.yaml').write_text(yaml.safe_dump(config.as_plain(), sort_keys=False))
    return record


def _refuse_another_run(old: dict[str, Any], new: dict[str, Any], last: Path) -> None:
    changed = [
        f'{name} was {value!r} and is {new["config"].get(name)!r}'
        for name, value in old['config'].items()
        if name not in _FREE and new['config'].get(name) != value
    ]
    if old['data']['hash'] != new['data']['hash']:
        changed.append('the data set has changed')
    if changed:
        msg = (
            f'{last} is of a run with other settings: {"; ".join(changed)}. Set them back, or '
            'begin a new run.'
        )
        raise TrainingError(msg)


def _train(
    config: TrainConfig, output: Path, *, record: dict[str, Any], resume: bool, stop: StopRequest
) -> Path:
    last = output / 'weights' / 'last.pt'
    resumed: tuple[RunState, dict[str, Any]] | None = read_run(last) if resume else None
    kind = RoofSegmentationTrainer if record['task'] == 'segment' else RoofDetectionTrainer
    threads = torch.get_num_threads()
    with patched_trainer():
        trainer = kind(
            config, output, record=record, task=record['task'], stop=stop, resumed=resumed
        )
        try:
            trainer.train()
        except Interrupted as interrupted:
            interrupted.epochs_done = getattr(trainer, 'epoch', 0)
            raise
        finally:
            torch.set_num_threads(threads)
    if WRITES:
        _finish(trainer.best, last, record)
    return trainer.best


def _finish(best: Path, last: Path, record: dict[str, Any]) -> None:
    """Write the record into the checkpoints, drop what resuming needed, and write the card."""
    for path in (best, last):
        checkpoint = load_checkpoint(path)
        checkpoint.pop(KEY, None)
        write_checkpoint({**checkpoint, RECORD: record}, path)
    best.with_suffix('.md').write_text(model_card(record, name=best.parents[1].name))
