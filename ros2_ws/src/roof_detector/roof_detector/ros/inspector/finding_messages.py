# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings as a Detection3DArray: each object once, where it is and how surely."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from vision_msgs.msg import Detection3D, Detection3DArray, ObjectHypothesisWithPose

from roof_detector.findings.ground_view import OBJECT_HEIGHT_SIGMA_M
from roof_detector.findings.roof_finding import FindingState
from roof_detector.ros.inspector.per_finding import PerFinding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geometry_msgs.msg import Pose
    from std_msgs.msg import Header

    from roof_detector.findings.roof_finding import FindingPlace, RoofFinding

MAP_FRAME = 'map'
"""East, north, up in metres of the flight's origin (REP 105, REP 103)."""
# Nothing tells how an object is turned: the variance of an angle that may be any.
_ANY_ANGLE = math.pi**2 / 3
_LEAST_PROBABILITY = 0.05
_REPORTED = (FindingState.CONFIRMED, FindingState.TENTATIVE)


def reported_findings(findings: Iterable[RoofFinding]) -> list[RoofFinding]:
    """Return the findings that are shown on a map.

    Left out are those that were rejected or are gone, that lie outside the inspection's area, or
    whose place nothing tells.
    """
    return [
        one
        for one in findings
        if one.place is not None and one.state in _REPORTED and not one.is_outside
    ]


def finding_id(finding: RoofFinding) -> str:
    """Return the finding's number, or its UUID while it has none."""
    return str(finding.number) if finding.number > 0 else str(finding.uuid)


class FindingDetections:
    """The detections of findings, made again only for a finding that changed."""

    def __init__(self, *, plane_up_m: float = 0.0) -> None:
        """Take how high the plane of the roofs lies in the frame of the messages."""
        self._plane_up_m = plane_up_m
        self._made = PerFinding(self._detection)

    def message(self, findings: Iterable[RoofFinding], *, header: Header) -> Detection3DArray:
        """Return the Detection3DArray in metres east, north, up of the header's frame.

        A finding without a place has no detection. A hypothesis' score is the probability that
        the object exists and is of that class; classes below 5 % are left out, other than the one
        that it is called. The covariance is that of the position; `bbox.size` is the longer and
        the shorter side in metres, of unknown direction and height, 0 where it is not known.
        """
        detections = self._made.of(one for one in findings if one.place is not None)
        for detection in detections:
            detection.header = header
        return Detection3DArray(header=header, detections=detections)

    def _detection(self, finding: RoofFinding) -> Detection3D:
        place = finding.place
        assert place is not None
        covariance = _pose_covariance(place)
        results = []
        for name, probability in _most_probable_first(finding):
            result = ObjectHypothesisWithPose()
            result.hypothesis.class_id = name
            result.hypothesis.score = finding.existence * probability
            self._put(result.pose.pose, place)
            result.pose.covariance = covariance
            results.append(result)
        detection = Detection3D(results=results, id=finding_id(finding))
        self._put(detection.bbox.center, place)
        if finding.size is not None:
            detection.bbox.size.x = finding.size.length_m
            detection.bbox.size.y = finding.size.width_m
        return detection

    def _put(self, pose: Pose, place: FindingPlace) -> None:
        pose.position.x, pose.position.y = place.east_m, place.north_m
        pose.position.z = self._plane_up_m + place.height_m


def findings_message(
    findings: Iterable[RoofFinding], *, header: Header, plane_up_m: float = 0.0
) -> Detection3DArray:
    """Return the Detection3DArray of findings as `FindingDetections` does, all rebuilt."""
    return FindingDetections(plane_up_m=plane_up_m).message(findings, header=header)


def _most_probable_first(finding: RoofFinding) -> list[tuple[str, float]]:
    """Return the classes with the one that the finding is called first, as people may rename."""
    called = finding.class_name
    others = [
        (name, probability)
        for name, probability in finding.class_probabilities.items()
        if name != called and probability >= _LEAST_PROBABILITY
    ]
    return [(called, finding.class_probability), *sorted(others, key=lambda pair: -pair[1])]


def _pose_covariance(place: FindingPlace) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the covariance (36,) row by row: x, y, z, and the angles about them."""
    east, both, north = place.covariance
    covariance = np.zeros((6, 6))
    covariance[:2, :2] = (east, both), (both, north)
    covariance[2, 2] = OBJECT_HEIGHT_SIGMA_M**2
    covariance[(3, 4, 5), (3, 4, 5)] = _ANY_ANGLE
    return covariance.reshape(-1)
