# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Photos without positions, beside the log of the autopilot that triggered their camera."""

from __future__ import annotations

import io
import struct
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.autopilot_log import log_files_of_photos, read_autopilot_log
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.exposure_match import match_exposures
from roof_detector.telemetry.log_photos import log_poses
from roof_detector.telemetry.photo_tags import read_photo_tags

mavlink = pytest.importorskip('pymavlink.dialects.v20.ardupilotmega')
pytest.importorskip('pyulog')
# Uneven intervals, as of a camera that is triggered by distance.
EXPOSED_S = np.array([3.0, 5.1, 7.4, 12.3, 14.2, 19.9, 22.0, 26.5])
UTC_NS = 1_780_000_000_000_000_000
SPEED_M_S = 1e-5 * 111_177


def place_at(at_s):
    return 47.0 + 1e-5 * at_s, 8.0, 440.0


def write_bin(path, exposed_s, *, kind='CAM', utc=True):
    formats = {
        128: ('FMT', 'BBnNZ', 'Type,Length,Name,Format,Columns', 89),
        1: ('POS', 'QLLfff', 'TimeUS,Lat,Lng,Alt,RelHomeAlt,RelOriginAlt', 31),
        2: ('ATT', 'Qccc', 'TimeUS,Roll,Pitch,Yaw', 17),
        3: ('GPS', 'QBIH', 'TimeUS,Status,GMS,GWk', 18),
        4: (kind, 'QBHLLf', 'TimeUS,I,Img,Lat,Lng,Alt', 3 + 8 + 1 + 2 + 12),
    }
    content = b''.join(
        b'\xa3\x95\x80'
        + struct.pack('<BB4s16s64s', number, size, name.encode(), form.encode(), names.encode())
        for number, (name, form, names, size) in formats.items()
    )
    for at_s in np.arange(0.0, 30.0, 0.2):
        at_us, (latitude, longitude, altitude) = round(at_s * 1e6), place_at(at_s)
        where = round(latitude * 1e7), round(longitude * 1e7), altitude, 40, 40
        content += b'\xa3\x95\x01' + struct.pack('<Qiifff', at_us, *where)
        content += b'\xa3\x95\x02' + struct.pack('<Qhhh', at_us, 0, 0, 9000)
        if utc:
            content += b'\xa3\x95\x03' + struct.pack('<QBIH', at_us, 3, round(at_s * 1000), 2400)
    for number, at_s in enumerate(exposed_s):
        latitude, longitude, altitude = place_at(at_s)
        where = round(latitude * 1e7), round(longitude * 1e7), altitude
        content += b'\xa3\x95\x04' + struct.pack('<QBHiif', round(at_s * 1e6), 0, number, *where)
        # Another camera's exposures, which are not of these photos.
        content += b'\xa3\x95\x04' + struct.pack('<QBHiif', 100, 1, number, *where)
    path.write_bytes(content)
    return path


def write_tlog(path, exposed_s):
    file = io.BytesIO()
    link = mavlink.MAVLink(file)

    def write(message):
        file.write(struct.pack('>Q', UTC_NS // 1000) + message.pack(link))

    for at_s in np.arange(0.0, 30.0, 0.2):
        at_ms, (latitude, longitude, _) = round(at_s * 1000), place_at(at_s)
        where = round(latitude * 1e7), round(longitude * 1e7), 440_000, 40_000
        write(mavlink.MAVLink_global_position_int_message(at_ms, *where, 0, 0, 0, 0))
        write(mavlink.MAVLink_attitude_message(at_ms, 0.0, 0.0, np.pi / 2, 0, 0, 0))
        write(mavlink.MAVLink_system_time_message(UTC_NS // 1000 + at_ms * 1000, at_ms))
    for number, at_s in enumerate(exposed_s):
        latitude, longitude, altitude = place_at(at_s)
        where = round(latitude * 1e7), round(longitude * 1e7), altitude
        stamp_us = UTC_NS // 1000 + round(at_s * 1e6)
        feedback = mavlink.MAVLink_camera_feedback_message(
            stamp_us, 0, 0, number, *where, 40.0, 0.0, 0.0, 90.0, 0.0, 0, number
        )
        write(feedback)
        write(feedback)  # a log of two links holds each twice
    path.write_bytes(file.getvalue())
    return path


def write_ulog(path, exposed_s):
    formats = {
        'vehicle_global_position': 'uint64_t timestamp;double lat;double lon;float alt;',
        'vehicle_attitude': 'uint64_t timestamp;float[4] q;',
        'vehicle_gps_position': 'uint64_t timestamp;uint64_t time_utc_usec;',
        'camera_capture': 'uint64_t timestamp;double lat;double lon;float alt;int8_t result;',
    }

    def record(kind, body):
        return struct.pack('<HB', len(body), ord(kind)) + body

    content = b'ULog\x01\x12\x35\x01' + struct.pack('<Q', 0)
    content += b''.join(record('F', f'{n}:{fields}'.encode()) for n, fields in formats.items())
    for number, name in enumerate(formats):
        content += record('A', struct.pack('<BH', 0, number) + name.encode())
    wxyz = np.roll(Rotation.from_euler('z', np.pi / 2).as_quat(), 1)
    for at_s in np.arange(0.0, 30.0, 0.2):
        at_us = round(at_s * 1e6)
        rows = (
            struct.pack('<Qddf', at_us, *place_at(at_s)),
            struct.pack('<Qffff', at_us, *wxyz),
            struct.pack('<QQ', at_us, UTC_NS // 1000 + at_us),
        )
        for number, row in enumerate(rows):
            content += record('D', struct.pack('<H', number) + row)
    for at_s in exposed_s:
        row = struct.pack('<HQddfb', 3, round(at_s * 1e6), *place_at(at_s), 1)
        content += record('D', row)
    path.write_bytes(content)
    return path


WRITERS = {'.bin': write_bin, '.tlog': write_tlog, '.ulg': write_ulog}


def photos_at(folder, seconds, *, dated=True, focal=True):
    """Return the tags of photos that a camera takes, by its clock, which is 7 hours off."""
    folder.mkdir(exist_ok=True)
    begin = datetime.fromtimestamp(UTC_NS / 1e9, timezone.utc) + timedelta(hours=7)
    found = {}
    for number, at_s in enumerate(seconds):
        exif = Image.Exif()
        if dated:
            taken = begin + timedelta(seconds=float(np.floor(at_s)))
            exif.get_ifd(0x8769)[0x9003] = taken.strftime('%Y:%m:%d %H:%M:%S')
        if focal:
            exif.get_ifd(0x8769)[0xA405] = 43
        path = folder / f'DSC{number:05d}.JPG'
        Image.new('RGB', (80, 60)).save(path, exif=exif)
        found[number] = read_photo_tags(path)
    return found


@pytest.mark.parametrize('suffix', WRITERS)
def test_photos_have_the_position_of_their_exposure_in_the_log(tmp_path, suffix):
    log = WRITERS[suffix](tmp_path / f'flight{suffix}', EXPOSED_S)
    notes = []
    poses, unknown = log_poses(
        read_autopilot_log(log, Uncertainty()), photos_at(tmp_path / 'a', EXPOSED_S), notes=notes
    )
    assert unknown == {}
    for number, at_s in enumerate(EXPOSED_S):
        pose = poses[number]
        assert pose.latitude_deg == pytest.approx(place_at(at_s)[0], abs=2e-7)
        assert (pose.altitude_m, pose.relative_altitude_m) == pytest.approx(
            (440.0, 0.0 if suffix == '.ulg' else 40.0), abs=0.1
        )
        # The vehicle flies east and the camera looks down: up in the image is east.
        assert -pose.rotation[:, 1] == pytest.approx((1.0, 0.0, 0.0), abs=1e-3)
        if suffix != '.bin':
            seconds = UTC_NS / 1e9 + at_s
            assert pose.taken_at.timestamp() == pytest.approx(seconds, abs=0.01)
    assert any('8 of 8 photos have their position from flight' in note for note in notes)
    assert any('looks straight down' in note or 'look straight down' in note for note in notes)


def test_photos_that_were_not_logged_and_exposures_without_a_photo_are_left_alone(tmp_path):
    log = read_autopilot_log(write_tlog(tmp_path / 'flight.tlog', EXPOSED_S), Uncertainty())
    # A photo on the ground before, and the third exposure without a photo.
    taken = [-400.0, *EXPOSED_S[:2], *EXPOSED_S[3:]]
    poses, unknown = log_poses(log, photos_at(tmp_path / 'a', taken), notes=[])
    assert list(unknown) == [0]
    assert 'was taken at no exposure in flight.tlog' in unknown[0]
    for number, at_s in enumerate(taken[1:], start=1):
        assert poses[number].latitude_deg == pytest.approx(place_at(at_s)[0], abs=2e-7)


def test_without_times_the_numbers_must_agree(tmp_path):
    log = read_autopilot_log(write_ulog(tmp_path / 'flight.ulg', EXPOSED_S), Uncertainty())
    notes = []
    poses, _ = log_poses(log, photos_at(tmp_path / 'a', EXPOSED_S, dated=False), notes=notes)
    assert len(poses) == 8
    assert any('by their number alone' in note for note in notes)
    fewer = photos_at(tmp_path / 'b', EXPOSED_S[1:], dated=False)
    with pytest.raises(TelemetryError, match='holds 8 exposures and there are 7 photos'):
        log_poses(log, fewer, notes=[])


def test_a_trigger_is_not_the_exposure_and_the_error_says_so(tmp_path):
    errors = []
    for kind in ('TRIG', 'CAM'):
        log = read_autopilot_log(
            write_bin(tmp_path / f'{kind}.bin', EXPOSED_S, kind=kind), Uncertainty()
        )
        notes = []
        poses, _ = log_poses(log, photos_at(tmp_path / kind, EXPOSED_S), notes=notes)
        errors.append(poses[3].position_covariance[1, 1])
        assert any('when the camera was triggered' in note for note in notes)
    assert errors[0] == pytest.approx(3.3**2 + (0.3 * SPEED_M_S) ** 2, rel=0.01)


def test_a_log_without_exposures_and_a_lens_that_is_unknown_are_said(tmp_path):
    log = read_autopilot_log(write_bin(tmp_path / 'a.bin', []), Uncertainty())
    photos = photos_at(tmp_path / 'a', EXPOSED_S, focal=False)
    with pytest.raises(TelemetryError, match=r'a\.bin holds no exposures of a camera \(CAM'):
        log_poses(log, photos, notes=[])
    log = read_autopilot_log(write_bin(tmp_path / 'b.bin', EXPOSED_S), Uncertainty())
    poses, unknown = log_poses(log, photos, notes=[])
    assert poses == {}
    assert 'does not hold its lens' in unknown[0]
    poses, _ = log_poses(log, photos, focal_35mm=24.0, notes=[])
    assert len(poses) == 8


@pytest.mark.parametrize(
    ('photos', 'exposures', 'reason'),
    [
        (np.arange(10) * 2.0, np.arange(14) * 2.0, 'in several ways'),
        (np.array([0, 3.1, 9.7, 11.5, 20.2]), np.arange(40) * 7.3, 'only . of 5 photos fit'),
        (np.zeros(4), np.arange(9.0), 'do not tell which belong together'),
    ],
    ids=['even intervals', 'another flight', 'a clock that stands'],
)
def test_what_does_not_fit_is_refused(photos, exposures, reason):
    with pytest.raises(TelemetryError, match=reason):
        match_exposures(list(photos), exposures)


def test_of_offsets_that_fit_alike_the_time_of_day_decides():
    exposures = 1000.0 + np.arange(14) * 2.0
    match = match_exposures(list(exposures[3:13] + 0.3), exposures, is_same_clock=True)
    assert match.exposures == tuple(range(3, 13))


def test_the_log_beside_photos_is_in_their_folder_or_has_its_name(tmp_path):
    folder = tmp_path / 'flight 1'
    folder.mkdir()
    (tmp_path / 'flight 1.BIN').write_bytes(b'\xa3\x95\x80')
    (tmp_path / 'other.ulg').write_bytes(b'ULog')
    assert [one.name for one in log_files_of_photos(folder)] == ['flight 1.BIN']
    (folder / 'firmware.bin').write_bytes(b'no log')
    (folder / 'a.ulg').write_bytes(b'ULog')
    assert [one.name for one in log_files_of_photos(folder)] == ['a.ulg']
