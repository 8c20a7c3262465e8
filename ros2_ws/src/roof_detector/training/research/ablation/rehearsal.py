# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A short trial run of every variant, which shows that it runs and what the ablation will cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import yaml

from training.dataset.reader import open_set
from training.errors import TrainingError
from training.evaluation.table import Column, Table
from training.research.ablation.plan import AblationPlan, TestSet, Trial
from training.research.ablation.trial_run import training_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from training.dataset.labelled_set import Sample
    from training.research.ablation.trial_result import TrialResult

BATCHES = 3  # of training images in the sample
_FEWEST_TO_TEST = 2


@dataclass(frozen=True, kw_only=True)
class SampleSet:
    """A sample of the data, and the size of the whole relative to it."""

    data: Path
    training_factor: float
    test_images: int


def take_sample(plan: AblationPlan, folder: Path) -> SampleSet:
    """Link a few of the training and validation images into a set of their own."""
    config = plan.trials[0].config
    batch = config.batch if isinstance(config.batch, int) else 16
    with open_set(config.data) as found:
        labelled = found.labelled
        whole = {name: labelled.of_split(name) for name in ('train', 'val')}
        if not all(whole.values()):
            msg = f'{config.data} lacks images for train or val.'
            raise TrainingError(msg)
        share = min(BATCHES * batch / len(whole['train']), 1.0)
        for name, samples in whole.items():
            count = max(round(share * len(samples)), _FEWEST_TO_TEST)
            _link(samples[:: max(len(samples) // count, 1)][:count], folder, name)
        names = dict(enumerate(labelled.names))
    data = folder / 'data.yaml'
    content = {'path': str(folder), 'train': 'images/train', 'val': 'images/val', 'names': names}
    data.write_text(yaml.safe_dump(content))
    with open_set(plan.test.data) as found:
        tested = len(found.labelled.of_split(plan.test.split))
    taken = len(list((folder / 'images' / 'train').iterdir()))
    return SampleSet(data=data, training_factor=len(whole['train']) / taken, test_images=tested)


def _link(samples: tuple[Sample, ...], folder: Path, split: str) -> None:
    for kind in ('images', 'labels'):
        (folder / kind / split).mkdir(parents=True)
    for number, sample in enumerate(samples):
        stem = f'{split}{number:04d}'  # one name in two splits would be a fault
        image_path = folder / 'images' / split / f'{stem}{sample.image_path.suffix}'
        image_path.symlink_to(sample.image_path.resolve())
        if sample.label_file is not None:
            label = folder / 'labels' / split / f'{stem}.txt'
            label.symlink_to(sample.label_file.resolve())


def rehearsals(plan: AblationPlan, sample: SampleSet, folder: Path) -> list[Trial]:
    """Return for each variant a trial of two epochs on the sample; the second one is timed."""
    first_seed = plan.trials[0].config.seed
    test = TestSet(data=str(sample.data), split='val', image_size=plan.test.image_size)
    return [
        replace(
            trial,
            config=replace(
                trial.config,
                data=str(sample.data),
                epochs=2,
                patience=0,
                mosaic_off_epochs=0,
                warmup_epochs=0.0,
                plots=False,
                tensorboard=False,
            ),
            test=test,
            folder=folder / trial.label,
        )
        for trial in plan.trials
        if trial.config.seed == first_seed
    ]


def estimate(
    plan: AblationPlan, sample: SampleSet, rehearsed: Mapping[str, TrialResult | str], folder: Path
) -> tuple[Table, float]:
    """Return a row for each variant, and the hours of all runs together, failed ones left out."""
    rows: list[tuple[str | float | int | None, ...]] = []
    total_s = 0.0
    for label in plan.labels:
        result = rehearsed[label]
        trials = [trial for trial in plan.trials if trial.label == label]
        if isinstance(result, str):
            rows.append((label, len(trials), None, None, None, f'fails: {result}'))
            continue
        first_s, second_s = training_seconds(folder / label)
        epoch_s = (second_s - first_s) * sample.training_factor
        test_s = result.test_image_s * sample.test_images
        run_s = epoch_s * trials[0].config.epochs + test_s
        total_s += run_s * len(trials)
        hours = run_s / 3600
        rows.append((label, len(trials), epoch_s, hours, hours * len(trials), ''))
    columns = (
        Column('model'),
        Column('runs'),
        Column('s an epoch', 1),
        Column('h a run', 2),
        Column('h together', 2),
        Column(''),
    )
    return Table(columns, tuple(rows)), total_s / 3600
