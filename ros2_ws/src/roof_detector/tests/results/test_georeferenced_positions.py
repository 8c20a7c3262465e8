# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ground positions against ground truth: simulated flights, and a real orthophoto's polygons."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod, Transformer
from scipy.spatial.transform import Rotation

from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.results.geojson import GeoJsonExport
from roof_detector.simulation import CLASS_NAMES, FlightConfig, RoofWorld, SurveyFlight
from roof_detector.vision.detections import Detections
from roof_detector.vision.frame_findings import FrameFindings

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
GEOD = Geod(ellps='WGS84')
RTK = Uncertainty(horizontal_m=0.02, vertical_m=0.03, tilt_deg=0.1, heading_deg=0.1, pixel_px=2)
LIMIT_M = 0.5


def exported(folder, views, *, lens, ground, class_names):
    """Put views (latitude, longitude, altitude, pose, boxes, class ids) through the exporter."""
    stamps = [index * 100_000_000 for index in range(len(views))]
    positions = [[*view[:3], *RTK.fix_covariance.ravel()] for view in views]
    attitudes = [
        [*view[3].quaternion_xyzw, view[3].position_enu[2], *RTK.attitude_covariance.ravel()]
        for view in views
    ]
    track = CameraTrack(
        positions=StampedSeries.of(stamps, positions, width=12),
        attitudes=StampedSeries.of(stamps, attitudes, width=14),
        lens=lens,
        ground=ground,
    )
    path = folder / 'detections.geojson'
    with GeoJsonExport(path, folder / 'footprints.geojson', track=track) as export:
        for index, (*_, boxes, class_ids) in enumerate(views):
            detections = Detections(
                boxes_xyxy=boxes, scores=np.ones(len(boxes)), class_ids=class_ids
            )
            export.write(
                FrameFindings(
                    source='flight',
                    topic='',
                    index=index,
                    name=f'flight_{index:06d}',
                    stamp_ns=stamps[index],
                    frame_id='',
                    size_wh=lens.size_wh,
                    detections=detections,
                    class_names=class_names,
                ),
                None,
            )
    features = json.loads(path.read_text())['features']
    return [[f for f in features if f['properties']['frame'] == i] for i in range(len(views))]


def distance_m(feature, longitude_deg, latitude_deg):
    return GEOD.inv(*feature['geometry']['coordinates'], longitude_deg, latitude_deg)[2]


def test_without_findings_there_are_no_georeferenced_positions(tmp_path):
    pose = CameraPose.looking_down([0, 0, 30], yaw_deg=0, pitch_deg=0, roll_deg=0)
    view = 0.0, 0.0, 30.0, pose, np.zeros((0, 4)), np.zeros(0, int)
    lens = Lens(size_wh=(64, 48), matrix=np.diag([50.0, 50, 1]))
    ground = Ground(height_m=30.0)
    assert exported(tmp_path, [view], lens=lens, ground=ground, class_names=()) == [[]]


@pytest.mark.parametrize('tilt_deg', [0.0, 25.0], ids=['nadir', 'tilted'])
def test_things_of_a_simulated_flight_are_found_where_they_stand(tmp_path, tilt_deg):
    world = RoofWorld.generate(seed=4)
    config = FlightConfig(size_wh=(640, 360), tilt_deg=tilt_deg)
    flight = SurveyFlight(world, config, seed=4)
    roof_z = float(np.median([item.position_enu[2] for item in world.instances]))
    frames = [flight[k] for k in range(0, len(flight), len(flight) // 5)]
    views, truths = [], []
    for frame in frames:
        left, top, right, bottom = frame.boxes_xyxy.T
        whole = (left > 0) & (top > 0) & (right < 640) & (bottom < 360)
        kept = whole & (np.abs(frame.positions_enu[:, 2] - roof_z) < 0.3)
        place = frame.latitude_deg, frame.longitude_deg, frame.altitude_m
        pose = CameraPose(frame.pose_enu[0], Rotation.from_quat(frame.pose_enu[1]).as_matrix())
        views.append((*place, pose, frame.boxes_xyxy[kept], frame.class_ids[kept]))
        truths.append(frame.positions_enu[kept])
    found = exported(
        tmp_path,
        views,
        lens=Lens(size_wh=flight.camera.size_wh, matrix=flight.camera.matrix),
        ground=Ground(map_z_m=roof_z, sigma_m=0.3),
        class_names=CLASS_NAMES,
    )
    origin = LocalTangentPlane(config.latitude_deg, config.longitude_deg, config.altitude_origin_m)
    misses, drains = [], []
    for features, truth in zip(found, truths, strict=True):
        for feature, (latitude, longitude, _) in zip(
            features, origin.to_geodetic(truth), strict=True
        ):
            misses.append(distance_m(feature, longitude, latitude))
            if feature['properties']['class'] == 'drain':
                drains.append(misses[-1])
    assert len(misses) > 15 and len(drains) >= 3
    assert np.median(misses) < LIMIT_M / 2
    # A drain is flat and round, so its box's centre is its own, to the pixel of 2.3 cm.
    assert np.median(drains) < 0.03


class Orthophoto:
    """The shared orthophoto: its boxes in pixels, its polygons in degrees."""

    def __init__(self, folder):
        facts = json.loads((folder / 'georeference.json').read_text())
        self.size_wh = np.array(facts['size_wh'])
        self._mercator = Transformer.from_crs('EPSG:4326', 'EPSG:3857', always_xy=True)
        self._north_west = np.array(self._mercator.transform(facts['west'], facts['north']))
        south_east = np.array(self._mercator.transform(facts['east'], facts['south']))
        self._step = (south_east - self._north_west) / self.size_wh
        lines = (folder / 'roofs.txt').read_text().splitlines()
        shares = np.array([line.split()[1:] for line in lines], float).reshape(-1, 2, 2)
        centres, sizes = (shares * self.size_wh).transpose(1, 0, 2)
        boxes = np.hstack([centres - sizes / 2, centres + sizes / 2])
        # Those that the image's edge cuts are not centred on their polygons.
        whole = (boxes[:, :2] > 1).all(axis=1) & (boxes[:, 2:] < self.size_wh - 1).all(axis=1)
        self.boxes = boxes[whole]
        features = json.loads((folder / 'roofs.geojson').read_text())['features']
        self.polygons = [np.array(f['geometry']['coordinates'][0])[:-1] for f in features]

    def lonlat(self, pixels):
        x, y = (self._north_west + np.atleast_2d(pixels) * self._step).T
        lonlat = self._mercator.transform(x.tolist(), y.tolist(), direction='INVERSE')
        return np.column_stack(lonlat)

    def east_north(self, lonlat, *, of):
        """Metres from a place, along the ellipsoid's own geodesics."""
        begin = np.repeat([of], len(lonlat), axis=0)
        azimuth, _, metres = GEOD.inv(*begin.T.tolist(), *lonlat.T.tolist())
        angle = np.radians(azimuth)
        return np.column_stack([np.sin(angle), np.cos(angle)]) * np.array(metres)[:, None]


@pytest.fixture(scope='module')
def orthophoto():
    if not (DATA / 'kampala').is_dir():
        pytest.skip('shared data is absent: set ROOF_DETECTOR_DATA to its folder')
    return Orthophoto(DATA / 'kampala')


def test_boxes_cut_from_a_real_orthophoto_lie_on_its_polygons(tmp_path, orthophoto):
    """The boxes of the labels themselves, in windows of the image as it is: a nadir flight.

    Web Mercator's pixels are 0.7 % longer to the north than to the east here, hence two focal
    lengths.
    """
    size_wh = np.array([1280, 720])
    height_m = 80.0
    views = []
    for corner in [(x, y) for x in (0, 640, 1280, 1792) for y in (0, 664, 1328)]:
        inside = (orthophoto.boxes[:, :2] > corner).all(axis=1)
        inside &= (orthophoto.boxes[:, 2:] < corner + size_wh).all(axis=1)
        boxes = orthophoto.boxes[inside] - np.tile(corner, 2)
        (centre,) = orthophoto.lonlat(corner + size_wh / 2)
        pose = CameraPose.looking_down([0, 0, height_m], yaw_deg=90, pitch_deg=0, roll_deg=0)
        place = centre[1], centre[0], height_m
        views.append((*place, pose, boxes, np.zeros(len(boxes), int)))
    middle = orthophoto.lonlat(orthophoto.size_wh / 2)[0]
    pixels = np.array([orthophoto.size_wh / 2 + step for step in ((1000, 0), (0, 1000))])
    metres = (
        np.linalg.norm(orthophoto.east_north(orthophoto.lonlat(pixels), of=middle), axis=1) / 1000
    )
    matrix = np.diag([*(height_m / metres), 1.0])
    matrix[:2, 2] = (size_wh - 1) / 2
    found = exported(
        tmp_path,
        views,
        lens=Lens(size_wh=(1280, 720), matrix=matrix),
        ground=Ground(altitude_m=0.0),
        class_names=('roof',),
    )
    middles = np.array([(p.min(axis=0) + p.max(axis=0)) / 2 for p in orthophoto.polygons])
    misses = [
        min(distance_m(feature, *middle) for middle in middles)
        for features in found
        for feature in features
    ]
    assert len(misses) > 100
    assert np.median(misses) < 0.05 and max(misses) < LIMIT_M


@pytest.mark.parametrize(
    ('height_m', 'yaw_deg', 'pitch_deg', 'roll_deg'),
    [(60, 90, 0, 0), (100, 30, 0, 0), (80, -135, 0, 0), (60, 70, 20, -10), (90, 200, 30, 15)],
    ids=['north_up', 'turned', 'backwards', 'tilted', 'steep'],
)
def test_real_roofs_seen_from_anywhere_are_found_on_their_polygons(
    tmp_path, orthophoto, height_m, yaw_deg, pitch_deg, roll_deg
):
    lens = Lens(
        size_wh=(1280, 720), matrix=np.array([[1000.0, 0, 639.5], [0, 1000, 359.5], [0, 0, 1]])
    )
    pose = CameraPose.looking_down(
        [0, 0, height_m], yaw_deg=yaw_deg, pitch_deg=pitch_deg, roll_deg=roll_deg
    )
    views, truths = [], []
    for pixel in [(x, y) for x in (500, 1000, 1500, 2000, 2500) for y in (500, 1000, 1500)]:
        (camera,) = orthophoto.lonlat(pixel)
        boxes, seen = [], []
        for polygon in orthophoto.polygons:
            ground = orthophoto.east_north(polygon, of=camera)
            rays = np.column_stack([ground, np.full(len(ground), -height_m)]) @ pose.rotation
            corners = rays[:, :2] / rays[:, 2:] * 1000 + (640, 360)  # from the image's corner
            box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
            if rays[:, 2].min() > 1 and box.min() > 0 and (box[2:] < (1280, 720)).all():
                boxes.append(box)
                seen.append(centroid(ground))
        boxes = np.array(boxes).reshape(-1, 4)
        views.append((camera[1], camera[0], height_m, pose, boxes, np.zeros(len(boxes), int)))
        truths.append((camera, seen))
    found = exported(
        tmp_path, views, lens=lens, ground=Ground(altitude_m=0.0), class_names=('roof',)
    )
    misses = []
    for features, (camera, seen) in zip(found, truths, strict=True):
        for feature, truth in zip(features, seen, strict=True):
            place = np.array([feature['geometry']['coordinates']])
            misses.append(np.linalg.norm(orthophoto.east_north(place, of=camera)[0] - truth))
    assert len(misses) > 30
    assert np.median(misses) < LIMIT_M


def centroid(ground):
    """The area's centre, which a box's centre only is of a symmetric roof."""
    x, y = ground.T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    sums = [np.sum((v + np.roll(v, -1)) * cross) for v in (x, y)]
    return np.array(sums) / (3 * cross.sum())
