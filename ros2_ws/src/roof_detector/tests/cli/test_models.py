# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import argparse
import re

import cv2
import numpy as np
import pytest

from roof_detector.cli import models
from roof_detector.cli.model_cost import ModelName, model_cost, time_models, variants


def parsed(*words):
    parser = argparse.ArgumentParser()
    models.add_parser(parser.add_subparsers())
    return parser.parse_args(['models', *words])


def test_an_unknown_variant_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r'No model is called Nothing; there are YOLO11, .*KALN'):
        models.run(parsed('--variants', 'Nothing'))


def test_stock_comes_first_and_every_variant_once():
    names = variants()
    assert names[0] == 'YOLO11'
    assert len(set(names)) == len(names) >= 10


def test_a_larger_picture_costs_in_proportion_and_the_weights_stay():
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


def test_the_command_prints_one_row_for_each_model_and_states_the_machine(capsys):
    chosen = parsed('--variants', 'YOLO11', 'KALN', '--tasks', 'detect', '--backends')
    chosen.image_size = 64
    assert models.run(chosen) == 0
    printed = capsys.readouterr().out
    assert re.findall(r'^\| (YOLO11|KALN) \| detect \| n \| ([\d.]+) \|', printed, re.M) == [
        ('YOLO11', '2.624'),
        ('KALN', '2.450'),
    ]
    assert '64x64 pixels, torch' in printed


def test_what_was_prepared_is_what_flies_and_is_not_built_again(tmp_path, capsys):
    frame = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
    (tmp_path / 'frames').mkdir()
    cv2.imwrite(str(tmp_path / 'frames/one.png'), cv2.GaussianBlur(frame, (0, 0), 5))
    words = ['prepare', 'roofs', '--backend', 'onnxruntime', '--image-size', '160']
    words += ['--threads', '1', '--device', 'cpu', '--frames', str(tmp_path / 'frames')]
    words += ['--cache', str(tmp_path / 'cache')]
    chosen = parsed(*words)
    assert chosen.run(chosen) == 0
    printed = capsys.readouterr().out
    assert re.search(r'^\| onnxruntime \| 1 \| [\d.]+ \| [\d.]+ \| ready \|$', printed, re.M)
    assert re.search(r'^auto takes (onnxruntime|torch)', printed, re.M)
    (made,) = (tmp_path / 'cache').rglob('*.onnx')
    built_ns = made.stat().st_mtime_ns
    assert chosen.run(chosen) == 0
    assert made.stat().st_mtime_ns == built_ns
