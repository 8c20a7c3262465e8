# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where photos were taken and where their cameras looked, by their EXIF and XMP."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.photo_pose import ned_from_body, read_photo_pose
from roof_detector.telemetry.photo_tags import as_number, parse_xmp, read_photo_tags

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
NADIR = {'GimbalYawDegree': '+90.00', 'GimbalPitchDegree': '-90.00', 'GimbalRollDegree': '+0.00'}
DJI = 'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"'


def packet(namespace, attributes='', body=''):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description {namespace} {attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def dji(**tags):
    return packet(DJI, ' '.join(f'drone-dji:{name}="{value}"' for name, value in tags.items()))


@pytest.fixture
def photo(tmp_path):
    """Return a function that writes a photo with tags."""

    def write(xmp=b'', *, place=((52.0, 31.0, 12.0), (13.0, 24.0, 36.0)), refs='NE', **exif):
        values = {'FocalLengthIn35mmFilm': 24, 'DateTimeOriginal': '2026:05:04 10:20:30', **exif}
        block = Image.Exif()
        names = {
            'FocalLengthIn35mmFilm': 0xA405,
            'DateTimeOriginal': 0x9003,
            'OffsetTimeOriginal': 0x9011,
            'FocalLength': 0x920A,
        }
        block.get_ifd(0x8769).update({names[k]: v for k, v in values.items() if k in names})
        block[0x0110] = values.get('Model', 'unheard of')
        block[0x0112] = values.get('Orientation', 1)
        if place:
            block.get_ifd(0x8825).update({1: refs[0], 2: place[0], 3: refs[1], 4: place[1]})
            block.get_ifd(0x8825).update({5: b'\x00', 6: 120.5, **values.get('gps', {})})
        path = tmp_path / 'photo.jpg'
        size = values.get('size', (400, 300))
        Image.new('RGB', size).save(path, exif=block, xmp=xmp)
        return path

    return write


def up_in_image(pose):
    """Return the compass bearing of the image's upper edge, in degrees."""
    east, north, _ = -pose.rotation[:, 1]
    return np.degrees(np.arctan2(east, north)) % 360


def looks_at(pose):
    return pose.rotation[:, 2]


def test_a_dji_photo_tells_place_heights_attitude_and_time(photo):
    xmp = dji(**NADIR, RelativeAltitude='+39.80', AbsoluteAltitude='+198.31')
    pose = read_photo_pose(photo(xmp, OffsetTimeOriginal='+02:00'))
    assert pose.latitude_deg == pytest.approx(52.52)
    assert pose.longitude_deg == pytest.approx(13.41)
    assert (pose.relative_altitude_m, pose.altitude_m) == (39.8, 198.31)
    assert pose.taken_at == datetime(2026, 5, 4, 8, 20, 30, tzinfo=timezone.utc)
    assert up_in_image(pose) == pytest.approx(90)
    assert looks_at(pose) == pytest.approx([0, 0, -1], abs=1e-9)
    assert pose.sources['attitude'] == 'DJI gimbal'
    assert pose.notes == ()


def test_both_packets_of_a_thermal_photo_are_read(photo):
    path = photo(dji(**NADIR))
    content = path.read_bytes()
    second = b'http://ns.adobe.com/xap/1.0/\0' + dji(
        RelativeAltitude='+39.80', GimbalYawDegree='0'
    )
    segment = b'\xff\xe1' + (len(second) + 2).to_bytes(2, 'big') + second
    end = content.index(b'\xff\xdb')  # the tables come after all segments of metadata
    path.write_bytes(content[:end] + segment + content[end:])
    pose = read_photo_pose(path)
    assert pose.relative_altitude_m == 39.8
    assert up_in_image(pose) == pytest.approx(90)  # of the first packet


def test_a_second_camera_of_a_known_model_has_the_lens_that_exif_tells(photo):
    tags = {'Model': 'M3E', 'FocalLength': 29.9, 'FocalLengthIn35mmFilm': 162}
    pose = read_photo_pose(photo(dji(**NADIR), **tags))
    assert pose.sources['lens'] == 'FocalLengthIn35mmFilm'
    tags = {'Model': 'M3E', 'FocalLength': 12.29, 'FocalLengthIn35mmFilm': 24}
    pose = read_photo_pose(photo(dji(**NADIR), **tags))
    assert pose.sources['lens'].startswith('FocalLength and the sensor')


def test_south_and_west_are_negative_and_without_a_time_zone_none_is_made_up(photo):
    pose = read_photo_pose(photo(dji(**NADIR), refs='SW'))
    assert (pose.latitude_deg, pose.longitude_deg) == pytest.approx((-52.52, -13.41))
    assert pose.taken_at == datetime(2026, 5, 4, 10, 20, 30)


def test_gps_time_is_utc(photo):
    gps = {29: '2026:05:04', 7: (8.0, 20.0, 30.5)}
    moment = datetime(2026, 5, 4, 8, 20, 30, 500000, tzinfo=timezone.utc)
    assert read_photo_pose(photo(dji(**NADIR), gps=gps)).taken_at == moment


@pytest.mark.parametrize(
    ('namespace', 'body'),
    [
        (
            'xmlns:a="http://www.autelrobotics.com/drone/1.0/"',
            '<a:GimbalYawDegree>30</a:GimbalYawDegree><a:GimbalPitchDegree>-60</a:GimbalPitchDegree>'
            '<a:GimbalRollDegree>0</a:GimbalRollDegree>',
        ),
        (
            'xmlns:drone-parrot="http://www.parrot.com/drone-parrot/1.0/"',
            '<drone-parrot:CameraYawDegree>30</drone-parrot:CameraYawDegree>'
            '<drone-parrot:CameraPitchDegree>-60</drone-parrot:CameraPitchDegree>'
            '<drone-parrot:CameraRollDegree>0</drone-parrot:CameraRollDegree>',
        ),
        (
            'xmlns:drone-skydio="https://www.skydio.com/drone-skydio/1.0/"',
            '<drone-skydio:CameraOrientationNED drone-skydio:Yaw="30" drone-skydio:Pitch="-60" '
            'drone-skydio:Roll="0"/>',
        ),
        (
            'xmlns:drone-skydio="https://www.skydio.com/drone-skydio/1.0/"',
            '<drone-skydio:CameraOrientationNED rdf:parseType="Resource">'
            '<drone-skydio:Yaw>30</drone-skydio:Yaw><drone-skydio:Pitch>-60</drone-skydio:Pitch>'
            '<drone-skydio:Roll>0</drone-skydio:Roll></drone-skydio:CameraOrientationNED>',
        ),
        (
            'xmlns:Camera="http://pix4d.com/camera/1.0"',
            '<Camera:Yaw>30</Camera:Yaw><Camera:Pitch>30</Camera:Pitch><Camera:Roll>0</Camera:Roll>',
        ),
        (
            'xmlns:Camera="http://ns.sensefly.com/Camera/1.0/"',
            '<Camera:Yaw>30/1</Camera:Yaw><Camera:Pitch>30/1</Camera:Pitch>'
            '<Camera:Roll>0/1</Camera:Roll>',
        ),
        (
            'xmlns:Camera="http://pix4d.com/camera/1.0"',  # an Autel that counts from the horizon
            '<Camera:Yaw>30</Camera:Yaw><Camera:Pitch>-60</Camera:Pitch><Camera:Roll>0</Camera:Roll>',
        ),
    ],
    ids=['Autel', 'Parrot', 'Skydio', 'Skydio structure', 'Pix4D', 'senseFly', 'Autel in Pix4D'],
)
def test_each_maker_s_angles_mean_the_same(photo, namespace, body):
    pose = read_photo_pose(photo(packet(namespace, body=body)))
    yaw, down = np.radians([30, 60])
    expected = [np.cos(down) * np.sin(yaw), np.cos(down) * np.cos(yaw), -np.sin(down)]
    assert looks_at(pose) == pytest.approx(expected, abs=1e-9)
    assert up_in_image(pose) == pytest.approx(30)


def test_the_gimbal_s_heading_counts_and_not_the_aircraft_s(photo):
    pose = read_photo_pose(photo(dji(**NADIR, FlightYawDegree='-10.0')))
    assert up_in_image(pose) == pytest.approx(90)


def test_angles_that_are_all_zero_are_not_believed(photo):
    zeros = dict.fromkeys(NADIR, '+0.00')
    pose = read_photo_pose(photo(dji(**zeros, FlightYawDegree='+120.0')))
    assert up_in_image(pose) == pytest.approx(120)
    assert looks_at(pose) == pytest.approx([0, 0, -1], abs=1e-9)
    assert np.sqrt(pose.attitude_covariance[0, 0]) == pytest.approx(np.radians(10))
    assert 'all angles of the DJI gimbal are zero' in ' '.join(pose.notes)
    with pytest.raises(TelemetryError, match='does not hold the attitude of its camera'):
        read_photo_pose(photo(dji(**zeros)))


@pytest.mark.parametrize('yaw', ['+90.00', '-90.00'])
def test_a_roll_of_half_a_turn_does_not_turn_the_image_against_the_flight(photo, yaw):
    tags = {**NADIR, 'GimbalYawDegree': yaw, 'GimbalRollDegree': '+180.00'}
    pose = read_photo_pose(photo(dji(**tags, FlightYawDegree='+88.0')))
    assert up_in_image(pose) == pytest.approx(90)
    assert ('contradicts the heading' in ' '.join(pose.notes)) == (yaw == '+90.00')


@pytest.mark.parametrize(
    ('place', 'words'),
    [
        (None, 'has no GPS position'),
        (((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), 'without a GPS fix'),
        (((95.0, 0.0, 0.0), (0.0, 0.0, 0.0)), 'expected degrees within 89'),
    ],
)
def test_a_place_that_is_none_is_refused_with_its_reason(photo, place, words):
    with pytest.raises(TelemetryError, match=words):
        read_photo_pose(photo(dji(**NADIR), place=place))


def test_a_lens_comes_from_the_best_that_the_file_tells(photo):
    of_film = read_photo_pose(photo(dji(**NADIR)))
    assert of_film.lens.matrix[0, 0] == pytest.approx(24 / 43.267 * 500, rel=1e-3)
    dewarp = '2022-06-08;300.5,301.5,-2.5,3.5,-0.1,0.01,0.001,-0.002,0.003'
    calibrated = read_photo_pose(photo(dji(**NADIR, DewarpData=dewarp, DewarpFlag='0')))
    assert calibrated.lens.matrix.ravel()[:6] == pytest.approx([300.5, 0, 197, 0, 301.5, 153])
    assert calibrated.lens.distortion == (-0.1, 0.01, 0.001, -0.002, 0.003)
    removed = read_photo_pose(photo(dji(**NADIR, DewarpData=dewarp, DewarpFlag='1')))
    assert removed.lens.distortion == ()
    wrong = read_photo_pose(photo(dji(**NADIR, CalibratedFocalLength='3666.67')))
    assert wrong.sources['lens'] == 'FocalLengthIn35mmFilm'  # of another image size
    known = read_photo_pose(photo(dji(**NADIR), Model='FC6310\0\0', FocalLength=8.8))
    assert known.lens.matrix[0, 0] == pytest.approx(8.8 / 13.2 * 400)


def test_a_photo_without_any_lens_is_refused(photo):
    with pytest.raises(TelemetryError, match="camera 'unheard of' is not known"):
        read_photo_pose(photo(dji(**NADIR), FocalLengthIn35mmFilm=0))


def test_only_a_fixed_rtk_solution_has_its_centimetres(photo):
    sigmas = {'RtkStdLon': '0.012', 'RtkStdLat': '0.015', 'RtkStdHgt': '0.03'}
    fixed = read_photo_pose(photo(dji(**NADIR, **sigmas, RtkFlag='50')))
    assert np.sqrt(np.diag(fixed.position_covariance)) == pytest.approx([0.012, 0.015, 0.03])
    single = read_photo_pose(photo(dji(**NADIR, **sigmas, RtkFlag='16')))
    assert single.position_covariance == pytest.approx(Uncertainty().fix_covariance)


@pytest.mark.parametrize('orientation', [2, 4, 5, 7])
def test_a_photo_that_exif_mirrors_has_no_pose(photo, orientation):
    xmp = dji(GimbalYawDegree='+40', GimbalPitchDegree='-70', GimbalRollDegree='0')
    with pytest.raises(TelemetryError, match=f'Its Orientation is {orientation}: it is shown'):
        read_photo_pose(photo(xmp, Orientation=orientation))


@pytest.mark.parametrize('orientation', [3, 6, 8])
def test_a_photo_that_exif_turns_keeps_its_rays(photo, orientation):
    dewarp = '2022-06-08;300.5,301.5,-2.5,3.5,-0.1,0.01,0.001,-0.002,0.003'
    xmp = dji(**{**NADIR, 'GimbalPitchDegree': '-70'}, DewarpData=dewarp)
    stored = read_photo_pose(photo(xmp))
    shown = read_photo_pose(photo(xmp, Orientation=orientation))
    pixels = np.array([[30.0, 40.0], [200.0, 90.0], [380.0, 250.0]])
    x, y = pixels.T
    where = {3: (399 - x, 299 - y), 6: (299 - y, x), 8: (y, 399 - x)}[orientation]
    turned = shown.lens.rays(np.stack(where, axis=-1)) @ shown.rotation.T
    assert turned == pytest.approx(stored.lens.rays(pixels) @ stored.rotation.T, abs=1e-6)


def test_yaw_pitch_and_roll_are_those_of_aviation():
    forward, right, _ = ned_from_body(90, 0, 0).T
    assert forward == pytest.approx([0, 1, 0])
    assert right == pytest.approx([-1, 0, 0])
    assert ned_from_body(0, 30, 0)[:, 0] == pytest.approx([np.cos(np.pi / 6), 0, -0.5])
    assert ned_from_body(0, 0, 90)[:, 1] == pytest.approx([0, 0, 1])


@pytest.mark.parametrize(
    'hostile',
    [
        dji(**NADIR).replace(b'<rdf:RDF', b'<!DOCTYPE a [<!ENTITY b "c">]><rdf:RDF'),
        dji(**NADIR)[:-20],
        b'\xff' * 100,
        b'<x:xmpmeta>' + b' ' * (2 << 20) + b'</x:xmpmeta>',
    ],
    ids=['declarations', 'cut off', 'no text', 'too long'],
)
def test_xmp_that_is_none_counts_as_missing(hostile):
    assert parse_xmp(hostile) == {}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_packet_is_parsed_or_missing(data):
    assert isinstance(parse_xmp(b'<x:xmpmeta' + data + b'</x:xmpmeta>'), dict)


@pytest.mark.parametrize(
    ('text', 'number'),
    [
        *(('+39.80', 39.8), ('39.8 m', 39.8), ('398/10', 39.8), ('-1e2', -100.0)),
        *(('1/0', None), ('n/a', None), ('nan', None), ('', None), (None, None)),
    ],
)
def test_numbers_are_read_as_makers_write_them(text, number):
    assert as_number(text) == (None if number is None else pytest.approx(number))


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'no image')
    with pytest.raises(TelemetryError, match=r'a\.jpg has no tags that can be read'):
        read_photo_tags(tmp_path / 'a.jpg')


@pytest.mark.skipif(not (DATA / 'drone_photos').is_dir(), reason='shared data is absent')
def test_real_photos_tell_all_of_it():
    photos = sorted((DATA / 'drone_photos').glob('*.JPG'))
    assert len(photos) == 6
    for path in photos:
        pose = read_photo_pose(path)
        assert 46.8425 < pose.latitude_deg < 46.8430
        assert -91.995 < pose.longitude_deg < -91.993
        assert 39.7 < pose.relative_altitude_m < 40.2
        assert looks_at(pose) == pytest.approx([0, 0, -1], abs=0.01)
        assert pose.lens.matrix[0, 0] == pytest.approx(2340, abs=1)
