# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the evidence of an object says: its state, its place on Earth and its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.roof_finding import (
    FindingPlace,
    FindingSize,
    FindingState,
    radius95_m,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.evidence import Evidence, SizeSample
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

# A box holds its object and corners that are not: between half of it and all, for convex outlines.
_BOX_FILL = 0.75
_BOX_FILL_SIGMA = 0.15
_EDGE_PX = 1.0  # by how much a box's side or a mask's edge is off


def state_of(evidence: Evidence, existence: float, settings: RegisterSettings) -> FindingState:
    """Return the state that the sightings give.

    Where the flight gave a second look, one is not enough to confirm.
    """
    if existence < settings.rejected_below:
        return FindingState.REJECTED
    enough = evidence.independent_hits() >= 2 or len(evidence.looks) < 2
    if existence >= settings.confirmed_above and enough and evidence.sightings >= 2:
        return FindingState.CONFIRMED
    return FindingState.TENTATIVE


def place_of(
    position_en: npt.NDArray[np.float64],
    covariance: npt.NDArray[np.float64],
    height_m: float,
    origin: LocalTangentPlane,
) -> FindingPlace:
    """Return a place from metres east and north of the origin, and its covariance (2, 2)."""
    east, north = position_en.tolist()
    latitude, longitude, _ = origin.to_geodetic(np.array([east, north, 0.0])).tolist()
    (ee, en), (_, nn) = covariance.tolist()
    return FindingPlace(
        latitude_deg=latitude,
        longitude_deg=longitude,
        east_m=east,
        north_m=north,
        height_m=height_m,
        covariance=(ee, en, nn),
        radius95_m=radius95_m(covariance),
    )


def size_of(
    samples: Sequence[SizeSample], height_m: float, height_variance: float
) -> FindingSize | None:
    """Return the size from the best whole sightings, None if it was seen in pieces only.

    What stands `height_m` over the plane is nearer to the camera, so it looks larger than it is.
    """
    if not samples:
        return None
    best = max(sample.quality for sample in samples)
    chosen = [sample for sample in samples if sample.quality > 0.8 * best]
    zoom = np.array([max(1 - height_m / sample.height_m, 0.2) for sample in chosen])
    flown_m = float(np.mean([sample.height_m for sample in chosen]))
    relative = float(np.sqrt(height_variance)) / max(flown_m - height_m, 0.1)
    sides = np.array([sample.sides_m for sample in chosen]) * zoom[:, None]
    length, width = np.median(sides, axis=0).tolist()
    pixel = float(np.median([sample.metres_per_pixel for sample in chosen]))
    spread = float(sides.std(axis=0).max()) / np.sqrt(len(chosen))
    side_error = float(np.hypot(np.hypot(spread, _EDGE_PX * pixel), relative * length))
    masks = np.array([sample.area_m2 for sample in chosen]) * zoom**2
    if np.isfinite(masks).any():
        area = float(np.nanmedian(masks))
        edge = 0.5 * _EDGE_PX * pixel * 2 * (length + width) / np.sqrt(len(chosen))
        error = float(np.hypot(np.hypot(edge, np.nanstd(masks)), 2 * relative * area))
        return FindingSize(
            length_m=length,
            width_m=width,
            side_error_m=side_error,
            area_m2=area,
            area_error_m2=error,
            is_from_mask=True,
        )
    area = _BOX_FILL * length * width
    error = float(np.hypot(_BOX_FILL_SIGMA * length * width, side_error * (length + width)))
    return FindingSize(
        length_m=length,
        width_m=width,
        side_error_m=side_error,
        area_m2=area,
        area_error_m2=error,
        is_from_mask=False,
    )
