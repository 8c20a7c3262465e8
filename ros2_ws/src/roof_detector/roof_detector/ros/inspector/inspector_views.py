# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What RViz and Foxglove show of an inspection while it lasts: the topics and when they go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.live_coverage import LiveCoverage
from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.inspector.coverage_message import coverage_message
from roof_detector.ros.inspector.flown_path import FlownPath
from roof_detector.ros.inspector.foxglove_support import (
    FOXGLOVE_MISSING,
    foxglove_messages_available,
)
from roof_detector.ros.inspector.marker_messages import FindingMarkers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from builtin_interfaces.msg import Time
    from rclpy.node import Node
    from rclpy.publisher import Publisher

    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.sightings import FrameSightings
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
    from roof_detector.vision.detections import Detections

# Name below the node's and message type; `annotations` is there for each camera.
VIEW_TOPICS = {
    'markers': 'visualization_msgs/msg/MarkerArray',
    'coverage': 'nav_msgs/msg/OccupancyGrid',
    'annotations': 'foxglove_msgs/msg/ImageAnnotations',
    'geojson': 'foxglove_msgs/msg/GeoJSON',
}
# What was shown last is shown to every node that joins.
_LATCHED_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_FRAME_QOS = QoSProfile(depth=10)


class InspectorViews:
    """The publishers of what people look at; for the one thread that makes the findings.

    A message is made only while somebody listens to its topic, and when there is something new or
    somebody joined. Without foxglove_msgs its two topics are not there, which is said once.
    """

    def __init__(
        self,
        node: Node,
        cameras: Iterable[str],
        *,
        class_names: tuple[str, ...],
        frame_id: str,
        area: InspectionArea | None = None,
        curves: DetectionCurves | None = None,
        coverage: LiveCoverage | None = None,
    ) -> None:
        """Offer the topics; the area and the curves are those of the inspection."""
        self._node = node
        self._class_names = class_names
        self._frame_id = frame_id
        self._area = area
        self._curves = (curves or DetectionCurves.shipped()).of(class_names)
        self._coverage = coverage or LiveCoverage()
        self._markers: tuple[float, FindingMarkers] | None = None
        self._path = FlownPath()
        self._outline: FrameSightings | None = None
        self._listeners: dict[str, int] = {}
        self._shown: dict[str, object] = {}
        has_foxglove = foxglove_messages_available()
        if not has_foxglove:
            node.get_logger().warning(FOXGLOVE_MISSING)
        self._standing: dict[str, Publisher] = {
            name: node.create_publisher(
                message_class(VIEW_TOPICS[name]), f'~/{name}', _LATCHED_QOS
            )
            for name in ('markers', 'coverage', *(['geojson'] if has_foxglove else []))
        }
        self._annotations: dict[str, Publisher] = {
            name: node.create_publisher(
                message_class(VIEW_TOPICS['annotations']),
                f'~/{name}{name and "/"}annotations',
                _FRAME_QOS,
            )
            for name in (cameras if has_foxglove else ())
        }

    def show_frame(
        self,
        camera: str,
        detections: Detections,
        *,
        labels: Sequence[str],
        sightings: FrameSightings,
        stamp: Time,
    ) -> None:
        """Take a frame: draw on its image, and note where the camera was and what it saw."""
        publisher = self._annotations.get(camera)
        if publisher is not None and publisher.get_subscription_count():
            # Only now it is known that foxglove_msgs is there.
            from roof_detector.ros.inspector.annotation_messages import (  # noqa: PLC0415
                annotations_message,
            )

            publisher.publish(
                annotations_message(
                    detections,
                    labels=labels,
                    names=self._class_names,
                    size_wh=sightings.size_wh,
                    stamp=stamp,
                )
            )
        self._coverage.add(sightings)
        if sightings.ground is not None and not sightings.ground.is_orthographic:
            self._outline = sightings
            self._path.add(sightings.ground.camera_en)

    def show_findings(
        self,
        findings: Sequence[RoofFinding],
        *,
        origin: LocalTangentPlane | None,
        plane_up_m: float = 0.0,
    ) -> None:
        """Show the findings as they are now, and the coverage where it is due."""
        if self._is_wanted('markers', (tuple(findings), plane_up_m)):
            if self._markers is None or self._markers[0] != plane_up_m:
                made = FindingMarkers(
                    self._class_names, frame_id=self._frame_id, plane_up_m=plane_up_m
                )
                self._markers = plane_up_m, made
            self._standing['markers'].publish(self._markers[1].message(findings))
        if origin is not None and self._is_wanted('geojson', (tuple(findings), self._outline)):
            self._standing['geojson'].publish(self._map(findings, origin))
        if self._standing['coverage'].get_subscription_count():
            grid = self._coverage.grid(self._curves)
            if grid is not None:
                header = Header(
                    stamp=self._node.get_clock().now().to_msg(), frame_id=self._frame_id
                )
                message = coverage_message(
                    grid, self._coverage.goal, header=header, plane_up_m=plane_up_m
                )
                self._standing['coverage'].publish(message)

    def begin_again(self) -> None:
        """Forget where the camera was and what it saw: positions count from another origin."""
        self._coverage = LiveCoverage(self._coverage.goal)
        self._path = FlownPath()
        self._outline = None

    def close(self) -> None:
        """Withdraw the topics."""
        for publisher in (*self._standing.values(), *self._annotations.values()):
            self._node.destroy_publisher(publisher)
        self._standing, self._annotations = {}, {}

    def _is_wanted(self, name: str, content: object) -> bool:
        """Return whether somebody listens to whom the content is new."""
        publisher = self._standing.get(name)
        listeners = publisher.get_subscription_count() if publisher is not None else 0
        has_joined = listeners > self._listeners.get(name, 0)
        self._listeners[name] = listeners
        if not listeners or not (has_joined or self._shown.get(name) != content):
            return False
        self._shown[name] = content
        return True

    def _map(self, findings: Sequence[RoofFinding], origin: LocalTangentPlane) -> Any:
        from roof_detector.ros.inspector.geojson_message import (  # noqa: PLC0415
            geojson_message,
        )

        outline = np.zeros((0, 2))
        if self._outline is not None and self._outline.ground is not None:
            outline = self._outline.ground.outline_en
        return geojson_message(
            findings,
            class_names=self._class_names,
            area=self._area,
            footprint_deg=_degrees(outline, origin),
            path_deg=_degrees(self._path.points_en, origin),
        )


def _degrees(
    points_en: np.ndarray[tuple[int, ...], np.dtype[np.float64]], origin: LocalTangentPlane
) -> list[tuple[float, float]]:
    """Return points (n, 2) in metres of the origin as longitude and latitude."""
    if not len(points_en):
        return []
    enu = np.column_stack([points_en, np.zeros(len(points_en))])
    found = origin.to_geodetic(enu)
    return [(longitude, latitude) for latitude, longitude in found[:, :2].tolist()]
