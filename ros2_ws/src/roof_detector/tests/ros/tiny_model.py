# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A network small enough to run over thousands of frames."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NAMES = ('equip', 'drain', 'crack')
SIDE, CELLS = 64, 8


def write_model(path, *, seed=1, side=SIDE, prototypes=0):
    """Write one convolution as a detector: a box and class scores for each 8x8 pixels.

    With `prototypes` of masks it is a segmentation model.
    """
    random = np.random.default_rng(seed)
    rows = 4 + len(NAMES) + prototypes
    weights = random.normal(0, 0.6, (rows, 3, CELLS, CELLS)).astype(np.float32)
    weights -= weights.mean(axis=(1, 2, 3), keepdims=True)
    count = side // CELLS
    centres = (np.arange(count, dtype=np.float32) + 0.5) * CELLS
    x, y = np.meshgrid(centres, centres)
    place = np.stack([x, y, np.full_like(x, 18), np.full_like(x, 14)]).reshape(1, 4, -1)
    constants = {
        'weights': weights,
        'place': place,
        'reach': np.float32(3.0),
        'shape': np.array([1, rows, count * count]),
        'parts': np.array([4, len(NAMES), *([prototypes] if prototypes else [])]),
    }
    outputs = [helper.make_tensor_value_info('output0', TensorProto.FLOAT, [1, rows, count**2])]
    shares = ['shares'] if prototypes else []
    nodes = [
        helper.make_node('Conv', ['images', 'weights'], ['map'], strides=[CELLS, CELLS]),
        helper.make_node('Reshape', ['map', 'shape'], ['flat']),
        helper.make_node('Split', ['flat', 'parts'], ['offsets', 'logits', *shares], axis=1),
        helper.make_node('Tanh', ['offsets'], ['bounded']),
        helper.make_node('Mul', ['bounded', 'reach'], ['moves']),
        helper.make_node('Add', ['moves', 'place'], ['boxes']),
        helper.make_node('Sigmoid', ['logits'], ['scores']),
        helper.make_node('Concat', ['boxes', 'scores', *shares], ['output0'], axis=1),
    ]
    if prototypes:
        cells = side // 4
        constants['bases'] = random.normal(0, 1, (prototypes, 3, 4, 4)).astype(np.float32)
        nodes.append(helper.make_node('Conv', ['images', 'bases'], ['output1'], strides=[4, 4]))
        shape = [1, prototypes, cells, cells]
        outputs.append(helper.make_tensor_value_info('output1', TensorProto.FLOAT, shape))
    graph = helper.make_graph(
        nodes,
        'one convolution',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 3, side, side])],
        outputs,
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    task = 'segment' if prototypes else 'detect'
    facts = {'names': dict(enumerate(NAMES)), 'task': task, 'stride': 32, 'imgsz': [side] * 2}
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=str(value))
    onnx.save(model, path)
    return path
