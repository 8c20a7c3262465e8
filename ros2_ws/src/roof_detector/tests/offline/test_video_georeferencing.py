# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A drone's video with its subtitles gives positions on the map."""

from __future__ import annotations

import json

import av
import cv2
import numpy as np
import pytest

QUARTER_CLOCKWISE = (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
CUE = (
    '{n}\n00:00:{n:02d},000 --> 00:00:{m:02d},000\n[focal_len: 24.00] [latitude: {latitude:.7f}] '
    '[longitude: 13.4100000] [rel_alt: 40.000 abs_alt: 120.000] '
    '[gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]\n\n'
)


@pytest.fixture
def video(flights, tmp_path):
    path = tmp_path / 'DJI_0001.MP4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 2.0, flights.SIZE_WH)
    for number in range(6):
        writer.write(flights.image(number))
    writer.release()
    return path


def write_subtitles(video, cue=CUE):
    text = ''.join(cue.format(n=n, m=n + 1, latitude=52.52 + n * 1e-4) for n in range(3))
    video.with_name('dji_0001.srt').write_text(text)


def test_a_video_with_complete_subtitles_gives_a_map_without_being_asked(video, detect):
    write_subtitles(video)
    (outcome,) = detect(video, confidence=0.01, formats=None)
    found = json.loads((outcome.output / 'detections.geojson').read_text())['features']
    assert found
    for one in found:
        longitude, latitude = one['geometry']['coordinates']
        flown = 52.52 + int(one['properties']['stamp_ns']) / 1e9 * 1e-4
        assert latitude == pytest.approx(flown, abs=3e-4)
        assert longitude == pytest.approx(13.41, abs=4e-4)
        assert one['properties']['height_m'] == pytest.approx(40, abs=0.1)


def test_subtitles_without_angles_say_what_is_missing_when_a_map_is_asked_for(video, detect):
    write_subtitles(video, CUE.replace('[gb_yaw: 0.1 gb_pitch: -90.0 gb_roll: 0.0]', ''))
    (outcome,) = detect(video, formats=None)
    assert not (outcome.output / 'detections.geojson').exists()
    assert any('DJI_0001.MP4 holds positions in its subtitles' in one for one in outcome.notes)
    (outcome,) = detect(video, formats=('geojson',), output='asked')
    assert any('no gimbal angles. Give --mount-down' in one for one in outcome.warnings)


def test_a_video_without_subtitles_says_that_it_has_none(video, detect):
    (outcome,) = detect(video, formats=('geojson',))
    assert any('no .srt file of its name beside it' in one for one in outcome.warnings)


@pytest.mark.parametrize(
    ('name', 'content', 'note'),
    [
        ('dji_0001.srt', '1\n00:00:00,000 --> 00:00:01,000\nhello\n', 'srt is not used: '),
        ('DJI_0001.tlog', 'a log', 'DJI_0001.tlog lies beside DJI_0001.MP4, but no map was made'),
    ],
    ids=['subtitles', 'log'],
)
def test_what_lies_beside_a_video_is_not_passed_over(video, detect, name, content, note):
    video.with_name(name).write_text(content)
    (outcome,) = detect(video, confidence=0.99, formats=None)
    assert any(note in one for one in outcome.notes)


def test_a_video_that_is_shown_turned_keeps_its_positions(video, tmp_path, detect):
    turned = tmp_path / 'turned' / video.name
    turned.parent.mkdir()
    with av.open(str(video)) as read, av.open(str(turned), 'w') as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        stream.set_display_matrix(QUARTER_CLOCKWISE)
        for packet in read.demux(read.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    write_subtitles(turned)
    (outcome,) = detect(turned, confidence=0.01, formats=None)
    found = json.loads((outcome.output / 'detections.geojson').read_text())['features']
    assert found
    metres_per_px = 40 / (100 * 24 / 43.267)
    for one in found:
        left, top, right, bottom = one['properties']['box_px']
        # As stored, 80 x 60: what is shown to the right was up.
        x, y = (top + bottom) / 2, 60 - (left + right) / 2
        # The last subtitle begins at 2 s, and its place holds until its end.
        flown = 52.52 + min(int(one['properties']['stamp_ns']) / 1e9, 2.0) * 1e-4
        longitude, latitude = one['geometry']['coordinates']
        assert latitude == pytest.approx(flown + (30 - y) * metres_per_px / 111_280, abs=2e-5)
        east = (longitude - 13.41) * 111_320 * np.cos(np.radians(52.52))
        assert east == pytest.approx((x - 40) * metres_per_px, abs=1.5)
