# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

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
