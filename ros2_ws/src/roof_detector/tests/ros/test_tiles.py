# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Large JPEGs with things too small for one look, over DDS: tiles on and off in flight."""

from __future__ import annotations

import cv2
import numpy as np
from std_msgs.msg import Header

from roof_detector.ros.messages import compressed_message

TILES = 8  # of 640 pixels in 1920x1080


def send_and_wait(probe, jpeg):
    count = len(probe.results)
    header = Header(stamp=probe.stamp(), frame_id='camera_optical_frame')
    probe.images.publish(compressed_message(jpeg, header=header))
    probe.wait_for_results(count + 1)
    assert len(probe.results) == count + 1 and probe.results[-1].header == header
    return probe.results[-1].detections


def report_after(probe, sent):
    return probe.report_when(lambda values: values['frames_processed'] == str(sent))


def test_tiles_find_more_take_turns_and_lose_no_frame(graph, make_probe, roof_bgr):
    probe = make_probe(graph, transport='compressed')
    large_bgr = np.tile(roof_bgr, (3, 3, 1))  # at the scale that a tile shows it in
    jpeg = cv2.imencode('.jpg', large_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    whole = send_and_wait(probe, jpeg)
    assert 'tiles' not in report_after(probe, 1)

    assert probe.set('tile_budget_ms', 60000.0).successful
    send_and_wait(probe, jpeg)
    values = report_after(probe, 2)
    assert (values['tiles'], values['tiles_looked_at']) == (str(TILES), '1'), 'cost not known yet'
    through_all = send_and_wait(probe, jpeg)
    values = report_after(probe, 3)
    assert values['tiles_looked_at'] == str(TILES)
    assert 'tiles_ms.p50' in values
    assert len(through_all) > 1.5 * len(whole)

    assert probe.set('tile_budget_ms', 0.01).successful
    for _ in range(TILES):
        assert len(send_and_wait(probe, jpeg)) < len(through_all)
    values = report_after(probe, 3 + TILES)
    assert values['tiles_looked_at'] == '1'
    assert float(values['tile_age_max_s']) > 0

    assert probe.set('tile_budget_ms', 0.0).successful
    assert len(send_and_wait(probe, jpeg)) == len(whole)
    values = report_after(probe, 4 + TILES)
    assert 'tiles' not in values
    assert (values['frames_seen'], values['frames_dropped']) == (str(4 + TILES), '0')
    refused = probe.set('tile_overlap', 0.7)
    assert not refused.successful and 'tile_overlap' in refused.reason
