# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The run of one trial, from its configuration to its result."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from roof_detector.inference.backends.torch_backend import read_model
from roof_detector.inference.safe_load import load_checkpoint
from training.dataset import dataset_hash
from training.errors import TrainingError
from training.evaluation import evaluate
from training.research.ablation.trial_result import TrialResult
from training.research.model_cost import network_cost
from training.train import train
from training.trainer.checkpoint import RECORD
from training.trainer.run_state import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from training.research.ablation.plan import Trial


def run_trial(trial: Trial) -> TrialResult:
    """Train, or continue a training, then measure and write the result into the folder."""
    best = trial.folder / 'weights' / 'best.pt'
    if not _is_trained(trial.folder):
        begun = (trial.folder / 'weights' / 'last.pt').exists()
        train(trial.config, trial.folder, resume=begun)
    record: dict[str, Any] = load_checkpoint(best)[RECORD]
    check_same_settings(trial, record['config'])
    evaluation = evaluate(
        best,
        trial.test.data,
        split=trial.test.split,
        image_size=trial.test.image_size,
        precision='f32',
        progress=False,
    )
    module, facts = read_model(best)
    side = max(trial.test.image_size or 0, *facts.image_size)
    parameters, flops = network_cost(module.float().eval(), image_size=side)
    result = TrialResult(
        label=trial.label,
        seed=trial.config.seed,
        map50=evaluation.map50,
        map50_interval=evaluation.map50_interval,
        map50_95=evaluation.map50_95,
        per_class={name: one.ap50 for name, one in evaluation.per_class.items()},
        parameters=parameters,
        operations=flops.total,
        image_size=evaluation.model.image_size,
        transferred=record.get('transfer', {}).get('share'),
        epochs=record['epochs_done'],
        best_epoch=record['best_epoch'],
        training_s=training_seconds(trial.folder)[-1],
        test_image_s=evaluation.speed.total_ms / 1e3,
        test_images=len(evaluation.images),
        test_instances=evaluation.instances,
        data_hash=record['data']['hash'],
        test_hash=test_hash(trial, trained_on=record['data']['hash']),
        checkpoint_sha256=evaluation.model.sha256,
        commit=record['git']['commit'],
        versions=record['versions'],
    )
    result.write(trial.folder)
    return result


def test_hash(trial: Trial, *, trained_on: str) -> str:
    """Return the hash of the test data, which is often the training set."""
    if trial.test.data == trial.config.data:
        return trained_on
    return dataset_hash(trial.test.data)


def check_same_settings(trial: Trial, trained: dict[str, Any]) -> None:
    """Raise TrainingError if a folder holds a run with settings other than the trial's."""
    wanted = trial.config.as_plain()
    # These options change where and how fast a run is made, not what it learns.
    free = {'device', 'threads', 'workers', 'cache', 'plots', 'tensorboard'}
    changed = [
        f'{name} was {trained.get(name)!r} and is {value!r}'
        for name, value in wanted.items()
        if name not in free and trained.get(name) != value
    ]
    if changed:
        msg = (
            f'{trial.folder} holds a run with other settings: {"; ".join(changed)}. Set them '
            'back, or give another --output.'
        )
        raise TrainingError(msg)


def training_seconds(folder: Path) -> list[float]:
    """Return the seconds since the beginning at the end of each epoch so far."""
    try:
        with (folder / 'results.csv').open() as file:
            return [float(row['time']) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []


def _is_trained(folder: Path) -> bool:
    """Return whether the training is over: then its last checkpoint cannot be resumed."""
    last = folder / 'weights' / 'last.pt'
    return last.is_file() and KEY not in load_checkpoint(last, with_state=True)
