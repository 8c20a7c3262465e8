# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings for tests of what is shown of them."""

from __future__ import annotations

from uuid import UUID

from roof_detector.findings.evidence import BestImage
from roof_detector.findings.roof_finding import (
    FindingPlace,
    FindingSize,
    FindingState,
    RoofFinding,
    radius95_m,
)
from roof_detector.findings.sightings import FrameReference

BEGIN_NS = 1_700_000_000_000_000_000


def some_finding(number=1, *, east=3.0, north=-4.0, size=(1.2, 0.8), **changes):
    """Return a confirmed finding; `size` is None or its sides in metres."""
    frame = FrameReference(
        flight='f', source='f', topic='/camera/image', index=7, name='f_7', stamp_ns=BEGIN_NS
    )
    covariance = (0.5, 0.2, 0.9)
    place = FindingPlace(
        latitude_deg=47.0 + north / 111_000,
        longitude_deg=8.0 + east / 76_000,
        east_m=east,
        north_m=north,
        height_m=0.5,
        covariance=covariance,
        radius95_m=radius95_m(*covariance),
    )
    values = {
        'number': number,
        'uuid': UUID(int=number + 1000),
        'class_name': 'drain',
        'class_probabilities': {'equip': 0.2, 'drain': 0.75, 'crack': 0.05},
        'existence': 0.96,
        'state': FindingState.CONFIRMED,
        'place': place,
        'size': None
        if size is None
        else FindingSize(
            length_m=size[0],
            width_m=size[1],
            side_error_m=0.05,
            area_m2=size[0] * size[1],
            area_error_m2=0.1,
            is_from_mask=True,
        ),
        'sightings': 9,
        'looks': 3,
        'opportunities': 11,
        'first_seen_ns': BEGIN_NS,
        'last_seen_ns': BEGIN_NS + 9,
        'flights': ('f',),
        'tracks': (),
        'best': BestImage(
            frame=frame,
            detection=0,
            box_xyxy=(10.0, 20.0, 50.0, 60.0),
            confidence=0.9,
            metres_per_pixel=0.02,
            quality=1.0,
        ),
    }
    return RoofFinding(**{**values, **changes})
