# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.findings.evidence import SizeSample
from roof_detector.findings.object_size import FlightSizes, size_of

SLOPES = np.linspace(0.05, 0.55, 12)


def samples(side_m, *, flown_m=12.0, believed_m=12.0, tall_m=0.0, masked=True):
    """Return a square object as a camera sees it whose height is believed to be another."""
    scale = believed_m / (flown_m - tall_m)
    found = []
    for slope in SLOPES:
        walls = tall_m * side_m * slope
        found.append(
            SizeSample(
                quality=1 / (1 + 4 * slope**2),
                length_m=side_m * scale,
                width_m=side_m * scale,
                area_m2=(side_m**2 + walls) * scale**2 if masked else np.nan,
                metres_per_pixel=0.01,
                height_m=believed_m,
                slope=float(slope),
            )
        )
    return found


def test_what_was_seen_in_pieces_only_has_no_size():
    assert size_of([]) is None
    assert size_of([FlightSizes([], 0.0, 0.1)]) is None


def test_a_flat_object_has_the_area_of_its_mask():
    size = size_of([FlightSizes(samples(0.8), 0.0, 0.01)])
    assert size.is_from_mask
    assert size.area_m2 == pytest.approx(0.64, rel=0.01)
    assert size.length_m == pytest.approx(0.8, rel=0.01)


def test_each_flight_is_taken_at_the_height_that_it_believes():
    # Both are a metre off, to either side, and their objects a metre over or below their planes.
    low = FlightSizes(samples(0.8, believed_m=11.0), -1.0, 0.01)
    high = FlightSizes(samples(0.8, believed_m=13.0), 1.0, 0.01)
    assert size_of([low, high]).area_m2 == pytest.approx(0.64, rel=0.01)


def test_the_walls_of_what_stands_there_are_taken_off():
    standing = samples(1.0, tall_m=1.0)
    # Its place is that of its middle, half a metre over the plane.
    size = size_of([FlightSizes(standing, 0.5, 0.01)])
    seen = np.median([one.area_m2 for one in standing]) * (1 - 0.5 / 12) ** 2
    assert seen > 1.3
    assert size.area_m2 == pytest.approx(1.0, abs=0.06)
    assert abs(size.area_m2 - 1.0) < 2 * size.area_error_m2


def test_the_area_of_a_box_says_that_it_is_one():
    size = size_of([FlightSizes(samples(0.8, masked=False), 0.0, 0.01)])
    assert not size.is_from_mask
    assert size.area_m2 == pytest.approx(0.6 * 0.64, rel=0.01)
    assert abs(0.64 - size.area_m2) < 2 * size.area_error_m2
