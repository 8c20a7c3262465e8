# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings as markers: what RViz and Foxglove's 3D panel draw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from roof_detector.findings.roof_finding import FindingState
from roof_detector.ros.inspector.finding_messages import MAP_FRAME, finding_id
from roof_detector.ros.inspector.per_finding import PerFinding
from roof_detector.vision.palette import class_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.findings.roof_finding import FindingPlace, RoofFinding
    from roof_detector.vision.palette import Colour

MOST_FINDINGS = 400
# Chi-square of two degrees of freedom at 95 %: its root scales standard deviations.
_AXES_95 = math.sqrt(5.991)
_UNKNOWN_SIDE_M = 0.3
_LEAST_SIDE_M = 0.05
_THICKNESS_M = 0.1
_ELLIPSE_M = 0.02
_TEXT_M = 0.4
# What is not confirmed shows what is below it.
_OPACITY = {FindingState.CONFIRMED: 0.9, FindingState.TENTATIVE: 0.35}
_ELLIPSE_OPACITY = 0.2
_WHITE = (255, 255, 255)


class FindingMarkers:
    """The markers of findings, made again only for a finding that changed.

    A box of the finding's area in the colour of its class, a label, and the ellipse that holds
    its true position with a probability of 95 %. Colours are those of the annotated images.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        frame_id: str = MAP_FRAME,
        plane_up_m: float = 0.0,
        most: int = MOST_FINDINGS,
    ) -> None:
        self._colours = dict(zip(class_names, class_colours(tuple(class_names)), strict=True))
        self._frame_id = frame_id
        self._plane_up_m = plane_up_m
        self._most = most
        self._made = PerFinding(self._markers)

    def message(self, findings: Sequence[RoofFinding]) -> MarkerArray:
        """Return the MarkerArray of all findings with a place; what was drawn before goes.

        Of more than `most` the confirmed and the last seen ones are drawn, and a label at the
        frame's origin says how many are not. A message is complete: a display that joins late
        or misses one shows the same.
        """
        placed = [one for one in findings if one.place is not None]
        drawn = sorted(placed, key=drawn_first)[: self._most]
        markers = [self._marker('', 0, Marker.CUBE)]
        markers[0].action = Marker.DELETEALL
        for own in self._made.of(drawn):
            markers += own
        if len(placed) > len(drawn):
            markers.append(self._count(len(placed) - len(drawn)))
        return MarkerArray(markers=markers)

    def _markers(self, finding: RoofFinding) -> list[Marker]:
        place = finding.place
        assert place is not None
        colour = self._colours.get(finding.class_name, _WHITE)
        opacity = _OPACITY.get(finding.state, min(_OPACITY.values()))
        # A UUID's last bits, where there is no number yet: negative, so that no number is taken.
        number = finding.number or -1 - (finding.uuid.int & 0x3FFFFFFF)
        box = self._marker('findings', number, Marker.CUBE, place)
        side = _UNKNOWN_SIDE_M
        if finding.size is not None:
            # A square of the same area: nothing tells the direction of the longer side.
            side = max(math.sqrt(finding.size.length_m * finding.size.width_m), _LEAST_SIDE_M)
        box.scale.x = box.scale.y = side
        box.scale.z = _THICKNESS_M
        box.color = _colour(colour, opacity)
        ellipse = self._marker('errors', number, Marker.CYLINDER, place)
        _shape_ellipse(ellipse, place)
        ellipse.color = _colour(colour, _ELLIPSE_OPACITY)
        label = self._marker('labels', number, Marker.TEXT_VIEW_FACING, place)
        label.text = marker_text(finding)
        label.scale.z = _TEXT_M
        label.pose.position.z += _TEXT_M + _THICKNESS_M
        label.color = _colour(_WHITE, 1.0)
        return [box, ellipse, label]

    def _count(self, left_out: int) -> Marker:
        marker = self._marker('count', 0, Marker.TEXT_VIEW_FACING)
        marker.text = f'{left_out} more findings are not drawn'
        marker.scale.z = _TEXT_M
        marker.color = _colour(_WHITE, 1.0)
        return marker

    def _marker(
        self, namespace: str, number: int, shape: int, place: FindingPlace | None = None
    ) -> Marker:
        # Without a stamp, a display takes the newest transform, however late the message comes.
        marker = Marker(
            header=Header(frame_id=self._frame_id), ns=namespace, id=number, type=shape
        )
        position = marker.pose.position
        position.z = self._plane_up_m
        if place is not None:
            position.x, position.y = place.east_m, place.north_m
            position.z += place.height_m
        return marker


def marker_text(finding: RoofFinding) -> str:
    """Return a label: the number, the class and its probability, and the sides in metres."""
    name = finding_id(finding) if finding.number > 0 else 'new'
    lines = [f'{name} {finding.class_name} {finding.existence * finding.class_probability:.0%}']
    if finding.size is not None:
        lines.append(f'{finding.size.length_m:.2f} x {finding.size.width_m:.2f} m')
    return '\n'.join(lines)


def drawn_first(finding: RoofFinding) -> tuple[bool, int, int]:
    """Return the order in which findings are drawn where there are too many for all.

    The confirmed come first, then those that were seen last.
    """
    is_confirmed = finding.state is FindingState.CONFIRMED
    return not is_confirmed, -finding.last_seen_ns, finding.number


def _shape_ellipse(marker: Marker, place: FindingPlace) -> None:
    """Turn and size a cylinder to the ellipse of the position's covariance."""
    east, both, north = place.covariance
    variances, axes = np.linalg.eigh(np.array([[east, both], [both, north]]))
    minor, major = np.sqrt(np.clip(variances, 0.0, None)).tolist()
    marker.scale.x = max(2 * _AXES_95 * major, _LEAST_SIDE_M)
    marker.scale.y = max(2 * _AXES_95 * minor, _LEAST_SIDE_M)
    marker.scale.z = _ELLIPSE_M
    turn = math.atan2(axes[1, 1], axes[0, 1])
    marker.pose.orientation.z, marker.pose.orientation.w = math.sin(turn / 2), math.cos(turn / 2)


def _colour(colour: Colour, opacity: float) -> ColorRGBA:
    blue, green, red = colour
    return ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=opacity)
