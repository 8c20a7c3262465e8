# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Assigns the sightings of one frame to the objects of a flight, all at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.assignment import assign
from roof_detector.findings.attitude_estimate import estimate_turn, likeliest_turn
from roof_detector.findings.covariances import mahalanobis
from roof_detector.findings.object_states import inside_shares
from roof_detector.findings.register_settings import GATE_2D

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.frame_attitude import AttitudeError
    from roof_detector.findings.object_states import ObjectStates
    from roof_detector.findings.register_settings import RegisterSettings
    from roof_detector.findings.sightings import GroundView

# Where the image motion says that it is the same object, the distance may be this much larger.
_TRACK_GATE = 3.0
_TRACK_BONUS = 6.0
_INSIDE = 0.6
_INSIDE_DISTANCE = 4.0
_LEAST_FOR_TURN = 2


@dataclass(frozen=True, eq=False, kw_only=True)
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
    attitude: AttitudeError
    doubted: AttitudeError | None = None
    """What would be known without the frames before, where those are to be doubted."""


def assign_frame(
    problem: FrameProblem,
    states: ObjectStates,
    settings: RegisterSettings,
    *,
    class_count: int,
) -> tuple[npt.NDArray[np.intp], AttitudeError]:
    """Return the row of the object of each chosen sighting (n,), -1 for a new object.

    The second value is the error of the frame's attitude, as far as the objects tell it.

    Minus twice the log likelihood is minimised over all pairs (global nearest neighbour, Blackman
    2004), and pairs outside the 99 % gate are left out. All sightings of a frame share the error
    of its attitude: it is estimated from a first assignment, and the second one is made without.
    """
    view, chosen, rows = problem.view, problem.chosen, problem.rows
    if not (len(chosen) and len(rows)):
        return np.full(len(chosen), -1, np.intp), problem.attitude
    slopes = view.slopes[chosen]
    places, spread = states.predicted(rows, slopes)
    residuals = view.positions_en[chosen][:, None] - places
    own = spread + view.own_covariance[chosen][:, None]
    own = own + problem.walk_variance[None, :, None, None] * np.eye(2)
    jacobians = np.concatenate([view.turn_jacobians[chosen], slopes[..., None]], axis=2)
    base = _other_costs(problem, states, settings, class_count=class_count)
    solver = _Solver(
        problem=problem, settings=settings, base=base, contained=_contained(problem, states)
    )
    attitude = problem.attitude
    if problem.doubted is not None:
        same = problem.class_ids[:, None] == states.class_id[rows][None]
        attitude = likeliest_turn(
            problem.attitude, problem.doubted, residuals, own, jacobians, same=same
        )
        if attitude is not problem.attitude:
            solver = replace(solver, problem=replace(problem, tracked=problem.tracked & False))
    pairs = solver.solve(*attitude.removed(residuals, own, jacobians))
    if len(pairs) >= _LEAST_FOR_TURN:
        attitude = estimate_turn(attitude, residuals, own, jacobians, pairs)
        pairs = solver.solve(*attitude.removed(residuals, own, jacobians))
    found = np.full(len(chosen), -1, np.intp)
    for sighting, column in pairs:
        found[sighting] = rows[column]
    return found, attitude


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


@dataclass(frozen=True, eq=False, kw_only=True)
class _Solver:
    """Assigns a frame by residuals and covariances; `base` (n, m) is what else pairs cost.

    `contained` (n, m) tells the pairs of which one is a piece of the other.
    """

    problem: FrameProblem
    settings: RegisterSettings
    base: npt.NDArray[np.float64]
    contained: npt.NDArray[np.bool_]

    def solve(
        self, residuals: npt.NDArray[np.float64], covariances: npt.NDArray[np.float64]
    ) -> list[tuple[int, int]]:
        """Return the assigned pairs of sighting and column."""
        problem = self.problem
        distance, log_det = mahalanobis(residuals, covariances)
        distance = np.where(self.contained, np.minimum(distance, _INSIDE_DISTANCE), distance)
        gate = np.where(problem.tracked, _TRACK_GATE * GATE_2D, GATE_2D)
        cost = distance + log_det + 2 * math.log(2 * math.pi) + self.base
        cost -= _TRACK_BONUS * problem.tracked
        new = -2 * math.log(self.settings.new_objects_per_m2) + 1.0
        allowed = (distance <= gate) & (cost < new) & ~problem.forbidden
        lines, columns = assign(cost - new, allowed)
        return list(zip(lines.tolist(), columns.tolist(), strict=True))


def _contained(problem: FrameProblem, states: ObjectStates) -> npt.NDArray[np.bool_]:
    """Return the pairs (n, m) of a piece that the image's edge cut, and the whole around it."""
    cut = problem.view.cut[problem.chosen]
    rows = problem.rows
    if not cut.any() and states.is_whole[rows].all():
        return np.zeros((len(cut), len(rows)), np.bool_)
    same = problem.class_ids[:, None] == states.class_id[rows][None]
    boxes = states.box_en[rows]
    piece = cut[:, None] & (inside_shares(problem.boxes_en, boxes) > _INSIDE)
    around = ~states.is_whole[rows][None] & (inside_shares(boxes, problem.boxes_en).T > _INSIDE)
    return same & (piece | around)
