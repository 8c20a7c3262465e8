# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Tracks of data in videos: GPMF of GoPro, byte by byte, and CAMM."""

from __future__ import annotations

import struct
from datetime import datetime
from fractions import Fraction

import av
import numpy as np
import pytest

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.ground import Ground
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.gopro_track import gopro_telemetry
from roof_detector.telemetry.subtitle_track import can_be_georeferenced, subtitle_track
from roof_detector.telemetry.video_telemetry import read_video_telemetry

SCALES_5 = (10_000_000, 10_000_000, 1000, 1000, 100)
SCALES_9 = (*SCALES_5, 1, 1000, 100, 1)
GROUND = Ground(height_m=40.0)


def element(key, kind, size, data):
    head = struct.pack('>4scBH', key.encode(), kind.encode(), size, len(data) // size)
    return head + data + b'\0' * (-len(data) % 4)


def nested(key, *parts):
    return element(key, '\0', 4, b''.join(parts))


def gps5(*places, fix=3, precision=180, level='MSLV'):
    """Return a packet with some places (latitude, longitude, altitude) of a GoPro Hero5 to 10."""
    rows = [
        struct.pack('>5i', round(lat * 1e7), round(lon * 1e7), round(up * 1e3), 0, 0)
        for lat, lon, up in places
    ]
    stream = nested(
        'STRM',
        element('STNM', 'c', 1, b'GPS (Lat., Long., Alt., 2D speed, 3D speed)'),
        element('GPSF', 'L', 4, struct.pack('>L', fix)),
        element('GPSU', 'U', 16, b'260807134040.250'),
        element('GPSP', 'S', 2, struct.pack('>H', precision)),
        element('GPSA', 'F', 4, level.encode()),
        element('SCAL', 'l', 4, struct.pack('>5i', *SCALES_5)),
        element('GPS5', 'l', 20, b''.join(rows)),
    )
    turns = nested('STRM', element('GYRO', 's', 6, struct.pack('>3h', 1, 2, 3)))
    return nested('DEVC', element('DVNM', 'c', 1, b'Camera'), turns, stream)


def gps9(*places, fix=3):
    """Return a packet of a GoPro Hero11 or later, each place with its own time and fix."""
    rows = [
        struct.pack(
            '>7i2H', round(lat * 1e7), round(lon * 1e7), round(up * 1e3), 0, 0, 9350, 500, 150, fix
        )
        for lat, lon, up in places
    ]
    stream = nested(
        'STRM',
        element('TYPE', 'c', 1, b'l[7]SS'),
        element('SCAL', 'l', 4, struct.pack('>9i', *SCALES_9)),
        element('GPS9', '?', 32, b''.join(rows)),
    )
    return nested('DEVC', stream)


def write_video(path, packets, *, tag=b'gpmd'):
    with av.open(str(path), 'w') as container:
        picture = container.add_stream('mpeg4', rate=10)
        picture.width, picture.height = 64, 48
        track = container.add_data_stream('bin_data')
        for _ in range(10 * len(packets)):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), 'bgr24')
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        for number, content in enumerate(packets):
            packet = av.Packet(content)
            packet.stream, packet.time_base = track, Fraction(1, 1000)
            packet.pts = packet.dts = number * 1000
            packet.duration = 1000
            container.mux(packet)
    path.write_bytes(path.read_bytes().replace(b'gpmd', tag))
    return path


def test_a_video_without_any_telemetry_is_refused(tmp_path):
    video = write_video(tmp_path / 'a.mp4', [b'no telemetry'])
    with pytest.raises(TelemetryError, match='has no subtitles inside'):
        read_video_telemetry(video)


def test_positions_of_a_gopro_are_read_with_their_scales_and_times(tmp_path):
    places = [(47.5, -8.25, 440.5), (47.6, -8.35, 441.5)]
    video = write_video(tmp_path / 'GX010001.MP4', [gps5(*places), gps5((47.7, -8.45, 442.0))])
    found = read_video_telemetry(video)
    told = [(one.begin_s, one.latitude_deg, one.longitude_deg) for one in found.samples]
    assert told == [(0.0, 47.5, -8.25), (0.5, 47.6, -8.35), (1.0, 47.7, -8.45)]
    assert [one.altitude_m for one in found.samples] == [440.5, 441.5, 442.0]
    assert found.samples[0].time == datetime(2026, 8, 7, 13, 40, 40, 250_000)
    assert found.samples[0].dilution == pytest.approx(1.8)
    assert 'count from the sea' in ' '.join(found.notes)


def test_samples_with_their_own_time_and_fix_are_read(tmp_path):
    found = gopro_telemetry(tmp_path / 'a.mp4', [(0.0, 1.0, gps9((-33.9, 151.2, 20.0)))])
    (one,) = found.samples
    assert (one.latitude_deg, one.longitude_deg, one.altitude_m) == (-33.9, 151.2, 20.0)
    assert one.time == datetime(2025, 8, 7, 0, 0, 0, 500_000)
    assert 'ellipsoid' in ' '.join(found.notes)


def test_the_newer_positions_of_a_gopro_count_where_it_writes_both(tmp_path):
    both = gps5((1.0, 2.0, 3.0)) + gps9((47.0, 8.0, 440.0))
    found = gopro_telemetry(tmp_path / 'a.mp4', [(0.0, 1.0, both)])
    assert [one.latitude_deg for one in found.samples] == [47.0]


@pytest.mark.parametrize(
    ('packet', 'cause'),
    [
        (gps5((47.0, 8.0, 440.0), fix=0), 'without a fix'),
        (gps5((47.0, 8.0, 440.0), precision=9999), 'without a fix'),
        (gps9((47.0, 8.0, 440.0), fix=0), 'without a fix'),
        (gps5((0.0, 0.0, 0.0)), 'at latitude 0, longitude 0'),
        (gps5((95.0, 8.0, 0.0)), 'outside of 89 and 180 degrees'),
    ],
    ids=['no_fix', 'no_precision', 'no_fix_of_its_own', 'null_island', 'off_earth'],
)
def test_positions_that_cannot_be_used_are_counted(tmp_path, packet, cause):
    found = gopro_telemetry(tmp_path / 'a.mp4', [(0.0, 1.0, packet)])
    assert found.samples == ()
    assert f'1 positions {cause} are left out' in ' '.join(found.notes)


def test_a_fix_in_two_dimensions_has_no_altitude(tmp_path):
    found = gopro_telemetry(tmp_path / 'a.mp4', [(0.0, 1.0, gps5((47.0, 8.0, 440.0), fix=2))])
    assert found.samples[0].altitude_m is None


def test_a_packet_that_is_cut_off_gives_what_is_whole(tmp_path):
    whole, other = gps5((47.0, 8.0, 440.0)), gps5((48.0, 9.0, 450.0))
    for length in range(len(other)):
        found = gopro_telemetry(tmp_path / 'a.mp4', [(0.0, 1.0, whole + other[:length])])
        assert [one.latitude_deg for one in found.samples] == [47.0]


def test_no_damage_of_a_packet_ends_a_run(tmp_path):
    random = np.random.default_rng(3)
    for packet in (gps5((47.0, 8.0, 440.0)), gps9((47.0, 8.0, 440.0))):
        for _ in range(1500):
            content = bytearray(packet)
            for at in random.integers(0, len(content), random.integers(1, 6)):
                content[at] = random.choice([0, 255, 127, ord('f'), ord('d'), ord('?')])
            found = gopro_telemetry(tmp_path / 'a.mp4', [(0.0, 1.0, bytes(content))])
            for one in found.samples:
                assert abs(one.latitude_deg) < 89 and abs(one.longitude_deg) <= 180


def test_a_number_that_is_none_is_left_out(tmp_path):
    row = struct.pack('>9f', 47.0, 8.0, 440.0, 0, 0, 9350, 5, 1.5, float('nan'))
    stream = nested(
        'STRM',
        element('SCAL', 's', 2, struct.pack('>h', 1)),
        element('GPS9', 'f', 36, row),
    )
    found = gopro_telemetry(tmp_path / 'a.mp4', [(0.0, 1.0, nested('DEVC', stream))])
    assert found.samples == ()


def test_a_gopro_has_no_attitude_and_needs_the_mount_and_the_lens(tmp_path):
    places = [(47.0 + number * 1e-4, 8.0, 440.0) for number in range(4)]
    video = write_video(tmp_path / 'GX010001.MP4', [gps5(one) for one in places])
    told = read_video_telemetry(video)
    assert not can_be_georeferenced(told)
    options = {'size_wh': (64, 48), 'ground': GROUND}
    with pytest.raises(TelemetryError, match='GPMF telemetry of a GoPro are no gimbal angles'):
        subtitle_track(told, **options)
    mount = CameraMount.on_body(down_deg=90)
    with pytest.raises(TelemetryError, match=r'The lens is not known from the GPMF .* --focal-35'):
        subtitle_track(told, mount=mount, **options)
    flown = subtitle_track(told, mount=mount, focal_35mm=24.0, **options)
    fix = flown.at(1_500_000_000, size_wh=(64, 48))
    assert fix.latitude_deg == pytest.approx(47.00015)
    assert fix.rotation[:, 2] == pytest.approx([0, 0, -1], abs=1e-9)
    assert -fix.rotation[:, 1] == pytest.approx([0, 1, 0], abs=1e-6)  # flown to the north
    assert fix.sources['position'] == 'GPMF telemetry of a GoPro'


def test_a_poor_dilution_makes_the_error_larger(tmp_path):
    def sigma_m(precision):
        packets = [
            (float(number), 1.0, gps5((47.0 + number * 1e-4, 8.0, 440.0), precision=precision))
            for number in range(3)
        ]
        told = gopro_telemetry(tmp_path / 'a.mp4', packets)
        mount = CameraMount.on_body(down_deg=90)
        flown = subtitle_track(told, mount=mount, focal_35mm=24.0, size_wh=(64, 48), ground=GROUND)
        return flown.at(1_000_000_000, size_wh=(64, 48)).position_covariance[0, 0] ** 0.5

    assert sigma_m(800) == pytest.approx(4 * sigma_m(100))


def test_positions_of_a_camera_motion_track_are_read(tmp_path):
    place = struct.pack('<HH3d', 0, 5, 47.5, 8.5, 440.0)
    fix = struct.pack('<HHdi2d7f', 0, 6, 1.4e9, 3, 47.6, 8.6, 441.0, 1, 1, 0, 0, 0, 1)
    lost = struct.pack('<HHdi2d7f', 0, 6, 1.4e9, 0, 47.6, 8.6, 441.0, 1, 1, 0, 0, 0, 1)
    turned = struct.pack('<HH3f', 0, 0, 0.1, 0.2, 0.3)
    video = write_video(tmp_path / 'a.mp4', [turned, place, fix, lost], tag=b'camm')
    found = read_video_telemetry(video)
    told = [(one.begin_s, one.latitude_deg, one.altitude_m) for one in found.samples]
    assert told == [(1.0, 47.5, 440.0), (2.0, 47.6, 441.0)]
    assert found.holder == 'CAMM telemetry'
    assert '1 positions without a fix' in ' '.join(found.notes)


def test_a_camera_motion_track_without_positions_is_named(tmp_path):
    turned = struct.pack('<HH3f', 0, 0, 0.1, 0.2, 0.3)
    video = write_video(tmp_path / 'a.mp4', [turned], tag=b'camm')
    with pytest.raises(TelemetryError, match='holds CAMM telemetry, and no position with a fix'):
        read_video_telemetry(video)
