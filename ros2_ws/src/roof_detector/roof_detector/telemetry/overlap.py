# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Adjusts the poses of overlapping photos to one another.

Two photos of one roof see the same marks. If their tags put these at two positions, the tags are
wrong: this reveals GPS errors, compass errors and even photos that a camera saved upside down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.rotation import Rotation
from roof_detector.telemetry.photo_pose import PhotoPose

_MATCHED_SIDE_PX = 1000  # the longer side at which marks are looked for
_MOST_MARKS = 2000
_RATIO = 0.75  # Lowe 2004: of the distances to the nearest and the second nearest mark
_RANSAC_PX = 3.0
_LEAST_TIES = 20
_TIES_OF_PAIR = 40
_NEIGHBOURS = 6
_TIE_SIGMA_M = 0.1
_HEIGHT_SIGMA_M = 1.0
# A photo is turned back only where that makes the marks of its pairs agree so much better.
_LEAST_GAIN, _LEAST_GAIN_M = 3.0, 3.0
_HALF_TURN = np.diag([-1.0, -1.0, 1.0])

Load = Callable[[PhotoPose], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False, kw_only=True)
class TiePoints:
    """Pixels (n, 2) of the same marks in two photos, given by their numbers."""

    first: int
    second: int
    first_px: NDArray[np.float64]
    second_px: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """Adjusted poses, the distances of the marks of pairs before and after, and corrections.

    The distances are the medians over all pairs of photos, in metres on the ground.
    """

    poses: tuple[PhotoPose, ...]
    pair_count: int = 0
    apart_before_m: float = 0.0
    apart_after_m: float = 0.0
    turned: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a note about the adjustment, and one about photos that were upside down."""
        if not self.pair_count:
            return ()
        found = [
            f'{len(self.poses)} photos were adjusted to each other by {self.pair_count} overlaps: '
            f'their marks were {self.apart_before_m:.1f} m apart and are '
            f'{self.apart_after_m:.2f} m apart.'
        ]
        if self.turned:
            found.append(
                f'{", ".join(self.turned)}: saved upside down, unlike their tags, as the overlap '
                'with other photos shows; they are used upside down.'
            )
        return tuple(found)


def adjust(poses: Sequence[PhotoPose], heights_m: Sequence[float], load: Load) -> Adjustment:
    """Adjust the poses of photos of level ground to each other where they overlap.

    `heights_m` are the heights above that ground; `load` returns a photo as shown, BGR or grey
    uint8. The common error of all photos stays: no overlap shows it. Poses of photos without an
    overlap stay as they are, covariances too.
    """
    scene = _Scene(poses, heights_m)
    ties = _find_ties(scene, load)
    if not ties:
        return Adjustment(poses=tuple(poses))
    before = scene.apart_m(ties)
    turned = _turned(scene, ties)
    scene.turn(turned)
    _bundle(scene, ties)
    return Adjustment(
        poses=scene.poses(),
        pair_count=len(ties),
        apart_before_m=before,
        apart_after_m=scene.apart_m(ties),
        turned=tuple(poses[number].path.name for number in sorted(turned)),
    )


class _Scene:
    """The cameras in metres east, north, up of the ground below the middle of all photos.

    That is where most are, so that one of a wrong position far away bends no distance of others.
    """

    def __init__(self, poses: Sequence[PhotoPose], heights_m: Sequence[float]) -> None:
        self._poses = tuple(poses)
        geodetic = np.array([(one.latitude_deg, one.longitude_deg, 0.0) for one in poses])
        latitude, longitude, _ = np.median(geodetic, axis=0).tolist()
        self._plane = LocalTangentPlane(latitude, longitude, 0.0)
        self.positions = self._plane.to_enu(geodetic)
        self._sea_level = self.positions[:, 2].copy()
        self.positions[:, 2] = heights_m
        self._given_heights = np.asarray(heights_m, np.float64)
        self.rotations = np.stack([one.rotation for one in poses])

    def pose(self, number: int) -> PhotoPose:
        return self._poses[number]

    def rays(self, number: int, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return directions (n, 3) in the optical frame."""
        return self._poses[number].lens.rays(pixels)

    def ground(
        self, number: int, pixels: NDArray[np.float64], *, turned: bool = False
    ) -> NDArray[np.float64]:
        """Return the positions of pixels (n, 2) on the ground, (n, 2) east and north."""
        rotation = self.rotations[number] @ (_HALF_TURN if turned else np.eye(3))
        return _on_ground(self.positions[number], self.rays(number, pixels) @ rotation.T)

    def turn(self, numbers: set[int]) -> None:
        for number in numbers:
            self.rotations[number] = self.rotations[number] @ _HALF_TURN

    def apart_m(self, ties: Sequence[TiePoints]) -> float:
        """Return the median over pairs of the median distance of their marks."""
        return float(np.median([_apart(self, tie, (False, False)) for tie in ties]))

    def poses(self) -> tuple[PhotoPose, ...]:
        level = np.column_stack([self.positions[:, :2], self._sea_level])
        positions = self._plane.to_geodetic(level)
        raised = self.positions[:, 2] - self._given_heights
        return tuple(
            replace(
                one,
                latitude_deg=float(position[0]),
                longitude_deg=float(position[1]),
                altitude_m=None if one.altitude_m is None else one.altitude_m + up,
                relative_altitude_m=(
                    None if one.relative_altitude_m is None else one.relative_altitude_m + up
                ),
                rotation=rotation,
            )
            for one, position, rotation, up in zip(
                self._poses, positions, self.rotations, map(float, raised), strict=True
            )
        )


def _on_ground(position: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    down = np.where(rays[:, 2] < -1e-3, -rays[:, 2], np.nan)
    points: NDArray[np.float64] = position[:2] + position[2] * rays[:, :2] / down[:, None]
    return points


def _find_ties(scene: _Scene, load: Load) -> list[TiePoints]:
    """Return the marks that neighbouring photos share."""
    pairs = _neighbours(scene)
    wanted = sorted({number for pair in pairs for number in pair})
    marks = {number: _marks(load(scene.pose(number))) for number in wanted}
    ties = (_matched(first, second, marks[first], marks[second]) for first, second in pairs)
    return [tie for tie in ties if tie is not None]


def _neighbours(scene: _Scene) -> list[tuple[int, int]]:
    """Return the pairs of photos near enough to overlap, at most some for each."""
    positions = scene.positions[:, :2]
    reach = [
        scene.positions[n, 2] * max(scene.pose(n).lens.size_wh) / scene.pose(n).lens.matrix[0, 0]
        for n in range(len(positions))
    ]
    found: set[tuple[int, int]] = set()
    for number in range(len(positions)):
        distances = np.linalg.norm(positions - positions[number], axis=1)
        for other in np.argsort(distances, kind='stable')[1 : _NEIGHBOURS + 1]:
            if distances[other] < (reach[number] + reach[other]) / 2:
                found.add((min(number, int(other)), max(number, int(other))))
    return sorted(found)


def _marks(image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float32] | None]:
    """Return pixels (n, 2) in the whole photo and descriptors (n, 128) of its marks (SIFT)."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    zoom = min(1.0, _MATCHED_SIDE_PX / max(grey.shape))
    small = cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    keypoints, descriptors = cv2.SIFT_create(_MOST_MARKS).detectAndCompute(small, None)  # type: ignore[attr-defined]
    scale = np.array(grey.shape[::-1]) / np.array(small.shape[::-1])
    pixels = np.array([one.pt for one in keypoints], np.float64).reshape(-1, 2)
    return (pixels + 0.5) * scale - 0.5, descriptors


def _matched(
    first: int,
    second: int,
    marks: tuple[NDArray[np.float64], NDArray[np.float32] | None],
    others: tuple[NDArray[np.float64], NDArray[np.float32] | None],
) -> TiePoints | None:
    if marks[1] is None or others[1] is None or min(len(marks[0]), len(others[0])) < 2:
        return None
    pairs = [
        (one.queryIdx, one.trainIdx)
        for one, next_best in cv2.BFMatcher().knnMatch(marks[1], others[1], k=2)
        if one.distance < _RATIO * next_best.distance
    ]
    if len(pairs) < _LEAST_TIES:
        return None
    numbers = np.array(pairs)
    here, there = marks[0][numbers[:, 0]], others[0][numbers[:, 1]]
    reach = _RANSAC_PX * np.ptp(marks[0], axis=0).max() / _MATCHED_SIDE_PX
    _, agree = cv2.findHomography(here, there, cv2.RANSAC, max(reach, _RANSAC_PX), maxIters=2000)
    chosen = np.flatnonzero(agree) if agree is not None else np.array([], int)
    if len(chosen) < _LEAST_TIES:
        return None
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), _TIES_OF_PAIR)).astype(int)]
    return TiePoints(first=first, second=second, first_px=here[chosen], second_px=there[chosen])


def _apart(scene: _Scene, tie: TiePoints, turned: tuple[bool, bool]) -> float:
    """Return the median distance on the ground of a pair's marks, infinite where unseen."""
    first = scene.ground(tie.first, tie.first_px, turned=turned[0])
    second = scene.ground(tie.second, tie.second_px, turned=turned[1])
    distances = np.linalg.norm(first - second, axis=1)
    return float(np.median(np.where(np.isnan(distances), np.inf, distances)))


def _turned(scene: _Scene, ties: Sequence[TiePoints]) -> set[int]:
    """Return the photos that are upside down, unlike their tags.

    Marks of a pair tell which of the four cases it is in: wrongly turned photos are apart by
    twice the way flown. Along a tree of the pairs with the most in common the best case of all is
    exact (dynamic programming), and whole groups count only where they agree much better.
    """
    costs = {
        (tie.first, tie.second): {
            case: min(_apart(scene, tie, case), 1e4)
            for case in ((False, False), (False, True), (True, False), (True, True))
        }
        for tie in ties
    }
    found: set[int] = set()
    for tree in _trees(ties):
        states = _best_states(tree, costs)
        inside = [pair for pair in costs if pair[0] in states]
        as_told = sum(costs[pair][False, False] for pair in inside)
        as_found = sum(costs[a, b][states[a], states[b]] for a, b in inside)
        is_clear = as_told > _LEAST_GAIN * as_found
        if is_clear and as_told - as_found > _LEAST_GAIN_M * len(inside):
            found |= {number for number, is_turned in states.items() if is_turned}
    return found


def _trees(ties: Sequence[TiePoints]) -> list[list[tuple[int, int]]]:
    """Return the edges of a spanning tree of each group of photos, those of most ties first."""
    group: dict[int, int] = {}
    edges: dict[int, list[tuple[int, int]]] = {}
    for tie in sorted(ties, key=lambda one: -len(one.first_px)):
        a = group.setdefault(tie.first, tie.first)
        b = group.setdefault(tie.second, tie.second)
        if a == b:
            continue
        edges[a] = [*edges.get(a, []), *edges.pop(b, []), (tie.first, tie.second)]
        group.update({number: a for number, of in group.items() if of == b})
    return list(edges.values())


def _best_states(
    tree: Sequence[tuple[int, int]],
    costs: dict[tuple[int, int], dict[tuple[bool, bool], float]],
) -> dict[int, bool]:
    """Return for each photo of a tree whether it is turned, with the least sum over its edges."""
    beside: dict[int, list[int]] = {}
    for a, b in tree:
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    root = tree[0][0]
    order, parent = [root], {root: -1}
    for number in order:  # grows while it is walked through
        for other in beside[number]:
            if other not in parent:
                parent[other] = number
                order.append(other)

    def cost(number: int, is_turned: bool, other: int, other_turned: bool) -> float:  # noqa: FBT001
        if number < other:
            return costs[number, other][is_turned, other_turned]
        return costs[other, number][other_turned, is_turned]

    below: dict[int, list[float]] = {number: [0.0, 0.0] for number in order}
    choice: dict[int, list[bool]] = {}
    for number in reversed(order[1:]):
        up = parent[number]
        choice[number] = []
        for up_turned in (False, True):
            sums = [
                cost(number, state, up, up_turned) + below[number][state]
                for state in (False, True)
            ]
            choice[number].append(sums[1] < sums[0])
            below[up][up_turned] += min(sums)
    states = {root: below[root][1] < below[root][0]}
    for number in order[1:]:
        states[number] = choice[number][states[parent[number]]]
    return states


def _bundle(scene: _Scene, ties: Sequence[TiePoints]) -> None:
    """Move the cameras, within what their covariances allow, until their marks agree.

    Six numbers a photo: east, north, height and small turns about east, north, up. The ground is
    level; a robust loss (soft L1) leaves marks on higher objects be.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415  (of the extra `ground`)
    from scipy.sparse import lil_matrix  # noqa: PLC0415

    numbers = sorted({n for tie in ties for n in (tie.first, tie.second)})
    column = {number: 6 * index for index, number in enumerate(numbers)}
    rays = [
        (scene.rays(tie.first, tie.first_px), scene.rays(tie.second, tie.second_px))
        for tie in ties
    ]
    sigmas = np.concatenate([_sigmas(scene.pose(number)) for number in numbers])

    def residuals(changes: NDArray[np.float64]) -> NDArray[np.float64]:
        found = []
        for tie, (first, second) in zip(ties, rays, strict=True):
            here, there = (
                _on_ground(*_moved(scene, number, changes[column[number] :][:6], directions))
                for number, directions in ((tie.first, first), (tie.second, second))
            )
            found.append(np.nan_to_num((here - there) / _TIE_SIGMA_M, nan=0.0).ravel())
        return np.concatenate([*found, changes / sigmas])

    count = 2 * sum(len(tie.first_px) for tie in ties)
    pattern = lil_matrix((count + len(sigmas), len(sigmas)), dtype=int)
    row = 0
    for tie in ties:
        height = 2 * len(tie.first_px)
        for number in (tie.first, tie.second):
            pattern[row : row + height, column[number] : column[number] + 6] = 1
        row += height
    pattern[np.arange(len(sigmas)) + count, np.arange(len(sigmas))] = 1
    solved = least_squares(
        residuals,
        np.zeros(len(sigmas)),
        jac_sparsity=pattern,
        loss='soft_l1',
        x_scale=sigmas,
        ftol=1e-4,
        max_nfev=50,
    ).x
    for number in numbers:
        change = solved[column[number] :][:6]
        scene.positions[number] += change[:3]
        scene.rotations[number] = (
            Rotation.from_rotvec(change[3:]).as_matrix() @ scene.rotations[number]
        )


def _moved(
    scene: _Scene, number: int, change: NDArray[np.float64], rays: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rotation = Rotation.from_rotvec(change[3:]).as_matrix() @ scene.rotations[number]
    return scene.positions[number] + change[:3], rays @ rotation.T


def _sigmas(pose: PhotoPose) -> NDArray[np.float64]:
    sigma = np.sqrt(np.diag(pose.position_covariance))
    turns = np.sqrt(np.diag(pose.attitude_covariance))
    sigmas: NDArray[np.float64] = np.array([*sigma[:2], min(sigma[2], _HEIGHT_SIGMA_M), *turns])
    return np.maximum(sigmas, 1e-4)
