# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The node takes the parameter file that an evaluation writes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import rclpy

from roof_detector.inference.detector import Detector
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.ros.detector.detector_parameters import DETECTOR_TABLE, detector_settings
from roof_detector.vision.thresholds import Thresholds
from training.evaluation import EvaluationError, evaluate
from training.evaluation.parameter_file import parameter_text, write_parameters


@pytest.fixture
def labelled(tmp_path):
    """Return a function that labels one image with what the shipped model finds there."""
    for name in ('images', 'labels'):
        (tmp_path / name).mkdir()
    image_bgr = np.full((256, 256, 3), 120, np.uint8)
    cv2.rectangle(image_bgr, (90, 90), (150, 140), (235, 235, 235), cv2.FILLED)
    cv2.imwrite(str(tmp_path / 'images' / 'roof.png'), image_bgr)
    with Detector.open(resolve_model('roof_anomalies'), image_size=256, device='cpu') as detector:
        found = detector.detect(image_bgr, Thresholds(confidence=0.01))[:1]
        name = detector.names[found.class_ids[0]]
    left, top, right, bottom = (found.boxes_xyxy[0] / 256).tolist()
    box = f'{(left + right) / 2} {(top + bottom) / 2} {right - left} {bottom - top}'

    def label(*, right):
        place = box if right else '0.03 0.03 0.02 0.02'
        (tmp_path / 'labels' / 'roof.txt').write_text(f'0 {place}\n')
        return evaluate(
            'roof_anomalies', tmp_path, names=[name], image_size=256, device='cpu',
            iou=0.4, confidence=0.3, resamples=5, progress=False,
        )  # fmt: skip

    return label


def test_without_anything_right_no_file_is_written(labelled, tmp_path):
    path = tmp_path / 'thresholds.yaml'
    with pytest.raises(EvaluationError, match='found nothing right'):
        write_parameters(labelled(right=False), path)
    assert not path.exists()


def test_the_nodes_own_table_takes_the_file(labelled, tmp_path, graph):
    evaluation = labelled(right=True)
    path = tmp_path / 'thresholds.yaml'
    write_parameters(evaluation, path)
    node = graph.add(
        rclpy.create_node(
            'detector',
            context=graph.context,
            cli_args=['--ros-args', '--params-file', str(path)],
        )
    )
    values = DETECTOR_TABLE.declare(node)
    with Detector.open(resolve_model('roof_anomalies'), device='cpu') as detector:
        names = detector.names
    thresholds = detector_settings(values, names=names).thresholds
    (name,) = evaluation.names
    assert thresholds.class_confidence == ((name, evaluation.per_class[name].best_confidence),)
    assert (thresholds.confidence, thresholds.iou, values['image_size']) == (0.3, 0.4, 256)


def test_a_parameter_file_is_not_overwritten_unasked(labelled, tmp_path):
    evaluation = labelled(right=True)
    path = tmp_path / 'thresholds.yaml'
    path.write_text('mine')
    with pytest.raises(EvaluationError, match='Add --overwrite'):
        write_parameters(evaluation, path)
    assert path.read_text() == 'mine'
    write_parameters(evaluation, path, overwrite=True)
    assert path.read_text() == parameter_text(evaluation)
