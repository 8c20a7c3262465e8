# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The execution of an ablation's trials, one after another; finished trials are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import yaml
from tqdm import tqdm

from training.dataset import dataset_hash
from training.dataset.reader import open_set
from training.errors import TrainingError
from training.research.ablation.findings import Findings
from training.research.ablation.latency import ratios_to, time_interleaved
from training.research.ablation.trial_process import run_apart
from training.research.ablation.trial_result import TrialResult
from training.research.ablation.trial_run import check_same_settings, test_hash, training_seconds

if TYPE_CHECKING:
    from pathlib import Path

    from training.interruption import StopRequest
    from training.research.ablation.plan import AblationPlan, Trial


@dataclass(kw_only=True)
class Execution:
    """The run of a plan's trials, which collects their results, also when it is interrupted."""

    plan: AblationPlan
    stop: StopRequest
    results: dict[str, list[TrialResult]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Run the trials that are not done; raise Interrupted on a signal."""
        kept = kept_results(self.plan)
        count = len(self.plan.trials)
        for number, trial in enumerate(self.plan.trials, 1):
            found = kept.get(trial) or self._train(trial, f'{number}/{count}')
            if isinstance(found, str):
                self.failures[f'{trial.label}, seed {trial.config.seed}'] = found
            else:
                self.results.setdefault(trial.label, []).append(found)

    def findings(self, *, rounds: int) -> Findings:
        """Return the results so far; the networks are timed in `rounds` rounds, 0 for none."""
        return Findings(
            baseline=self.plan.baseline,
            labels=self.plan.labels,
            seeds=self.plan.seeds,
            results=self.results,
            failures=self.failures,
            time_ratios=self._times(rounds) if rounds else {},
        )

    def _train(self, trial: Trial, number: str) -> TrialResult | str:
        name = f'{number} {trial.label}, seed {trial.config.seed}'
        with tqdm(total=trial.config.epochs, desc=name, unit='epoch') as bar:

            def watch() -> None:
                bar.update(len(training_seconds(trial.folder)) - bar.n)

            return run_apart(trial, stop=self.stop, watch=watch)

    def _times(self, rounds: int) -> dict[str, float]:
        """Time each variant's first network on an image of the test data."""
        folders = {trial.label: trial.folder for trial in reversed(self.plan.trials)}
        found = [label for label in self.plan.labels if label in self.results]
        checkpoints = {label: folders[label] / 'weights' / 'best.pt' for label in found}
        checkpoints = {label: path for label, path in checkpoints.items() if path.exists()}
        test = self.plan.test
        with open_set(test.data) as opened:
            image_path = next(iter(opened.labelled.of_split(test.split))).image_path
            image: Any = cv2.imread(str(image_path))
        if image is None:
            msg = f'{image_path} cannot be read, copy it again.'
            raise TrainingError(msg)
        taken = time_interleaved(checkpoints, image, image_size=test.image_size, rounds=rounds)
        return ratios_to(self.plan.baseline, taken)


def kept_results(plan: AblationPlan) -> dict[Trial, TrialResult]:
    """Return the existing results; raise TrainingError if they belong to another plan."""
    found = {trial: TrialResult.read(trial.folder) for trial in plan.trials}
    kept = {trial: result for trial, result in found.items() if result is not None}
    if not kept:
        return {}
    data_hash = dataset_hash(plan.trials[0].config.data)
    tested = test_hash(plan.trials[0], trained_on=data_hash)
    for trial, result in kept.items():
        check_same_settings(trial, _settings_in(trial.folder))
        if (result.data_hash, result.test_hash) != (data_hash, tested):
            msg = (
                f'{trial.folder} was trained or measured on other images than there are now. '
                'Give another --output.'
            )
            raise TrainingError(msg)
    return kept


def _settings_in(folder: Path) -> dict[str, object]:
    settings: dict[str, object] = yaml.safe_load((folder / 'config.yaml').read_text())
    return settings
