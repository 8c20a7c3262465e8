# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The shift between two flights over one roof, from the objects that both saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.register_settings import GATE_2D

if TYPE_CHECKING:
    import numpy.typing as npt

_LEAST_MATCHES = 3
_MOST_OBJECTS = 40  # of each flight, those with most sightings, take part in the search
_AMBIGUOUS = 3.0  # of the log likelihood: e^3 is 20 to 1
_INLIER_GAIN = 20.0
_ROUNDS = 2
_HUBER = 1.5


@dataclass(frozen=True, eq=False, kw_only=True)
class PlacedObjects:
    """Objects of a flight: positions (n, 2) with covariances (n, 2, 2), class, size, sightings."""

    positions_en: npt.NDArray[np.float64]
    covariances: npt.NDArray[np.float64]
    class_ids: npt.NDArray[np.int32]
    log_sizes: npt.NDArray[np.float64]
    sightings: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions_en)

    def strongest(self, count: int) -> PlacedObjects:
        """Return those with most sightings."""
        order = np.argsort(-self.sightings, kind='stable')[:count]
        return PlacedObjects(
            positions_en=self.positions_en[order],
            covariances=self.covariances[order],
            class_ids=self.class_ids[order],
            log_sizes=self.log_sizes[order],
            sightings=self.sightings[order],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class FlightShift:
    """What to add to a flight's positions (2,) so that they agree with another's.

    Where it was `refused`, which says why, the shift is zero with the covariance that both flights
    have without it.
    """

    offset_en: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    matches: int
    refused: str = ''


def estimate_shift(
    reference: PlacedObjects, other: PlacedObjects, prior: npt.NDArray[np.float64]
) -> FlightShift:
    """Estimate the shift of another flight by robust least squares over mutually nearest objects.

    `prior` (2, 2) is the covariance of the shift before. Each pair of one class proposes a shift;
    the one under which most objects coincide begins the estimate, so that whole constellations are
    matched and a row of equal objects is not moved by one. Refused below three matches, and where
    another shift is nearly as good.
    """
    first, second = reference.strongest(_MOST_OBJECTS), other.strongest(_MOST_OBJECTS)
    proposals = _proposals(first, second, prior)
    if len(first) < _LEAST_MATCHES or len(second) < _LEAST_MATCHES or not len(proposals):
        return _refused(prior, f'the flights have {len(first)} and {len(second)} objects', 0)
    scores = _scores(first, second, proposals, prior)
    best = int(np.argmax(scores))
    apart = np.linalg.norm(proposals - proposals[best], axis=1) > 1.0
    if apart.any() and scores[apart].max() > scores[best] - _AMBIGUOUS:
        return _refused(prior, 'two different shifts explain the objects about equally well', 0)
    shift, covariance, matches = proposals[best], prior, 0
    for _ in range(_ROUNDS):
        shift, covariance, matches = _refined(reference, other, shift, prior)
        if matches < _LEAST_MATCHES:
            return _refused(prior, f'only {matches} objects were seen by both', matches)
    return FlightShift(offset_en=shift, covariance=covariance, matches=matches)


def pair_distances(
    first: PlacedObjects,
    second: PlacedObjects,
    shift: npt.NDArray[np.float64],
    extra: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return squared Mahalanobis distances (n, m) with a shift; `extra` (2, 2) is its error."""
    difference = first.positions_en[:, None] - second.positions_en[None] - shift
    total = first.covariances[:, None] + second.covariances[None] + extra
    found: npt.NDArray[np.float64] = np.einsum(
        'nmi,nmij,nmj->nm', difference, np.linalg.inv(total), difference
    )
    return found


def _refused(prior: npt.NDArray[np.float64], why: str, matches: int) -> FlightShift:
    return FlightShift(
        offset_en=np.zeros(2),
        covariance=prior,
        matches=matches,
        refused=f'{why}; 3 clear matches are needed',
    )


def _alike(first: PlacedObjects, second: PlacedObjects) -> npt.NDArray[np.bool_]:
    size = np.abs(first.log_sizes[:, None] - second.log_sizes[None])
    return np.asarray((first.class_ids[:, None] == second.class_ids[None]) & (size < 0.8))


def _proposals(
    first: PlacedObjects, second: PlacedObjects, prior: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    shifts = first.positions_en[:, None] - second.positions_en[None]
    distance = np.einsum('nmi,ij,nmj->nm', shifts, np.linalg.inv(prior), shifts)
    return np.asarray(shifts[_alike(first, second) & (distance < GATE_2D)])


def _scores(
    first: PlacedObjects,
    second: PlacedObjects,
    shifts: npt.NDArray[np.float64],
    prior: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the log likelihood of each shift (k, 2), up to a constant."""
    weights = np.linalg.inv(first.covariances[:, None] + second.covariances[None])
    difference = first.positions_en[:, None] - second.positions_en[None]
    other = np.where(_alike(first, second), 0.0, np.inf)
    scores = np.empty(len(shifts))
    for k, shift in enumerate(shifts):
        x, y = np.moveaxis(difference - shift, -1, 0)
        distance = weights[..., 0, 0] * x * x + weights[..., 1, 1] * y * y + other
        distance += 2 * weights[..., 0, 1] * x * y
        scores[k] = np.log1p(_INLIER_GAIN * np.exp(-distance.min(axis=0) / 2)).sum()
    penalty = np.einsum('ki,ij,kj->k', shifts, np.linalg.inv(prior), shifts) / 2
    return np.asarray(scores - penalty)


def _refined(
    first: PlacedObjects,
    second: PlacedObjects,
    shift: npt.NDArray[np.float64],
    prior: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    distance = pair_distances(first, second, shift, np.zeros((2, 2)))
    distance = np.where(_alike(first, second), distance, np.inf)
    rows, columns = distance.argmin(axis=0), np.arange(len(second))
    mutual = (distance.argmin(axis=1)[rows] == columns) & (distance[rows, columns] < GATE_2D)
    rows, columns = rows[mutual], columns[mutual]
    if len(rows) < _LEAST_MATCHES:
        return shift, prior, len(rows)
    errors = first.positions_en[rows] - second.positions_en[columns]
    weights = np.linalg.inv(first.covariances[rows] + second.covariances[columns])
    left = np.sqrt(distance[rows, columns])
    weights = weights * np.minimum(1.0, _HUBER / np.maximum(left, 1e-9))[:, None, None]
    total = weights.sum(axis=0) + np.linalg.inv(prior)
    covariance = np.linalg.inv(total)
    return covariance @ np.einsum('nij,nj->i', weights, errors), covariance, len(rows)
