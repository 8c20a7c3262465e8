# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel, SegmentationModel

from roof_detector.blocks import DyHeadBlock

if TYPE_CHECKING:
    from collections.abc import Callable

ORACLES = Path(__file__).parent / 'oracles'


@dataclass(frozen=True)
class Oracle:
    """Inputs, weights, outputs and gradients of a published implementation, as float64 tensors."""

    meta: dict
    tensors: dict[str, torch.Tensor]

    def __getitem__(self, key: str) -> torch.Tensor:
        return self.tensors[key]

    def under(self, prefix: str) -> dict[str, torch.Tensor]:
        """Return the tensors whose key begins with the prefix, without it."""
        return {
            key.removeprefix(prefix): value
            for key, value in self.tensors.items()
            if key.startswith(prefix)
        }

    @property
    def state(self) -> dict[str, torch.Tensor]:
        """Return the state_dict under the published names."""
        return self.under('sd.')


@pytest.fixture
def oracle() -> Callable[[str], Oracle]:
    def load(name: str) -> Oracle:
        with np.load(ORACLES / f'{name}.npz', allow_pickle=False) as arrays:
            tensors = {k: torch.from_numpy(arrays[k]) for k in arrays.files if k != 'meta'}
            return Oracle(json.loads(bytes(arrays['meta'])), tensors)

    return load


@pytest.fixture(autouse=True)
def one_thread_and_a_fixed_seed():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Zoo:
    """Small models of the zoo with lively weights, each built once for all tests."""

    built: dict[str, nn.Module] = field(default_factory=dict)

    def model(self, file_name: str) -> nn.Module:
        """Return a copy of the model at scale n for 3 classes."""
        if file_name not in self.built:
            torch.manual_seed(0)
            kind = SegmentationModel if file_name.endswith('-seg.yaml') else DetectionModel
            self.built[file_name] = kind(
                file_name.replace('yolo11', 'yolo11n'), nc=3, verbose=False
            )
        return deepcopy(self.built[file_name])

    def lively(self, file_name: str) -> nn.Module:
        """Return the model in eval mode, as if trained: statistics moved, scores spread out."""
        model = self.model(file_name).eval()
        generator = torch.Generator().manual_seed(1)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)
            if isinstance(module, DyHeadBlock):  # a fresh one samples where it stands
                module.offset_and_mask.weight.data.normal_(0, 0.01, generator=generator)
                module.offset_and_mask.bias.data.normal_(0, 0.5, generator=generator)
        for level in model.model[-1].cv3:
            nn.init.normal_(level[-1].weight, 0, 1, generator=generator)
            nn.init.zeros_(level[-1].bias)
        return model


@pytest.fixture(scope='session')
def zoo() -> Zoo:
    return Zoo()


@pytest.fixture
def images() -> dict[str, torch.Tensor]:
    """Draw bright rectangles on dark noise, as a batch of ultralytics' trainer."""
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 0.3, (8, 3, 64, 64)).astype(np.float32)
    masks = np.zeros((8, 64, 64), np.float32)
    boxes = []
    for image, mask in zip(images, masks, strict=True):
        x, y = generator.integers(4, 28, 2)
        width, height = generator.integers(12, 32, 2)
        image[:, y : y + height, x : x + width] += 0.6
        mask[y : y + height, x : x + width] = 1
        boxes.append([(x + width / 2) / 64, (y + height / 2) / 64, width / 64, height / 64])
    return {
        'img': torch.from_numpy(images),
        'cls': torch.zeros(8, 1),
        'bboxes': torch.tensor(np.array(boxes), dtype=torch.float32),
        'batch_idx': torch.arange(8.0),
        'masks': torch.from_numpy(masks),
    }
