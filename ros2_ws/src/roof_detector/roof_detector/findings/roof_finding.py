# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A finding: one physical object with all that is known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import numpy as np

if TYPE_CHECKING:
    from roof_detector.findings.evidence import Anchor, BestImage

_NAMESPACE = UUID('6e0f6a0e-5f0b-4c55-9a58-3c1d6cf0f4a1')
# Radius of the 95 % circle of a two-dimensional normal distribution in units of the larger
# standard deviation, by the ratio of the smaller to the larger one (numerical integration).
_RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_RADII = (
    *(1.9600, 1.9625, 1.9704, 1.9842, 2.0051, 2.0359, 2.0813, 2.1460, 2.2303, 2.3318),
    2.4477,
)


class FindingState(str, Enum):
    """What is held of a finding; a person's decision outranks what is computed."""

    TENTATIVE = 'tentative'
    CONFIRMED = 'confirmed'
    REJECTED = 'rejected'
    GONE = 'gone'


@dataclass(frozen=True, kw_only=True)
class FindingPlace:
    """Where a finding is: WGS 84 degrees, metres over the plane of the roofs, covariance in m^2.

    `east_m` and `north_m` are of the inspection's origin, `covariance` (east variance, covariance,
    north variance). The true position is within `radius95_m` with a probability of 95 %.
    """

    latitude_deg: float
    longitude_deg: float
    east_m: float
    north_m: float
    height_m: float
    covariance: tuple[float, float, float]
    radius95_m: float


@dataclass(frozen=True, kw_only=True)
class FindingSize:
    """Longer and shorter side and area in metres, each with a standard deviation."""

    length_m: float
    width_m: float
    side_error_m: float
    area_m2: float
    area_error_m2: float
    is_from_mask: bool


@dataclass(frozen=True, kw_only=True)
class RoofFinding:
    """One physical object; `place` and `size` are None where no telemetry tells them.

    `number` is for people and counts from 1; `uuid` follows from the first sighting, so a rerun
    over the same input gives the same one, and `aliases` are those of findings merged into it.
    `looks` are independent directions with a sighting, `opportunities` the frames that could have
    shown it. `decided` tells that a person decided the state, `note` what they wrote, `severity`
    whether they called it low, medium or high.
    """

    number: int
    uuid: UUID
    class_name: str
    class_probabilities: dict[str, float]
    existence: float
    state: FindingState
    place: FindingPlace | None
    size: FindingSize | None
    sightings: int
    looks: int
    opportunities: int
    first_seen_ns: int
    last_seen_ns: int
    flights: tuple[str, ...]
    tracks: tuple[str, ...]
    best: BestImage
    aliases: tuple[UUID, ...] = ()
    decided: bool = False
    is_outside: bool = False
    note: str = ''
    severity: str = ''

    @property
    def class_probability(self) -> float:
        """Return the probability of the class that it is called."""
        return self.class_probabilities.get(self.class_name, 1.0)


def finding_uuid(anchor: Anchor) -> UUID:
    """Return the identity that a first sighting gives, on any machine and in any folder."""
    frame, detection = anchor
    return uuid5(_NAMESPACE, f'{frame.flight}|{frame.topic}|{frame.name}|{detection}')


def radius95_m(ee: float, en: float, nn: float) -> float:
    """Return the radius of the circle that holds 95 % of a normal distribution.

    Its covariance is `ee` and `nn` to the east and the north, and `en` of both.
    """
    middle, apart = (ee + nn) / 2, math.hypot((ee - nn) / 2, en)
    small, large = (math.sqrt(max(value, 0.0)) for value in (middle - apart, middle + apart))
    if not large > 0:
        return 0.0
    return float(large * np.interp(small / large, _RATIOS, _RADII))


def is_close(finding: RoofFinding, place: tuple[float, float], *, least_m: float = 0.5) -> bool:
    """Return whether a place, metres east and north, is within the finding's 95 % radius."""
    if finding.place is None:
        return False
    east, north = finding.place.east_m - place[0], finding.place.north_m - place[1]
    return math.hypot(east, north) <= max(finding.place.radius95_m, least_m)
