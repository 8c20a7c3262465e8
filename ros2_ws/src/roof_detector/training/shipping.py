# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The model package of a checkpoint that was trained here.

It holds the network in FP16, its class names and input size, and the record
of the run that made it; the optimizer and the workstation's folders and user name are left out.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.package.building import build_package
from roof_detector.inference.package.container import write_zip
from roof_detector.inference.safe_load import load_checkpoint
from roof_detector.vision.letterbox import fits_stride
from training.errors import TrainingError
from training.model_card import model_card
from training.trainer.checkpoint import RECORD, architecture_of, trained_network
from training.trainer.mask_removal import without_masks

MOST_BYTES = 24_000_000  # a package holds the weights twice, as ONNX and as safetensors


def ship(
    checkpoint: Path,
    output: Path,
    *,
    detect_only: bool = False,
    image_size: int | None = None,
) -> int:
    """Write the model package, and its card if there is none yet; return its size in bytes.

    `detect_only` drops the masks of a segmentation model; its boxes stay the same. `image_size` is
    the default input side in pixels, None for that of its training. Raises TrainingError if that
    is no multiple of the stride, or if the result is larger than allowed.
    """
    whole = load_checkpoint(checkpoint)
    model = trained_network(whole)
    if detect_only:
        model = without_masks(model)
    arguments = whole['train_args']
    stride = int(max(model.stride))
    if image_size is not None and not fits_stride((image_size, image_size), stride):
        msg = f'image_size is {image_size}, expected a positive multiple of the stride {stride}.'
        raise TrainingError(msg)
    task = 'detect' if detect_only else arguments['task']
    record = _without_folders(whole.get(RECORD, {}))
    if detect_only:
        record = {**record, 'task': task, 'masks': 'dropped'}
    side = image_size or arguments['imgsz']
    files = build_package(
        architecture_of(model),
        model.half().state_dict(),
        name=output.stem,
        class_names=tuple(model.names.values()),
        image_size_wh=(side, side),
        source={'name': checkpoint.name, 'sha256': hash_model(checkpoint)},
        training={
            'train_args': {'imgsz': side, 'task': task},
            'train_metrics': whole.get('train_metrics') or {},
            RECORD: record,
        },
    )
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        msg = f'{output} would take {size} bytes, at most {MOST_BYTES} are allowed.'
        raise TrainingError(msg)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_zip(output, files)
    card = output.with_suffix('.md')
    if 'class_names' in record and not card.exists():
        card.write_text(model_card(record, name=output.stem))
    return output.stat().st_size


def _without_folders(value: Any) -> Any:
    """Return values with only the names of paths: folders of the workstation are private."""
    if isinstance(value, dict):
        return {key: _without_folders(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_folders(one) for one in value)
    return PurePath(value).name if isinstance(value, str) and '/' in value else value
