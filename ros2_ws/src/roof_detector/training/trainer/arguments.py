# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The translation of our options to ultralytics' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from roof_detector.inference.device_name import processor_instructions

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.inference.options import Task
    from training.train_config import TrainConfig

CPU_BATCH = 16


def ultralytics_arguments(config: TrainConfig, output: Path, *, task: Task) -> dict[str, Any]:
    """Return the arguments of ultralytics' trainer."""
    device = resolve_device(config.device)
    batch: int | str = config.batch
    if batch == 'auto':
        batch = CPU_BATCH if device == 'cpu' else -1
    bfloat16 = choose_precision(config.precision, device=device) == 'bfloat16'
    return {
        'task': task,
        'model': config.model,
        'data': config.data,
        'imgsz': config.image_size,
        'rect': config.rect,
        'epochs': config.epochs,
        'time': config.minutes / 60 or None,
        'patience': config.patience,
        'batch': batch,
        'optimizer': config.optimizer,
        'lr0': config.learning_rate,
        'lrf': config.final_rate,
        'cos_lr': True,
        'weight_decay': config.weight_decay,
        'warmup_epochs': config.warmup_epochs,
        # Adam's steps are as long as its rate: at 0.1 they would throw the biases off.
        'warmup_bias_lr': 0.1 if config.optimizer == 'SGD' else 0.0,
        'freeze': config.freeze or None,
        'degrees': 0.0,  # NadirDataset sets it if outlines are known
        'fliplr': config.flip_horizontal,
        'flipud': config.flip_vertical,
        'scale': config.scale,
        'translate': config.translate,
        'hsv_h': config.hue,
        'hsv_s': config.saturation,
        'hsv_v': config.brightness,
        'mosaic': config.mosaic,
        'close_mosaic': config.mosaic_off_epochs,
        'mixup': config.mixup,
        'seed': config.seed,
        'deterministic': True,
        'device': device,
        'amp': 'bf16' if bfloat16 else False,
        'workers': config.workers,
        'cache': False if config.cache == 'none' else config.cache,
        'plots': config.plots,
        'project': str(output.parent.absolute()),
        'name': output.name,
        'exist_ok': True,
        'verbose': True,
    }


def resolve_device(device: str) -> str:
    """Return cpu or the numbers of GPUs, as ultralytics wants them."""
    if device == 'auto':
        return '0' if torch.cuda.is_available() else 'cpu'
    return device.removeprefix('cuda:')


def choose_precision(wanted: str, *, device: str) -> str:
    """Return bfloat16 or float32 for the configured precision on a device."""
    if wanted != 'auto':
        return wanted
    return 'bfloat16' if _computes_bfloat16(device) else 'float32'


def _computes_bfloat16(device: str) -> bool:
    if device != 'cpu':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Without such instructions bfloat16 is emulated, several times slower than float32.
    return not {'avx512_bf16', 'amx_bf16', 'bf16'}.isdisjoint(processor_instructions())
