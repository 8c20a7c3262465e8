# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Passes of one network side by side."""

from __future__ import annotations

import threading

import openvino
import pytest
import yaml

from roof_detector.inference.detector import Detector
from roof_detector.inference.lanes import Lanes
from roof_detector.inference.openvino_core import openvino_core
from roof_detector.inference.package.checkpoint_package import package_of
from roof_detector.inference.package.manifest import ONNX


def test_no_pass_leaves_no_thread_behind():
    before = set(threading.enumerate())
    Lanes([lambda batch: [batch]]).close()
    assert set(threading.enumerate()) <= before


def test_as_many_passes_run_at_once_as_there_are_lanes_and_each_lane_has_one():
    meeting = threading.Barrier(3)
    busy = set()

    def lane(number):
        def run(batch):
            assert number not in busy
            busy.add(number)
            meeting.wait(300)  # only if three run at once
            busy.discard(number)
            return [batch]

        return run

    lanes = Lanes([lane(number) for number in range(3)])
    started = [lanes.start(number) for number in range(6)]
    assert [one.result(300)[0] for one in started] == [[number] for number in range(6)]
    lanes.close()


def test_an_error_of_a_pass_is_raised_to_who_waits_for_it_and_its_lane_goes_on():
    def run(batch):
        if batch == 'bad':
            raise RuntimeError(batch)
        return [batch]

    lanes = Lanes([run])
    bad, good = lanes.start('bad'), lanes.start('good')
    with pytest.raises(RuntimeError, match='bad'):
        bad.result(300)
    assert good.result(300)[0] == ['good']
    lanes.close()


def test_a_network_of_fixed_batches_runs_side_by_side_as_well(detect_pt, roof_bgr, tmp_path):
    package = package_of(detect_pt)
    model = openvino_core().read_model(package.files[ONNX])
    model.reshape([2, 3, 96, 160])
    openvino.save_model(model, tmp_path / 'fixed.xml', compress_to_fp16=False)
    facts = package.facts
    metadata = {'task': facts.task, 'stride': facts.stride, 'names': dict(enumerate(facts.names))}
    (tmp_path / 'metadata.yaml').write_text(yaml.safe_dump({**metadata, 'imgsz': [96, 160]}))
    outputs = []
    for lanes in (1, 2):
        with Detector.open(tmp_path, device='cpu', lanes=lanes) as detector:
            assert detector.lanes == lanes
            preprocessed = detector.preprocess(roof_bgr)
            outputs.append(
                [one.raw.predictions.tobytes() for one in detector.infer(*[preprocessed] * 3)]
            )
    assert outputs[0] == outputs[1]
