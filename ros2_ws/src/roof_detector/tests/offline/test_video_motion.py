# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How a video turns is seen in its images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from roof_detector.offline.video_motion import video_motion


def test_a_camera_that_turns_to_the_right_is_seen_to(tmp_path):
    rng = np.random.default_rng(4)
    ground = cv2.resize(rng.integers(0, 256, (60, 60), np.uint8), (600, 600))
    path = tmp_path / 'turn.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (240, 180))
    rates = np.concatenate([np.full(10, 0.3), np.full(10, -0.2)])
    for heading in np.cumsum(rates) * 0.1:
        # Seen from above, what the camera sees turns to the left.
        turned = cv2.getRotationMatrix2D((300, 300), float(np.degrees(heading)), 1.0)
        whole = cv2.warpAffine(ground, turned, (600, 600))
        writer.write(cv2.cvtColor(whole[210:390, 180:420], cv2.COLOR_GRAY2BGR))
    writer.release()
    motion = video_motion(path)
    assert len(motion.turns) == 19
    assert np.median(motion.turns[:9]) == pytest.approx(0.3, abs=0.03)
    assert np.median(motion.turns[10:]) == pytest.approx(-0.2, abs=0.03)
