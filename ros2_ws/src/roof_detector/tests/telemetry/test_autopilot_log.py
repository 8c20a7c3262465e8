# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Logs of ArduPilot and PX4: bytes as pymavlink and PX4 write them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.autopilot_log import (
    LoggedValues,
    log_file_of,
    read_autopilot_log,
)
from roof_detector.telemetry.clock_offset import clock_offset
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.log_track import VideoMotion, log_track

mavlink = pytest.importorskip('pymavlink.dialects.v20.ardupilotmega')
pytest.importorskip('pyulog')
SECONDS = np.arange(0.0, 40.0, 0.1)
UTC_AT_START_NS = 1_780_000_000_000_000_000
NOTHING_SEEN = VideoMotion(times_s=np.zeros(0), turns=np.zeros(0))
GROUND = Ground(map_z_m=0.0)


def yaw_at(seconds):
    """Return the heading in radians: three turns to both sides, as at the ends of lines."""
    turns = (0.9, 16.0, 1.0), (0.6, 22.0, 1.3), (-1.1, 31.0, 1.0)
    return 1.0 + sum(by * np.tanh((seconds - at) * quick) for by, at, quick in turns)


def place_at(seconds):
    return 47.0 + 1e-5 * seconds, 8.0


def write_tlog(path, *, seconds=SECONDS, gimbal=False, utc=True):
    file = io.BytesIO()
    link = mavlink.MAVLink(file)

    def write(message):
        file.write(struct.pack('>Q', UTC_AT_START_NS // 1000))
        file.write(message.pack(link))

    for at_s in seconds:
        at_ms = round(at_s * 1000)
        latitude, longitude = (round(one * 1e7) for one in place_at(at_s))
        place = latitude, longitude, 440_000, 40_000
        write(mavlink.MAVLink_global_position_int_message(at_ms, *place, 0, 0, 0, 0))
        yaw = (yaw_at(at_s) + np.pi) % (2 * np.pi) - np.pi
        write(mavlink.MAVLink_attitude_message(at_ms, 0.0, 0.0, yaw, 0, 0, 0))
        if utc:
            utc_us = UTC_AT_START_NS // 1000 + at_ms * 1000
            write(mavlink.MAVLink_system_time_message(utc_us, at_ms))
        if gimbal:
            write(mavlink.MAVLink_mount_orientation_message(at_ms, 0.0, -60.0, 15.0))
    path.write_bytes(file.getvalue())
    return path


def write_bin(path):
    """Write a log of ArduPilot's flash: formats, then records."""
    formats = {
        128: ('FMT', 'BBnNZ', 'Type,Length,Name,Format,Columns', 89),
        1: ('POS', 'QLLfff', 'TimeUS,Lat,Lng,Alt,RelHomeAlt,RelOriginAlt', 3 + 8 + 8 + 12),
        2: ('ATT', 'Qccc', 'TimeUS,Roll,Pitch,Yaw', 3 + 8 + 6),
        3: ('GPS', 'QBIH', 'TimeUS,Status,GMS,GWk', 3 + 8 + 1 + 4 + 2),
    }
    content = b''
    for number, (name, form, columns, length) in formats.items():
        content += b'\xa3\x95\x80' + struct.pack(
            '<BB4s16s64s', number, length, name.encode(), form.encode(), columns.encode()
        )
    for at_s in SECONDS:
        at_us = round(at_s * 1e6)
        latitude, longitude = (round(one * 1e7) for one in place_at(at_s))
        content += b'\xa3\x95\x01' + struct.pack(
            '<Qiifff', at_us, latitude, longitude, 440, 40, 40
        )
        yaw = round(np.degrees(yaw_at(at_s)) * 100)
        content += b'\xa3\x95\x02' + struct.pack('<Qhhh', at_us, 0, 0, yaw)
        content += b'\xa3\x95\x03' + struct.pack('<QBIH', at_us, 3, round(at_s * 1000), 2400)
    path.write_bytes(content)
    return path


def write_ulog(path):
    """Write a log of PX4 (ULog file format, version 1)."""
    formats = {
        'vehicle_global_position': 'uint64_t timestamp;double lat;double lon;float alt;',
        'vehicle_attitude': 'uint64_t timestamp;float[4] q;',
        'vehicle_local_position': 'uint64_t timestamp;float z;',
        'vehicle_gps_position': 'uint64_t timestamp;uint64_t time_utc_usec;',
    }

    def record(kind, body):
        return struct.pack('<HB', len(body), ord(kind)) + body

    content = b'ULog\x01\x12\x35\x01' + struct.pack('<Q', 0)
    for name, fields in formats.items():
        content += record('F', f'{name}:{fields}'.encode())
    for number, name in enumerate(formats):
        content += record('A', struct.pack('<BH', 0, number) + name.encode())
    for at_s in SECONDS:
        at_us = round(at_s * 1e6)
        wxyz = np.roll(Rotation.from_euler('z', yaw_at(at_s)).as_quat(), 1)
        for number, values in enumerate(
            (
                struct.pack('<Qddf', at_us, *place_at(at_s), 440.0),
                struct.pack('<Qffff', at_us, *wxyz),
                struct.pack('<Qf', at_us, -40.0),
                struct.pack('<QQ', at_us, UTC_AT_START_NS // 1000 + at_us),
            )
        ):
            content += record('D', struct.pack('<H', number) + values)
    path.write_bytes(content)
    return path


WRITERS = {'.tlog': write_tlog, '.bin': write_bin, '.ulg': write_ulog}


@pytest.mark.parametrize('suffix', WRITERS)
def test_each_kind_of_log_gives_the_same_flight(tmp_path, suffix):
    log = read_autopilot_log(WRITERS[suffix](tmp_path / f'flight{suffix}'), Uncertainty())
    notes = []
    track = log_track(
        log, NOTHING_SEEN, size_wh=(640, 480), ground=GROUND, mount=CameraMount.on_body(),
        focal_35mm=24.0, begin_s=10.0, notes=notes,
    )  # fmt: skip
    camera = track.at(2_050_000_000, size_wh=(640, 480))
    assert camera.latitude_deg == pytest.approx(47.0 + 12.05e-5, abs=2e-7)
    assert camera.altitude_m == pytest.approx(440.0)
    assert camera.height_m == pytest.approx(40.0, abs=1e-3)
    np.testing.assert_allclose(camera.rotation @ [0, 0, 1], [0, 0, -1], atol=1e-6)
    up = camera.rotation @ [0, -1, 0]
    assert np.arctan2(up[0], up[1]) == pytest.approx(yaw_at(12.05), abs=1e-3)
    assert 'The video began at 10.00 s' in ' '.join(notes)


def test_a_gimbal_of_a_log_turns_with_the_vehicle(tmp_path):
    log = read_autopilot_log(write_tlog(tmp_path / 'a.tlog', gimbal=True), Uncertainty())
    track = log_track(
        log, NOTHING_SEEN, size_wh=(640, 480), ground=GROUND, focal_35mm=24.0, begin_s=0.0
    )
    ahead = track.at(5_000_000_000, size_wh=(640, 480)).rotation @ [0, 0, 1]
    assert np.degrees(np.arcsin(ahead[2])) == pytest.approx(-60.0, abs=1e-3)
    bearing = np.arctan2(ahead[0], ahead[1])
    assert bearing == pytest.approx(yaw_at(5.0) + np.radians(15.0), abs=1e-3)


def test_turns_of_the_image_tell_when_the_video_began(tmp_path):
    log = read_autopilot_log(write_tlog(tmp_path / 'a.tlog'), Uncertainty())
    times = np.arange(0.0, 15.0, 0.1)
    rng = np.random.default_rng(3)
    turns = np.gradient(yaw_at(times + 12.34), 0.1) + rng.normal(0, 0.05, len(times))
    notes = []
    track = log_track(
        log, VideoMotion(times_s=times, turns=turns), size_wh=(640, 480), ground=GROUND,
        focal_35mm=24.0, notes=notes,
    )  # fmt: skip
    latitude = track.at(0, size_wh=(640, 480)).latitude_deg
    assert (latitude - 47.0) * 1e5 == pytest.approx(12.34, abs=0.15)
    assert 'as the turns of image and vehicle agree' in ' '.join(notes)
    assert 0.05 <= track.time_sigma_s < 0.3


def test_times_of_day_are_the_weak_tie_where_nothing_turns(tmp_path):
    log = read_autopilot_log(write_tlog(tmp_path / 'a.tlog'), Uncertainty())
    motion = VideoMotion(
        times_s=SECONDS, turns=SECONDS * 0, began_utc_ns=UTC_AT_START_NS + 7_000_000_000
    )
    notes = []
    track = log_track(log, motion, size_wh=(640, 480), ground=GROUND, focal_35mm=24.0, notes=notes)
    latitude = track.at(0, size_wh=(640, 480)).latitude_deg
    assert (latitude - 47.0) * 1e5 == pytest.approx(7.0, abs=0.05)
    assert 'a weak tie' in ' '.join(notes)
    assert track.time_sigma_s >= 2.0


def test_a_log_that_nothing_ties_to_the_video_is_refused(tmp_path):
    log = read_autopilot_log(write_tlog(tmp_path / 'a.tlog', utc=False), Uncertainty())
    with pytest.raises(TelemetryError, match='Give --log-begin'):
        log_track(log, NOTHING_SEEN, size_wh=(640, 480), ground=GROUND, focal_35mm=24.0)


def test_two_offsets_that_fit_as_well_are_no_answer():
    times = np.arange(0.0, 60.0, 0.1)
    assert clock_offset(times[:100], np.sin(times[:100]), times, np.sin(times)) is None


def test_a_log_without_a_flight_or_of_another_kind_is_refused(tmp_path):
    path = write_tlog(tmp_path / 'short.tlog', seconds=SECONDS[:1])
    with pytest.raises(TelemetryError, match='holds 1 positions and 1 attitudes'):
        read_autopilot_log(path, Uncertainty())
    for name in ('text.ulg', 'text.bin', 'text.tlog'):
        (tmp_path / name).write_text('no log at all')
        with pytest.raises(TelemetryError):
            read_autopilot_log(tmp_path / name, Uncertainty())
    with pytest.raises(TelemetryError, match='There is no log'):
        read_autopilot_log(tmp_path / 'missing.tlog', Uncertainty())


def test_a_log_cut_off_gives_what_came_before(tmp_path):
    path = write_tlog(tmp_path / 'a.tlog')
    path.write_bytes(path.read_bytes()[:4001])
    log = read_autopilot_log(path, Uncertainty())
    assert 2 < len(log.positions.rows) < len(SECONDS)


def test_the_log_beside_a_video_is_found_by_its_name(tmp_path):
    assert log_file_of(tmp_path / 'DJI_1.MP4') is None
    (tmp_path / 'dji_1.bin').write_bytes(b'\x7fELF')
    assert log_file_of(tmp_path / 'DJI_1.MP4') is None
    (tmp_path / 'dji_1.tlog').touch()
    assert log_file_of(tmp_path / 'DJI_1.MP4') == tmp_path / 'dji_1.tlog'


@pytest.mark.parametrize(('altitude', 'named'), [(440.0, True), (480.0, False)])
def test_a_height_that_starts_again_within_a_log_is_named(tmp_path, altitude, named):
    values = LoggedValues()
    for second in range(6):
        height, up = (40.0, 440.0) if second < 3 else (80.0, altitude)
        values.positions.append((second * 10**9, 47.0, 8.0, up, height))
        values.attitudes.append((second * 10**9, np.array([0.0, 0.0, 0.0, 1.0])))
    notes = values.flight(tmp_path / 'a.tlog', Uncertainty()).notes
    assert ('take-off point jumps by 40 m at 3 s' in ' '.join(notes)) == named
