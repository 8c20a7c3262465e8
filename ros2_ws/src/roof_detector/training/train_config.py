# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a training run is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class TrainConfig:
    """Hold one training run's settings; it travels inside the checkpoint.

    `model` is the architecture, `weights` the file whose layers are taken over where name and
    shape fit (empty to begin at random), `data` a data.yaml in ultralytics' form. `rect` trains
    on pictures of one shape without grey bars, and without mosaics.
    """

    model: str
    data: str
    weights: str = ''
    image_size: int = 640
    epochs: int = 100
    batch: int = 16
    patience: int = 20
    learning_rate: float = 0.002
    seed: int = 0
    device: str = 'cpu'
    degrees: float = 180.0
    flip_horizontal: float = 0.5
    flip_vertical: float = 0.5
    scale: float = 0.4
    mosaic: float = 0.5
    mixup: float = 0.0
    workers: int = 1
    rect: bool = False

    @classmethod
    def read(cls, path: Path, **overrides: Any) -> TrainConfig:
        """Read a YAML file; raise ValueError for a setting that is unknown or missing."""
        values = {**(yaml.safe_load(path.read_text()) or {}), **overrides}
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            msg = (
                f'{path} sets {", ".join(unknown)}, which is not known. '
                f'Known settings: {", ".join(sorted(known))}.'
            )
            raise ValueError(msg)
        if absent := sorted({'model', 'data'} - set(values)):
            msg = f'{path} lacks {", ".join(absent)}.'
            raise ValueError(msg)
        return cls(**values)

    def for_ultralytics(self) -> dict[str, Any]:
        """Return the settings under ultralytics' names."""
        values = asdict(self)
        for ours, theirs in (
            ('image_size', 'imgsz'),
            ('learning_rate', 'lr0'),
            ('flip_horizontal', 'fliplr'),
            ('flip_vertical', 'flipud'),
        ):
            values[theirs] = values.pop(ours)
        del values['weights']
        return values
