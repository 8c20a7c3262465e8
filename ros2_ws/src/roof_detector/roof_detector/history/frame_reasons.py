# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Why a frame is worth a label: what its sightings and those of all other frames say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.seen_frames import METRES_PER_DEGREE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.history.recorded_inspection import RecordedInspection, RecordedSighting

# An object near the edge of a footprint may lie outside of the image, by the error of its place.
_INNER_SHARE = 0.8
# From fewer frames nothing follows about how often an object is seen.
_LEAST_OPPORTUNITIES = 3


@dataclass(frozen=True, kw_only=True)
class FrameReasons:
    """How strongly each reason speaks for a frame, 0 to 1, and where it looked.

    `uncertain`: a confidence or an existence near one half. `disagreeing`: another class than the
    finding has, an object missed that other frames show, or one that they do not show.
    `rejected`: shows what a person rejected. `centre_deg` is latitude and longitude, and
    `extent_m` the side of a square as large as what the frame showed; None without a place.
    """

    uncertain: float = 0.0
    disagreeing: float = 0.0
    rejected: float = 0.0
    centre_deg: tuple[float, float] | None = None
    extent_m: float | None = None


def frame_reasons(inspection: RecordedInspection) -> list[FrameReasons]:
    """Return the reasons of each frame of an inspection, in their order."""
    missed = missed_findings(inspection)
    return [
        _of_frame(inspection, frame, of_frame)
        for frame, of_frame in zip(inspection.frames, missed, strict=True)
    ]


def missed_findings(inspection: RecordedInspection) -> list[list[RoofFinding]]:
    """Return the confirmed findings that lie well inside each frame without a sighting in it."""
    placed = [
        one
        for one in inspection.findings.values()
        if one.state is FindingState.CONFIRMED and one.place is not None
    ]
    points = np.array(
        [(one.place.longitude_deg, one.place.latitude_deg) for one in placed if one.place]
    ).reshape(-1, 2)
    return [_missed(inspection, frame, placed, points) for frame in inspection.frames]


def _missed(
    inspection: RecordedInspection,
    frame: StoredFrame,
    placed: Sequence[RoofFinding],
    points: npt.NDArray[np.float64],
) -> list[RoofFinding]:
    if not (frame.footprint_deg and len(points)):
        return []
    seen = {one.finding for one in inspection.of_frame(frame)}
    inner = _inner(frame)
    west, south, east, north = inner.bounds
    within = (points >= (west, south)).all(axis=1) & (points <= (east, north)).all(axis=1)
    near = np.nonzero(within)[0]
    inside = near[shapely.contains_xy(inner, points[near])]
    return [placed[k] for k in inside.tolist() if placed[k].number not in seen]


def _of_frame(
    inspection: RecordedInspection, frame: StoredFrame, missed: Sequence[RoofFinding]
) -> FrameReasons:
    sightings = inspection.of_frame(frame)
    pairs = [(one, inspection.finding_of(one)) for one in sightings]
    disagreeing = [_contradiction(one, finding) for one, finding in pairs]
    disagreeing += [_hit_share(one) for one in missed]
    centre, extent = _where(frame)
    return FrameReasons(
        uncertain=max((_uncertainty(*pair) for pair in pairs), default=0.0),
        disagreeing=max(disagreeing, default=0.0),
        rejected=max(
            (one.confidence for one in sightings if inspection.is_rejected(one)), default=0.0
        ),
        centre_deg=centre,
        extent_m=extent,
    )


def _uncertainty(sighting: RecordedSighting, finding: RoofFinding | None) -> float:
    values = [sighting.confidence]
    if finding is not None and not finding.decided:
        values.append(finding.existence)
    return max(1.0 - abs(2.0 * one - 1.0) for one in values)


def _contradiction(sighting: RecordedSighting, finding: RoofFinding | None) -> float:
    if finding is None:
        return 0.0
    if sighting.class_name != finding.class_name:
        return sighting.confidence
    if finding.opportunities < _LEAST_OPPORTUNITIES or finding.decided:
        return 0.0
    return sighting.confidence * (1.0 - _hit_share(finding))


def _hit_share(finding: RoofFinding) -> float:
    return min(finding.sightings / max(finding.opportunities, 1), 1.0)


def _where(frame: StoredFrame) -> tuple[tuple[float, float] | None, float | None]:
    if not frame.footprint_deg:
        return None, None
    polygon = shapely.Polygon(frame.footprint_deg)
    middle = polygon.centroid
    scale = METRES_PER_DEGREE**2 * np.cos(np.radians(middle.y))
    return (float(middle.y), float(middle.x)), float(np.sqrt(polygon.area * scale))


def _inner(frame: StoredFrame) -> shapely.Polygon:
    ring = np.array(frame.footprint_deg)
    middle = ring.mean(axis=0)
    return shapely.Polygon(middle + (ring - middle) * _INNER_SHARE)
