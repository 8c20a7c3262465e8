# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Large JPEGs with things too small for one look, over DDS: tiles on and off in flight."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

TILES = 8  # of 640 pixels in 1920x1080


def report_after(probe, sent):
    return probe.report_when(lambda values: values['frames_processed'] == str(sent))


@pytest.fixture
def jpeg(roof_bgr):
    large_bgr = np.tile(roof_bgr, (3, 3, 1))  # at the scale that a tile shows it in
    return cv2.imencode('.jpg', large_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def test_tiles_find_more_take_turns_and_lose_no_frame(graph, make_probe, jpeg):
    probe = make_probe(graph, transport='compressed')
    whole = probe.send_and_wait(jpeg).detections
    assert 'tiles' not in report_after(probe, 1)

    assert probe.set('tile_budget_ms', 60000.0).successful
    probe.send_and_wait(jpeg)
    values = report_after(probe, 2)
    assert (values['tiles'], values['tiles_looked_at']) == (str(TILES), '1'), 'cost not known yet'
    through_all = probe.send_and_wait(jpeg).detections
    values = report_after(probe, 3)
    assert values['tiles_looked_at'] == str(TILES)
    assert 'tiles_ms.p50' in values
    assert len(through_all) > 1.5 * len(whole)

    assert probe.set('tile_budget_ms', 0.01).successful
    for _ in range(TILES):
        assert len(probe.send_and_wait(jpeg).detections) < len(through_all)
    values = report_after(probe, 3 + TILES)
    assert values['tiles_looked_at'] == '1'
    assert float(values['tile_age_max_s']) > 0

    assert probe.set('tile_budget_ms', 0.0).successful
    assert len(probe.send_and_wait(jpeg).detections) == len(whole)
    values = report_after(probe, 4 + TILES)
    assert 'tiles' not in values
    assert (values['frames_seen'], values['frames_dropped']) == (str(4 + TILES), '0')
    refused = probe.set('tile_overlap', 0.7)
    assert not refused.successful and 'tile_overlap' in refused.reason


def test_masks_seen_through_tiles_lie_in_their_boxes_of_the_whole_frame(graph, make_probe, jpeg):
    arguments = ['model:=roof_anomalies-seg', 'tile_budget_ms:=60000.0']
    probe = make_probe(graph, transport='compressed', arguments=arguments)
    masks = []
    probe.node.create_subscription(Image, '/detector/masks', masks.append, 5)
    whole = probe.send_and_wait(jpeg).detections  # what tiles cost is not known yet

    def masks_of_a_frame_seen_through_all():
        probe.send_and_wait(jpeg)
        return [one for one in masks if one.header in [r.header for r in probe.results[2:]]]

    probe.graph.wait_until(masks_of_a_frame_seen_through_all, what='masks')
    image = masks[-1]
    result = next(one for one in probe.results if one.header == image.header)
    assert len(result.detections) > len(whole)
    assert (image.width, image.height, image.encoding) == (1920, 1080, '16UC1')
    index = np.frombuffer(image.data, np.uint16).reshape(1080, 1920)
    seen = np.unique(index[index > 0])
    assert seen.max() <= len(result.detections)
    assert len(seen) > len(whole)  # also of what tiles alone have found
    for number in seen:
        rows, columns = np.nonzero(index == number)
        box = result.detections[number - 1].bbox
        x, y = box.center.position.x, box.center.position.y
        assert np.abs(columns + 0.5 - x).max() <= box.size_x / 2 + 1
        assert np.abs(rows + 0.5 - y).max() <= box.size_y / 2 + 1
