# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Trains again with corrections, compares, and promotes or not: one run with one record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.inference.safe_load import load_checkpoint
from roof_detector.results.atomic_output import AtomicOutput
from training.dataset import dataset_hash
from training.evaluation import evaluate, open_split
from training.evaluation.comparison import difference, label_all
from training.evaluation.output_folder import write_output
from training.learning.errors import LearningError
from training.learning.promotion import PromotionCheck, PromotionLimits, promotion_checks
from training.learning.training_set import CombinedSet, combine
from training.run_record import git_state, versions
from training.shipping import ship
from training.train import train
from training.trainer.checkpoint import RECORD as CHECKPOINT_RECORD
from training.trainer.run_state import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.inference.options import BackendOption
    from training.evaluation import Evaluation
    from training.train_config import TrainConfig

RECORD = 'record.json'


@dataclass(frozen=True, kw_only=True)
class RetrainSettings:
    """What the model is compared with and on, what it must reach, and its name if it does.

    `test` are labelled images that neither was trained on, None for the test split of the fixed
    set. `device` and `backend` are those of the comparison.
    """

    against: str
    name: str
    test: Path | None = None
    limits: PromotionLimits = field(default_factory=PromotionLimits)
    device: str = 'auto'
    backend: BackendOption = 'auto'


@dataclass(frozen=True, kw_only=True)
class RetrainOutcome:
    """What came out; `package` is the promoted model, None where it was not promoted."""

    output: Path
    checkpoint: Path
    combined: CombinedSet
    checks: tuple[PromotionCheck, ...]
    old: Evaluation
    new: Evaluation
    package: Path | None
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        images = sum(one.images for one in self.combined.added)
        verdict = (
            f'Promoted: {self.package}.'
            if self.package
            else 'NOT promoted; the model that flies stays.'
        )
        return [
            f'Learned from {images} corrected images of {len(self.combined.added)} sets: mAP50 '
            f'{self.old.map50 or 0:.4f} before, {self.new.map50 or 0:.4f} now, on '
            f'{len(self.new.images)} images.',
            *(one.line() for one in self.checks),
            verdict,
            *self.notes,
            *self.combined.lost,
            f'See {self.output / RECORD}.',
        ]


def retrain(
    config: TrainConfig, labels: Sequence[Path], output: Path, settings: RetrainSettings
) -> RetrainOutcome:
    """Train on the fixed set of the configuration and corrections, and compare.

    A run that was interrupted goes on. The validation that chooses the epoch is that of the fixed
    set. Raises LearningError, TrainingError, EvaluationError or DatasetError.
    """
    if (output / RECORD).exists():
        msg = f'{output} holds a finished run already; give another --output.'
        raise LearningError(msg)
    combined = combine(Path(config.data), labels, output / 'data')
    chosen = replace(config, data=str(combined.data))
    best = _trained(chosen, output / 'train')
    notes: list[str] = []
    test, split = settings.test, 'test'
    if test is None:
        test = combined.data
        if 'test' not in combined.splits:
            split = 'val'
            notes.append(
                'The fixed set has no test split, so both are compared on its validation images, '
                'by which the epoch was chosen: name others with --test.'
            )
    with open_split(test, split=split) as data:
        old, new = (
            evaluate(model, data, device=settings.device, backend=settings.backend, progress=False)
            for model in (settings.against, best)
        )
        write_output(label_all([old, new]), output / 'evaluation', gallery=0, overwrite=True)
    checks = tuple(promotion_checks(old, new, settings.limits))
    package = None
    if all(one.passed for one in checks):
        package = output / f'{settings.name}.zip'
        ship(best, package)
    outcome = RetrainOutcome(
        output=output,
        checkpoint=best,
        combined=combined,
        checks=checks,
        old=old,
        new=new,
        package=package,
        notes=tuple(notes),
    )
    _write_record(outcome, chosen, settings)
    return outcome


def _trained(config: TrainConfig, run: Path) -> Path:
    """Return the best checkpoint of a run, which begins, goes on, or was finished before."""
    last = run / 'weights' / 'last.pt'
    if not last.exists():
        return train(config, run)
    checkpoint = load_checkpoint(last, with_state=True)
    if KEY in checkpoint:
        return train(config, run, resume=True)
    record = checkpoint.get(CHECKPOINT_RECORD, {})
    same = record.get('config') == config.as_plain()
    if not same or record['data']['hash'] != dataset_hash(config.data):
        msg = f'{run} was trained with other settings or labels; give another --output.'
        raise LearningError(msg)
    return last.with_name('best.pt')


def _write_record(outcome: RetrainOutcome, config: TrainConfig, settings: RetrainSettings) -> None:
    bounds = difference(outcome.new, outcome.old)
    package = outcome.package
    content: dict[str, Any] = {
        'promoted': package is not None,
        'package': None
        if package is None
        else {'file': package.name, 'sha256': hashlib.sha256(package.read_bytes()).hexdigest()},
        'checks': [one.as_dict() for one in outcome.checks],
        'limits': asdict(settings.limits),
        'gain_interval': None if bounds is None else list(map(float, bounds)),
        'labels': [one.as_dict() for one in outcome.combined.added],
        'lost': list(outcome.combined.lost),
        'notes': list(outcome.notes),
        'config': config.as_plain(),
        'against': settings.against,
        'old': outcome.old.to_dict(),
        'new': outcome.new.to_dict(),
        'git': git_state(Path(__file__).parent),
        'versions': versions(),
    }
    target = AtomicOutput(outcome.output / RECORD, overwrite=True)
    target.part.write_text(json.dumps(content, indent=1, default=str) + '\n', encoding='utf-8')
    target.finish()
