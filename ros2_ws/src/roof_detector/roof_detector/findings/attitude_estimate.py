# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of a frame's attitude, from where it saw objects whose places are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.covariances import inverted, mahalanobis
from roof_detector.findings.frame_attitude import AttitudeError
from roof_detector.findings.register_settings import GATE_2D

if TYPE_CHECKING:
    import numpy.typing as npt

_TURN_ROUNDS = 2
_HUBER = 2.0
_LEAST_FOR_PROPOSALS = 3
_MOST_PROPOSALS = 150
_INLIER_GAIN = 20.0
_CLEARLY_BETTER = 3.0  # of the log likelihood


def estimate_turn(
    prior: AttitudeError,
    residuals: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    jacobians: npt.NDArray[np.float64],
    pairs: list[tuple[int, int]],
) -> AttitudeError:
    """Estimate the turn that explains the residuals of assigned pairs, by robust least squares."""
    lines, columns = (np.array(side) for side in zip(*pairs, strict=True))
    errors, weights = residuals[lines, columns], inverted(own[lines, columns])
    slopes = jacobians[lines]
    information = inverted(prior.covariance)
    turn = prior.turn
    for _ in range(_TURN_ROUNDS):
        left = errors - slopes @ turn
        distance = np.sqrt(np.einsum('ni,nij,nj->n', left, weights, left))
        robust = weights * np.minimum(1.0, _HUBER / np.maximum(distance, 1e-9))[:, None, None]
        weighted = np.swapaxes(slopes, 1, 2) @ robust
        covariance = inverted(information + (weighted @ slopes).sum(axis=0))
        told = (weighted @ errors[:, :, None])[..., 0].sum(axis=0)
        turn = covariance @ (information @ prior.turn + told)
    return AttitudeError(turn, covariance)


def likeliest_turn(
    known: AttitudeError,
    doubted: AttitudeError,
    residuals: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    jacobians: npt.NDArray[np.float64],
    *,
    same: npt.NDArray[np.bool_],
) -> AttitudeError:
    """Return the error under which most sightings meet an object, if it is clearly likelier.

    `known` is that of the frames before and `doubted` what would be known without them; `same`
    (n, m) tells the pairs of one class. Each near pair proposes an error. So a frame that comes
    back to a row of equal objects is matched as a whole, where the nearest object of each could
    be its neighbour.
    """
    left, covariances = doubted.removed(residuals, own, jacobians)
    distance, _ = mahalanobis(left, covariances)
    pairs = np.nonzero(same & (distance < GATE_2D))
    if len(residuals) < _LEAST_FOR_PROPOSALS or not 1 < len(pairs[0]) <= _MOST_PROPOSALS:
        return known
    weights = inverted(own)
    turns = _proposals(doubted, residuals[pairs], weights[pairs], jacobians[pairs[0]])
    turns = np.concatenate([known.turn[None], turns])
    lines, columns = np.nonzero(same)
    moved = (jacobians @ turns.T).transpose(2, 0, 1)[:, lines]
    x, y = np.moveaxis(residuals[lines, columns] - moved, -1, 0)
    form = weights[lines, columns]
    spread = form[:, 0, 0] * x * x + 2 * form[:, 0, 1] * x * y + form[:, 1, 1] * y * y
    nearest = np.minimum.reduceat(spread, np.unique(lines, return_index=True)[1], axis=1)
    away = turns - doubted.turn
    scores = np.log1p(_INLIER_GAIN * np.exp(-nearest / 2)).sum(axis=1)
    scores -= ((away @ inverted(doubted.covariance)) * away).sum(axis=1) / 2
    best = int(np.argmax(scores))
    if scores[best] <= scores[0] + _CLEARLY_BETTER:
        return known
    line, column = (int(side[best - 1]) for side in pairs)
    return estimate_turn(doubted, residuals, own, jacobians, [(line, column)])


def _proposals(
    prior: AttitudeError,
    errors: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    slopes: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return the turns (k, 4) that explain one pair of sighting and object (k, ...) each."""
    information = inverted(prior.covariance)
    told = information @ prior.turn
    turns = np.tile(prior.turn, (len(errors), 1))
    for _ in range(_TURN_ROUNDS):
        left = errors - np.einsum('kij,kj->ki', slopes, turns)
        distance = np.sqrt(np.einsum('ki,kij,kj->k', left, weights, left))
        robust = weights * np.minimum(1.0, _HUBER / np.maximum(distance, 1e-9))[:, None, None]
        weighted = np.swapaxes(slopes, 1, 2) @ robust
        covariances = inverted(information + weighted @ slopes)
        turns = np.einsum(
            'kij,kj->ki', covariances, told + np.einsum('kij,kj->ki', weighted, errors)
        )
    return turns
