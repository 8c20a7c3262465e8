# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch.testing import assert_close
from ultralytics import YOLO

from roof_detector.blocks import DyHeadBlock, DyHeadDetect, DyHeadSegment
from roof_detector.inference.openvino_core import openvino_core

SIZE_HW = (96, 160)


def trained_looking(name):
    """Build a model whose features, offsets, boxes and scores vary, as they do after training.

    A fresh one multiplies its input down to nothing, for its normalisations have seen none yet.
    """
    model = YOLO(name, verbose=False)
    random = torch.Generator().manual_seed(0)

    def normal(weight, std):
        weight.data.normal_(std=std, generator=random)

    for module in model.model.modules():
        if isinstance(module, DyHeadBlock):
            normal(module.offset_and_mask.weight, 0.01)
            normal(module.offset_and_mask.bias, 0.5)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    for box, score in zip(model.model.model[-1].cv2, model.model.model[-1].cv3, strict=True):
        normal(box[-1].weight, 0.02)
        normal(score[-1].weight, 0.02)
        score[-1].bias.data.zero_()
    with torch.inference_mode():
        model.model.train()(torch.rand(2, 3, 128, 128, generator=random))
    return model


def predict(network, image):
    with torch.inference_mode():
        output = network(image)
    while not isinstance(output, torch.Tensor):
        output = output[0]
    return output.numpy()


def assert_parity(found, expected):
    boxes, scores = expected[:, :4], expected[:, 4:84]
    assert boxes.std() > 10
    assert scores.std() > 0.01
    np.testing.assert_allclose(found[:, :4], boxes, rtol=0, atol=0.1)
    np.testing.assert_allclose(found[:, 4:84], scores, rtol=0, atol=1e-3)
    np.testing.assert_allclose(found[:, 84:], expected[:, 84:], rtol=1e-3, atol=1e-3)


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    file = tmp_path_factory.mktemp('models') / 'yolo11n-DyHead.pt'
    trained_looking('yolo11n-DyHead.yaml').save(str(file))
    return file, YOLO(str(file)).model.float().eval()


@pytest.mark.parametrize(
    ('name', 'task', 'head', 'hidden'),
    [
        ('yolo11n-DyHead.yaml', 'detect', DyHeadDetect, 64),
        ('yolo11s-DyHead.yaml', 'detect', DyHeadDetect, 128),
        ('yolo11m-DyHead-seg.yaml', 'segment', DyHeadSegment, 256),
    ],
)
def test_the_scale_sets_the_width_and_the_strides_are_right(name, task, head, hidden):
    model = YOLO(name, verbose=False)
    assert model.task == task
    assert model.model.stride.tolist() == [8, 16, 32]
    last = model.model.model[-1]
    assert type(last) is head
    assert last.cv2[0][0].conv.in_channels == hidden
    assert not last.legacy
    for branch, stride in zip(last.cv3, (8, 16, 32), strict=True):
        prior = torch.tensor(5 / 80 / (640 / stride) ** 2).log()
        assert_close(branch[-1].bias.detach(), prior.expand(80))


def test_width_and_number_of_blocks_are_options():
    head = DyHeadDetect(3, ch=(16, 24, 40), hidden=32, blocks=2)
    head.stride = torch.tensor([8.0, 16.0, 32.0])
    levels = [torch.randn(1, c, s, s) for c, s in ((16, 8), (24, 4), (40, 2))]
    assert head.eval()(levels)[0].shape == (1, 7, 84)
    assert len(head.neck.attend) == 2
    assert [x.shape[1] for x in levels] == [16, 24, 40], 'the list of the caller was changed'


def test_onnx_of_any_batch_and_size_agrees(saved):
    file, network = saved
    exported = YOLO(str(file)).export(format='onnx', imgsz=SIZE_HW, dynamic=True, verbose=False)
    session = onnxruntime.InferenceSession(exported, providers=['CPUExecutionProvider'])
    for shape in ((1, 3, *SIZE_HW), (2, 3, 160, 64)):
        image = torch.rand(shape)
        found = session.run(None, {session.get_inputs()[0].name: image.numpy()})[0]
        assert_parity(found, predict(network, image))


def test_openvino_and_torchscript_agree(saved):
    file, network = saved
    image = torch.rand(1, 3, *SIZE_HW)
    expected = predict(network, image)
    script = YOLO(str(file)).export(format='torchscript', imgsz=SIZE_HW, verbose=False)
    assert_parity(predict(torch.jit.load(script), image), expected)
    folder = YOLO(str(file)).export(format='openvino', imgsz=SIZE_HW, verbose=False)
    core = openvino_core()
    # By default a CPU with AMX computes in bfloat16, which moves sampling positions.
    compiled = core.compile_model(
        next(iter(file.parent.glob(f'{file.stem}_openvino_model/*.xml'))),
        'CPU',
        {'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': 1},
    )
    assert str(file.parent) in folder
    assert_parity(compiled([image.numpy()])[0], expected)
