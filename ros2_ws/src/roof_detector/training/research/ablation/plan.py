# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The plan of an ablation: which models are trained and compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from training.errors import TrainingError
from training.research.model_cost import STOCK, ModelName, variants
from training.train_config import TrainConfig

_KEYS = {
    '': ('baseline', 'variants', 'scale', 'seeds', 'train', 'test'),
    'test': ('data', 'split', 'image_size'),
}
# Options that the plan sets itself, or that must not differ between runs.
_NOT_IN_TRAIN = ('model', 'seed')


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """The images on which all models are measured; `image_size` None is that of training."""

    __test__ = False  # pytest would take the class for a test

    data: str
    split: str
    image_size: int | None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run: a variant with a seed; `folder` keeps all of it."""

    label: str
    config: TrainConfig
    test: TestSet
    folder: Path


@dataclass(frozen=True, kw_only=True)
class AblationPlan:
    """The trials that are compared; `labels` begin with the baseline."""

    baseline: str
    trials: tuple[Trial, ...]
    test: TestSet

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the variants in order of the table."""
        return tuple(dict.fromkeys(trial.label for trial in self.trials))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return the seeds that every variant is trained with."""
        return tuple(dict.fromkeys(trial.config.seed for trial in self.trials))

    @classmethod
    def read(cls, path: Path, output: Path) -> AblationPlan:
        """Read a YAML file; raise TrainingError for what is unknown, missing or impossible."""
        values = _mapping(path, _load(path), '')
        test = _mapping(path, values.get('test', {}), 'test')
        train = values.get('train')
        if not isinstance(train, dict) or 'data' not in train:
            msg = f'{path} lacks train with data, the options of training.train.'
            raise TrainingError(msg)
        if fixed := [name for name in _NOT_IN_TRAIN if name in train]:
            msg = (
                f'{path} sets {" and ".join(fixed)} in train, which the ablation varies: use '
                'variants and seeds.'
            )
            raise TrainingError(msg)
        baseline = str(values.get('baseline', STOCK))
        named = values.get('variants') or [one for one in variants() if one != STOCK]
        seeds = values.get('seeds', [0])
        if not isinstance(seeds, list) or not seeds or len(set(seeds)) < len(seeds):
            msg = f'{path}: seeds is {seeds}, expected different whole numbers.'
            raise TrainingError(msg)
        models = {_label(one): one for one in dict.fromkeys((baseline, *map(str, named)))}
        wanted = TestSet(
            data=str(test.get('data', train['data'])),
            split=str(test.get('split', 'val')),
            image_size=test.get('image_size'),
        )
        # Seed by seed: an ablation that is stopped early has still compared all variants.
        trials = tuple(
            Trial(
                label=label,
                config=_config(path, train, _model(path, model, values.get('scale', 'n')), seed),
                test=wanted,
                folder=output / 'runs' / f'{label}-seed{seed}',
            )
            for seed in seeds
            for label, model in models.items()
        )
        return cls(baseline=_label(baseline), trials=trials, test=wanted)


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        msg = f'{path} cannot be read as YAML: {error}.'
        raise TrainingError(msg) from error


def _mapping(path: Path, values: Any, part: str) -> dict[str, Any]:
    where = f'{path}: {part}' if part else str(path)
    if not isinstance(values, dict):
        msg = f'{where} holds a {type(values).__name__}, expected options.'
        raise TrainingError(msg)
    if unknown := [str(name) for name in values if name not in _KEYS[part]]:
        msg = (
            f'{where} sets {", ".join(unknown)}, which is not known. Known options: '
            f'{", ".join(_KEYS[part])}.'
        )
        raise TrainingError(msg)
    return values


def _model(path: Path, variant: str, scale: str) -> str:
    """Return the architecture of a variant: a name of the zoo, or a YAML file unchanged."""
    if variant.endswith(('.yaml', '.yml')):
        return variant
    if variant not in variants():
        msg = (
            f'{path} names the variant {variant}, expected a YAML file or one of '
            f'{", ".join(variants())}.'
        )
        raise TrainingError(msg)
    return ModelName(variant=variant, task='detect', scale=scale).file_name


def _label(variant: str) -> str:
    """Return a variant's name in the table, which is also the name of its folder."""
    name = Path(variant).stem if variant.endswith(('.yaml', '.yml')) else variant
    return re.sub(r'[^\w.-]+', '_', name)


def _config(path: Path, train: dict[str, Any], model: str, seed: Any) -> TrainConfig:
    try:
        return TrainConfig(**{'patience': 0, **train}, model=model, seed=seed)
    except TypeError as error:
        msg = f'{path}: train: {error}.'
        raise TrainingError(msg) from error
    except TrainingError as error:
        msg = f'{path}: train: {error}'
        raise TrainingError(msg) from error
