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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geometry_msgs.msg import Pose
    from std_msgs.msg import Header

    from roof_detector.findings.roof_finding import FindingPlace, RoofFinding

MAP_FRAME = 'map'
"""East, north, up in metres of the flight's origin (REP 105, REP 103)."""
# Nothing tells how an object is turned: the variance of an angle that may be any.
_ANY_ANGLE = math.pi**2 / 3
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


def findings_message(
    findings: Iterable[RoofFinding], *, header: Header, plane_up_m: float = 0.0
) -> Detection3DArray:
    """Return the Detection3DArray of findings in metres east, north, up of the header's frame.

    A finding without a place has no detection. `plane_up_m` is how high the plane of the roofs
    lies in that frame. A hypothesis' score is the probability that the object exists and is of
    that class, so the scores of a detection add up to that of its existence. The covariance is
    that of the position; `bbox.size` is the longer and the shorter side in metres, of unknown
    direction and height, all 0 where the size is not known.
    """
    return Detection3DArray(
        header=header,
        detections=[
            _detection(one, one.place, header, plane_up_m)
            for one in findings
            if one.place is not None
        ],
    )


def _detection(
    finding: RoofFinding, place: FindingPlace, header: Header, plane_up_m: float
) -> Detection3D:
    covariance = _pose_covariance(place)
    results = []
    for name, probability in _most_probable_first(finding):
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = name
        result.hypothesis.score = finding.existence * probability
        _place(result.pose.pose, place, plane_up_m)
        result.pose.covariance = covariance
        results.append(result)
    detection = Detection3D(header=header, results=results, id=finding_id(finding))
    _place(detection.bbox.center, place, plane_up_m)
    if finding.size is not None:
        detection.bbox.size.x = finding.size.length_m
        detection.bbox.size.y = finding.size.width_m
    return detection


def _most_probable_first(finding: RoofFinding) -> list[tuple[str, float]]:
    """Return the classes with the one that the finding is called first, as people may rename."""
    called = finding.class_name
    others = [pair for pair in finding.class_probabilities.items() if pair[0] != called]
    return [(called, finding.class_probability), *sorted(others, key=lambda pair: -pair[1])]


def _place(pose: Pose, place: FindingPlace, plane_up_m: float) -> None:
    pose.position.x, pose.position.y = place.east_m, place.north_m
    pose.position.z = plane_up_m + place.height_m


def _pose_covariance(place: FindingPlace) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the covariance (36,) row by row: x, y, z, and the angles about them."""
    east, both, north = place.covariance
    covariance = np.zeros((6, 6))
    covariance[:2, :2] = (east, both), (both, north)
    covariance[2, 2] = OBJECT_HEIGHT_SIGMA_M**2
    covariance[(3, 4, 5), (3, 4, 5)] = _ANY_ANGLE
    return covariance.reshape(-1)
