# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""KML, KMZ and GeoPackage hold what GeoJSON holds, by the programs that read them."""

from __future__ import annotations

import json
import sqlite3
import zipfile

import cv2
import fastkml
import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import shapely

from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.results.formats import open_exports

HOSTILE = ('裂缝 <b>&"\'', '=cmd|\x00\x1b]]>', 'a\udcffb')
MAPS = ('geojson', 'kml', 'kmz', 'gpkg')


@pytest.fixture
def track(run):
    pose = CameraPose.looking_down([0, 0, 30], yaw_deg=90, pitch_deg=0.0, roll_deg=0)
    sure = Uncertainty()
    width, height = run.size_wh
    matrix = np.array([[80.0, 0, (width - 1) / 2], [0, 80.0, (height - 1) / 2], [0, 0, 1]])
    times = [run.start_ns, run.start_ns + 500_000_000]
    place = [47.3769, 8.5417, 440.0, *sure.fix_covariance.ravel()]
    attitude = [*pose.quaternion_xyzw, 30.0, *sure.attitude_covariance.ravel()]
    return CameraTrack(
        positions=StampedSeries.of(times, place * 2, width=12),
        attitudes=StampedSeries.of(times, attitude * 2, width=14),
        lens=Lens(size_wh=run.size_wh, matrix=matrix),
        ground=Ground(altitude_m=410.0),
    )


def export(folder, run, track, frames, *, names=None, image=None, formats=MAPS, **options):
    """Write the frames in all formats for maps; return the notes."""
    names = names or run.names
    exports = open_exports(folder, formats, class_names=names, settings={}, track=track, **options)
    with exports:
        for frame in frames:
            exports.write(frame, image)
    assert exports.errors == ()
    assert not list(folder.glob('*.part'))
    return exports.notes


def features(folder):
    return json.loads((folder / 'detections.geojson').read_text())['features']


def placemarks(text):
    document = fastkml.KML.from_string(text)
    (found,) = document.features
    return found, [one for one in found.features if isinstance(one, fastkml.Placemark)]


def attributes(placemark):
    return {one.name: one.value for one in placemark.extended_data.elements}


def layer(folder, name):
    meta, _, geometry, columns = pyogrio.raw.read(folder / 'detections.gpkg', layer=name)
    assert meta['crs'] == 'EPSG:4326'
    return shapely.from_wkb(geometry), dict(zip(meta['fields'], columns, strict=True))


def test_no_detection_makes_files_that_open(tmp_path, run, track):
    export(tmp_path, run, track, [run.frame(0, count=0)])
    assert placemarks((tmp_path / 'detections.kml').read_bytes())[1] == []
    with zipfile.ZipFile(tmp_path / 'detections.kmz') as archive:
        assert archive.namelist() == ['doc.kml']
        assert placemarks(archive.read('doc.kml'))[1] == []
    for name in ('detections', 'points'):
        geometry, columns = layer(tmp_path, name)
        assert len(geometry) == 0 and {'class', 'confidence', 'error_m'} <= set(columns)


def test_kml_has_the_points_polygons_and_values_of_geojson(tmp_path, run, track):
    export(tmp_path, run, track, [run.frame(index) for index in range(3)])
    expected = features(tmp_path)
    document, marks = placemarks((tmp_path / 'detections.kml').read_bytes())
    assert len(marks) == len(expected) == 6
    styles = {one.id for one in document.styles}
    for mark, feature in zip(marks, expected, strict=True):
        point, polygon = mark.geometry.geoms
        assert (point.x, point.y) == pytest.approx(feature['geometry']['coordinates'], abs=1e-8)
        assert shapely.geometry.shape(polygon).contains(shapely.geometry.shape(point))
        assert mark.style_url.url.removeprefix('#') in styles
        held = attributes(mark)
        assert held['id'] == feature['id']
        assert held['class'] == feature['properties']['class']
        assert held['error_m'] == str(feature['properties']['error_m'])
        assert f'<td>{feature["properties"]["class"]}</td>' in mark.description
        assert mark.times.timestamp.dt.year == 2026


def test_a_geopackage_has_both_layers_for_gdal(tmp_path, run, track):
    export(tmp_path, run, track, [run.frame(index) for index in range(3)])
    expected = features(tmp_path)
    assert [one[0] for one in pyogrio.list_layers(tmp_path / 'detections.gpkg')] == [
        'detections',
        'points',
    ]
    boxes, columns = layer(tmp_path, 'detections')
    points, same = layer(tmp_path, 'points')
    places = [one['geometry']['coordinates'] for one in expected]
    assert np.allclose(shapely.get_coordinates(points), places, atol=1e-9)
    assert shapely.contains(boxes, points).all() and shapely.is_ccw(boxes.tolist()[0].exterior)
    for held in (columns, same):
        assert list(held['id']) == [one['id'] for one in expected]
        assert list(held['error_m']) == [one['properties']['error_m'] for one in expected]
        assert json.loads(held['box_px'][0]) == expected[0]['properties']['box_px']
    assert columns['time'].dtype.kind == 'M'
    assert pyogrio.read_info(tmp_path / 'detections.gpkg', layer='points')[
        'total_bounds'
    ] == pytest.approx([*np.min(places, axis=0), *np.max(places, axis=0)])


def test_a_geopackage_is_one_by_its_header_and_sound_for_sqlite(tmp_path, run, track):
    export(tmp_path, run, track, [run.frame(0)], formats=('gpkg',))
    content = (tmp_path / 'detections.gpkg').read_bytes()
    assert content[68:72] == b'GPKG'
    database = sqlite3.connect(tmp_path / 'detections.gpkg')
    assert database.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
    assert database.execute('PRAGMA foreign_key_check').fetchall() == []
    database.close()
    export(tmp_path, run, track, [run.frame(0)], formats=('gpkg',), overwrite=True)
    assert (tmp_path / 'detections.gpkg').read_bytes() == content


def test_names_in_chinese_and_with_markup_stay_what_they_are(tmp_path, run, track):
    frame = run.frame(0, count=3, class_names=HOSTILE, name='屋顶 <&>.jpg')
    frame.detections.class_ids.flags.writeable = True
    frame.detections.class_ids[:] = (0, 1, 2)
    export(tmp_path, run, track, [frame], names=HOSTILE)
    _, marks = placemarks((tmp_path / 'detections.kml').read_bytes())
    shown = [attributes(mark) for mark in marks]
    assert shown[0]['class'] == HOSTILE[0] and shown[0]['name'] == '屋顶 <&>.jpg'
    assert shown[1]['class'] == '=cmd|��]]>'  # XML has no place for the others
    assert shown[2]['class'] == 'a\\udcffb'
    assert '裂缝 &lt;b&gt;' in marks[0].description
    _, columns = layer(tmp_path, 'points')
    assert columns['class'][0] == HOSTILE[0] and columns['class'][2] == 'a\\udcffb'


def test_a_detection_without_a_position_is_kept_with_its_reason(tmp_path, run, track):
    notes = export(tmp_path, run, track, [run.frame(0, count=1), run.frame(90, count=1)])
    assert sum('no position for 1 of 2 detections' in note for note in notes) == len(MAPS)
    _, marks = placemarks((tmp_path / 'detections.kml').read_bytes())
    assert marks[1].geometry is None
    assert 'after the last fix' in attributes(marks[1])['unlocated']
    geometry, columns = layer(tmp_path, 'detections')
    assert geometry[1] is None and 'after the last fix' in columns['unlocated'][1]


def test_a_kmz_holds_a_crop_of_each_detection_and_the_annotated_photo(tmp_path, run, track):
    notes = export(tmp_path, run, track, [run.frame(0)], image=run.image(0), formats=('kmz',))
    assert notes == ()
    with zipfile.ZipFile(tmp_path / 'detections.kmz') as archive:
        assert archive.testzip() is None
        names = [one for one in archive.namelist() if one != 'doc.kml']
        images = {
            name: cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR)
            for name in names
        }
        _, marks = placemarks(archive.read('doc.kml'))
    assert sorted(names) == [
        'files/crop_000001.jpg',
        'files/crop_000002.jpg',
        'files/photo_000001.jpg',
    ]
    assert images['files/photo_000001.jpg'].shape[1::-1] == run.size_wh
    for number, mark in enumerate(marks, start=1):
        assert f'src="files/crop_{number:06d}.jpg"' in mark.description
        assert 'src="files/photo_000001.jpg"' in mark.description


def test_a_kmz_without_images_says_what_it_lacks(tmp_path, run, track):
    (note,) = export(tmp_path, run, track, [run.frame(0)], formats=('kmz',))
    assert 'lacks the images of 2 detections' in note
