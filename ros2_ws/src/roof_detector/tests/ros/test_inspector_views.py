# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is shown of an inspection goes out when somebody looks, and when it is new."""

from __future__ import annotations

import json
from contextlib import contextmanager

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from foxglove_msgs.msg import GeoJSON, ImageAnnotations
from nav_msgs.msg import OccupancyGrid
from rclpy.qos import DurabilityPolicy, QoSProfile
from some_findings import BEGIN_NS, some_finding
from visualization_msgs.msg import MarkerArray

from roof_detector.findings.live_coverage import LiveCoverage
from roof_detector.findings.sightings import FrameReference, FrameSightings, GroundView
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.ros.inspector import inspector_views
from roof_detector.ros.inspector.flown_path import MOST_POINTS, FlownPath
from roof_detector.ros.inspector.inspector_node import InspectorNode
from roof_detector.ros.inspector.inspector_views import VIEW_TOPICS, InspectorViews
from roof_detector.vision.detections import Detections

NAMES = ('equip', 'drain', 'crack')
ORIGIN = LocalTangentPlane(47.0, 8.0, 400.0)
TYPES = {
    'markers': MarkerArray,
    'coverage': OccupancyGrid,
    'annotations': ImageAnnotations,
    'geojson': GeoJSON,
}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
STAMP = Time(sec=9)


def seen_from(east, *, index=0):
    """Return a frame without detections, of 16 by 9 m of the roof below a camera 12 m above."""
    corners = np.array([[-8.0, -4.5], [8, -4.5], [8, 4.5], [-8, 4.5]]) + np.array([east, 0.0])
    none = np.zeros((0, 2))
    view = GroundView(
        positions_en=none,
        slopes=none,
        own_covariance=np.zeros((0, 2, 2)),
        turn_jacobians=np.zeros((0, 2, 3)),
        turn_covariance=np.zeros((3, 3)),
        flight_covariance=np.eye(2),
        sides_m=none,
        half_extent_en=none,
        areas_m2=np.zeros(0),
        metres_per_pixel=np.zeros(0),
        cut=np.zeros(0, np.bool_),
        outline_en=np.repeat(corners, 3, axis=0),
        camera_en=np.array([east, 0.0]),
        height_m=12.0,
        height_sigma_m=1.5,
        level_sigma_m=0.5,
        focal_px=512.0,
        axis=np.array([0.0, 0.0, -1.0]),
    )
    frame = FrameReference(
        flight='f', source='live', topic='/camera/image', index=index, name='', stamp_ns=index
    )
    return FrameSightings(
        frame=frame,
        size_wh=(640, 360),
        boxes_xyxy=np.zeros((0, 4), np.float32),
        class_ids=np.zeros(0, np.int32),
        confidences=np.zeros(0, np.float32),
        track_ids=np.zeros(0, np.int64),
        ground=view,
    )


class Scene:
    """Views of a node called inspector, and who looks at them."""

    def __init__(self, graph, cameras=('',), **options):
        self.graph, self.node = graph, graph.node('inspector')
        self.views = InspectorViews(
            self.node,
            cameras,
            class_names=NAMES,
            frame_id='map',
            coverage=LiveCoverage(period_s=0.0, most_share=1.0),
            **options,
        )
        self.viewer = graph.node('viewer')

    @contextmanager
    def looking(self, name, topic=None):
        """Look at a topic; yields the messages that arrive."""
        taken, publishers = [], [*self.views._standing.values(), *self.views._annotations.values()]
        qos = QoSProfile(depth=10) if name == 'annotations' else LATCHED
        topic = topic or f'/inspector/{name}'
        reader = self.viewer.create_subscription(TYPES[name], topic, taken.append, qos)
        (publisher,) = (one for one in publishers if one.topic_name == topic)
        self.graph.wait_until(lambda: publisher.get_subscription_count() > 0, what=topic)
        yield taken
        self.viewer.destroy_subscription(reader)
        self.graph.wait_until(lambda: not publisher.get_subscription_count(), what='its end')

    def arrive(self, taken, count):
        self.graph.wait_until(lambda: len(taken) >= count, what=f'{count} messages')
        assert len(taken) == count

    def show(self, findings, **options):
        self.views.show_findings(findings, origin=ORIGIN, **options)


@pytest.fixture
def scene(graph):
    return Scene(graph)


def boxes():
    return Detections(
        boxes_xyxy=np.array([[1, 2, 30, 40]], np.float32),
        scores=np.array([0.8], np.float32),
        class_ids=np.array([1], np.int32),
    )


def test_the_topics_are_those_that_are_documented_and_displays_name(scene):
    offered = dict(scene.node.get_publisher_names_and_types_by_node('inspector', '/'))
    for name, kind in VIEW_TOPICS.items():
        assert offered[f'/inspector/{name}'] == [kind]
    scene.views.close()
    scene.graph.wait_until(
        lambda: (
            not [
                name
                for name, _ in scene.node.get_publisher_names_and_types_by_node('inspector', '/')
                if name.startswith('/inspector/')
            ]
        ),
        what='the end of the topics',
    )


def test_markers_and_map_go_out_to_who_joins_and_again_only_when_something_is_new(scene):
    scene.show([some_finding(1)])
    with scene.looking('markers') as markers, scene.looking('geojson') as maps:
        scene.show([some_finding(1)])
        scene.arrive(markers, 1)
        scene.arrive(maps, 1)
        scene.show([some_finding(1)])
        scene.show([some_finding(1), some_finding(2)], plane_up_m=7.0)
        scene.arrive(markers, 2)
        scene.arrive(maps, 2)
    assert markers[1].markers[1].pose.position.z == 7.5
    assert [one['id'] for one in json.loads(maps[1].geojson)['features']] == [1, 2]


def test_the_map_shows_where_the_camera_flew_and_what_it_sees(scene):
    with scene.looking('geojson') as maps:
        for east in range(5):
            scene.views.show_frame(
                '', Detections.empty(), labels=(), sightings=seen_from(east), stamp=STAMP
            )
        scene.show([])
        scene.arrive(maps, 1)
    shapes = {
        one['properties']['name']: one['geometry']['coordinates']
        for one in json.loads(maps[0].geojson)['features']
    }
    flown = ORIGIN.to_enu([(lat, lon, 400.0) for lon, lat in shapes['flight']])
    assert np.allclose(flown[:, 0], range(5), atol=0.02)
    corners = ORIGIN.to_enu([(lat, lon, 400.0) for lon, lat in shapes['camera'][0]])
    assert np.allclose([corners[:, 0].min(), corners[:, 0].max()], [-4, 12], atol=0.02)


def test_the_coverage_goes_out_when_it_has_grown(scene):
    with scene.looking('coverage') as grids:
        scene.views.show_frame(
            '', Detections.empty(), labels=(), sightings=seen_from(0), stamp=STAMP
        )
        scene.show([], plane_up_m=3.0)
        scene.arrive(grids, 1)
        scene.show([])
        scene.views.show_frame(
            '', Detections.empty(), labels=(), sightings=seen_from(6), stamp=STAMP
        )
        # It is due again after as long as the first one took.
        scene.graph.wait_until(lambda: scene.show([]) or len(grids) >= 2, what='a second grid')
    first, second = grids
    assert first.header.frame_id == 'map' and first.info.origin.position.z == 3.0
    assert set(first.data) <= {-1, 50} and 50 in first.data
    # Where both looked it was seen better; how well, the model's measured curves say.
    assert second.info.width > first.info.width and max(second.data) > 50


def test_each_camera_has_its_annotations_and_they_are_made_for_listeners_only(graph):
    scene = Scene(graph, cameras=('left', 'right'))
    with scene.looking('annotations', '/inspector/left/annotations') as left:
        for camera in ('left', 'right'):
            scene.views.show_frame(
                camera, boxes(), labels=['12'], sightings=seen_from(0), stamp=STAMP
            )
        scene.arrive(left, 1)
    assert left[0].texts[0].text == '12 drain 0.80'
    assert left[0].points[0].timestamp == STAMP


def test_without_foxgloves_messages_the_rest_is_shown_and_it_is_said_once(graph, monkeypatch):
    monkeypatch.setattr(inspector_views, 'foxglove_messages_available', lambda: False)
    said = []
    monkeypatch.setattr(
        'rclpy.impl.rcutils_logger.RcutilsLogger.warning', lambda _, text: said.append(text)
    )
    scene = Scene(graph)
    with scene.looking('markers') as markers:
        for _ in range(3):
            scene.views.show_frame('', boxes(), labels=[''], sightings=seen_from(0), stamp=STAMP)
            scene.show([some_finding()])
        scene.arrive(markers, 1)
    offered = dict(scene.node.get_publisher_names_and_types_by_node('inspector', '/'))
    assert not {'/inspector/geojson', '/inspector/annotations'} & offered.keys()
    assert said == [inspector_views.FOXGLOVE_MISSING] and 'apt install' in said[0]


def test_the_node_shows_what_it_finds(graph, monkeypatch):
    monkeypatch.setattr('roof_detector.ros.inspector.telemetry_intake._SETTLED_S', 0.2)
    monkeypatch.setattr('roof_detector.ros.inspector.inspector_node._REFRESH_S', 0.05)
    monkeypatch.setattr('roof_detector.ros.inspector.inspector_node._DIAGNOSTICS_S', 0.1)
    from inspected_roof import InspectedRoof

    roof = InspectedRoof(graph)
    taken = {name: [] for name in TYPES}
    for name, kind in TYPES.items():
        qos = QoSProfile(depth=100) if name == 'annotations' else LATCHED
        roof.node.create_subscription(kind, f'/inspector/{name}', taken[name].append, qos)
    node = InspectorNode(
        context=graph.context,
        cli_args=['--ros-args', '-r', 'image:=/camera/image', '-p', 'update_period_s:=0.2'],
    )
    graph.add(node).start()
    graph.wait_until(roof.is_ready, what='the inspector to listen')
    roof.fly(frames=60)
    graph.wait_until(
        lambda: (
            len({one.ns for one in taken['markers'][-1].markers}) > 1
            if taken['markers']
            else False
        ),
        what='markers of findings',
    )
    graph.wait_until(
        lambda: taken['coverage'] and {'camera', 'flight'} <= names_on(taken['geojson']),
        what='coverage and map',
    )
    stamps = [one.texts[0].timestamp for one in taken['annotations'] if one.texts]
    assert stamps and all(stamp.sec >= BEGIN_NS // 10**9 for stamp in stamps)
    labels = {text.text.split()[0] for one in taken['annotations'] for text in one.texts}
    assert any(label.startswith('t') for label in labels), 'tracks before there are findings'
    grid = taken['coverage'][-1]
    assert grid.header.frame_id == 'map' and max(grid.data) > 0


def names_on(maps):
    """Return the names of what the newest map shows."""
    features = json.loads(maps[-1].geojson)['features'] if maps else []
    return {one['properties']['name'] for one in features}


def test_a_path_is_bounded_and_leaves_out_where_the_camera_hovers():
    path = FlownPath()
    assert path.points_en.shape == (0, 2)
    for step in range(10 * MOST_POINTS):
        path.add(np.array([0.1 * step, 0.0]))
    points = path.points_en
    assert MOST_POINTS / 4 <= len(points) <= MOST_POINTS
    assert points[0].tolist() == [0.0, 0.0] and points[-1, 0] > 0.99 * MOST_POINTS
