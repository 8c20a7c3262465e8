# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Aligns two inspections of one roof by what both saw, and pairs their objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.assignment import assign
from roof_detector.findings.change_sentences import change_sentence
from roof_detector.findings.flight_shift import (
    FlightShift,
    PlacedObjects,
    estimate_shift,
    pair_distances,
)
from roof_detector.findings.register_settings import GATE_2D

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

# How far findings of one inspection are off among each other, as benchmarks/findings.py measures:
# a part for all, and one for large objects, of which images show other pieces.
_RELATIVE_SIGMA_M = 0.25
_RELATIVE_SHARE = 0.1
_DOUBTFUL_M = 1.0  # and half a side: closer than that an object is hardly replaced by another
_AT_PLACE_M = 0.25  # and a quarter of a side


def placed(findings: Sequence[RoofFinding], origin: LocalTangentPlane) -> PlacedObjects:
    """Return findings, all of which have a place, in metres of an origin."""
    geodetic = np.array(
        [(one.place.latitude_deg, one.place.longitude_deg, 0.0) for one in findings if one.place]
    ).reshape(-1, 3)
    names = {name: k for k, name in enumerate(sorted({one.class_name for one in findings}))}
    sizes = [
        0.5 * np.log(max(one.size.length_m * one.size.width_m, 1e-4)) if one.size else 0.0
        for one in findings
    ]
    return PlacedObjects(
        positions_en=origin.to_enu(geodetic)[:, :2],
        covariances=_relative(findings),
        class_ids=np.array([_class_number(one.class_name, names) for one in findings], np.int32),
        log_sizes=np.array(sizes, np.float64),
        sightings=np.array([one.sightings for one in findings], np.int64),
    )


def _relative(findings: Sequence[RoofFinding]) -> npt.NDArray[np.float64]:
    """Return the covariances (n, 2, 2) of places among each other.

    What all places of an inspection have in common, the error of its flights, is taken to be that
    of the surest one. A height that few views tell makes a place less sure than the others.
    """
    whole = _covariances(findings)
    if not len(whole):
        return whole
    common = whole[np.trace(whole, axis1=1, axis2=2).argmin()]
    values, vectors = np.linalg.eigh(whole - common)
    own = vectors * np.maximum(values, 0.0)[:, None] @ np.swapaxes(vectors, 1, 2)
    sides = [one.size.length_m if one.size else 0.0 for one in findings if one.place is not None]
    spread = _RELATIVE_SIGMA_M**2 + (_RELATIVE_SHARE * np.array(sides)) ** 2
    return np.asarray(own + np.eye(2) * spread[:, None, None])


def _covariances(findings: Sequence[RoofFinding]) -> npt.NDArray[np.float64]:
    """Return the covariances (n, 2, 2) of the places of findings that have one."""
    found = [one.place.covariance for one in findings if one.place is not None]
    return np.array([[[ee, en], [en, nn]] for ee, en, nn in found]).reshape(-1, 2, 2)


def _class_number(name: str, names: dict[str, int]) -> int:
    """Return a number that is the same for a name in every inspection."""
    return int.from_bytes(name.encode()[:3].ljust(3, b'\0'), 'big') if name in names else -1


def shift_between(
    before: Sequence[RoofFinding],
    after: Sequence[RoofFinding],
    first: PlacedObjects,
    second: PlacedObjects,
    *,
    language: str = 'en',
) -> tuple[FlightShift, list[str]]:
    """Return what to add to the places of the later inspection, and a note in a language."""
    prior = 1e-4 * np.eye(2)
    for findings in (before, after):
        covariances = _covariances(findings)
        if len(covariances):
            prior = prior + np.median(covariances, axis=0)
    shift = estimate_shift(first, second, prior)
    if shift.refused:
        note = change_sentence(language, 'unaligned', why=shift.refused, matches=shift.matches)
        return shift, [note]
    east, north = shift.offset_en.tolist()
    return shift, [
        change_sentence(language, 'shifted', east=east, north=north, matches=shift.matches)
    ]


def paired(
    first: PlacedObjects, second: PlacedObjects, shift: FlightShift
) -> list[tuple[int, int]]:
    """Return the pairs of objects of two inspections that are one."""
    if not (len(first) and len(second)):
        return []
    distance = pair_distances(first, second, shift.offset_en, shift.covariance)
    allowed = (first.class_ids[:, None] == second.class_ids[None]) & (distance < GATE_2D)
    if shift.refused:
        alone = (allowed.sum(axis=0) == 1)[None] & (allowed.sum(axis=1) == 1)[:, None]
        rows, columns = np.nonzero(allowed & alone)
    else:
        rows, columns = assign(distance - GATE_2D, allowed)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def could_be_one(
    first: PlacedObjects,
    second: PlacedObjects,
    shift: FlightShift,
    pairs: Sequence[tuple[int, int]],
) -> tuple[set[int], set[int]]:
    """Return the objects without a pair that could be one without a pair of the other inspection.

    Where the inspections are aligned that is one of its class so near that it is hardly another,
    though farther away than errors explain, or one of another class at its place. Where they are
    not, it is any one of its class within the error of both.
    """
    if not (len(first) and len(second)):
        return set(), set()
    same = first.class_ids[:, None] == second.class_ids[None]
    if shift.refused:
        distance = pair_distances(first, second, shift.offset_en, shift.covariance)
        near = same & (distance < GATE_2D)
    else:
        gaps = first.positions_en[:, None] - second.positions_en[None] - shift.offset_en
        sides = np.exp(np.maximum(first.log_sizes[:, None], second.log_sizes[None]))
        apart = np.linalg.norm(gaps, axis=2)
        near = apart < np.where(same, _DOUBTFUL_M + sides / 2, _AT_PLACE_M + sides / 4)
    near[[i for i, _ in pairs]] = False
    near[:, [j for _, j in pairs]] = False
    return set(np.flatnonzero(near.any(axis=1))), set(np.flatnonzero(near.any(axis=0)))
