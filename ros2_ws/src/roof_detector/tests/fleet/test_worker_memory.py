# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A worker that Ray's memory monitor kills, on a Ray of its own with a low limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_model import SIDE, write_model

from roof_detector.fleet.fleet_store import FleetStore

# More than tests beside this one take or free in its time; the model wants twice as much.
MARGIN_BYTES = 6 << 30
BLOCK, BLOCKS = 1 << 18, 4000  # numbers of four bytes; ONNX Runtime tiles less than 4 GB at once


def write_hungry_model(path):
    """Write the small model, which takes twelve gigabytes for an image that is white."""
    model = onnx.load(write_model(path))
    graph = model.graph
    (last,) = (node for node in graph.node if 'output0' in node.output)
    last.output[0] = 'found'
    constants = {
        'bright': np.float32(0.9),
        'blocks': np.int64(BLOCKS),
        'one': np.int64(1),
        'block': np.zeros(BLOCK, np.float32),
        'other_block': np.zeros(BLOCK, np.float32),
        'scalar': np.array([1]),
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()
    )
    graph.node.extend(
        [
            helper.make_node('ReduceMean', ['images'], ['mean'], keepdims=0),
            helper.make_node('Greater', ['mean', 'bright'], ['is_bright']),
            helper.make_node('Cast', ['is_bright'], ['count'], to=TensorProto.INT64),
            helper.make_node('Mul', ['count', 'blocks'], ['more']),
            helper.make_node('Add', ['more', 'one'], ['repeats']),
            helper.make_node('Reshape', ['repeats', 'scalar'], ['shape_of_all']),
            helper.make_node('Tile', ['block', 'shape_of_all'], ['first']),
            helper.make_node('Tile', ['other_block', 'shape_of_all'], ['second']),
            helper.make_node('Add', ['first', 'second'], ['all']),
            helper.make_node('ReduceMax', ['all'], ['zero'], keepdims=0),
            helper.make_node('Add', ['found', 'zero'], ['output0']),
        ]
    )
    onnx.save(model, path)
    return path


@pytest.mark.skipif(
    psutil.virtual_memory().available < 2 * MARGIN_BYTES,
    reason='needs 12 GB of free memory',
)
def test_a_worker_out_of_memory_costs_its_flight_and_no_other(tmp_path):
    model = write_hungry_model(tmp_path / 'small.onnx')
    for name, value in (('grey', 90), ('white', 255)):
        photo = tmp_path / 'in' / name / 'DJI_0001.jpg'
        photo.parent.mkdir(parents=True)
        cv2.imwrite(str(photo), np.full((SIDE, SIDE, 3), value, np.uint8))
    memory = psutil.virtual_memory()
    limit = (memory.total - memory.available + MARGIN_BYTES) / memory.total
    command = [
        sys.executable, '-m', 'roof_detector.cli.main', 'fleet', 'run', str(tmp_path / 'in'),
        '--output', str(tmp_path / 'store'), '--model', str(model), '--device', 'cpu',
        '--backend', 'onnxruntime', '--workers', '1', '--progress', 'json',
    ]  # fmt: skip
    environment = {
        **os.environ,
        'RAY_memory_usage_threshold': f'{limit:.4f}',
        'RAY_task_oom_retries': '0',
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    failures = {
        Path(one['source']).name: one['failure'] for one in events if one['event'] == 'outcome'
    }
    assert 'ran out of memory' in failures.pop('white')
    assert failures == {'grey': ''}
    (row,) = FleetStore.open(tmp_path / 'store').rows('flights')
    assert row['frames'] == 1
