# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A folder of drone photos gives positions on the map, by the tags of the photos."""

from __future__ import annotations

import csv
import json
import struct
import zipfile

import numpy as np
import openpyxl
import pyogrio
import pytest
from PIL import Image

from roof_detector.georeference.ground import Ground
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection_frames import InspectionFrames
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.rethresholding import Rethresholding
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:GimbalYawDegree="+0.00" '
    'drone-dji:GimbalPitchDegree="-90.00" drone-dji:GimbalRollDegree="+0.00" '
    'drone-dji:RelativeAltitude="{height:+.2f}" '
    'drone-dji:AbsoluteAltitude="{altitude:+.2f}"{more}/>'
    '</rdf:RDF></x:xmpmeta>'
)


def write_photo(
    flights, path, number, *, place=(52.0, 31.0, 12.0), take_off_m=80.0, more='', taken=''
):
    """Write a noisy photo, 80 x 60 pixels at a focal length of 100, 40 m above the take-off."""
    exif = Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    exif.get_ifd(0x8769)[0xA405] = round(43.267)  # of 35 mm film: 100 pixels of 100 diagonal
    if place:
        exif.get_ifd(0x8825).update({1: 'N', 2: place, 3: 'E', 4: (13.0, 24.0, 36.0)})
    image = Image.fromarray(flights.image(number)[:, :, ::-1])
    xmp = XMP.format(height=40.0, altitude=take_off_m + 40.0, more=more).encode()
    image.save(path, quality=98, subsampling=0, exif=exif, xmp=xmp if place else b'')
    return path


@pytest.fixture
def card(flights, tmp_path):
    folder = tmp_path / 'DCIM'
    folder.mkdir()
    for number in range(3):
        write_photo(flights, folder / f'DJI_{number:04d}.JPG', number)
    return folder


def features(outcome, name='detections.geojson'):
    return json.loads((outcome.output / name).read_text())['features']


def test_photos_that_tell_their_place_give_a_map_without_being_asked(card, detect):
    (outcome,) = detect(card, confidence=0.1, formats=None)
    found = features(outcome)
    assert found
    for one in found:
        longitude, latitude = one['geometry']['coordinates']
        left, top, right, bottom = one['properties']['box_px']
        # A pixel is 40 m / 100 of ground; the image's upper edge points north.
        east = ((left + right) / 2 - 40) * 0.4
        north = (30 - (top + bottom) / 2) * 0.4
        assert latitude == pytest.approx(52.52 + north / 111_280, abs=2e-6)
        assert longitude == pytest.approx(
            13.41 + east / (111_320 * np.cos(np.radians(52.52))), abs=3e-6
        )
        assert one['properties']['height_m'] == pytest.approx(40)


def test_a_photo_without_a_place_is_counted_and_says_so(card, flights, detect):
    write_photo(flights, card / 'DJI_0003.JPG', 3, place=None)
    (outcome,) = detect(card, confidence=0.1, formats=('geojson',))
    assert '1 of 4 photos do not hold their position.' in outcome.notes
    lost = [one for one in features(outcome) if one['properties']['name'] == 'DJI_0003.JPG']
    assert lost
    for one in lost:
        assert one['geometry'] is None
        assert 'has no GPS position' in one['properties']['unlocated']


def test_a_photo_that_no_drone_could_have_taken_where_it_says_gets_no_place(
    flights, detect, tmp_path
):
    for number in range(6):
        minutes = 33.0 if number == 3 else 31.0  # 3.7 km north
        write_photo(
            flights,
            tmp_path / f'DJI_{number:04d}.JPG',
            number,
            place=(52.0, minutes, 12.0),
            taken=f'2026:05:04 10:11:{2 * number:02d}',
        )
    (outcome,) = detect(tmp_path, confidence=0.1, formats=('geojson',))
    assert any(
        note.startswith('1 of 6 photos get no place. The position of') for note in outcome.notes
    )
    lost = {one['properties']['name'] for one in features(outcome) if one['geometry'] is None}
    assert lost == {'DJI_0003.JPG'}
    (reason, *_) = {
        one['properties'].get('unlocated') for one in features(outcome) if one['geometry'] is None
    }
    assert (
        'DJI_0003.JPG is 3.7 km from that of DJI_0002.JPG' in reason
        and 'within 2 s of it' in reason
    )


def test_altitudes_of_two_references_are_named(card, flights, detect):
    write_photo(flights, card / 'DJI_0003.JPG', 3, take_off_m=127.0)
    (outcome,) = detect(card, confidence=0.1, formats=('geojson',))
    assert any('take-off point differs by 47 m' in note for note in outcome.notes)


@pytest.mark.parametrize(
    ('with_rtk', 'named'),
    [
        (0, 'altitudes of 3 photos are without RTK: most cameras count them from the sea'),
        (
            1,
            'altitudes of 1 photos are those of RTK, above the ellipsoid of WGS 84, and those of',
        ),
        (3, 'altitudes of 3 photos are those of RTK, above the ellipsoid of WGS 84 and not above'),
    ],
)
def test_the_level_that_altitudes_count_from_is_named(card, flights, detect, with_rtk, named):
    for number in range(with_rtk):
        rtk = ' drone-dji:RtkFlag="50"'
        write_photo(flights, card / f'DJI_{number:04d}.JPG', number, more=rtk)
    options = {'confidence': 0.9, 'formats': ('geojson',)}
    level = GeoreferenceSettings(ground=Ground(altitude_m=80.0), adjust_photos=False)
    (outcome,) = detect(card, georeferencing=level, **options)
    assert any(named in note for note in outcome.notes)
    (outcome,) = detect(card, output='heights', **options)
    assert not any('RTK' in note for note in outcome.notes)


def test_photos_without_tags_give_no_map_and_say_why_when_asked(flights, tmp_path, detect):
    path = tmp_path / 'plain.png'
    Image.fromarray(flights.image(1)).save(path)
    (outcome,) = detect(path, formats=None)
    assert not (outcome.output / 'detections.geojson').exists()
    (outcome,) = detect(path, formats=('geojson',), output='asked')
    assert any('has no GPS position' in one for one in outcome.warnings)


def test_photos_are_exported_to_every_format_for_maps_with_their_crops(card, detect, tmp_path):
    maps = ('geojson', 'kml', 'kmz', 'gpkg')
    (outcome,) = detect(card, confidence=0.1, formats=maps, keep_candidates=0.05)
    assert outcome.is_complete
    count = len(features(outcome))
    with zipfile.ZipFile(outcome.output / 'detections.kmz') as archive:
        crops = [name for name in archive.namelist() if name.startswith('files/crop_')]
        assert archive.read('doc.kml').count(b'<Placemark>') == len(crops) == count
    assert (outcome.output / 'detections.kml').read_text().count('<Placemark>') == count
    layer = pyogrio.read_info(outcome.output / 'detections.gpkg', layer='points')
    assert layer['features'] == count
    settings = DetectSettings(Thresholds(confidence=0.1), OutputSettings(formats=maps))
    again = Rethresholding(outcome.output, tmp_path / 'again', settings=settings).run(
        progress='none'
    )
    assert again.is_complete
    for name in ('detections.kml', 'detections.gpkg', 'detections.kmz'):
        assert (again.output / name).read_bytes() == (outcome.output / name).read_bytes()


def test_the_tables_hold_the_positions_of_the_map_and_sizes_in_metres(card, detect):
    (outcome,) = detect(card, confidence=0.1, formats=None)
    placed = {one['id']: one for one in features(outcome)}
    with (outcome.output / 'detections.csv').open(encoding='utf-8-sig', newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(placed) > 0
    coco = json.loads((outcome.output / 'detections.json').read_text())
    sheet = openpyxl.load_workbook(outcome.output / 'detections.xlsx')['detections']
    head, *lines = sheet.iter_rows(values_only=True)
    for row, result, line in zip(rows, coco, lines, strict=True):
        feature = placed[f'{row["name"]}#{row["detection"]}']
        longitude, latitude = feature['geometry']['coordinates']
        assert (float(row['longitude']), float(row['latitude'])) == (longitude, latitude)
        assert float(row['position_error_m']) == feature['properties']['error_m']
        assert float(row['inference_ms']) > 0
        # A pixel is 40 m / 100 of ground.
        width = (float(row['right_px']) - float(row['left_px'])) * 0.4
        length = (float(row['bottom_px']) - float(row['top_px'])) * 0.4
        assert float(row['ground_width_m']) == pytest.approx(width, rel=0.01)
        assert float(row['ground_length_m']) == pytest.approx(length, rel=0.01)
        assert float(row['ground_area_m2']) == pytest.approx(width * length, rel=0.02)
        assert (result['longitude'], result['latitude']) == (longitude, latitude)
        assert result['ground_size_m'] == pytest.approx([width, length], rel=0.01)
        cells = dict(zip(head, line, strict=True))
        assert (cells['longitude'], cells['latitude']) == (longitude, latitude)


def test_a_photo_with_its_time_zone_has_its_time_in_utc_and_others_say_so(card, flights, detect):
    path = card / 'DJI_0000.JPG'
    with Image.open(path) as photo:
        exif = photo.getexif()
        exif.get_ifd(0x8769).update({0x9003: '2026:05:04 10:11:12', 0x9011: '+02:00'})
        photo.save(path, quality=98, subsampling=0, exif=exif, xmp=photo.info['xmp'])
    path = card / 'DJI_0001.JPG'
    with Image.open(path) as photo:
        exif = photo.getexif()
        exif.get_ifd(0x8769).update({0x9003: '2026:05:04 10:11:14'})
        photo.save(path, quality=98, subsampling=0, exif=exif, xmp=photo.info['xmp'])
    (outcome,) = detect(card, confidence=0.01, formats=('csv', 'geojson'))
    with (outcome.output / 'detections.csv').open(encoding='utf-8-sig', newline='') as file:
        times = {row['name']: (row['time_utc'], row['time_local']) for row in csv.DictReader(file)}
    assert times == {
        'DJI_0000.JPG': ('2026-05-04T08:11:12.000000Z', ''),
        'DJI_0001.JPG': ('', '2026-05-04T10:11:14.000'),
        'DJI_0002.JPG': ('', ''),
    }
    assert any(note.startswith('1 of 3 frames tell the local time') for note in outcome.notes)
    dated = {one['properties']['name']: one['properties']['time'] for one in features(outcome)}
    assert dated['DJI_0000.JPG'] == '2026-05-04T08:11:12.000000Z'
    assert dated['DJI_0001.JPG'] is None


def write_log(path, exposed_s):
    """Write a log of PX4: a flight east at 120 m, and the exposures of its camera."""
    formats = {
        'vehicle_global_position': ('double lat;double lon;float alt;', '<ddf'),
        'vehicle_attitude': ('float[4] q;', '<4f'),
        'camera_capture': ('double lat;double lon;float alt;int8_t result;', '<ddfb'),
    }
    content = b'ULog\x01\x12\x35\x01' + bytes(8)
    for name, (fields, _) in formats.items():
        body = f'{name}:uint64_t timestamp;{fields}'.encode()
        content += struct.pack('<HB', len(body), ord('F')) + body
    for number, name in enumerate(formats):
        body = struct.pack('<BH', 0, number) + name.encode()
        content += struct.pack('<HB', len(body), ord('A')) + body

    def add(number, at_s, *values):
        _, form = list(formats.values())[number]
        body = struct.pack('<HQ', number, round(at_s * 1e6)) + struct.pack(form, *values)
        return struct.pack('<HB', len(body), ord('D')) + body

    for at_s in np.arange(0.0, 10.0, 0.5):
        content += add(0, at_s, 52.5, 13.4 + 1e-5 * at_s, 120.0)
        content += add(1, at_s, 0.7071, 0.0, 0.0, 0.7071)
    for at_s in exposed_s:
        content += add(2, at_s, 52.5, 13.4 + 1e-5 * at_s, 120.0, 1)
    path.write_bytes(content)


def test_photos_without_a_place_are_placed_by_the_log_beside_them(flights, tmp_path, detect):
    pytest.importorskip('pyulog')
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number in range(3):
        write_photo(flights, folder / f'DSC{number:04d}.JPG', number, place=None)
    write_log(folder / 'flight.ulg', [2.0, 5.0])
    (outcome,) = detect(folder, confidence=0.1, formats=None, overwrite=True)
    assert not (outcome.output / 'detections.geojson').exists()
    assert any('holds 2 exposures and there are 3 photos' in one for one in outcome.notes)

    write_log(folder / 'flight.ulg', [2.0, 5.0, 7.0])
    ground = GeoreferenceSettings(ground=Ground(height_m=40.0))
    (outcome,) = detect(
        folder, confidence=0.1, formats=None, overwrite=True, georeferencing=ground
    )
    assert any('3 of 3 photos have their position from flight.ulg' in n for n in outcome.notes)
    assert features(outcome)
    for feature in features(outcome):
        longitude, latitude = feature['geometry']['coordinates']
        assert abs(latitude - 52.5) < 5e-4 and abs(longitude - 13.4) < 8e-4


def test_an_inspection_divides_photos_by_when_they_were_taken(card, flights, detect):
    # The second photo is of another day; its name lies between those of the first flight.
    for number, day in enumerate((1, 2, 1)):
        path = card / f'DJI_{number:04d}.JPG'
        photo = Image.open(path)
        exif = photo.getexif()
        exif.get_ifd(0x8769)[0x9003] = f'2026:05:0{day} 12:00:0{number}'
        photo.save(path, quality=98, exif=exif, xmp=photo.info['xmp'])
    (outcome,) = detect(card, confidence=0.1)
    with ResultBag(outcome.output) as bag:
        frames = InspectionFrames(bag, flight='card', georeferencing=GeoreferenceSettings())
        flights_of = [one.frame.flight for one in frames]
    assert flights_of == ['card', 'card part 2', 'card']
