# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Assigns the sightings of one frame to the objects of a flight, all at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from roof_detector.findings.object_states import inside_shares
from roof_detector.findings.register_settings import GATE_2D

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.object_states import ObjectStates
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.findings.sightings import GroundView

# Where the image motion says that it is the same object, the distance may be this much larger.
_TRACK_GATE = 3.0
_TRACK_BONUS = 6.0
_INSIDE = 0.6
_INSIDE_DISTANCE = 4.0
_LEAST_FOR_SHIFT = 3
_FAR = 1e6


@dataclass(frozen=True, eq=False)
class FrameProblem:
    """The sightings (n,) of a frame and the objects (m,) near its view.

    `rows` (m,) are the objects' rows; `boxes_en` (n, 4) the extent of the sightings on the ground;
    `tracked` (n, m) where both are of one track, `forbidden` where a person split them.
    """

    view: GroundView
    chosen: npt.NDArray[np.intp]
    class_ids: npt.NDArray[np.int32]
    rows: npt.NDArray[np.intp]
    boxes_en: npt.NDArray[np.float64]
    tracked: npt.NDArray[np.bool_]
    forbidden: npt.NDArray[np.bool_]
    walk_variance: npt.NDArray[np.float64]


def assign_frame(
    problem: FrameProblem,
    states: ObjectStates,
    settings: RegisterSettings,
    *,
    class_count: int,
) -> npt.NDArray[np.intp]:
    """Return the row of the object of each chosen sighting (n,), -1 for a new object.

    Minus twice the log likelihood is minimised over all pairs (Blackman 2004, global nearest
    neighbour), with pairs outside the 99 % gate left out. All sightings of a frame share the error
    of its attitude: it is estimated from a first assignment, and the second one is made without.
    """
    view, chosen, rows = problem.view, problem.chosen, problem.rows
    if not (len(chosen) and len(rows)):
        return np.full(len(chosen), -1, np.intp)
    slopes = view.slopes[chosen]
    places, spread = states.predicted(rows, slopes)
    residuals = view.positions_en[chosen][:, None] - places
    own = spread + view.own_covariance[chosen][:, None]
    own = own + problem.walk_variance[None, :, None, None] * np.eye(2)
    shared = view.frame_covariance[chosen]
    base = _other_costs(problem, states, settings, class_count=class_count)
    solver = _Solver(problem, states, settings, base)
    pairs = solver.solve(residuals, own + shared[:, None])
    shift = _shift(residuals, own, shared, pairs)
    if shift is not None:
        offset, left = shift
        pairs = solver.solve(residuals - offset, own + left)
    found = np.full(len(chosen), -1, np.intp)
    for sighting, column in pairs:
        found[sighting] = rows[column]
    return found


def _other_costs(
    problem: FrameProblem,
    states: ObjectStates,
    settings: RegisterSettings,
    *,
    class_count: int,
) -> npt.NDArray[np.float64]:
    """Return what class and size add to the cost (n, m) of each pair."""
    agreement = settings.class_agreement
    other = (1 - agreement) / max(class_count - 1, 1)
    same = problem.class_ids[:, None] == states.class_id[problem.rows][None]
    cost = np.where(same, -2 * math.log(agreement), -2 * math.log(max(other, 1e-6)))
    sides = problem.view.sides_m[problem.chosen]
    log_size = np.log(np.maximum(sides, 1e-3)).mean(axis=1)
    ratio = (log_size[:, None] - states.log_size[problem.rows][None]) / settings.size_sigma
    whole = ~problem.view.cut[problem.chosen][:, None] & states.is_whole[problem.rows][None]
    cost += np.where(whole, np.minimum(ratio**2 / 2, 9.0), 0.5)
    return cost


@dataclass(frozen=True, eq=False)
class _Solver:
    """Assigns a frame by residuals and covariances; `base` (n, m) is what else pairs cost."""

    problem: FrameProblem
    states: ObjectStates
    settings: RegisterSettings
    base: npt.NDArray[np.float64]

    def solve(
        self, residuals: npt.NDArray[np.float64], covariances: npt.NDArray[np.float64]
    ) -> list[tuple[int, int]]:
        """Return the assigned pairs of sighting and column."""
        problem = self.problem
        distance, log_det = _mahalanobis(residuals, covariances)
        contained = _contained(problem, self.states)
        distance = np.where(contained, np.minimum(distance, _INSIDE_DISTANCE), distance)
        gate = np.where(problem.tracked, _TRACK_GATE * GATE_2D, GATE_2D)
        cost = distance + log_det + 2 * math.log(2 * math.pi) + self.base
        cost -= _TRACK_BONUS * problem.tracked
        new = -2 * math.log(self.settings.new_objects_per_m2) + 1.0
        allowed = (distance <= gate) & (cost < new) & ~problem.forbidden
        lines, columns = linear_sum_assignment(np.where(allowed, cost - new, 0.0))
        return [(int(i), int(j)) for i, j in zip(lines, columns, strict=True) if allowed[i, j]]


def _contained(problem: FrameProblem, states: ObjectStates) -> npt.NDArray[np.bool_]:
    """Return the pairs (n, m) of a piece that the image's edge cut, and the whole around it."""
    cut = problem.view.cut[problem.chosen]
    rows = problem.rows
    same = problem.class_ids[:, None] == states.class_id[rows][None]
    boxes = states.box_en[rows]
    piece = cut[:, None] & (inside_shares(problem.boxes_en, boxes) > _INSIDE)
    around = ~states.is_whole[rows][None] & (inside_shares(boxes, problem.boxes_en).T > _INSIDE)
    return same & (piece | around)


def _shift(
    residuals: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    shared: npt.NDArray[np.float64],
    pairs: list[tuple[int, int]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Estimate the error that all sightings of a frame share, and its covariance (2, 2)."""
    if len(pairs) < _LEAST_FOR_SHIFT:
        return None
    lines, columns = (np.array(side) for side in zip(*pairs, strict=True))
    errors, weights = residuals[lines, columns], np.linalg.inv(own[lines, columns])
    prior = shared[lines].mean(axis=0) + 1e-9 * np.eye(2)
    middle = np.median(errors, axis=0)
    distance = np.sqrt(np.einsum('ni,nij,nj->n', errors - middle, weights, errors - middle))
    weights = weights * np.minimum(1.0, 2.0 / np.maximum(distance, 1e-9))[:, None, None]
    total = weights.sum(axis=0) + np.linalg.inv(prior)
    covariance = np.linalg.inv(total)
    offset = covariance @ np.einsum('nij,nj->i', weights, errors)
    # The error is the same for all only at one place of the image; a quarter of it is not.
    return offset, covariance + 0.0625 * prior


def _mahalanobis(
    residuals: npt.NDArray[np.float64], covariances: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return squared distances and the logarithm of determinants of (..., 2, 2) in closed form."""
    a, b, d = covariances[..., 0, 0], covariances[..., 0, 1], covariances[..., 1, 1]
    determinant = np.maximum(a * d - b * b, 1e-12)
    x, y = residuals[..., 0], residuals[..., 1]
    distance = (d * x * x - 2 * b * x * y + a * y * y) / determinant
    return np.nan_to_num(distance, nan=_FAR), np.log(determinant)
