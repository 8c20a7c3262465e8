# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the evidence of an object says: its state and its place on Earth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.roof_finding import (
    FindingPlace,
    FindingState,
    radius95_m,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.evidence import Evidence
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane


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


def places_of(
    positions_en: npt.NDArray[np.float64],
    covariances: npt.NDArray[np.float64],
    heights_m: Sequence[float],
    origin: LocalTangentPlane,
) -> list[FindingPlace]:
    """Return places from metres east and north of the origin (n, 2), and covariances (n, 2, 2)."""
    if not len(positions_en):
        return []
    level = np.column_stack([positions_en, np.zeros(len(positions_en))])
    rows = zip(
        origin.to_geodetic(level).tolist(),
        positions_en.tolist(),
        covariances.reshape(-1, 4).tolist(),
        heights_m,
        strict=True,
    )
    return [
        FindingPlace(
            latitude_deg=latitude,
            longitude_deg=longitude,
            east_m=east,
            north_m=north,
            height_m=height_m,
            covariance=(ee, en, nn),
            radius95_m=radius95_m(ee, en, nn),
        )
        for (latitude, longitude, _), (east, north), (ee, en, _, nn), height_m in rows
    ]
