# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest

from roof_detector.vision.detections import Detections
from roof_detector.vision.frame_findings import FrameFindings
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.masks import InstanceMasks

START_NS = 1_790_000_000_000_000_000
NAMES = ('vent', 'air conditioner')
SIZE_WH = (96, 64)


class Run:
    """Frames of a flight as a detector hands them on: each a little different."""

    names = NAMES
    size_wh = SIZE_WH
    start_ns = START_NS

    def frame(self, index, *, count=2, **changes):
        boxes = [(4 + 9 * k, 6 + k, 20 + 9 * k, 30 + index % 8) for k in range(count)]
        values = {
            'source': 'flights/one.mcap',
            'topic': '/camera/image',
            'index': index,
            'name': f'one_{index:06d}',
            'stamp_ns': START_NS + index * 100_000_000,
            'frame_id': 'camera_optical_frame',
            'size_wh': SIZE_WH,
            'detections': Detections(
                boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
                scores=np.linspace(0.9, 0.5, count, dtype=np.float32),
                class_ids=np.arange(count) % 2,
            ),
            'class_names': NAMES,
            'inference_s': 0.0125,
        }
        return FrameFindings(**(values | changes))

    def image(self, index, *, size_wh=SIZE_WH):
        image = np.full((size_wh[1], size_wh[0], 3), 40 + index % 100, np.uint8)
        cv2.circle(image, (12, 18), 6, (200, 60, 30), cv2.FILLED)
        return image

    def masked(self, index):
        """Two instances, each the left half of its box; the network saw the image as it is."""
        boxes = np.array([(4, 6, 20, 30), (40, 10, 60, 50)], np.float32)
        logits = np.full((2, SIZE_WH[1], SIZE_WH[0]), -1.0, np.float32)
        logits[0, :, :12] = 1.0
        logits[1, :, :50] = 1.0
        geometry = Letterbox(
            source_wh=SIZE_WH, resized_wh=SIZE_WH, input_wh=SIZE_WH, pad_xy=(0, 0)
        )
        detections = Detections(
            boxes_xyxy=boxes,
            scores=np.array([0.9, 0.8]),
            class_ids=np.array([0, 1]),
            masks=InstanceMasks(logits=logits, boxes_xyxy=boxes, geometry=geometry),
        )
        return self.frame(index, detections=detections)


@pytest.fixture
def run():
    return Run()
