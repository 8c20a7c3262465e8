# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest

from roof_detector.ros.detector.camera_topic import CameraTopic, parse_cameras


def test_no_cameras_stand_for_one_without_a_name():
    assert parse_cameras(()) == (CameraTopic('', 'image'),)


def test_a_camera_listens_under_its_name_or_to_the_topic_given():
    assert parse_cameras(('front', 'down:/belly/image_raw', 'left:~/left')) == (
        CameraTopic('front', 'front/image'),
        CameraTopic('down', '/belly/image_raw'),
        CameraTopic('left', '~/left'),
    )


@pytest.mark.parametrize(
    ('entries', 'sentence'),
    [
        (('',), "has '' in ''"),
        (('front camera',), "'front camera'"),
        (('1st',), "'1st'"),
        (('masks',), 'none of detections'),
        (('front:',), 'leave : out to take front/image'),
        (('front:/a//b',), "topic '/a//b'"),
        (('front:image raw',), 'such as /front/image_raw'),
        (('front', 'front:/x'), 'names front more than once'),
    ],
)
def test_what_is_no_camera_is_refused_with_its_reason(entries, sentence):
    with pytest.raises(ValueError, match='cameras') as refusal:
        parse_cameras(entries)
    assert sentence in str(refusal.value)
