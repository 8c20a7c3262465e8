# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Telemetry in the subtitles of drone videos."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.subtitles import (
    parse_subtitles,
    read_subtitle_telemetry,
    subtitle_file_of,
)

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))


def srt(*texts, gap='\n\n'):
    cues = []
    for number, text in enumerate(texts):
        begin, end = f'00:00:{number:02d},000', f'00:00:{number + 1:02d},000'
        cues.append(f'{number + 1}\n{begin} --> {end}\n{text}')
    return gap.join(cues) + gap


def read(tmp_path, text, *, encoding='utf-8'):
    path = tmp_path / 'DJI_0001.SRT'
    path.write_bytes(text.encode(encoding))
    return read_subtitle_telemetry(path)


VARIANTS = {
    'Mavic 3': (
        '<font size="28">FrameCnt: 1, DiffTime: 16ms\n2022-06-08 10:11:12.345\n'
        '[iso: 100] [shutter: 1/640.0] [fnum: 2.8] [ev: 0] [color_md: default] '
        '[focal_len: 24.00] [latitude: 52.520008] [longitude: 13.404954] '
        '[rel_alt: 39.800 abs_alt: 75.125] [ct: 5500] '
        '[gb_yaw: -172.2 gb_pitch: -89.9 gb_roll: 0.0] </font>',
        {'altitude_m': 75.125, 'relative_altitude_m': 39.8, 'gimbal': (-172.2, -89.9, 0.0)}
        | {'focal_35mm': 24.0, 'time': datetime(2022, 6, 8, 10, 11, 12, 345000)},
    ),
    'longtitude': (
        '[iso : 110] [shutter : 1/200] [fnum : 2.2] [latitude : 52.520008] '
        '[longtitude : 13.404954] [altitude: 75.1]',
        {'altitude_m': 75.1},
    ),
    'Phantom 4': (
        'HOME(13.4000,52.5200) 2017.08.05 14:11:51\nGPS(13.404954,52.520008,16) BAROMETER:39.8\n'
        'ISO:100 Shutter:60 EV: Fnum:2.2',
        {'relative_altitude_m': 39.8, 'time': datetime(2017, 8, 5, 14, 11, 51)},
    ),
    'Matrice': (
        '2022.06.21 16:06:17\nGPS(52.520008,13.404954,75.1M) BAROMETER:39.8M',
        {'altitude_m': 75.1, 'relative_altitude_m': 39.8},
    ),
    'Mini': (
        'F/2.8, SS 30.15, ISO 260, EV -1.7, GPS (13.404954, 52.520008, 17), D 221.21m, '
        'H 39.80m, H.S n/a, V.S n/a',
        {'relative_altitude_m': 39.8},
    ),
    'Phantom 4 RTK': (
        'F/5.6, SS 400, ISO 100, EV 0, GPS (13.404954, 52.520008, 15), HOME (13.4, 52.5, -57.9m), '
        'D 698.70m, H 39.80m, H.S 0.00m/s, V.S 0.00m/s, F.PRY (2.7°, -7.0°, 110.1°), '
        'G.PRY (-24.4°, 0.5°, 110.4°)',
        {'relative_altitude_m': 39.8, 'gimbal': (110.4, -24.4, 0.5), 'flight_yaw_deg': 110.1},
    ),
    'decimal commas': (
        'F/2,8, SS 206,71, ISO 100, EV -0,3, GPS (13,404954, 52,520008, 16), D 24,38m, '
        'H 39,80m, H.S 0,00m/s, V.S 0,00m/s',
        {'relative_altitude_m': 39.8},
    ),
    'decimal commas in brackets': (
        '<font size="36">SrtCnt : 1, DiffTime : 33ms\n2022-08-07 13:40:40,774,808\n'
        '[iso : 100] [shutter : 1/80,0] [fnum : 2,8] [latitude: 52,520008] '
        '[longitude: 13,404954] [rel_alt: 39,800 abs_alt: 75,125]</font>',
        {'relative_altitude_m': 39.8, 'altitude_m': 75.125}
        | {'time': datetime(2022, 8, 7, 13, 40, 40, 774000)},
    ),
    'Matrice 30': (
        '[dzoom_ratio: 1.00, delta:0] [latitude: 52.520008] [longitude: 13.404954] '
        '[rel_alt: 39.800 abs_alt: 75.125] [drone_yaw: 12.5 drone_pitch: 1.0 drone_roll: 0.2] '
        '[gimbal_yaw: 11.0 gimbal_pitch: -45.5 gimbal_roll: 0.0]',
        {'relative_altitude_m': 39.8, 'altitude_m': 75.125, 'flight_yaw_deg': 12.5}
        | {'gimbal': (11.0, -45.5, 0.0)},
    ),
    'letters and other names': (
        '2021-3-4 5:06:07\nLAT: N 52.520008 LON: E 13.404954 ALT: 75.1m HEIGHT: 39.8m',
        {'relative_altitude_m': 39.8, 'altitude_m': 75.1}
        | {'time': datetime(2021, 3, 4, 5, 6, 7)},
    ),
    'Autel': (
        'HOME(E: 13.4000, N: 52.5200) 2021-03-04 05:06:07\n'
        'GPS(E: 13.404954, N: 52.520008, 75.1m)\nISO:100 SHUTTER:500 EV:0.0 F-NUM:2.8\n'
        'F.PRY (1.0°, 2.0°, 3.0°), G.PRY (-90.0°, 0.0°, 3.1°)',
        {'altitude_m': 75.1, 'gimbal': (3.1, -90.0, 0.0), 'flight_yaw_deg': 3.0},
    ),
}


@pytest.mark.parametrize(
    'text',
    [
        '{"latitude": 52.520008, "longitude": 13.404954}',
        'Lat:52.520008N Lng:13.404954E',
        "'lat' = '52.520008', 'lon' = '13.404954'",
        '[latitude: 52.52000800000000000001] [longitude: 13.40495400000000000001]',
    ],
    ids=['JSON', 'lng and letters', 'quotes', 'twenty decimals'],
)
def test_positions_of_less_usual_forms_are_read(tmp_path, text):
    (record,) = read(tmp_path, srt(text)).samples
    assert (record.latitude_deg, record.longitude_deg) == (52.520008, 13.404954)


def test_a_number_with_an_exponent_is_not_read_as_another_number(tmp_path):
    text = '[latitude: 5.2520008e1] [longitude: 13.404954] [rel_alt: 40.0]'
    (record,) = read(tmp_path, srt(text)).samples
    assert record.latitude_deg is None


@pytest.mark.parametrize(('text', 'told'), VARIANTS.values(), ids=VARIANTS)
def test_each_variant_tells_what_is_in_it(tmp_path, text, told):
    found = read(tmp_path, srt(text, text))
    assert len(found.samples) == 2
    record = found.samples[1]
    assert (record.begin_s, record.end_s) == (1.0, 2.0)
    assert (record.latitude_deg, record.longitude_deg) == (52.520008, 13.404954)
    for name in ('altitude_m', 'relative_altitude_m', 'gimbal', 'flight_yaw_deg', 'time'):
        if name in told or name != 'time':
            assert getattr(record, name) == told.get(name), name


def test_letters_of_the_hemisphere_give_the_signs(tmp_path):
    (record,) = read(tmp_path, srt('GPS(W: 81.3, S: 28.5, 44.65m)')).samples
    assert (record.latitude_deg, record.longitude_deg) == (-28.5, -81.3)


def test_letters_after_the_degrees_count_too(tmp_path):
    (record,) = read(tmp_path, srt('[latitude: 28.5 S] [longitude: 81.3° W]')).samples
    assert (record.latitude_deg, record.longitude_deg) == (-28.5, -81.3)


def test_a_setting_after_the_degrees_is_no_letter_of_the_south(tmp_path):
    (record,) = read(tmp_path, srt('lat: 28.5 SS 200, lon: 81.3 EV 0')).samples
    assert (record.latitude_deg, record.longitude_deg) == (28.5, 81.3)


@pytest.mark.parametrize(('ratio', 'focal'), [('2.00', 48.0), ('20000', 48.0), ('1.00', 24.0)])
def test_digital_zoom_lengthens_the_lens(tmp_path, ratio, focal):
    text = f'[focal_len: 24.00] [dzoom_ratio: {ratio}, delta:0] [latitude: 1.5] [longitude: 2.5]'
    (record,) = read(tmp_path, srt(text)).samples
    assert record.focal_35mm == focal


def test_times_without_thousandths_are_times(tmp_path):
    text = '1\n00:00:01 --> 00:00:02\nGPS(13.4,52.5,9)\n'
    (record,) = read(tmp_path, text).samples
    assert (record.begin_s, record.end_s) == (1.0, 2.0)


@pytest.mark.parametrize('encoding', ['utf-16-le', 'utf-16-be'])
def test_two_bytes_a_character_are_told_without_a_mark(tmp_path, encoding):
    found = read(tmp_path, srt('GPS(13.4,52.5,9)'), encoding=encoding)
    assert found.samples[0].latitude_deg == 52.5


def test_a_longitude_beyond_90_degrees_shows_the_order_by_itself(tmp_path):
    found = read(tmp_path, srt('GPS(-121.7458,48.0771,30.0M) BAROMETER:3.0M'))
    assert (found.samples[0].latitude_deg, found.samples[0].longitude_deg) == (48.0771, -121.7458)
    assert found.notes == ()


def test_no_fix_is_counted_and_is_no_place(tmp_path):
    none = '[latitude: 0.000000] [longitude: 0.000000] [rel_alt: 1.0 abs_alt: 2.0]'
    good = '[latitude: 52.5] [longitude: 13.4] [rel_alt: 1.0 abs_alt: 2.0]'
    found = read(tmp_path, srt(none, none, good))
    assert [one.latitude_deg for one in found.samples] == [None, None, 52.5]
    assert '2 subtitles give latitude 0' in ' '.join(found.notes)


def test_gimbal_angles_that_are_all_zero_are_not_believed(tmp_path):
    text = '[latitude: 52.5] [longitude: 13.4] [gb_yaw: 0.0 gb_pitch: 0.0 gb_roll: 0.0]'
    found = read(tmp_path, srt(text))
    assert found.samples[0].gimbal is None
    assert 'all gimbal angles are zero' in ' '.join(found.notes)


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('gap', ['\n\n', '\r\n\r\n', '\n', '\r\r'])
def test_any_way_to_write_lines_is_read(tmp_path, encoding, gap):
    text = srt('GPS(13.4,52.5,9)', 'GPS(13.5,52.6,9)', gap=gap)
    found = read(tmp_path, text, encoding=encoding)
    assert [one.latitude_deg for one in found.samples] == [52.5, 52.6]


def test_a_file_that_is_cut_off_gives_what_came_before(tmp_path):
    found = read(tmp_path, srt('GPS(13.4,52.5,9)', 'GPS(13.5,52.6,9)')[:-8])
    assert found.samples[0].latitude_deg == 52.5


@pytest.mark.parametrize('text', ['', srt('Hello.', 'World.'), 'no subtitles'])
def test_subtitles_without_telemetry_are_refused(tmp_path, text):
    with pytest.raises(TelemetryError, match='none of them holds a GPS position or a height'):
        read(tmp_path, text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    cues = [(0.0, 1.0, text), (1.0, 2.0, f'GPS(13.4,52.5,9) {text}')]
    try:
        records = parse_subtitles(Path('any.srt'), cues).samples
    except TelemetryError:
        return
    assert len(records) == 2


def test_the_file_beside_a_video_is_found_whatever_its_case(tmp_path):
    video = tmp_path / 'DJI_0001.MP4'
    assert subtitle_file_of(video) is None
    (tmp_path / 'DJI_0002.SRT').touch()
    (tmp_path / 'dji_0001.srt').touch()
    assert subtitle_file_of(video) == tmp_path / 'dji_0001.srt'


@pytest.fixture
def video(tmp_path):
    """Return a function that writes a video, with subtitles inside where texts are given."""

    def write(*texts):
        path = tmp_path / 'flight.mp4'
        with av.open(str(path), 'w') as container:
            picture = container.add_stream('mpeg4', rate=1)
            picture.width, picture.height = 64, 48
            subtitles = container.add_mux_stream('mov_text') if texts else None
            for _ in range(3):
                frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), 'bgr24')
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
            for number, text in enumerate(texts):
                content = text.encode()
                packet = av.Packet(len(content).to_bytes(2, 'big') + content)
                packet.stream, packet.pts, packet.dts = subtitles, number * 90_000, number * 90_000
                packet.duration = 90_000
                container.mux(packet)
        return path

    return write


def test_a_video_without_subtitles_is_refused(video):
    with pytest.raises(TelemetryError, match='has no subtitles inside'):
        read_subtitle_telemetry(video())


def test_subtitles_inside_a_video_are_read(video):
    found = read_subtitle_telemetry(video('GPS(13.4,52.5,9)', 'GPS(13.5,52.6,9)'))
    told = [(one.begin_s, one.latitude_deg, one.longitude_deg) for one in found.samples]
    assert told == [(0.0, 52.5, 13.4), (1.0, 52.6, 13.5)]


@pytest.mark.skipif(not (DATA / 'srt').is_dir(), reason='shared data is absent')
@pytest.mark.parametrize(
    ('name', 'count', 'place'),
    [
        ('air2s.srt', 17, (41.4247, 2.2341)),
        ('matrice_300.srt', 381, (36.6146, -6.1120)),
        ('mavic_air2.srt', 25, (41.4207, 2.1622)),
        ('mavic_mini.SRT', 117, (48.0771, -121.7458)),
        ('p4_rtk.SRT', 55, (-34.2379, -58.8517)),
    ],
)
def test_real_files_are_read_whole(name, count, place):
    records = read_subtitle_telemetry(DATA / 'srt' / name).samples
    assert len(records) == count
    assert (records[0].latitude_deg, records[0].longitude_deg) == pytest.approx(place, abs=1e-4)
    assert all(one.latitude_deg is not None for one in records)
