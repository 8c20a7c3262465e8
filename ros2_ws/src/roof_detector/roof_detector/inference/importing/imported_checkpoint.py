# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A foreign checkpoint as checked data: its architecture, its weights, its facts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from roof_detector.inference.errors import BadModel
from roof_detector.inference.importing.architecture import check_architecture
from roof_detector.inference.importing.confined_reader import Reading, default_reader
from roof_detector.inference.importing.plain_values import read_plain
from roof_detector.inference.importing.tensor_file import check_tensor_file, read_tensors
from roof_detector.inference.options import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.options import Task

WEIGHTS = 'weights.safetensors'
_MOST_ANSWER_BYTES = 2**28


@dataclass(frozen=True, kw_only=True)
class CheckpointFacts:
    """What a checkpoint says about itself.

    `image_size` is width and height. `values` are the checkpoint's other entries as plain values:
    `train_args`, `train_metrics`, `date`, `version`, `license`, and under `roof_detector` the
    record of the run that made it. `resumable` is whether a training run can continue from it.
    """

    task: Task
    names: tuple[str, ...]
    stride: int
    image_size: tuple[int, int]
    values: dict[str, Any]
    resumable: bool


@dataclass(frozen=True, kw_only=True)
class ImportedCheckpoint:
    """A checkpoint that a confined process read; all of it is checked data.

    `tensors` is the safetensors file of the network's weights, to be used with
    `network.load_network(architecture, read_tensors(tensors))`. `answers` are for each array of
    images the raw outputs of the checkpoint's own network: predictions, and prototypes of masks.
    """

    architecture: dict[str, Any]
    tensors: Path
    facts: CheckpointFacts
    answers: tuple[tuple[npt.NDArray[np.float32], ...], ...]


def import_checkpoint(
    path: Path,
    *,
    folder: Path,
    trust: bool = False,
    images: Sequence[npt.NDArray[np.float32]] = (),
    with_state: bool = False,
) -> ImportedCheckpoint:
    """Read an ultralytics checkpoint without running any of its code, and write its weights.

    `weights.safetensors` is written into `folder`, which must exist. `images` are inputs of the
    network, each (n, channels, height, width) in 0 to 1. `trust` reads the file also if the kernel
    cannot confine the reader. `with_state` puts what a training run resumes from into `values`.
    Raises `BadModel` or `UnsafeModel` with one sentence, within the time its size allows.
    """
    given = {f'{index:04d}': one for index, one in enumerate(images)}
    with default_reader().read(path, trust=trust, with_state=with_state, images=given) as reading:
        try:
            facts = _read_facts(reading, with_state=with_state)
            architecture = check_architecture(reading.facts.get('architecture') or {})
            if len(facts.names) != architecture['nc']:
                msg = (
                    f'It names {len(facts.names)} classes, but its head tells '
                    f'{architecture["nc"]} apart.'
                )
                raise BadModel(msg)
            check_tensor_file(reading.weights)
            answers = _read_answers(reading, list(given.values()))
        except BadModel as error:
            msg = f'{path} cannot be imported: {error}'
            raise BadModel(msg) from error
        tensors = folder / WEIGHTS
        shutil.copyfile(reading.weights, tensors)
    return ImportedCheckpoint(
        architecture=architecture, tensors=tensors, facts=facts, answers=answers
    )


def _read_facts(reading: Reading, *, with_state: bool) -> CheckpointFacts:
    given = reading.facts
    task = given.get('task')
    if task not in TASKS:
        msg = f'It is a model for the task {str(task)[:40]!r}, expected {" or ".join(TASKS)}.'
        raise BadModel(msg)
    if given.get('end2end'):
        msg = 'It suppresses overlaps itself, so that thresholds cannot be changed in flight.'
        raise BadModel(msg)
    state = read_tensors(reading.state) if with_state else {}
    values = read_plain(given.get('checkpoint'), state)
    if not isinstance(values, dict):
        msg = 'It has no entries.'
        raise BadModel(msg)
    return CheckpointFacts(
        task=cast('Task', task),
        names=_read_names(given.get('names')),
        stride=_count(given.get('stride'), 'stride', most=1024),
        image_size=_read_size(given.get('image_size')),
        values={str(key): value for key, value in values.items()},
        resumable=given.get('resumable') is True,
    )


def _read_names(value: Any) -> tuple[str, ...]:
    pairs = value if isinstance(value, list) else []
    names = {pair[0]: pair[1] for pair in pairs if isinstance(pair, list) and len(pair) == 2}
    if not names:
        msg = 'It has no class names.'
        raise BadModel(msg)
    if set(names) != set(range(len(names))):
        msg = 'It does not number its classes from 0 on.'
        raise BadModel(msg)
    ordered = [names[index] for index in range(len(names))]
    for name in ordered:
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 200:
            msg = f'It has the class name {str(name)[:60]!r}, expected a short text.'
            raise BadModel(msg)
    if repeated := sorted({name for name in ordered if ordered.count(name) > 1}):
        msg = f'It gives the class name {repeated[0]!r} more than once.'
        raise BadModel(msg)
    return tuple(ordered)


def _read_size(value: Any) -> tuple[int, int]:
    """Return width and height of an image size, which ultralytics gives height first."""
    sides = value if isinstance(value, list) else [value, value]
    if len(sides) != 2:
        msg = f'It has the image size {str(value)[:60]}.'
        raise BadModel(msg)
    height, width = (_count(side, 'image size', most=16384) for side in sides)
    return width, height


def _count(value: Any, what: str, *, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        msg = f'It has the {what} {str(value)[:60]!r}, expected 1 to {most}.'
        raise BadModel(msg)
    return value


def _read_answers(
    reading: Reading, images: Sequence[npt.NDArray[np.float32]]
) -> tuple[tuple[npt.NDArray[np.float32], ...], ...]:
    if not images:
        return ()
    tensors: Mapping[str, Any] = read_tensors(reading.answers, most_bytes=_MOST_ANSWER_BYTES)
    answers = []
    for index, given in enumerate(images):
        names = [f'{index:04d}.{output}' for output in range(2)]
        outputs = [tensors[name].float().numpy() for name in names if name in tensors]
        if not outputs or any(len(one) != len(given) for one in outputs):
            msg = 'It gave no answer to an image.'
            raise BadModel(msg)
        answers.append(tuple(outputs))
    return tuple(answers)
