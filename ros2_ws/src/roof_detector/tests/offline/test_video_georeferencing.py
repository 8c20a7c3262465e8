# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A drone's video with its subtitles gives positions on the map."""

from __future__ import annotations

import json
import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from roof_detector.georeference.camera_mount import BodyMount
from roof_detector.georeference.ground import Ground
from roof_detector.offline.georeferencing import GeoreferenceSettings

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


def gps_packet(latitude):
    """Return a second of GPMF with one position, as a GoPro writes it."""

    def element(key, kind, size, data):
        head = struct.pack('>4scBH', key, kind, size, len(data) // size)
        return head + data + b'\0' * (-len(data) % 4)

    stream = (
        element(b'GPSF', b'L', 4, struct.pack('>L', 3))
        + element(b'GPSP', b'S', 2, struct.pack('>H', 150))
        + element(b'SCAL', b'l', 4, struct.pack('>5i', 10**7, 10**7, 1000, 1000, 100))
        + element(
            b'GPS5', b'l', 20, struct.pack('>5i', round(latitude * 1e7), 134_100_000, 0, 0, 0)
        )
    )
    return element(b'DEVC', b'\0', 4, element(b'STRM', b'\0', 4, stream))


def test_the_positions_of_a_gopro_give_a_map_with_the_mount_and_lens(video, tmp_path, detect):
    path = tmp_path / 'card' / 'GX010001.MP4'
    path.parent.mkdir()
    with av.open(str(video)) as read, av.open(str(path), 'w') as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        track = written.add_data_stream('bin_data')
        for packet in read.demux(read.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
        for second in range(3):
            packet = av.Packet(gps_packet(52.52 + second * 1e-4))
            packet.stream, packet.time_base = track, Fraction(1, 1000)
            packet.pts = packet.dts = second * 1000
            packet.duration = 1000
            written.mux(packet)
    (outcome,) = detect(path, confidence=0.01, formats=None)
    assert outcome.frames == 6 and outcome.warnings == ()
    (note,) = [one for one in outcome.notes if 'GPMF telemetry of a GoPro' in one]
    assert '--mount-down' in note
    settings = GeoreferenceSettings(
        ground=Ground(height_m=40.0), body_mount=BodyMount(down_deg=90.0), focal_35mm=24.0
    )
    options = {'formats': ('geojson',), 'georeferencing': settings, 'output': 'asked'}
    (outcome,) = detect(path, confidence=0.01, **options)
    found = json.loads((outcome.output / 'detections.geojson').read_text())['features']
    assert found
    for one in found:
        assert one['geometry']['coordinates'][1] == pytest.approx(52.5201, abs=4e-4)
        assert one['properties']['height_m'] == pytest.approx(40)


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
