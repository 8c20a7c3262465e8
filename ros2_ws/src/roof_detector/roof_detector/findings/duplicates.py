# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Merges objects of one flight that turn out to be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.covariances import inverted
from roof_detector.findings.object_states import share_inside
from roof_detector.findings.register_settings import GATE_3D

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.flight_register import FlightRegister

_FARTHEST_M = 5.0
_LARGEST_M = 30.0  # half a side of the largest object of which pieces are looked for
_SIZE_RATIO = 0.8  # of the logarithm: e to this is 2.2
_INSIDE = 0.6
_CONFUSED = 0.2  # of the sightings of an object, at most, are of another class
_MOST_PAIRS = 200_000


def merge_duplicates(flight: FlightRegister) -> list[tuple[int, int]]:
    """Merge the objects of a flight that are one; return the rows (kept, merged) in their order.

    Two are one if they are within the 99 % gate, alike in class and size, and were never sighted
    in one frame; those of two classes only if one of them was sighted much less often. The
    nearest pair is merged first, and looked at again with its new place.
    """
    merged: list[tuple[int, int]] = []
    while pairs := _pairs(flight):
        gone: set[int] = set()
        before = len(merged)
        for _, row, other in pairs:
            if row in gone or other in gone or not _may_merge(flight, row, other):
                continue
            flight.absorb(row, other)
            gone |= {row, other}  # with its new place, it is looked at in the next round
            merged.append((row, other))
        if len(merged) == before:
            break
    return merged


def _pairs(flight: FlightRegister) -> list[tuple[float, int, int]]:
    """Return squared distance and rows of all pairs within the gate, the nearest first."""
    rows, states = flight.rows(), flight.states
    if len(rows) < 2:
        return []
    mean, covariance = states.mean[rows], states.covariance[rows]
    # A piece of a large object lies within it, but far from its middle.
    boxes, whole = states.box_en[rows], states.is_whole[rows]
    half_m = float((boxes[:, 2:] - boxes[:, :2]).max()) / 2 if not whole.all() else 0.0
    reach_m = float(np.clip(half_m, _FARTHEST_M, _LARGEST_M))
    near = near_pairs(mean[:, :2], reach_m)
    gaps_m = np.linalg.norm(mean[near[:, 0], :2] - mean[near[:, 1], :2], axis=1)
    near = near[(gaps_m <= _FARTHEST_M) | ~whole[near].all(axis=1)]
    if not len(near):
        return []
    if len(near) > _MOST_PAIRS:  # so crowded are false detections only
        near = near[np.lexsort((near[:, 1], near[:, 0]))][:_MOST_PAIRS]
    first, second = near.min(axis=1), near.max(axis=1)
    total = covariance[first] + covariance[second]
    total += flight.drift_variance() * np.diag([1.0, 1.0, 0.0]) + 1e-6 * np.eye(3)
    difference = mean[first] - mean[second]
    distance = np.einsum('ni,nij,nj->n', difference, inverted(total), difference)
    distance = np.where(
        _contained(flight, rows[first], rows[second]), np.minimum(distance, 1.0), distance
    )
    size = np.abs(states.log_size[rows[first]] - states.log_size[rows[second]])
    both_whole = states.is_whole[rows[first]] & states.is_whole[rows[second]]
    alike = ~both_whole | (size < _SIZE_RATIO)
    kept = (distance < GATE_3D) & alike
    found = zip(distance[kept], rows[first[kept]], rows[second[kept]], strict=True)
    return sorted((float(d), int(i), int(j)) for d, i, j in found)


def _contained(
    flight: FlightRegister, rows: npt.NDArray[np.intp], others: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Return the pairs of which one was only seen in pieces that lie within the other."""
    states = flight.states
    found = np.zeros(len(rows), np.bool_)
    for pieces, wholes in ((rows, others), (others, rows)):
        cut = np.flatnonzero(~states.is_whole[pieces])
        boxes, around = states.box_en[pieces[cut]], states.box_en[wholes[cut]]
        found[cut] |= share_inside(boxes, around) > _INSIDE
    return found


def _may_merge(flight: FlightRegister, row: int, other: int) -> bool:
    first, second = flight.evidence[row], flight.evidence[other]
    if first is None or second is None:
        return False
    if first.class_id != second.class_id:
        shared = np.minimum(first.class_probabilities(), second.class_probabilities()).sum()
        few, many = sorted((first.sightings, second.sightings))
        # Two objects at one place would be seen together; now and then one is taken for another.
        if shared < 0.4 and few > _CONFUSED * many:
            return False
    return set(first.frames).isdisjoint(second.frames) and not flight.are_apart(first, second)


def near_pairs(points_en: npt.NDArray[np.float64], reach_m: float) -> npt.NDArray[np.intp]:
    """Return the indices (k, 2) of all pairs of points (n, 2) no farther apart than `reach_m`."""
    order = np.argsort(points_en[:, 0], kind='stable')
    east = points_en[order, 0]
    # Sorted by east, the points that may be near follow one another.
    counts = np.searchsorted(east, east + reach_m, side='right') - np.arange(len(east)) - 1
    first = np.repeat(np.arange(len(east)), counts)
    begins = np.repeat(np.cumsum(counts) - counts, counts)
    second = first + 1 + np.arange(len(first)) - begins
    pairs = np.column_stack([order[first], order[second]])
    gaps = points_en[pairs[:, 0]] - points_en[pairs[:, 1]]
    return pairs[np.einsum('ni,ni->n', gaps, gaps) <= reach_m**2]
