# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Numbers, times and structures in tags and subtitles are data: none hangs or ends a run."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from roof_detector.georeference.ground import Ground
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.photo_pose import photo_pose, read_photo_pose
from roof_detector.telemetry.photo_tags import (
    PhotoTags,
    as_number,
    parse_xmp,
    photo_table,
    taken_at,
)
from roof_detector.telemetry.subtitle_track import subtitle_track
from roof_detector.telemetry.subtitles import parse_subtitles, read_subtitle_telemetry

ODD_NUMBERS = (
    *('nan', 'inf', '-inf', '1e308', '-1e308', '1e-308', '1e999', '0', '-0', '', '+', '1/0'),
    *('1e308/1e-308', '1/' * 3000, '9' * 5000, '52.5', '-90', '13.4', '100 m', '50', 'x\n\x1b[2J'),
    *('date;3700,3700,0,0,0,0,0,0,0', 'date;1e308,1e-308,nan,1e308,1,1,1,1,1', '1'),
)
ODD_VALUES = (
    *ODD_NUMBERS,
    *(math.nan, math.inf, -math.inf, 1e308, 5e-324, 10**400, -1, 0, 3, 6, 8, b'\x01', None, ()),
    *((1.0, 2.0, 3.0), (math.nan,) * 3, (1e300, 0, 0), (10**400, 1, 1), (1, 2), 'S', 'W', 24),
    *('2026:05:04 10:20:30', '9999:12:31 23:59:59', '0001:01:01 00:00:00', '+99:99', '-23:59'),
    *('2026:05:04', '0000:00:00', '99:99:99', 'M3E'),
)


def names():
    """Return the names of all tags that are read."""
    table = photo_table()
    listed = [one for key, many in table.items() if isinstance(many, list) for one in many]
    xmp = {one for one in listed if isinstance(one, str)}
    xmp |= {one[axis] for one in table['camera_attitudes'] for axis in ('yaw', 'pitch', 'roll')}
    xmp |= {f'drone-dji:{one}' for one in ('DewarpData', 'DewarpFlag', 'CalibratedFocalLength')}
    xmp |= {'drone-dji:CalibratedOpticalCenterX', 'drone-dji:CalibratedOpticalCenterY'}
    exif = (
        *('FocalLength', 'FocalLengthIn35mmFilm', 'Model', 'DigitalZoomRatio', 'Orientation'),
        *('FocalPlaneXResolution', 'FocalPlaneResolutionUnit', 'DateTimeOriginal', 'DateTime'),
        *('SubsecTimeOriginal', 'OffsetTimeOriginal', 'OffsetTime'),
    )
    gps = (
        *('GPSLatitude', 'GPSLatitudeRef', 'GPSLongitude', 'GPSLongitudeRef', 'GPSAltitude'),
        *('GPSAltitudeRef', 'GPSDateStamp', 'GPSTimeStamp'),
    )
    return sorted(xmp), exif, gps


XMP, EXIF, GPS = names()
GOOD_XMP = {
    'drone-dji:GpsLatitude': '52.52',
    'drone-dji:GpsLongitude': '13.41',
    'drone-dji:GimbalYawDegree': '10',
    'drone-dji:GimbalPitchDegree': '-90',
    'drone-dji:RelativeAltitude': '+30.0',
}


def some(keys, values):
    return st.dictionaries(st.sampled_from(keys), st.sampled_from(values), max_size=6)


@settings(max_examples=300, deadline=None)
@given(
    xmp=some(XMP, ODD_NUMBERS),
    exif=some(EXIF, ODD_VALUES),
    gps=some(GPS, ODD_VALUES),
    size_wh=st.sampled_from([(400, 300), (1, 1), (65535, 1)]),
)
def test_whatever_tags_say_a_pose_is_finite_or_there_is_a_sentence(xmp, exif, gps, size_wh):
    tags = PhotoTags(
        path=Path('photo.jpg'),
        size_wh=size_wh,
        exif={'FocalLengthIn35mmFilm': 24, **exif},
        gps=gps,
        xmp={**GOOD_XMP, **xmp},
    )
    try:
        pose = photo_pose(tags, uncertainty=Uncertainty())
    except TelemetryError as error:
        assert str(error).endswith('.')
        return
    numbers = [pose.latitude_deg, pose.longitude_deg, *pose.rotation.ravel()]
    numbers += [one for one in (pose.altitude_m, pose.relative_altitude_m) if one is not None]
    numbers += [*pose.lens.matrix.ravel(), *pose.position_covariance.ravel()]
    assert np.isfinite(numbers).all()
    assert max(map(abs, numbers)) < 1e9
    assert np.allclose(pose.rotation @ pose.rotation.T, np.eye(3), atol=1e-6)


@pytest.mark.parametrize('value', ODD_VALUES, ids=lambda value: str(value)[:12])
def test_a_number_is_finite_or_none(value):
    number = as_number(value)
    assert number is None or math.isfinite(number)


@pytest.mark.parametrize(
    'exif',
    [
        {'DateTimeOriginal': '2026:05:04 10:20:30', 'OffsetTimeOriginal': '+99:99'},
        {'DateTimeOriginal': '0001:01:01 00:00:00', 'OffsetTimeOriginal': '+05:00'},
        {'DateTimeOriginal': '9999:12:31 23:59:59', 'OffsetTimeOriginal': '-05:00'},
    ],
)
def test_a_time_that_no_calendar_has_is_unknown(exif):
    assert taken_at(PhotoTags(path=Path('a.jpg'), size_wh=(4, 3), exif=exif)) is None
    clock = {'GPSDateStamp': '2026:05:04', 'GPSTimeStamp': (1e300, 0.0, 0.0)}
    assert taken_at(PhotoTags(path=Path('a.jpg'), size_wh=(4, 3), gps=clock)) is None


@pytest.mark.parametrize('kind', ['elements', 'descriptions', 'mixed'])
def test_xmp_of_structures_within_structures_ends_at_once(kind):
    inner = {
        'elements': ('<d:A>', '</d:A>'),
        'descriptions': ('<rdf:Description>', '</rdf:Description>'),
        'mixed': ('<d:A><rdf:Description>', '</rdf:Description></d:A>'),
    }[kind]
    count = 900_000 // len(''.join(inner))
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:d="http://www.dji.com/drone-dji/1.0/"><rdf:Description d:GimbalYawDegree="7">'
        f'{inner[0] * count}x{inner[1] * count}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()
    began_s = time.process_time()
    found = parse_xmp(packet)
    assert time.process_time() - began_s < 5
    assert found.get('drone-dji:GimbalYawDegree', '7') == '7'


def test_a_photo_whose_size_is_a_bomb_is_a_sentence(tmp_path):
    path = tmp_path / 'bomb.png'
    Image.new('1', (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, 'big') * 2
    path.write_bytes(data)
    with pytest.raises(TelemetryError, match='no tags that can be read'):
        read_photo_pose(path)


@settings(max_examples=150, deadline=None)
@given(
    cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 399), st.integers(0, 255)))
)
def test_damaged_exif_never_ends_a_run(tmp_path_factory, cut, flips):
    block = Image.Exif()
    block.get_ifd(0x8825).update({1: 'N', 2: (52.0, 31.0, 12.0), 3: 'E', 4: (13.0, 24.0, 36.0)})
    block.get_ifd(0x8769).update({0xA405: 24, 0x9003: '2026:05:04 10:20:30'})
    data = bytearray(block.tobytes())
    for place, value in flips:
        data[place % len(data)] = value
    path = tmp_path_factory.getbasetemp() / 'damaged.jpg'
    Image.new('RGB', (40, 30)).save(path, exif=bytes(data[: max(8, len(data) - cut)]))
    with pytest.raises(TelemetryError):
        read_photo_pose(path)  # it has no attitude, whatever else is damaged


def subtitles(*texts):
    return '\n'.join(
        f'{number + 1}\n00:00:{number:02},000 --> 00:00:{number + 1:02},000\n{text}\n'
        for number, text in enumerate(texts)
    )


GOOD = '[latitude: 52.5] [longitude: 13.4] [rel_alt: 30.0] [gb_yaw: 5 gb_pitch: -90] focal_len: 24'
BOMBS = {
    'digits': '9' * 300_000,
    'digits after a word': 'latitude: ' + '9' * 300_000,
    'digits in GPS(': 'GPS(' + '9' * 300_000,
    'spaces in GPS(': 'GPS(1.0,2.0,3.0' + ' ' * 300_000,
    'spaces after H': 'H' + ' ' * 300_000,
    'colons': '1:' * 150_000,
    'tags': '<' * 300_000,
    'a time that is none': '0' * 300_000 + ':00:00,000 --> ',
}


@pytest.mark.parametrize('bomb', BOMBS)
def test_no_text_of_a_subtitle_takes_long(tmp_path, bomb):
    path = tmp_path / 'video.srt'
    path.write_text(subtitles(GOOD, BOMBS[bomb], GOOD))
    began_s = time.process_time()
    telemetry = read_subtitle_telemetry(path)
    assert time.process_time() - began_s < 3
    assert telemetry.samples[0].latitude_deg == 52.5


@pytest.mark.parametrize('value', ['9' * 15, '-' + '9' * 15, '9' * 400, '1e308', 'nan', 'inf'])
def test_heights_and_angles_that_are_none_are_left_out_and_counted(tmp_path, value):
    odd = re.sub(r'(rel_alt|gb_pitch|gb_yaw|focal_len): [-\d.]+', rf'\1: {value}', GOOD)
    (tmp_path / 'video.srt').write_text(subtitles(GOOD, odd, GOOD))
    telemetry = read_subtitle_telemetry(tmp_path / 'video.srt')
    for record in telemetry.samples:
        for number in (record.relative_altitude_m, record.focal_35mm, *(record.gimbal or ())):
            assert number is None or abs(number) <= 100_000
    assert telemetry.samples[0].relative_altitude_m == 30.0


@settings(max_examples=100, deadline=None)
@example(cues=[(0.0, 0.0, GOOD), (0.0, 0.0, GOOD), (3.0, 0.0, GOOD)])
@given(
    cues=st.lists(
        st.tuples(
            st.floats(allow_nan=True) | st.integers(-(2**63), 2**63).map(float),
            st.floats(allow_nan=True),
            st.sampled_from(
                (GOOD, GOOD.replace('52.5', '91'), GOOD.replace('30.0', '9' * 15), 'H 1 m', '')
            ),
        ),
        max_size=8,
    )
)
def test_times_of_a_container_are_data(cues):
    cues = [(0.0, 1.0, GOOD), *cues, (1.0, 2.0, GOOD)]
    telemetry = parse_subtitles(Path('video.mp4'), cues)
    try:
        track = subtitle_track(telemetry, size_wh=(640, 360), ground=Ground(height_m=30.0))
    except TelemetryError:
        return
    assert np.isfinite(track.positions.rows).all()
    assert (np.diff(track.positions.stamps_ns) > 0).all()
