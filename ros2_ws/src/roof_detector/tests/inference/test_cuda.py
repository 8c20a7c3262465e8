# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What can be seen on a CUDA device alone; the stages themselves run on any, see there."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from roof_detector.inference.backends.graphed_network import GraphedNetwork
from roof_detector.inference.backends.torch_backend import read_model
from roof_detector.inference.detector import Detector
from roof_detector.inference.export.build import build_export
from roof_detector.inference.export.recipe import ExportRecipe
from roof_detector.inference.shipped_weights import resolve_model, shipped_models
from roof_detector.vision.thresholds import Thresholds

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason='This machine has no CUDA device.'
)


@pytest.mark.parametrize('model', shipped_models())
@pytest.mark.parametrize('precision', ['f32', 'f16', 'bf16'])
def test_a_shipped_model_answers_as_on_the_processor(model, precision, paint_roof):
    path = resolve_model(model)
    limit = {'f32': 5e-3, 'f16': 0.05, 'bf16': 0.2}[precision]
    with (
        Detector.open(path, device='cpu') as plain,
        Detector.open(path, device='cuda', precision=precision) as detector,
    ):
        assert detector.device == 'cuda:0'
        scores = slice(4, 4 + len(plain.names))
        for seed in (1, 2, 3):
            prepared = plain.preprocess(paint_roof(seed))
            (expected,), (found,) = plain.infer(prepared), detector.infer(prepared)
            difference = found.raw.predictions[scores] - expected.raw.predictions[scores]
            assert np.abs(difference).max() < limit


def test_images_drawn_while_the_network_runs_come_out_right(detect_pt, paint_roof):
    with Detector.open(detect_pt, device='cuda', precision='f32') as detector:
        images = [paint_roof(seed) for seed in range(8)]
        alone = [detector.detect(image, Thresholds()) for image in images]
        # All are queued before the first is run.
        prepared = [detector.preprocess(image) for image in images]
        answers = [answer for one in prepared for answer in detector.infer(one)]
        for expected, answer in zip(alone, answers, strict=True):
            found = detector.postprocess(answer, Thresholds())
            np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=0.01)


def test_a_graph_is_made_for_each_shape_and_is_what_the_network_says():
    path = resolve_model('roof_anomalies')
    model, _ = read_model(path)
    model = model.float().fuse(verbose=False).eval().cuda()
    network = GraphedNetwork(lambda blob: (model(blob)[0],), model=model)
    with torch.inference_mode():
        for height in (384, 640, 384):
            blobs = torch.rand(3, 1, 3, height, 640, device='cuda')
            for blob in blobs:
                (found,), (expected, *_) = network(blob), model(blob)
                torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-2)
    assert not network.refusals


def test_graphs_are_of_shapes_that_come_again():
    """Golden images come once, and would leave the cameras' images without a graph."""
    network = GraphedNetwork(lambda blob: (torch.relu(blob) + 1,), model=torch.nn.Identity())
    for side in range(32, 320, 32):
        network(torch.rand(1, 3, side, side, device='cuda'))
    blob = torch.rand(1, 3, 384, 640, device='cuda')
    for _ in range(3):
        (found,) = network(blob)
        torch.testing.assert_close(found, torch.relu(blob) + 1)
    assert 'other shapes' not in str(network.refusals)


def test_batches_of_other_sizes_run_in_the_graphs_that_are_there():
    path = resolve_model('roof_anomalies')
    model, _ = read_model(path)
    model = model.float().fuse(verbose=False).eval().cuda()
    alone = []

    def run(blob):
        alone.append(len(blob))
        return (model(blob)[0],)

    network = GraphedNetwork(run, model=model)
    with torch.inference_mode():
        for size in (1, 8, 4, 2):
            for _ in range(2):
                network(torch.rand(size, 3, 384, 640, device='cuda'))
        alone.clear()
        for size in (7, 3, 5, 6, 11):
            blob = torch.rand(size, 3, 384, 640, device='cuda')
            (found,), (expected, *_) = network(blob), model(blob)
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-2)
    assert not alone and not network.refusals


def test_a_network_that_waits_for_the_host_runs_without_a_graph():
    network = GraphedNetwork(lambda blob: (blob * blob.sum().item(),), model=torch.nn.Identity())
    blob = torch.rand(1, 3, 32, 32, device='cuda')
    network(blob)
    assert not network.refusals, 'the first pass of a shape is tried'
    (found,) = network(blob)
    torch.testing.assert_close(found, blob * blob.sum())
    assert list(network.refusals) == [blob.shape]
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


@pytest.mark.skipif(find_spec('tensorrt') is None, reason='TensorRT is not installed.')
def test_an_engine_takes_more_images_than_it_was_made_for(detect_pt, paint_roof, tmp_path):
    """Its optimization profile ends at the batch that it was made with."""
    images = [paint_roof(seed) for seed in range(3)]
    recipe = ExportRecipe(format='engine', precision='f16', dynamic=True)
    built = build_export(detect_pt, recipe, folder=tmp_path, frames=images)
    with Detector.open(built.path, device='cuda', trust_model=True) as detector:
        prepared = [detector.preprocess(image) for image in images]
        alone = [detector.infer(one)[0].raw.predictions for one in prepared]
        for expected, found in zip(alone, detector.infer(*prepared), strict=True):
            np.testing.assert_allclose(found.raw.predictions, expected, atol=1e-3)


def test_memory_on_the_device_does_not_grow(detect_pt, roof_bgr):
    with Detector.open(detect_pt, device='cuda') as detector:
        assert detector.precision == 'f16'
        detector.warm_up()
        held = torch.cuda.memory_allocated()
        for _ in range(200):
            detector.detect(roof_bgr, Thresholds())
        assert torch.cuda.memory_allocated() <= held + 2**20
