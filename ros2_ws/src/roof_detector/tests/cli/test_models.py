# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import argparse
import json
import re

import cv2
import numpy as np

from roof_detector.cli import models


def parsed(*words):
    parser = argparse.ArgumentParser()
    models.add_parser(parser.add_subparsers())
    return parser.parse_args(['models', *words])


def test_checking_a_model_prints_its_facts(capsys):
    chosen = parsed('check', 'roofs')
    assert chosen.run(chosen) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told['task'], told['classes']) == ('detect', ['roof'])


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
    alone = beside = r'1 \| [\d.]+ \| [\d.]+'
    row = rf'^\| onnxruntime \| {alone} \| {beside} \| [\d.]+ \| ready \|$'
    assert re.search(row, printed, re.M)
    assert re.search(r'^auto uses (onnxruntime|torch)', printed, re.M)
    (made,) = (tmp_path / 'cache').rglob('*.onnx')
    built_ns = made.stat().st_mtime_ns
    assert chosen.run(chosen) == 0
    assert made.stat().st_mtime_ns == built_ns
