# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Photos and videos tell when they were taken: in UTC, or in the local time of their camera."""

from __future__ import annotations

from datetime import datetime, timezone

import av
import numpy as np
import pytest
from PIL import Image

from roof_detector.inputs.photo_moment import photo_moment
from roof_detector.inputs.video import VideoInput
from roof_detector.vision.moment import Moment

MAKE, TAKEN, SUBSEC, OFFSET = 0x010F, 0x9003, 0x9291, 0x9011
GPS = {7: (8.0, 30.0, 15.0), 29: '2026:05:04'}
LOCAL = {TAKEN: '2026:05:04 10:11:12', SUBSEC: '25'}


def utc(*date):
    moment = datetime(*date, tzinfo=timezone.utc)
    return Moment(utc_ns=round(moment.timestamp() * 1e6) * 1000)


def photo(path, tags, *, gps=None, suffix='.jpg'):
    exif = Image.Exif()
    exif[MAKE] = 'DJI'  # Pillow writes no EXIF that has directories alone
    exif.get_ifd(0x8769).update(tags)
    if gps:
        exif.get_ifd(0x8825).update(gps)
    path = path / f'photo{suffix}'
    Image.new('RGB', (64, 48)).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ('tags', 'gps', 'expected'),
    [
        ({}, None, None),
        (LOCAL, None, Moment(local='2026-05-04T10:11:12.250')),
        (LOCAL | {OFFSET: '+02:00'}, None, utc(2026, 5, 4, 8, 11, 12, 250_000)),
        (LOCAL | {OFFSET: '-05:30'}, None, utc(2026, 5, 4, 15, 41, 12, 250_000)),
        (LOCAL, GPS, utc(2026, 5, 4, 8, 30, 15)),
        ({TAKEN: '1970:01:01 00:00:00'}, None, None),
        ({TAKEN: 'yesterday'}, None, None),
    ],
    ids=['none', 'local', 'east', 'west', 'GPS', 'never set', 'no date'],
)
def test_a_photo_tells_its_moment_as_far_as_its_tags_do(tmp_path, tags, gps, expected):
    assert photo_moment(photo(tmp_path, tags, gps=gps)) == expected


@pytest.mark.parametrize('suffix', ['.heic', '.avif', '.webp', '.png'])
def test_the_moment_is_read_of_every_format_with_exif(tmp_path, suffix):
    path = photo(tmp_path, LOCAL | {OFFSET: '+02:00'}, suffix=suffix)
    assert photo_moment(path) == utc(2026, 5, 4, 8, 11, 12, 250_000)


def video(path, **tags):
    with av.open(str(path), 'w', container_options={'movflags': 'use_metadata_tags'}) as written:
        written.metadata.update(tags)
        stream = written.add_stream('mpeg4', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format='bgr24')
            written.mux(stream.encode(frame))
        written.mux(stream.encode())
    return path


def moments(path):
    with VideoInput(path) as source:
        return [frame.moment for frame in source.recorded()], source.notes()


def test_frames_of_a_video_count_from_its_creation_time_and_say_so(tmp_path):
    found, notes = moments(video(tmp_path / 'v.mp4', creation_time='2026-05-04T08:11:12.5Z'))
    assert found == [utc(2026, 5, 4, 8, 11, 12, 500_000 + 100_000 * k) for k in range(3)]
    assert 'creation time of v.mp4, which should be UTC' in notes[0]


def test_the_date_of_a_phone_counts_before_it_with_its_time_zone(tmp_path):
    tags = {'com.apple.quicktime.creationdate': '2026-05-04T10:11:12+0200'}
    found, notes = moments(video(tmp_path / 'v.mov', **tags))
    assert found[0] == utc(2026, 5, 4, 8, 11, 12)
    assert notes == ()


def test_a_video_without_a_date_has_the_local_time_of_its_subtitles(tmp_path):
    path = video(tmp_path / 'v.mkv')
    cue = '1\n00:00:00,000 --> 00:00:01,000\n2026-05-04 10:11:12.000\n[latitude: 52.5] '
    path.with_suffix('.SRT').write_text(cue + '[longitude: 13.4]\n\n')
    found, _ = moments(path)
    assert found[1] == Moment(local='2026-05-04T10:11:12.100')
    path.with_suffix('.SRT').unlink()
    assert moments(path) == ([None] * 3, ())
