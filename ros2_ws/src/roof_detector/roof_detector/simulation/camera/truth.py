# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ground truth of one frame, read from the painted instance ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.camera.painter import Painter
    from roof_detector.simulation.world.instance import WorldInstance

# An object is labelled if this share of it is in the image and not hidden,
MINIMUM_VISIBLE_SHARE = 0.35
# its visible pixels are this share of the image's (15 of 640x384, 55 of 1280x720),
MINIMUM_AREA_SHARE = 6e-5
# its box's longer side is this share of the image's longer side (8 of 640 pixels),
MINIMUM_SIDE_SHARE = 0.0125
# and a thin object's width is this share of it (two fifths of a pixel at 640): a crack of 2 cm up
# to 26 m with a lens of 64 degrees.
MINIMUM_WIDTH_SHARE = 0.0006


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Boxes (n, 4), ids (n,), positions (n, 3) and the mask (h, w) of positions plus one."""

    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    instance_ids: NDArray[np.int32]
    mask: NDArray[np.uint16]
    positions_enu: NDArray[np.float64]


def read_ground_truth(painter: Painter, instances: dict[int, WorldInstance]) -> Truth:
    """Return the objects that are large and visible enough, with matching mask and boxes."""
    ids = painter.ids
    height, width = ids.shape
    flat = np.flatnonzero(ids)
    owners = ids.reshape(-1)[flat]
    order = np.argsort(owners, kind='stable')
    flat, owners = flat[order], owners[order]
    present, first = np.unique(owners, return_index=True)
    table = np.zeros(int(present.max(initial=0)) + 1, np.uint16)
    boxes: list[tuple[float, float, float, float]] = []
    kept: list[WorldInstance] = []
    for instance_id, pixels in zip(present, np.split(flat, first[1:]), strict=False):
        rows, columns = np.divmod(pixels, width)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        instance = instances[int(instance_id)]
        if not _large_enough(box, len(pixels), (width, height), instance, painter):
            continue
        if _visible_share(instance, len(pixels), painter) < MINIMUM_VISIBLE_SHARE:
            continue
        kept.append(instance)
        boxes.append(box)
        table[instance_id] = len(kept)
    mask = table[ids] if len(present) else np.zeros_like(ids)
    return Truth(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        class_ids=np.array([instance.class_id for instance in kept], np.int32),
        instance_ids=np.array([instance.instance_id for instance in kept], np.int32),
        mask=mask,
        positions_enu=np.array([instance.position_enu for instance in kept], np.float64).reshape(
            -1, 3
        ),
    )


def _large_enough(
    box: tuple[float, float, float, float],
    area: int,
    size_wh: tuple[int, int],
    instance: WorldInstance,
    painter: Painter,
) -> bool:
    longest = max(size_wh)
    if area < MINIMUM_AREA_SHARE * size_wh[0] * size_wh[1]:
        return False
    if max(box[2] - box[0], box[3] - box[1]) < MINIMUM_SIDE_SHARE * longest:
        return False
    if np.isinf(instance.width_m):
        return True
    depth = float(painter.pose.to_optical(instance.position_enu)[2])
    apparent = instance.width_m * painter.camera.fx / max(depth, 0.1)
    return apparent >= MINIMUM_WIDTH_SHARE * longest


def _visible_share(instance: WorldInstance, area: int, painter: Painter) -> float:
    points = painter.pose.to_optical(instance.outline)
    ahead = points[:, 2] > 0.1
    if not ahead.any():
        return 0.0
    pixels = painter.camera.project(points[ahead])
    if instance.solid:
        if not ahead.all():
            return 0.0
        hull = cv2.convexHull(pixels.astype(np.float32))
        return area / max(float(cv2.contourArea(hull)), 1.0)
    height, width = painter.ids.shape
    spots = np.rint(pixels).astype(int)
    inside = (spots >= 0).all(axis=1) & (spots[:, 0] < width) & (spots[:, 1] < height)
    seen = painter.ids[spots[inside, 1], spots[inside, 0]] == instance.instance_id
    # A sample of a thin object may fall beside its pixel: neighbours count as well.
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        x = np.clip(spots[inside, 0] + dx, 0, width - 1)
        y = np.clip(spots[inside, 1] + dy, 0, height - 1)
        seen |= painter.ids[y, x] == instance.instance_id
    return float(seen.sum()) / len(points)
