# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Orthophotos: tile by tile at the scale of the model, each object once, on the map."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from PIL import Image
from pyproj import Transformer
from rasterio.transform import from_bounds

from roof_detector.cli.main import main
from roof_detector.inputs.raster_file import RasterFile
from roof_detector.offline.detection import FlightDetection
from roof_detector.offline.exporting import export_results
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.raster_mosaic import merge_views
from roof_detector.offline.raster_scale import RasterScale
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.detections import Detections
from roof_detector.vision.matching import pairwise_iou
from roof_detector.vision.seams import View, merge
from roof_detector.vision.thresholds import Thresholds

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
KAMPALA = DATA / 'kampala'
UTM = 'EPSG:32636'
NORTH_UP = Affine(0.05, 0, 454_000, 0, -0.05, 38_000)
INPUT_PX = 64  # of the small network


def write_raster(path, values, *, transform=NORTH_UP, crs=UTM, **profile):
    count, height, width = values.shape
    with rasterio.open(
        path,
        'w',
        driver='GTiff',
        width=width,
        height=height,
        count=count,
        dtype=values.dtype,
        transform=transform,
        crs=crs,
        photometric='RGB',
        **profile,
    ) as dataset:
        dataset.write(values)
    return path


def noise(width=200, height=150, seed=5):
    return np.random.default_rng(seed).integers(1, 256, (3, height, width), dtype=np.uint8)


@pytest.fixture
def raster(tmp_path):
    return write_raster(tmp_path / 'ortho.tif', noise())


def features(outcome, name='detections.geojson'):
    return json.loads((outcome.output / name).read_text())['features']


def boxes(outcome):
    return np.array([one['properties']['box_px'] for one in features(outcome)])


def test_every_tile_is_inferred_as_it_is_and_merged_to_one_frame(raster, detect, detector):
    (outcome,) = detect(raster, confidence=0.6, formats=('geojson', 'csv', 'json'))
    assert outcome.is_complete and outcome.frames == 1
    thresholds = Thresholds(confidence=0.6)
    image_bgr = np.moveaxis(noise(), 0, -1)[..., ::-1]
    views = []
    for x, y in [(x, y) for y in (0, 51, 86) for x in (0, 51, 102, 136)]:
        tile = np.ascontiguousarray(image_bgr[y : y + INPUT_PX, x : x + INPUT_PX])
        found = detector.detect(tile, thresholds)
        shift = np.array((x, y, x, y), np.float32)
        placed = Detections(
            boxes_xyxy=found.boxes_xyxy + shift, scores=found.scores, class_ids=found.class_ids
        )
        views.append(View(placed, np.array((x, y, x + 64, y + 64), np.float32)))
    expected = merge(views, source_wh=(200, 150), iou=thresholds.iou, max_detections=10_000)
    assert len(expected) > 40
    expected_boxes = {tuple(box) for box in np.round(expected.boxes_xyxy.tolist(), 2).tolist()}
    assert {tuple(box) for box in boxes(outcome).tolist()} == expected_boxes
    assert sum(outcome.detections.values()) == len(expected)
    (image,) = json.loads((outcome.output / 'images.json').read_text())['images']
    assert (image['file_name'], image['width'], image['height']) == ('ortho.tif', 200, 150)
    assert '12 of 12 tiles were searched.' in outcome.notes


def test_tiles_of_which_only_the_most_certain_were_kept_are_counted(raster, detect):
    (outcome,) = detect(raster, confidence=0.6, max_detections=2)
    (note,) = [one for one in outcome.notes if '--max-detections' in one]
    capped = int(note.split()[0])
    assert 0 < capped <= 12 and 'of 12 tiles have 2 detections or more' in note
    (outcome,) = detect(raster, confidence=0.6, output='all')
    assert not any('--max-detections' in one for one in outcome.notes)


def test_positions_are_in_both_systems_with_sizes_in_metres(raster, detect):
    (outcome,) = detect(raster, confidence=0.6, formats=('geojson', 'csv'))
    with (outcome.output / 'detections.csv').open(encoding='utf-8-sig') as file:
        for row, feature in zip(csv.DictReader(file), features(outcome), strict=True):
            assert row['crs'] == UTM and row['position_error_m'] == ''
            assert float(row['crs_x']) == feature['properties']['crs_x']
            assert float(row['longitude']) == feature['geometry']['coordinates'][0]
            assert float(row['ground_width_m']) == pytest.approx(
                feature['properties']['box_width_m'], abs=0.004
            )
    to_degrees = Transformer.from_crs(UTM, 'EPSG:4326', always_xy=True)
    for point, footprint in zip(
        features(outcome), features(outcome, 'footprints.geojson'), strict=True
    ):
        values = point['properties']
        left, top, right, bottom = values['box_px']
        x, y = NORTH_UP @ ((left + right) / 2, (top + bottom) / 2)
        assert (values['crs'], values['crs_x'], values['crs_y']) == (
            UTM,
            pytest.approx(x, abs=2e-3),
            pytest.approx(y, abs=2e-3),
        )
        assert point['geometry']['coordinates'] == pytest.approx(
            to_degrees.transform(x, y), abs=1e-7
        )
        # UTM is 0.9998 of the ground there, 46 km from its central meridian.
        assert values['box_width_m'] == pytest.approx((right - left) * 0.05, rel=2e-3, abs=2e-3)
        assert values['box_height_m'] == pytest.approx((bottom - top) * 0.05, rel=2e-3, abs=2e-3)
        assert values['error_m'] is None and values['error_of'] == 'the raster, not stated'
        ring = np.array(footprint['geometry']['coordinates'][0])
        assert np.allclose(ring[:4].mean(axis=0), point['geometry']['coordinates'], atol=1e-7)
    assert any('error_m is left empty' in note for note in outcome.notes)


def test_a_turned_raster_has_its_own_corners(tmp_path, detect):
    turned = Affine.translation(454_000, 38_000) @ Affine.rotation(25) @ Affine.scale(0.05, -0.05)
    path = write_raster(tmp_path / 'turned.tif', noise(), transform=turned)
    (outcome,) = detect(path, confidence=0.6, formats=('geojson',))
    to_utm = Transformer.from_crs('EPSG:4326', UTM, always_xy=True)
    feature = features(outcome, 'footprints.geojson')[0]
    left, top, right, bottom = feature['properties']['box_px']
    expected = [
        turned @ corner for corner in ((left, bottom), (right, bottom), (right, top), (left, top))
    ]
    ring = [to_utm.transform(*corner) for corner in feature['geometry']['coordinates'][0]]
    assert np.allclose(ring[:4], expected, atol=0.01) and ring[0] == ring[4]


def test_a_raster_is_brought_to_the_scale_that_the_model_was_trained_at(raster, tmp_path):
    opened = RasterFile(raster)
    tiles = RasterScale.choose(opened, (0.1, 0.2)).tiles(opened, input_wh=(64, 64), overlap=0.2)
    assert {(one.window_xywh[2:], one.out_wh) for one in tiles} == {((128, 128), (64, 64))}
    for trained_m in (None, (0.04, 0.06)):
        scale = RasterScale.choose(opened, trained_m)
        assert scale.pixels_xy == (1.0, 1.0) and scale.limit == ''
    coarse = RasterScale.choose(opened, (0.02, 0.025))
    assert coarse.pixels_xy == pytest.approx((0.5, 0.5), rel=2e-3)
    assert coarse.limit == 'that can be recognised at 0.05 m per pixel'
    # A degree of longitude is half as long as one of latitude here, so pixels are not square.
    degrees = write_raster(
        tmp_path / 'degrees.tif',
        noise(),
        crs='EPSG:4326',
        transform=Affine(1e-6, 0, 25, 0, -1e-6, 60),
    )
    opened = RasterFile(degrees)
    across, down = RasterScale.choose(opened, (0.2, 0.3)).pixels_xy
    assert across == pytest.approx(0.2 / 0.0558, rel=3e-3)
    assert down == pytest.approx(0.2 / 0.1114, rel=3e-3)


def test_a_raster_that_is_far_too_coarse_is_refused(tmp_path, detector):
    path = write_raster(
        tmp_path / 'satellite.tif', noise(), transform=Affine(10, 0, 454_000, 0, -10, 38_000)
    )
    settings = DetectSettings(metres_per_pixel=(0.01, 0.08))
    run = FlightDetection(
        path, tmp_path / 'out', detector=detector, settings=settings, progress='none'
    )
    with pytest.raises(
        RuntimeError, match=r'shows 10 m per pixel and the model was trained at 0\.08'
    ):
        run.run()


def test_nothing_found_is_said_of_what_could_have_been_found(raster, tmp_path, detector):
    settings = DetectSettings(
        Thresholds(confidence=0.999999), OutputSettings(formats=()), metres_per_pixel=(0.02, 0.025)
    )
    run = FlightDetection(
        raster, tmp_path / 'out', detector=detector, settings=settings, progress='none'
    )
    (first, *_) = run.run().lines()
    assert 'found nothing that can be recognised at 0.05 m per pixel;' in first
    again = FlightDetection(
        raster,
        tmp_path / 'out',
        detector=detector,
        settings=settings,
        progress='none',
        resume=True,
    ).run()
    assert again.already_done and 'that can be recognised' in again.lines()[0]


def test_empty_tiles_are_skipped_and_counted(tmp_path, detect):
    values = noise()
    values[:, :, 64:] = 0
    path = write_raster(tmp_path / 'half.tif', values, nodata=0)
    (outcome,) = detect(path, confidence=0.6)
    assert '6 of 12 tiles were searched; 6 are empty and were skipped.' in outcome.notes
    values[:] = 0
    (outcome,) = detect(write_raster(tmp_path / 'none.tif', values, nodata=0), confidence=0.6)
    assert 'found nothing because it is empty' in outcome.lines()[0]


def test_a_raster_without_a_crs_gives_pixels_and_says_why(tmp_path, detect):
    path = write_raster(tmp_path / 'ortho.tif', noise(), crs=None)
    (outcome,) = detect(path, confidence=0.6, formats=None)
    assert outcome.detections and not (outcome.output / 'detections.geojson').exists()
    assert any('does not state its coordinate reference system' in note for note in outcome.notes)
    with (outcome.output / 'detections.csv').open(encoding='utf-8-sig') as file:
        assert len(list(csv.DictReader(file))) == sum(outcome.detections.values())


def test_an_interrupted_raster_resumes_to_the_same_bytes(
    raster, detect, detector, tmp_path, monkeypatch
):
    values = noise()
    values[:, :, :64] = 0
    path = write_raster(tmp_path / 'half.tif', values, nodata=0)
    (whole,) = detect(path, output='whole', confidence=0.6)
    infer, calls = detector.infer, []

    def cut_off(*prepared):
        if len(calls) == 4:
            raise KeyboardInterrupt
        calls.append(1)
        return infer(*prepared)

    with monkeypatch.context() as patch:
        patch.setattr(detector, 'infer', cut_off)
        assert detect(path, confidence=0.6)[0].failure
    calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(detector, 'infer', lambda *p: (calls.append(1), infer(*p))[1])
        (resumed,) = detect(path, confidence=0.6, resume=True)
    assert len(calls) == 9 - 4  # of 12 tiles, 3 are empty
    bags = [one.output / 'bag/bag_0.mcap' for one in (whole, resumed)]
    assert bags[0].read_bytes() == bags[1].read_bytes()
    assert resumed.notes == whole.notes


def test_tiles_that_cannot_be_read_are_counted_and_the_others_searched(tmp_path, detect):
    path = write_raster(tmp_path / 'ortho.tif', noise(), tiled=True, blockxsize=64, blockysize=64)
    path.write_bytes(path.read_bytes()[:-30_000])
    (outcome,) = detect(path, confidence=0.6)
    assert not outcome.is_complete and outcome.detections
    assert any('tiles cannot be read and were not searched' in one for one in outcome.warnings)


def test_candidates_of_a_raster_cannot_be_kept(raster, detect):
    (outcome,) = detect(raster, keep_candidates=0.1)
    assert 'candidates of tiles cannot be kept' in outcome.failure


def test_a_folder_of_orthophotos_and_photos_is_taken_apart(tmp_path, detect, flights):
    folder = tmp_path / 'job'
    folder.mkdir()
    for name in ('east', 'west'):
        write_raster(folder / f'{name}.tif', noise())
    (folder / 'east.tfw').write_text('0.05\n0\n0\n-0.05\n454000\n38000\n')
    Image.fromarray(flights.image(1)).save(folder / 'photo.png')
    outcomes = detect(folder, confidence=0.6)
    assert [str(one.output.relative_to(tmp_path / 'out')) for one in outcomes] == [
        'job/images',
        'job/east',
        'job/west',
    ]
    assert [one.frames for one in outcomes] == [1, 1, 1]
    assert not any('were not looked at' in note for one in outcomes for note in one.notes)


def test_written_rasters_keep_crs_transform_and_what_is_empty(tmp_path, detect):
    values = noise(600, 150)
    values[:, :, :100] = 0
    path = write_raster(tmp_path / 'ortho.tif', values, nodata=0)
    formats = ('geojson', 'kml', 'kmz', 'gpkg', 'cog', 'images', 'crops')
    (outcome,) = detect(path, confidence=0.93, formats=formats)
    assert outcome.is_complete, outcome.lines()
    count = sum(outcome.detections.values())
    left, top, _, bottom = np.rint(boxes(outcome)[0]).astype(int)
    for name in ('annotated.tif', 'images/ortho.tif'):
        with rasterio.open(outcome.output / name) as written:
            assert (written.crs, written.transform) == (UTM, NORTH_UP)
            assert written.shape == (150, 600)
            mask = written.dataset_mask()
            assert not mask[:, :100].any() and mask[:, 100:].all()
            drawn = written.read()
        assert (np.abs(drawn.astype(int) - values).max(axis=0) > 60).any()
    with rasterio.open(outcome.output / 'annotated.tif') as cog:
        assert cog.tags(ns='IMAGE_STRUCTURE')['LAYOUT'] == 'COG'
        assert cog.overviews(1) and cog.block_shapes[0] == (512, 512)
    line = drawn[:, top + 6 : bottom - 3, left]  # of images/, which is without loss
    assert (line == line[:, :1]).all()
    crops = list((outcome.output / 'crops').rglob('*.jpg'))
    with zipfile.ZipFile(outcome.output / 'detections.kmz') as archive:
        inside = [one for one in archive.namelist() if one.startswith('files/crop_')]
    assert len(crops) == len(inside) == count
    assert (
        pyogrio.read_info(outcome.output / 'detections.gpkg', layer='points')['features'] == count
    )
    again = export_results(
        outcome.output,
        tmp_path / 'again',
        ('cog', 'gpkg'),
        georeferencing=GeoreferenceSettings(),
        progress='none',
    )
    assert again.warnings == []
    assert (tmp_path / 'again/detections.gpkg').read_bytes() == (
        outcome.output / 'detections.gpkg'
    ).read_bytes()


def test_an_exchanged_raster_is_not_drawn_into(raster, detect, tmp_path):
    (outcome,) = detect(raster, confidence=0.8)
    write_raster(raster, noise(seed=6))
    tally = export_results(
        outcome.output,
        tmp_path / 'again',
        ('cog', 'geojson'),
        georeferencing=GeoreferenceSettings(),
        progress='none',
    )
    assert any('is refused, because its content differs' in one for one in tally.warnings)
    assert not (tmp_path / 'again/annotated.tif').exists()
    assert (tmp_path / 'again/detections.geojson').exists()  # the results hold the place


def test_merging_by_groups_is_merging_at_once():
    random = np.random.default_rng(2)
    views = []
    for x in range(0, 900, 80):
        corners = random.uniform((x, 0), (x + 80, 300), (60, 2))
        found = np.hstack([corners, corners + random.uniform(4, 40, (60, 2))]).astype(np.float32)
        window = np.array((x, 0, x + 100, 300), np.float32)
        found = np.clip(found, window[[0, 1, 0, 1]], window[[2, 3, 2, 3]])
        scores = random.permutation(np.linspace(0.3, 0.9, 60)).astype(np.float32)
        views.append(
            View(
                Detections(boxes_xyxy=found, scores=scores, class_ids=random.integers(0, 2, 60)),
                window,
            )
        )
    grouped = merge_views(views, source_wh=(980, 300), iou=0.45)
    at_once = merge(views, source_wh=(980, 300), iou=0.45, max_detections=10_000)
    assert len(grouped) == len(at_once) > 200
    assert sorted(grouped.boxes_xyxy.tolist()) == sorted(at_once.boxes_xyxy.tolist())


PEAK = """
import resource, sys
from pathlib import Path
from roof_detector.inference.detector import Detector
from roof_detector.offline.batch import detect_all
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds

model, folder, *rasters = sys.argv[1:]
settings = DetectSettings(
    Thresholds(confidence=0.97), OutputSettings(formats=('csv', 'geojson', 'cog')),
    metres_per_pixel=(0.5, 0.5),
)
with Detector.open(model, device='cpu', threads=1) as detector:
    for raster in rasters:
        (outcome,) = detect_all(
            [raster], Path(folder), detector=detector, settings=settings, progress='none'
        )
        assert outcome.is_complete, outcome.lines()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_raster(tmp_path, detector):
    """A raster of 60 MB that is stored in rows takes 30 MB more than a small one."""
    rasters = []
    for name, width, height in (('small', 500, 400), ('large', 5000, 4000)):
        path = tmp_path / f'{name}.tif'
        block = np.tile(noise(500, 400), (1, 1, width // 500))
        with rasterio.open(
            path,
            'w',
            driver='GTiff',
            width=width,
            height=height,
            count=3,
            dtype='uint8',
            crs=UTM,
            transform=NORTH_UP,
            photometric='RGB',
        ) as dataset:
            for top in range(0, height, 400):
                dataset.write(block, window=rasterio.windows.Window(0, top, width, 400))
        rasters.append(path)
    process = subprocess.run(
        [sys.executable, '-c', PEAK, detector.model_path, tmp_path / 'out', *rasters],
        env={
            **os.environ,
            'PYTHONPATH': os.pathsep.join(p for p in sys.path if p),
            'GDAL_CACHEMAX': '16',
        },
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr.decode()
    small, large = (int(line) / 1024 for line in process.stdout.split())
    assert large - small < 30, (small, large)


@pytest.fixture(scope='module')
def kampala(tmp_path_factory):
    """Return the orthophoto as a GeoTIFF in web Mercator."""
    if not (KAMPALA / 'orthophoto.png').is_file():
        pytest.skip('shared data is absent: set ROOF_DETECTOR_DATA to its folder')
    bounds = json.loads((KAMPALA / 'georeference.json').read_text())
    to_mercator = Transformer.from_crs('EPSG:4326', 'EPSG:3857', always_xy=True)
    west, north = to_mercator.transform(bounds['west'], bounds['north'])
    east, south = to_mercator.transform(bounds['east'], bounds['south'])
    image = cv2.imread(str(KAMPALA / 'orthophoto.png'))[..., ::-1]
    return write_raster(
        tmp_path_factory.mktemp('kampala') / 'kampala.tif',
        np.moveaxis(image, -1, 0),
        crs='EPSG:3857',
        transform=from_bounds(west, south, east, north, 3072, 2048),
    )


def test_real_roofs_lie_where_the_map_has_them_and_each_is_found_once(kampala, tmp_path):
    out = tmp_path / 'out'
    words = [
        'detect',
        kampala,
        '--output',
        out,
        '--model',
        'roofs',
        '--formats',
        'geojson',
        '--quiet',
    ]
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    assert ended.value.code == 0
    found = json.loads((out / 'kampala/footprints.geojson').read_text())['features']
    outlines = [
        np.array(one['geometry']['coordinates'][0])
        for one in json.loads((KAMPALA / 'roofs.geojson').read_text())['features']
        if one['geometry']['type'] == 'Polygon'
    ]
    true = np.array([(*ring.min(axis=0), *ring.max(axis=0)) for ring in outlines])
    rings = np.array([one['geometry']['coordinates'][0] for one in found])
    ours = np.hstack([rings.min(axis=1), rings.max(axis=1)])
    origin = true.min(axis=0)[[0, 1, 0, 1]]  # float32 cannot hold degrees to centimetres
    true, ours = ((values - origin) * 111_300 for values in (true, ours))
    iou = pairwise_iou(ours.astype(np.float32), true.astype(np.float32))
    assert (iou.max(axis=0) > 0.5).mean() > 0.6
    matched = np.argwhere(iou > 0.7)
    centres = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (ours, true)]
    misses = np.linalg.norm(centres[0][matched[:, 0]] - centres[1][matched[:, 1]], axis=1)
    assert len(matched) > 30 and np.median(misses) < 0.6
    among = pairwise_iou(ours.astype(np.float32), ours.astype(np.float32))
    assert (np.triu(among, 1) < 0.5).all()
