# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The result of one trial, or the reason of its failure."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_RESULT = 'result.json'
_FAILURE = 'failure.json'
# As results before 1.0.0 have them.
_FORMER_NAMES = {'test_picture_s': 'test_image_s', 'test_pictures': 'test_images'}


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """One trained model's figures.

    `per_class` gives the AP50 of each class, None if the images have none of it; `transferred` the
    share of the weights that was transferred, None when all began at random; `operations` those of
    the fused network on one image; `test_hash` identifies the content of the test data,
    `data_hash` that of the training data.
    """

    label: str
    seed: int
    map50: float | None
    map50_interval: tuple[float, float] | None
    map50_95: float | None
    per_class: dict[str, float | None]
    parameters: int
    operations: int
    image_size: tuple[int, int]
    transferred: float | None
    epochs: int
    best_epoch: int
    training_s: float
    test_image_s: float
    test_images: int
    test_instances: int
    data_hash: str
    test_hash: str
    checkpoint_sha256: str
    commit: str
    versions: dict[str, str]

    def write(self, folder: Path) -> None:
        """Write the result into a trial's folder atomically."""
        _write(folder / _RESULT, asdict(self))
        (folder / _FAILURE).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> TrialResult | None:
        """Return the result of a trial, None if there is none yet."""
        values = _read(folder / _RESULT)
        if values is not None:
            values = {_FORMER_NAMES.get(name, name): value for name, value in values.items()}
        if values is None or set(values) != {field.name for field in fields(cls)}:
            return None
        for name in ('map50_interval', 'image_size'):
            values[name] = values[name] and tuple(values[name])
        return cls(**values)


def write_failure(folder: Path, reason: str) -> None:
    """Write the reason why a trial failed."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / _FAILURE, {'reason': reason})


def read_failure(folder: Path) -> str | None:
    """Return the reason why a trial failed, None if it did not."""
    values = _read(folder / _FAILURE)
    return None if values is None else str(values['reason'])


def _write(path: Path, values: dict[str, Any]) -> None:
    fresh = path.with_suffix('.part')
    with fresh.open('w', encoding='utf-8') as file:
        json.dump(values, file, indent=1, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return None
    return values
