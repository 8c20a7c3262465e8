# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The size of an object in metres, from its sightings in one or several flights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from roof_detector.findings.roof_finding import FindingSize

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.evidence import SizeSample

# A box holds its object and corners that are not. Outlines of the simulator's objects fill 0.27 to
# 0.87 of their boxes (95 %, 3600 of them), the 108 roofs of the Kampala orthophoto 0.34 to 1, and
# the paint of a crack next to nothing: two of these deviations hold them all.
_BOX_FILL = 0.6
_BOX_FILL_SIGMA = 0.28
_EDGE_PX = 1.0  # by how much a box's side or a mask's edge is off
_BEST_SHARE = 0.8  # of the best quality: samples whose sides are used
_LEAST_FOR_WALLS = 4
_SURE_OF_WALLS = 2.0  # standard deviations
_WALL_DOUBT = 0.3  # of what is taken off for walls, and of walls as high as the object is wide
_NO_WALLS = 0.25  # of the area for each unit of slope: walls a quarter as high as it is wide
_TALLEST = 1.2  # of the side: what is taller is a wrong fit


class FlightSizes(NamedTuple):
    """The sizes of an object in a flight, and its height over the plane that this one believes.

    The planes of two flights differ by the errors of their heights, by a metre with plain GPS.
    """

    samples: Sequence[SizeSample]
    height_m: float
    height_variance: float


class _Samples(NamedTuple):
    """All sizes in metres at the object: sides (n, 2), areas, qualities, slopes, ... (n,)."""

    sides: npt.NDArray[np.float64]
    areas: npt.NDArray[np.float64]
    quality: npt.NDArray[np.float64]
    slopes: npt.NDArray[np.float64]
    pixels: npt.NDArray[np.float64]
    depths: npt.NDArray[np.float64]
    relative: npt.NDArray[np.float64]


def size_of(flights: Sequence[FlightSizes]) -> FindingSize | None:
    """Return the size from the best whole sightings, None if it was seen in pieces only.

    What stands over the plane is nearer to the camera, so it looks larger than it is; its walls
    are seen from the side, and are taken off.
    """
    found = _at_object(flights)
    if found is None:
        return None
    best = found.quality > _BEST_SHARE * found.quality.max()
    sides, count = found.sides[best], int(best.sum())
    length, width = (_median(side) for side in sides.T)
    pixel = _median(found.pixels[best])
    # Flights err independently, the sightings of one flight alike.
    relative = _median(found.relative) / math.sqrt(len(flights))
    spread = float(sides.std(axis=0).max()) / math.sqrt(count)
    side_error = math.hypot(spread, _EDGE_PX * pixel, relative * length)
    masked = np.isfinite(found.areas)
    if masked.any():
        area, error = _mask_area(_Samples(*(values[masked] for values in found)), best[masked])
        edge = 0.5 * _EDGE_PX * pixel * 2 * (length + width) / math.sqrt(count)
        error = math.hypot(edge, error, 2 * relative * area)
    else:
        area = _BOX_FILL * length * width
        error = math.hypot(_BOX_FILL_SIGMA * length * width, side_error * (length + width))
    return FindingSize(
        length_m=length,
        width_m=width,
        side_error_m=side_error,
        area_m2=area,
        area_error_m2=error,
        is_from_mask=bool(masked.any()),
    )


def _at_object(flights: Sequence[FlightSizes]) -> _Samples | None:
    tables = []
    for samples, height_m, variance in flights:
        if not samples:
            continue
        quality, length, width, area, pixel, above, slope = np.array(samples).T
        zoom = np.maximum(1 - height_m / above, 0.2)
        depth = np.maximum(above - height_m, 0.1)
        relative = math.sqrt(variance) / depth
        tables.append(
            (length * zoom, width * zoom, area * zoom**2, quality, slope, pixel, depth, relative)
        )
    if not tables:
        return None
    table = np.concatenate(tables, axis=1)
    return _Samples(table[:2].T, *table[2:])


def _mask_area(found: _Samples, best: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the area seen from straight above, and its standard deviation.

    The image of a box of height h and side a is a (a + h s) at a slope s of the view: a line is
    fitted to the areas over the slopes. Where it does not rise clearly, the object lies flat.
    """
    chosen = best if best.any() else np.ones(len(best), np.bool_)
    count, mean, slope = len(found.areas), float(found.areas.mean()), float(found.slopes.mean())
    flat, steep = _median(found.areas[chosen]), _median(found.slopes[chosen])
    spread = float(found.areas[chosen].std()) / math.sqrt(chosen.sum())
    unknown = math.hypot(spread, _WALL_DOUBT * steep * flat)
    centred = found.slopes - slope
    deviation = float(centred @ centred)
    if count < _LEAST_FOR_WALLS or not deviation > 1e-3:
        return flat, unknown
    rise = float(centred @ found.areas) / deviation
    left = found.areas - mean - rise * centred
    noise = math.sqrt(float(left @ left) / (count - 2))
    doubt = _SURE_OF_WALLS * noise / math.sqrt(deviation)
    if rise < doubt:
        return flat, spread if rise + doubt < _NO_WALLS * flat else unknown
    above = max(mean - rise * slope, flat / (1 + _TALLEST * steep))
    tall_m = min(rise / math.sqrt(above), _TALLEST * math.sqrt(above))
    # The place is that of its middle; what is seen from above is its top, which is nearer.
    area = above * max(1 - tall_m / 2 / _median(found.depths), 0.5) ** 2
    error = noise * math.sqrt(1 / count + slope**2 / deviation)
    return area, math.hypot(error, _WALL_DOUBT * (flat - area))


def _median(values: npt.NDArray[np.float64]) -> float:
    """Return the median of a few values; NumPy's own takes ten times as long for them."""
    ordered = sorted(values.tolist())
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return float(ordered[middle - 1] + ordered[middle]) / 2
