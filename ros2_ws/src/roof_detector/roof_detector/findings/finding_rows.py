# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings as rows of the store's table, and back."""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any
from uuid import UUID

from roof_detector.findings.evidence import BestImage
from roof_detector.findings.roof_finding import (
    FindingPlace,
    FindingSize,
    FindingState,
    RoofFinding,
)
from roof_detector.findings.sightings import FrameReference
from roof_detector.findings.store_layers import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence


def finding_row(finding: RoofFinding) -> tuple[Any, ...]:
    """Return the values of the columns of the findings' layer."""
    place, size, best = finding.place, finding.size, finding.best
    where: tuple[Any, ...] = (None,) * 7
    if place is not None:
        where = (place.radius95_m, place.east_m, place.north_m, place.height_m, *place.covariance)
    measures: tuple[Any, ...] = (None,) * 6
    if size is not None:
        measures = (
            *(size.length_m, size.width_m, size.side_error_m, size.area_m2),
            *(size.area_error_m2, size.is_from_mask),
        )
    resolution = None if math.isnan(best.metres_per_pixel) else best.metres_per_pixel
    return (
        finding.number,
        str(finding.uuid),
        finding.class_name,
        finding.class_probability,
        finding.existence,
        finding.state.value,
        finding.decided,
        finding.is_outside,
        *where,
        *measures,
        finding.sightings,
        finding.looks,
        finding.opportunities,
        finding.first_seen_ns,
        finding.last_seen_ns,
        json.dumps(finding.flights),
        json.dumps(finding.tracks),
        best.frame.source,
        best.frame.topic,
        best.frame.index,
        best.frame.name,
        best.frame.stamp_ns,
        json.dumps([round(number, 2) for number in best.box_xyxy]),
        best.confidence,
        resolution,
        json.dumps([str(alias) for alias in finding.aliases]),
        finding.note,
        finding.severity,
    )


def finding_of(values: Sequence[Any], geometry: bytes | None) -> RoofFinding:
    """Return the finding of a row, without what the row does not hold."""
    row = dict(zip((name for name, _ in FINDINGS.columns), values, strict=True))
    place = size = None
    if geometry is not None:
        longitude, latitude = struct.unpack('<dd', geometry[-16:])
        place = FindingPlace(
            latitude_deg=latitude,
            longitude_deg=longitude,
            east_m=row['east_m'],
            north_m=row['north_m'],
            height_m=row['height_m'],
            covariance=(row['variance_east_m2'], row['covariance_m2'], row['variance_north_m2']),
            radius95_m=row['radius95_m'],
        )
    if row['length_m'] is not None:
        size = FindingSize(
            length_m=row['length_m'],
            width_m=row['width_m'],
            side_error_m=row['side_error_m'],
            area_m2=row['area_m2'],
            area_error_m2=row['area_error_m2'],
            is_from_mask=bool(row['area_from_mask']),
        )
    flights = tuple(json.loads(row['flights']))
    frame = FrameReference(
        flight=flights[0] if flights else '',
        source=row['best_source'],
        topic=row['best_topic'],
        index=row['best_frame'],
        name=row['best_name'],
        stamp_ns=row['best_stamp_ns'],
    )
    resolution = row['best_metres_per_pixel']
    left, top, right, bottom = json.loads(row['best_box_px'])
    return RoofFinding(
        number=row['number'],
        uuid=UUID(row['uuid']),
        class_name=row['class'],
        class_probabilities={row['class']: row['class_probability']},
        existence=row['existence'],
        state=FindingState(row['state']),
        place=place,
        size=size,
        sightings=row['sightings'],
        looks=row['looks'],
        opportunities=row['opportunities'],
        first_seen_ns=row['first_seen_ns'],
        last_seen_ns=row['last_seen_ns'],
        flights=flights,
        tracks=tuple(json.loads(row['tracks'])),
        best=BestImage(
            frame=frame,
            detection=0,
            box_xyxy=(left, top, right, bottom),
            confidence=row['best_confidence'],
            metres_per_pixel=math.nan if resolution is None else resolution,
            quality=0.0,
        ),
        aliases=tuple(UUID(alias) for alias in json.loads(row['aliases'])),
        decided=bool(row['decided']),
        is_outside=bool(row['outside']),
        note=row['note'],
        severity=row['severity'],
    )
