# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Joins the objects of several flights, after the shift between the flights is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.assignment import assign
from roof_detector.findings.flight_shift import (
    FlightShift,
    PlacedObjects,
    estimate_shift,
    pair_distances,
)
from roof_detector.findings.object_size import FlightSizes
from roof_detector.findings.register_settings import GATE_2D

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.evidence import Evidence
    from roof_detector.findings.flight_register import FlightRegister
    from roof_detector.findings.register_settings import RegisterSettings

_OTHER_SIZE = 0.8


@dataclass(eq=False, kw_only=True)
class JoinedObject:
    """An object of one or several flights, in metres of the first flight of its group.

    `members` are flight and row of each, `group` the flights that are linked by known shifts.
    """

    evidence: Evidence
    position_en: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    height_m: float
    height_variance: float
    log_size: float
    is_whole: bool
    group: int
    members: list[tuple[int, int]] = field(default_factory=list)
    sizes: list[FlightSizes] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class JoinedFlights:
    """The objects of all flights; `offsets` (2,) and `groups` hold, by flight, its place.

    `corrections` is what to subtract from positions of a group, with its covariance (2, 2).
    """

    objects: list[JoinedObject]
    offsets: list[npt.NDArray[np.float64]]
    groups: list[int]
    corrections: dict[int, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
    shifts: list[FlightShift | None]
    notes: list[str]
    joined: list[tuple[JoinedObject, JoinedObject]]


def join_flights(flights: Sequence[FlightRegister], settings: RegisterSettings) -> JoinedFlights:
    """Join flights one after another; each is shifted to agree with those before it.

    Two objects of one flight are never joined here. Without a reliable shift, objects are joined
    only if no other one could be meant.
    """
    joined = JoinedFlights(
        objects=[], offsets=[], groups=[], corrections={}, shifts=[], notes=[], joined=[]
    )
    for number, flight in enumerate(flights):
        objects = _objects_of(flight, number)
        shift = None
        if not joined.objects:
            joined.offsets.append(np.zeros(2))
            joined.groups.append(number)
        elif objects:
            prior = flight.flight_covariance + flights[0].flight_covariance + 1e-4 * np.eye(2)
            shift = estimate_shift(_placed(joined.objects), _placed(objects), prior)
            if shift.refused:
                joined.notes.append(
                    f'The positions of {flight.flight} could not be aligned with the flights '
                    f'before it: {shift.refused}. Its objects are joined with theirs only where '
                    'no other could be meant.'
                )
            joined.offsets.append(shift.offset_en)
            joined.groups.append(number if shift.refused else 0)
        else:
            joined.offsets.append(np.zeros(2))
            joined.groups.append(number)
        joined.shifts.append(shift)
        _add(joined, objects, shift, settings)
    _correct(joined, flights)
    return joined


def _objects_of(flight: FlightRegister, number: int) -> list[JoinedObject]:
    found = []
    rows, states = flight.rows(), flight.states
    positions = states.mean[rows, :2]
    covariances = states.covariance[rows, :2, :2] + flight.drift_variance() * np.eye(2)
    numbers = zip(
        rows.tolist(),
        states.mean[rows, 2].tolist(),
        states.covariance[rows, 2, 2].tolist(),
        states.log_size[rows].tolist(),
        states.is_whole[rows].tolist(),
        strict=True,
    )
    for index, (row, height_m, variance, log_size, is_whole) in enumerate(numbers):
        evidence = flight.evidence[row]
        assert evidence is not None
        found.append(
            JoinedObject(
                evidence=evidence,
                position_en=positions[index],
                covariance=covariances[index],
                height_m=height_m,
                height_variance=variance,
                log_size=log_size,
                is_whole=is_whole,
                group=number,
                members=[(number, row)],
                sizes=[FlightSizes(evidence.sizes, height_m, variance)],
            )
        )
    return found


def _placed(objects: Sequence[JoinedObject]) -> PlacedObjects:
    return PlacedObjects(
        positions_en=np.array([one.position_en for one in objects]).reshape(-1, 2),
        covariances=np.array([one.covariance for one in objects]).reshape(-1, 2, 2),
        class_ids=np.array([one.evidence.class_id for one in objects], np.int32),
        log_sizes=np.array([one.log_size for one in objects], np.float64),
        sightings=np.array([one.evidence.sightings for one in objects], np.int64),
    )


def _add(
    joined: JoinedFlights,
    objects: list[JoinedObject],
    shift: FlightShift | None,
    settings: RegisterSettings,
) -> None:
    pairs: dict[int, int] = {}
    if shift is not None and objects:
        pairs = _pairs(joined.objects, objects, shift, settings)
    for index, one in enumerate(objects):
        known = pairs.get(index)
        if shift is not None and not shift.refused:
            one.position_en = one.position_en + shift.offset_en
            one.group = 0
        if known is None:
            joined.objects.append(one)
        else:
            _fuse(joined.objects[known], one)
            joined.joined.append((joined.objects[known], one))


def _pairs(
    before: list[JoinedObject],
    objects: list[JoinedObject],
    shift: FlightShift,
    settings: RegisterSettings,
) -> dict[int, int]:
    """Return for each object the one from before that it is."""
    first, second = _placed(before), _placed(objects)
    distance = pair_distances(first, second, shift.offset_en, shift.covariance)
    size = np.abs(first.log_sizes[:, None] - second.log_sizes[None])
    whole = np.array([one.is_whole for one in before])[:, None] & np.array(
        [one.is_whole for one in objects]
    )
    allowed = (distance < GATE_2D) & (~whole | (size < _OTHER_SIZE))
    same = first.class_ids[:, None] == second.class_ids[None]
    if shift.refused:
        allowed &= same
        alone = (allowed.sum(axis=0) == 1)[None] & (allowed.sum(axis=1) == 1)[:, None]
        rows, columns = np.nonzero(allowed & alone)
    else:
        other = -2 * math.log(1 - settings.class_agreement)
        cost = distance + np.where(whole, size**2 / settings.size_sigma**2 / 2, 0.5)
        cost += np.where(same, 0.0, other)
        limit = GATE_2D + other
        rows, columns = assign(cost - limit, allowed)
    return dict(zip(columns.tolist(), rows.tolist(), strict=True))


def _fuse(kept: JoinedObject, other: JoinedObject) -> None:
    if kept.group == other.group:
        weights = np.linalg.inv(kept.covariance), np.linalg.inv(other.covariance)
        kept.covariance = np.linalg.inv(weights[0] + weights[1])
        kept.position_en = kept.covariance @ (
            weights[0] @ kept.position_en + weights[1] @ other.position_en
        )
        share = kept.height_variance / max(kept.height_variance + other.height_variance, 1e-12)
        kept.height_m += share * (other.height_m - kept.height_m)
        kept.height_variance *= 1 - share
    if other.is_whole and not kept.is_whole:
        kept.log_size, kept.is_whole = other.log_size, True
    if len(kept.members) == 1:  # until now it is the flight's own, which goes on
        kept.evidence = kept.evidence.copy()
    kept.evidence.absorb(other.evidence)
    kept.members += other.members
    kept.sizes += other.sizes


def _correct(joined: JoinedFlights, flights: Sequence[FlightRegister]) -> None:
    """Estimate the error of each group's positions, to which every flight of it is a witness.

    A flight's own error is zero with its covariance; that of the group is that plus the shift.
    """
    for group in dict.fromkeys(joined.groups):
        total, weighted = np.zeros((2, 2)), np.zeros(2)
        for number, flight in enumerate(flights):
            if joined.groups[number] == group:
                weight = np.linalg.inv(flight.flight_covariance + 1e-6 * np.eye(2))
                total += weight
                weighted += weight @ joined.offsets[number]
        covariance = np.linalg.inv(total)
        joined.corrections[group] = (covariance @ weighted, covariance)
