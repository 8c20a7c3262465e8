# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How high the sea lies above the ellipsoid, for heights that count from different levels."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache
from math import hypot
from typing import TYPE_CHECKING

from pyproj import network
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup

if TYPE_CHECKING:
    from roof_detector.georeference.ground import Ground

_WGS84_3D, _WGS84_AND_EGM2008 = 4979, 9518
GEOID_SIGMA_M = 30.0
"""The root mean square of the geoid's height over the Earth (EGM96; NASA/TP-1998-206861)."""


def geoid_height_m(latitude_deg: float, longitude_deg: float) -> float | None:
    """Return the height of EGM2008 above the WGS 84 ellipsoid, None without its grid.

    PROJ's grid us_nga_egm08_25.tif has to be installed (`projsync --file us_nga_egm08_25`): none
    is ever downloaded here.
    """
    group = _from_ellipsoid_to_sea()
    if group is None:
        return None
    try:
        *_, height = group.transformers[0].transform(longitude_deg, latitude_deg, 0.0)
    except ProjError:
        return None
    return -height if abs(height) < 200 else None  # PROJ returns infinity outside of a grid


def with_level_of_camera(
    ground: Ground,
    *,
    is_ellipsoidal: bool,
    place: tuple[float, float],
    notes: list[str],
) -> Ground:
    """Return a raster's ground with its heights brought to the level of the camera's altitude.

    `is_ellipsoidal` says that the altitude counts from the ellipsoid, and else from the sea;
    `place` is latitude and longitude. Where the raster counts from the other of the two and no
    `geoid_height_m` was given, it is that of PROJ's grid or, without the grid, unknown: its usual
    size goes into the ground's sigma, which `notes` report. Nothing changes for a raster that
    does not name its level.
    """
    model = ground.model
    if model is None or ground.geoid_height_m or model.is_ellipsoidal in (None, is_ellipsoidal):
        return ground
    of_camera, of_raster = ('ellipsoid', 'sea') if is_ellipsoidal else ('sea', 'ellipsoid')
    levels = (
        f'The altitude of the camera counts from the {of_camera} and the heights of '
        f'{ground.surface} from the {of_raster}'
    )
    height_m = geoid_height_m(*place)
    if height_m is None:
        notes.append(
            f'{levels}, and the geoid between them is not known here: {GEOID_SIGMA_M:g} m (1 '
            'sigma) go into the stated error. Give --geoid-height, or install the grid with '
            '`projsync --file us_nga_egm08_25`.'
        )
        return replace(ground, sigma_m=hypot(ground.sigma_m, GEOID_SIGMA_M))
    raised_m = height_m if is_ellipsoidal else -height_m
    notes.append(f'{levels}, which are raised by the geoid (EGM2008): {raised_m:.1f} m.')
    return replace(ground, geoid_height_m=raised_m)


@lru_cache(maxsize=1)
def _from_ellipsoid_to_sea() -> TransformerGroup | None:
    """Return the transformations of heights, None where PROJ has no grid for the best one."""
    network.set_network_enabled(active=False)  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that the best one is not available
        try:
            group = TransformerGroup(_WGS84_3D, _WGS84_AND_EGM2008, always_xy=True)
        except ProjError:
            return None
    return group if group.best_available or len(group.transformers) > 1 else None
