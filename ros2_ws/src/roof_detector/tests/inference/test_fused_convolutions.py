# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest
import torch

from roof_detector.inference.backends import torch_backend
from roof_detector.inference.backends.fused_convolutions import (
    FusedConvolution,
    can_fuse_convolutions,
    fuse_convolutions,
)
from roof_detector.inference.backends.torch_backend import TorchBackend, read_model
from roof_detector.inference.shipped_weights import resolve_model, shipped_models

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason='This build of torch has no oneDNN.'
)


@pytest.mark.parametrize('kernel', [1, 3])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('groups', [1, 8])
@pytest.mark.parametrize('name', ['swish', 'relu', 'none'])
def test_any_convolution_answers_as_torch_s_for_every_size_and_batch(kernel, stride, groups, name):
    activation = {'swish': torch.nn.SiLU(), 'relu': torch.nn.ReLU(), 'none': torch.nn.Identity()}
    torch.manual_seed(0)  # whichever tests drew before
    plain = torch.nn.Conv2d(8, 16, kernel, stride, kernel // 2, groups=groups)
    fused = FusedConvolution(plain, name)
    with torch.inference_mode():
        for shape in ((1, 8, 20, 12), (3, 8, 7, 33)):  # ordered for the first, right for others
            x = torch.randn(shape).to(memory_format=torch.channels_last)
            torch.testing.assert_close(fused(x), activation[name](plain(x)), rtol=1e-4, atol=1e-5)


def predictions(path, images):
    answers = TorchBackend(path, device='cpu', threads=1).infer(images)
    return np.stack([answer.predictions for answer in answers])


@pytest.mark.parametrize('model', shipped_models())
def test_a_shipped_model_answers_alike_and_most_of_it_is_fused(model, monkeypatch, paint_roof):
    path = resolve_model(model)
    images = np.stack([paint_roof(seed, (160, 96)) for seed in (1, 2)])
    fused = predictions(path, images)
    monkeypatch.setattr(torch_backend, 'can_fuse_convolutions', lambda: False)
    plain = predictions(path, images)
    np.testing.assert_allclose(fused, plain, rtol=1e-3, atol=2e-3)
    assert can_fuse_convolutions()
    network, _ = read_model(path)
    network = network.float().fuse(verbose=False)
    convolutions = sum(type(one) is torch.nn.Conv2d for one in network.modules())
    assert fuse_convolutions(network) > 0.8 * convolutions
