# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np

from roof_detector.inputs.frame import Frame
from roof_detector.offline.stamped_images import StampedImages
from roof_detector.vision.content_identity import ContentIdentity
from roof_detector.vision.detections import Detections
from roof_detector.vision.frame_findings import FrameFindings


class StampedFrames:
    """Frames whose colour is their number, of the contents that are given beside the stamps."""

    path = 'flight'

    def __init__(self, *stamps):
        self.stamps = [one if isinstance(one, tuple) else (one, None) for one in stamps]

    def recorded(self):
        for number, (stamp_ns, content) in enumerate(self.stamps):
            image = np.full((3, 4, 3), number, np.uint8)
            identity = content and ContentIdentity(1, content)
            yield Frame(
                index=number, name=f'f_{number}', stamp_ns=stamp_ns, image=image, content=identity
            )


def findings(stamp_ns, content=None, *, size_wh=(4, 3)):
    content = content and ContentIdentity(1, content)
    return FrameFindings(
        source='s',
        topic='',
        index=0,
        name=f'at_{stamp_ns}',
        stamp_ns=stamp_ns,
        frame_id='',
        size_wh=size_wh,
        detections=Detections.empty(),
        class_names=(),
        inference_s=None,
        content=content,
    )


def numbers(images, *stamps):
    wanted = [findings(*one) if isinstance(one, tuple) else findings(one) for one in stamps]
    found = [images.of(one) for one in wanted]
    return [None if one is None else int(one.image_bgr[0, 0, 0]) for one in found]


def images(*stamps):
    return StampedImages(StampedFrames(*stamps))


def test_no_images_are_none():
    assert numbers(images(), 1, 2) == [None, None]


def test_images_are_found_by_stamp_with_gaps_on_either_side():
    assert numbers(images(1, 2, 3, 5), 2, 3, 4, 5, 6) == [1, 2, None, 3, None]


def test_time_may_begin_again():
    assert numbers(images(1, 2, 3, 1, 2, 3), 2, 3, 1, 3) == [1, 2, 3, 5]


def test_an_image_of_another_size_is_not_that_of_the_findings():
    assert images(1).of(findings(1, size_wh=(8, 6))) is None


def test_an_image_of_other_content_is_refused_and_named():
    found = images((1, 'a'), (2, 'x'), (3, 'c'))
    assert numbers(found, (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')) == [0, None, 2, None]
    missing, refused = found.warnings()
    assert missing == '1 image is missing in flight: at_4.'
    assert 'at_2' in refused and 'is refused' in refused


def test_frames_of_one_stamp_are_distinguished_by_content():
    found = images((1, 'a'), (1, 'b'), (1, 'c'), (2, 'd'))
    assert numbers(found, (1, 'c'), (1, 'a'), (1, 'x'), (2, 'd')) == [2, 0, None, 3]
    assert found.notes() == [
        '1 image in flight is not in the results (detect again to include new ones): f_1.'
    ]


def test_what_the_results_do_not_hold_is_named_to_the_end():
    found = images((1, 'a'), (2, 'b'), (3, 'c'))
    assert numbers(found, (2, 'b')) == [1]
    assert 'f_0, f_2' in found.notes()[0]


def test_results_without_a_hash_are_paired_by_time_with_a_note():
    found = images(1, 2)
    assert numbers(found, 1, 2) == [0, 1]
    (note,) = found.notes()
    assert 'at_1, at_2' in note and 'hold no hash' in note
    own = StampedImages(StampedFrames(1), is_own=True)
    assert numbers(own, 1) == [0] and own.notes() == []
