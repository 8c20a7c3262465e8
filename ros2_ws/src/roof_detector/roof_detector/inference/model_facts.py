# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The facts of a model file: class names, task, stride and input size."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import BadModel
from roof_detector.inference.options import TASKS
from roof_detector.inference.plain_yaml import holds_vast_number
from roof_detector.inference.provenance import METADATA_KEY, Provenance
from roof_detector.vision.letterbox import fits_stride

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.inference.options import Task

# Limits for a foreign file: a larger input would fill the memory, a longer text the parser.
_MOST_SIDE = 8192
_MOST_NAME = 200
_MOST_TEXT = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """The class names, task and input of a model.

    `image_size` is width and height of the largest input; a `fixed` model accepts no other.
    `provenance` is None for a checkpoint, and for an export that another program made.
    """

    names: tuple[str, ...]
    task: Task
    stride: int
    image_size: tuple[int, int]
    fixed: bool
    provenance: Provenance | None = None

    @classmethod
    def read(cls, metadata: Mapping[str, Any], *, path: Path, fixed: bool) -> ModelFacts:
        """Read the metadata that ultralytics writes into exports; raise BadModel for others."""
        task = str(metadata.get('task', ''))
        if task not in TASKS:
            msg = (
                f'{path} is a model for the task {task or "unknown"!r}, expected '
                f'{" or ".join(TASKS)}.'
            )
            raise BadModel(msg)
        if read_literal(metadata.get('end2end', False)) or _nms_inside(metadata):
            msg = (
                f'{path} suppresses overlaps itself, so that thresholds cannot be changed in '
                'flight. Export it with nms=False end2end=False.'
            )
            raise BadModel(msg)
        size = read_literal(metadata.get('imgsz', 640))
        sides = size if isinstance(size, list | tuple) and len(size) == 2 else (size, size)
        height, width = (_read_count(one, 'imgsz', path=path) for one in sides)
        return cls(
            names=read_names(metadata.get('names'), path=path),
            task=task,
            stride=_read_count(read_literal(metadata.get('stride', 32)), 'stride', path=path),
            image_size=(width, height),
            fixed=fixed,
            provenance=Provenance.read({METADATA_KEY: read_literal(metadata.get(METADATA_KEY))}),
        )

    def choose_image_size(
        self, wish: int | tuple[int, int] | None, *, path: Path
    ) -> tuple[int, int]:
        """Return the requested width and height, or the model's own; raise BadModel for others."""
        if wish is None:
            return self.image_size
        size = wish if isinstance(wish, tuple) else (wish, wish)
        if self.fixed and size != self.image_size:
            msg = (
                f'{path} takes images of {self.image_size[0]}x{self.image_size[1]} only, not '
                f'{size[0]}x{size[1]}. Leave image_size unset or export with dynamic=True.'
            )
            raise BadModel(msg)
        if not fits_stride(size, self.stride):
            msg = (
                f'image_size is {size[0]}x{size[1]}, expected positive multiples of the stride '
                f'{self.stride} of {path}.'
            )
            raise BadModel(msg)
        return size


def read_names(value: Any, *, path: Path) -> tuple[str, ...]:
    """Return class names in order of class id, from a list or by number; raise BadModel."""
    names = read_literal(value)
    if isinstance(names, Mapping):
        # JSON, the metadata of TorchScript and TensorRT files, has strings as keys.
        names = {int(key) if _is_number(key) else key: name for key, name in names.items()}
        if set(names) != set(range(len(names))):
            msg = (
                f'{path} numbers its classes {sorted(names, key=str)}, expected 0 to '
                f'{len(names) - 1}.'
            )
            raise BadModel(msg)
        names = [names[i] for i in range(len(names))]
    if not names or not isinstance(names, list | tuple) or not all(map(_is_name, names)):
        msg = (
            f'{path} has no class names. Export it with ultralytics, which writes them into the '
            'file, or add the metadata key names.'
        )
        raise BadModel(msg)
    if repeated := sorted({str(name) for name in names if list(names).count(name) > 1}):
        msg = f'{path} gives the class name {repeated[0]!r} more than once.'
        raise BadModel(msg)
    return tuple(str(name) for name in names)


def _is_number(value: Any) -> bool:
    text = str(value)
    return text.isdecimal() and len(text) <= 6


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int | float) and 0 < len(str(value)) <= _MOST_NAME


def _read_count(value: Any, key: str, *, path: Path) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_SIDE:
        msg = f'{path} gives {str(value)[:40]!r} as {key}, expected 1 to {_MOST_SIDE} pixels.'
        raise BadModel(msg)
    return value


def _nms_inside(metadata: Mapping[str, Any]) -> bool:
    args = read_literal(metadata.get('args', {}))
    return bool(isinstance(args, Mapping) and args.get('nms'))


def read_literal(value: Any) -> Any:
    """Return the value of a literal that an ONNX file keeps as text; anything else unchanged."""
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        return value
    try:
        read = ast.literal_eval(value)
        return value if holds_vast_number(read) else read
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
