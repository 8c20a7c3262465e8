# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What Foxglove draws over an image and on its map."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import shapely
from builtin_interfaces.msg import Time
from foxglove_msgs.msg import GeoJSON, ImageAnnotations, PointsAnnotation
from rclpy.serialization import deserialize_message, serialize_message
from some_findings import BEGIN_NS, some_finding

from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.findings.roof_finding import FindingState
from roof_detector.ros.inspector.annotation_messages import MOST_BOXES, annotations_message
from roof_detector.ros.inspector.foxglove_support import foxglove_messages_available
from roof_detector.ros.inspector.geojson_message import (
    MOST_FINDINGS,
    MOST_PATH_POINTS,
    geojson_message,
)
from roof_detector.vision.detections import Detections
from roof_detector.vision.palette import class_colours

NAMES = ('equip', 'drain', 'crack')
STAMP = Time(sec=7, nanosec=8)


def drawn(detections, labels):
    message = annotations_message(
        detections, labels=labels, names=NAMES, size_wh=(1920, 1080), stamp=STAMP
    )
    return deserialize_message(serialize_message(message), ImageAnnotations)


def some_detections(count, *, class_ids=None):
    random = np.random.default_rng(4)
    corners = np.sort(random.uniform(0, 1000, (count, 2, 2)), axis=1).reshape(count, 4)
    return Detections(
        boxes_xyxy=corners.astype(np.float32),
        scores=np.linspace(0.9, 0.3, count).astype(np.float32),
        class_ids=np.zeros(count, np.int32) if class_ids is None else np.array(class_ids),
    )


def on_map(findings, **options):
    message = geojson_message(findings, class_names=NAMES, **options)
    message = deserialize_message(serialize_message(message), GeoJSON)
    return json.loads(message.geojson)


def test_an_image_without_detections_clears_what_was_drawn():
    assert drawn(Detections.empty(), []) == ImageAnnotations()


def test_boxes_are_closed_outlines_in_the_colours_of_their_classes_with_the_images_stamp():
    detections = some_detections(3, class_ids=[1, 0, 1])
    message = drawn(detections, ['', '12', ''])
    assert [len(one.points) for one in message.points] == [8, 16]
    for annotation, class_id in zip(message.points, (0, 1), strict=True):
        assert (annotation.timestamp, annotation.type) == (STAMP, PointsAnnotation.LINE_LIST)
        blue, green, red = class_colours(NAMES)[class_id]
        colour = annotation.outline_color
        assert (colour.r, colour.g, colour.b, colour.a) == (red / 255, green / 255, blue / 255, 1)
        assert annotation.thickness == 4.0
    points = [(one.x, one.y) for one in message.points[0].points]
    left, top, right, bottom = detections.boxes_xyxy[1].tolist()
    assert points[::2] == [(left, top), (right, top), (right, bottom), (left, bottom)]
    assert points[1::2] == [*points[2::2], points[0]]


def test_labels_name_the_finding_the_class_and_the_confidence_at_the_box():
    detections = some_detections(2, class_ids=[1, 2])
    message = drawn(detections, ['12', ''])
    assert [one.text for one in message.texts] == ['12 drain 0.90', 'crack 0.30']
    for text, box in zip(message.texts, detections.boxes_xyxy.tolist(), strict=True):
        assert (text.position.x, text.position.y, text.timestamp) == (*box[:2], STAMP)


def test_of_too_many_boxes_the_surest_are_drawn_and_the_rest_is_counted():
    detections = some_detections(MOST_BOXES + 7)
    message = drawn(detections, [str(n) for n in range(len(detections))])
    assert sum(len(one.points) for one in message.points) == 8 * MOST_BOXES
    assert message.texts[0].text.startswith('0 equip 0.90')
    assert message.texts[-1].text == '7 more are not drawn'


def test_a_map_without_anything_is_an_empty_collection():
    content = on_map([])
    assert (content['type'], content['features']) == ('FeatureCollection', [])


def test_a_finding_is_the_circle_of_its_95_percent_radius():
    finding = some_finding(12)
    content = on_map([finding, some_finding(13, place=None)])
    (feature,) = content['features']
    assert feature['id'] == 12
    properties = feature['properties']
    assert properties['name'] == '12 drain 72%, 1.20 x 0.80 m'
    assert (properties['state'], properties['class']) == ('confirmed', 'drain')
    blue, green, red = class_colours(NAMES)[1]
    assert properties['style']['color'] == f'#{red:02x}{green:02x}{blue:02x}'
    ring = np.array(feature['geometry']['coordinates'][0])
    assert ring[0].tolist() == ring[-1].tolist()
    place = finding.place
    offsets = (ring - (place.longitude_deg, place.latitude_deg)) * 111_195
    offsets[:, 0] *= np.cos(np.radians(place.latitude_deg))
    assert np.linalg.norm(offsets, axis=1) == pytest.approx(place.radius95_m, abs=0.02)


def test_area_footprint_and_path_are_features_of_the_map():
    area = InspectionArea(shapely.box(8.0, 47.0, 8.001, 47.001))
    corners = [(8.0, 47.0), (8.0002, 47.0), (8.0002, 47.0001)]
    path = [(8.0 + n * 1e-6, 47.0) for n in range(5000)]
    content = on_map([], area=area, footprint_deg=corners, path_deg=path)
    shapes = {one['properties']['name']: one['geometry'] for one in content['features']}
    assert [shape['type'] for shape in shapes.values()] == ['Polygon', 'Polygon', 'LineString']
    assert shapely.from_geojson(json.dumps(shapes['area'])).equals(area.polygons)
    assert shapes['camera']['coordinates'][0][0] == shapes['camera']['coordinates'][0][-1]
    line = shapes['flight']['coordinates']
    assert len(line) <= MOST_PATH_POINTS + 1 and line[-1] == [8.004999, 47.0]
    assert content['path_points_left_out'] == 5000 - len(line)


def test_the_map_is_bounded_and_says_how_many_findings_are_left_out():
    many = [
        some_finding(n, state=FindingState.TENTATIVE, last_seen_ns=BEGIN_NS + n)
        for n in range(1, MOST_FINDINGS + 10)
    ]
    many.append(some_finding(999, last_seen_ns=BEGIN_NS))
    content = on_map(many)
    assert len(content['features']) == MOST_FINDINGS
    assert content['findings_left_out'] == 10
    assert content['features'][0]['id'] == 999


def test_a_class_unknown_to_the_model_and_a_finding_without_number_are_shown():
    finding = some_finding(0, class_name='skylight', state=FindingState.TENTATIVE)
    finding = replace(finding, place=replace(finding.place, radius95_m=0.0))
    (feature,) = on_map([finding])['features']
    assert feature['id'] == str(finding.uuid)
    assert feature['properties']['style']['weight'] == 1


def test_the_messages_are_known_to_be_there_or_not():
    assert foxglove_messages_available()
    code = (
        'from roof_detector.ros.inspector.foxglove_support import foxglove_messages_available\n'
        'print(foxglove_messages_available())'
    )
    # A ROS without the package: it is on no path.
    without = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'AMENT_PREFIX_PATH': sys.prefix},
        capture_output=True,
        text=True,
        check=True,
    )
    assert without.stdout.strip() == 'False'
