# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The configuration of a training run."""

from __future__ import annotations

import difflib
import textwrap
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from training.config_option import check_option, expected, option
from training.errors import TrainingError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run's settings, which are stored inside the checkpoint."""

    model: str = option(
        reason='Architecture: a model of the zoo, of ultralytics, or a YAML of your own; the '
        'letter after yolo11 is the scale, n, s, m, l or x; -seg models need polygons.'
    )
    data: str = option(reason='The data set: its data.yaml, with train, val and names.')
    weights: str = option(
        '',
        reason='Starting weights: a checkpoint or a shipped model; what fits is taken over, '
        'detection or segmentation alike. Empty begins at random, which needs far more images.',
    )
    class_branch: str = option(
        'weights',
        choices=('weights', 'model'),
        reason='Width of the class branch, which follows the number of classes: weights keeps '
        'that of the starting weights, so that its hidden layers are taken over; model keeps to '
        'the YAML, leaner by a hundredth, and these layers begin at random.',
    )
    freeze: int = option(
        0,
        low=0,
        reason='How many of the first layers stay as they are: 10 is the backbone, for a few '
        'dozen images.',
    )
    image_size: int = option(
        640, low=32, high=4096, reason='Longest side in pixels, a multiple of 32, as in flight.'
    )
    rect: bool = option(
        default=False,
        reason='Batches without grey bars, for images of one shape: less to compute, but no '
        'mosaics, and quarter turns only where the canvas is square.',
    )
    epochs: int = option(100, low=1, reason='At most so many times through the training images.')
    minutes: float = option(
        0.0,
        low=0.0,
        high=100_000.0,
        reason='Stop after so many minutes, of each start: on a borrowed GPU. Epochs and the fall '
        'of the rate are fitted to them, so the same seed gives another run. 0 trains all epochs.',
    )
    patience: int = option(
        20, low=0, reason='Stop after so many epochs without improvement; 0 never stops early.'
    )
    batch: int | str = option(
        16,
        low=1,
        choices=('auto',),
        reason='Images per forward pass, over all GPUs together; auto fills 60 % of one '
        "GPU's memory, and is 16 on a CPU.",
    )
    box_loss: str = option(
        'ciou',
        choices=('ciou', 'eiou', 'siou', 'wiou', 'mpdiou', 'inner_ciou', 'nwd'),
        reason="Loss of boxes beside that of their distributions: ciou is ultralytics' own; nwd "
        'knows a direction for objects of a few pixels that do not overlap yet.',
    )
    class_loss: str = option(
        'bce',
        choices=('bce', 'focal', 'quality_focal', 'varifocal'),
        reason="Loss of classes: bce is ultralytics' own; the others weigh down the background "
        'that is known already.',
    )
    accumulate_to: int = option(
        64,
        low=1,
        reason='Images per step of the optimizer: gradients of several batches are added up, '
        'so that a small machine learns as a large one; at most to the end of an epoch.',
    )
    optimizer: str = option(
        'AdamW',
        choices=('AdamW', 'SGD'),
        reason='AdamW forgives its rate on small sets; SGD wants ten times the rate.',
    )
    learning_rate: float = option(
        0.002, low=1e-7, high=1.0, reason='After warm-up; fine-tuning wants a third of it.'
    )
    final_rate: float = option(
        0.01, low=0.0, high=1.0, reason='The rate falls on a cosine to this share at the end.'
    )
    weight_decay: float = option(0.0005, low=0.0, high=0.1, reason='As for YOLO on COCO.')
    warmup_epochs: float = option(
        1.0, low=0.0, high=20.0, reason='Epochs in which the rate rises; the batch norms settle.'
    )
    rotate: str = option(
        'auto',
        choices=('auto', 'any', 'quarter', 'none'),
        reason='A nadir view has no up. any angle keeps boxes tight only where polygons are '
        'known; for boxes alone, quarter turns do. auto chooses by the labels.',
    )
    flip_horizontal: float = option(
        0.5, low=0.0, high=1.0, reason='Probability; a mirrored roof is a roof.'
    )
    flip_vertical: float = option(
        0.5, low=0.0, high=1.0, reason='Probability; with the other flip, a half turn.'
    )
    scale: float = option(
        0.4, low=0.0, high=0.9, reason='Zoom by 1 +- this: other heights above the roof.'
    )
    translate: float = option(
        0.1, low=0.0, high=0.5, reason='Shift by this share of the image: objects cut by edges.'
    )
    hue: float = option(0.015, low=0.0, high=0.5, reason='Small: rust is known by its colour.')
    saturation: float = option(0.7, low=0.0, high=1.0, reason='Haze, and cameras that differ.')
    brightness: float = option(0.4, low=0.0, high=1.0, reason='Sun, shade and exposure.')
    mosaic: float = option(
        0.5,
        low=0.0,
        high=1.0,
        reason='Probability of four images in one: many small objects for small sets; it tears '
        'surroundings apart, so less of it, or none, with thousands of images.',
    )
    mosaic_off_epochs: int = option(
        5, low=0, reason='The last epochs see whole images, as in flight.'
    )
    mixup: float = option(
        0.0, low=0.0, high=1.0, reason='Probability of two images blended; seldom helps here.'
    )
    seed: int = option(0, low=0, high=2**31 - 1, reason='Of order, augmentation and new weights.')
    device: str = option(
        'auto', reason="auto, cpu, a GPU's number such as 0, or several such as 0,1."
    )
    precision: str = option(
        'auto',
        choices=('auto', 'bfloat16', 'float32'),
        reason='auto takes bfloat16 where the GPU or CPU computes with it: six times faster on a '
        'CPU that does, slower on one that does not.',
    )
    threads: int = option(
        0, low=0, high=1024, reason='CPU threads of torch; 0 takes all that torch would.'
    )
    workers: int = option(
        8, low=0, high=256, reason='Processes that load images, per GPU; a CPU run needs none.'
    )
    cache: str = option(
        'ram',
        choices=('ram', 'none'),
        reason='ram keeps the scaled images, if they fit with room to spare.',
    )
    plots: bool = option(default=True, reason='Draw batches, curves and the confusion matrix.')
    tensorboard: bool = option(
        default=True, reason='Log for TensorBoard too, if the package tensorboard is installed.'
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            object.__setattr__(self, one.name, check_option(one, getattr(self, one.name)))
        if self.image_size % 32:
            msg = (
                f'image_size is {self.image_size}, expected a multiple of 32, such as '
                f'{max(round(self.image_size / 32), 1) * 32}.'
            )
            raise TrainingError(msg)
        if self.batch == 'auto' and ',' in self.device:
            msg = (
                f'batch is auto, but device is {self.device}: with several GPUs give the number '
                'of images for all of them together.'
            )
            raise TrainingError(msg)

    @classmethod
    def read(cls, path: Path, **overrides: Any) -> TrainConfig:
        """Read a YAML file; raise TrainingError for unknown, missing or out-of-range values."""
        try:
            values = yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError) as error:
            msg = f'{path} cannot be read as YAML: {error}.'
            raise TrainingError(msg) from error
        values = {} if values is None else values
        if not isinstance(values, dict):
            msg = f'{path} holds a {type(values).__name__}, expected options.'
            raise TrainingError(msg)
        known = [one.name for one in fields(cls)]
        if unknown := [str(name) for name in values if name not in known]:
            msg = (
                f'{path} sets {"; ".join(_did_you_mean(name, known) for name in unknown)}. '
                f'Known options: {", ".join(known)}.'
            )
            raise TrainingError(msg)
        values |= overrides
        if type(values.get('device')) is int:  # YAML reads `device: 0` as a number
            values['device'] = str(values['device'])
        if absent := [name for name in ('model', 'data') if name not in values]:
            msg = f'{path} lacks {" and ".join(absent)}, which have no default.'
            raise TrainingError(msg)
        try:
            return cls(**values)
        except TrainingError as error:
            msg = f'{path}: {error}'
            raise TrainingError(msg) from error

    def as_plain(self) -> dict[str, Any]:
        """Return the settings as a dict of plain values."""
        return asdict(self)


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f'{name}, which is not known' + (f': did you mean {close[0]}?' if close else '')


REFERENCE = Path(__file__).parent / 'configs' / 'reference.yaml'
_EXAMPLES = {'model': 'yolo11n.yaml', 'data': 'runs/simulated/data.yaml'}
_HEAD = """\
# Every option of `roof_detector train`: its default, its range and the reason.
# Write into a configuration of your own only what differs; model and data must be given.
# This file is written by `roof_detector train --reference`.
"""


def reference() -> str:
    """Return the text of the reference."""
    parts = [_HEAD]
    for one in fields(TrainConfig):
        required = one.default is MISSING
        value = _EXAMPLES[one.name] if required else one.default
        comment = textwrap.fill(
            one.metadata['reason'], 97, initial_indent='# ', subsequent_indent='# '
        )
        range_of = f'# Required: {expected(one)}.' if required else f'# {expected(one)}.'
        line = yaml.safe_dump({one.name: value}, default_flow_style=False).strip()
        parts.append(f'\n{comment}\n{range_of}\n{line}\n')
    return ''.join(parts)
