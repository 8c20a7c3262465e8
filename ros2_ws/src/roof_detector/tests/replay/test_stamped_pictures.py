# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np

from roof_detector.replay.footage import Frame
from roof_detector.replay.stamped_pictures import StampedPictures
from roof_detector.vision.detections import Detections
from roof_detector.vision.frame_findings import FrameFindings


def frames(*stamps):
    for number, stamp_ns in enumerate(stamps):
        yield Frame('', number, 'f', stamp_ns, 0, '', np.full((3, 4, 3), number, np.uint8))


def findings(stamp_ns, *, size_wh=(4, 3)):
    return FrameFindings('s', '', 0, 'f', stamp_ns, '', size_wh, Detections.empty(), ())


def numbers(pictures, *stamps):
    found = (pictures.of(findings(stamp_ns)) for stamp_ns in stamps)
    return [None if image_bgr is None else int(image_bgr[0, 0, 0]) for image_bgr in found]


def test_no_pictures_are_none():
    assert numbers(StampedPictures(frames()), 1, 2) == [None, None]


def test_pictures_are_found_by_stamp_with_gaps_on_either_side():
    assert numbers(StampedPictures(frames(1, 2, 3, 5)), 2, 3, 4, 5, 6) == [1, 2, None, 3, None]


def test_time_may_begin_again():
    assert numbers(StampedPictures(frames(1, 2, 3, 1, 2, 3)), 2, 3, 1, 3) == [1, 2, 3, 5]


def test_a_picture_of_another_size_is_not_that_of_the_findings():
    assert StampedPictures(frames(1)).of(findings(1, size_wh=(8, 6))) is None
