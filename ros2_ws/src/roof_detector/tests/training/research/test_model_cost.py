# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest

from training.research.model_cost import ModelName, model_cost, time_models, variants


def test_stock_comes_first_and_every_variant_once():
    names = variants()
    assert names[0] == 'YOLO11'
    assert len(set(names)) == len(names) >= 10


def test_a_larger_image_costs_in_proportion_and_the_weights_stay():
    name = ModelName(variant='ContextGuided', task='detect', scale='n')
    small, large = (model_cost(name, image_size=size) for size in (64, 128))
    assert small.parameters == large.parameters
    assert large.flops.products == pytest.approx(4 * small.flops.products, rel=0.02)


def test_every_backend_is_timed_on_the_same_model():
    name = ModelName(variant='ContextGuided', task='segment', scale='n')
    backends = ('torch', 'onnx', 'openvino')
    times = time_models([name], backends=backends, image_size=64, repeats=1, threads=1)
    assert set(times) == {(name, backend) for backend in backends}
    assert all(milliseconds > 0 for milliseconds in times.values())
