# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.vision.detections import Detections
from roof_detector.vision.errors import VisionError
from roof_detector.vision.frame_findings import FrameFindings


def findings(**changes):
    values = {
        'source': 'flights/one.mp4',
        'topic': '',
        'index': 3,
        'name': 'one_000003',
        'stamp_ns': 150_000_000,
        'frame_id': '',
        'size_wh': (64, 48),
        'detections': Detections.empty(),
        'class_names': ('vent',),
    }
    return FrameFindings(**(values | changes))


def test_a_frame_without_findings_and_without_a_model_is_a_frame():
    assert len(findings(class_names=()).detections) == 0


@pytest.mark.parametrize(
    ('change', 'complaint'),
    [
        ({'name': ''}, 'has no name'),
        ({'index': -1}, 'expected 0 or more'),
        ({'size_wh': (0, 48)}, 'expected pixels'),
        ({'inference_s': float('nan')}, 'expected 0 or more, or None'),
        ({'inference_s': -0.1}, 'expected 0 or more, or None'),
        (
            {
                'detections': Detections(
                    boxes_xyxy=np.zeros((1, 4)), scores=np.ones(1), class_ids=np.array([1])
                )
            },
            'holds class id 1',
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_nonsense_is_refused_with_a_sentence(change, complaint):
    with pytest.raises(VisionError, match=complaint):
        findings(**change)
