# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What was found in a frame and in its tiles becomes one list without duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.detections import Detections
from roof_detector.vision.joined_masks import JoinedMasks
from roof_detector.vision.masks import InstanceMasks, Masks
from roof_detector.vision.matching import box_areas, iou_of_pairs, shared_areas
from roof_detector.vision.suppression import suppress
from roof_detector.vision.tiles import TileGrid

# A box that ends this near to its tile's edge, as a part of the tile's side, may go on beyond:
# networks end the box of a thing that is cut some pixels before the edge or on it.
_AT_EDGE = 0.01
# A cut box is a piece of a whole one that holds more than this of it, ...
_INSIDE = 0.5
# ... and two cut boxes are one thing when they overlap by this where both tiles see it.
_AGREE = 0.5


@dataclass(frozen=True, eq=False)
class View:
    """Hold what was found in one view of the frame, in pixels of the frame.

    `window_xyxy` (4,) is the part of the frame that was seen.
    """

    detections: Detections
    window_xyxy: npt.NDArray[np.float32]

    @classmethod
    def of_frame(cls, found: Detections, source_wh: tuple[int, int]) -> View:
        """Take what was found in the frame seen whole."""
        return cls(found, np.array((0, 0, *source_wh), np.float32))

    @classmethod
    def of_tile(cls, found: Detections, grid: TileGrid, position: int) -> View:
        """Bring what was found in a tile, in pixels of the tile, to where that lies."""
        origin_xy, masks = grid.corners_xy[position], found.masks
        boxes = found.boxes_xyxy + np.array(origin_xy * 2, np.float32)
        if masks is not None:
            assert isinstance(masks, InstanceMasks)
            masks = masks.placed(boxes, origin_xy=origin_xy, image_wh=grid.source_wh)
        placed = Detections(boxes, found.scores, found.class_ids, masks=masks)
        return cls(placed, grid.tile_xyxy(position))


@dataclass(frozen=True, eq=False)
class _Found:
    """Hold the boxes of all views one after another, `windows_xyxy` (n, 4) the view of each."""

    boxes_xyxy: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]
    windows_xyxy: npt.NDArray[np.float32]


def merge(
    views: Sequence[View], *, source_wh: tuple[int, int], iou: float, max_detections: int
) -> Detections:
    """Merge the detections of views of one frame, class by class.

    Boxes that no inner edge of a view cuts are suppressed as ever, by `iou`. A cut box counts only
    where no whole one holds it: then pieces that agree in what their views share become one box
    around them, with the best score and all their masks.
    """
    counts = [len(view.detections) for view in views]
    if not sum(counts):
        return views[0].detections if views else Detections.empty()
    every = _Found(
        np.concatenate([view.detections.boxes_xyxy for view in views]),
        np.concatenate([view.detections.scores for view in views]),
        np.concatenate([view.detections.class_ids for view in views]),
        np.repeat([view.window_xyxy for view in views], counts, axis=0),
    )
    groups = _groups(every, source_wh=source_wh, iou=iou)
    boxes = np.stack([_around(every.boxes_xyxy[group]) for group in groups])
    scores = np.array([every.scores[group].max() for group in groups], np.float32)
    class_ids = np.array([every.class_ids[group[0]] for group in groups], np.int32)
    kept = suppress(boxes, scores, class_ids, iou=iou, max_detections=max_detections)
    masks = None
    if all(view.detections.masks is not None for view in views):
        singles = [one for view in views for one in _singles(view.detections)]
        pieces = tuple(tuple(singles[i] for i in groups[k]) for k in kept)
        masks = JoinedMasks(pieces, boxes[kept], source_wh)
    return Detections(boxes[kept], scores[kept], class_ids[kept], masks=masks)


def is_cut(
    boxes_xyxy: npt.NDArray[np.float32],
    windows_xyxy: npt.NDArray[np.float32],
    *,
    source_wh: tuple[int, int],
) -> npt.NDArray[np.bool_]:
    """Tell which boxes (n, 4) end at an edge of their window (n, 4) that is none of the frame."""
    sides = windows_xyxy[:, 2:] - windows_xyxy[:, :2]
    near = np.abs(boxes_xyxy - windows_xyxy) <= _AT_EDGE * np.tile(sides, 2)
    inner = windows_xyxy != np.array((0, 0, *source_wh), np.float32)
    return np.asarray((near & inner).any(axis=1))


def _groups(
    every: _Found, *, source_wh: tuple[int, int], iou: float
) -> list[npt.NDArray[np.intp]]:
    """Return the positions that make up each thing: one whole box, or the pieces of one."""
    cut = is_cut(every.boxes_xyxy, every.windows_xyxy, source_wh=source_wh)
    whole = np.flatnonzero(~cut)
    whole = whole[
        suppress(
            every.boxes_xyxy[whole],
            every.scores[whole],
            every.class_ids[whole],
            iou=iou,
            max_detections=len(whole) or 1,
        )
    ]
    pieces = np.flatnonzero(cut)
    boxes = every.boxes_xyxy[pieces][:, None]
    same_class = every.class_ids[pieces][:, None] == every.class_ids[whole]
    shared = shared_areas(boxes, every.boxes_xyxy[whole])
    held = same_class & (shared > _INSIDE * box_areas(boxes))
    pieces = pieces[~held.any(axis=1)]
    return [*whole[:, None], *_joined(every, pieces)]


def _joined(every: _Found, pieces: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Group pieces that are one thing, directly or over others between them."""
    group_of = np.arange(len(pieces))
    for i in range(len(pieces)):
        for j in np.flatnonzero(_agree(every, pieces[i], pieces[:i])):
            group_of[group_of == group_of[j]] = group_of[i]
    return [pieces[group_of == group] for group in dict.fromkeys(group_of.tolist())]


def _agree(every: _Found, piece: np.intp, others: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Tell which others, of other views, show within what both views see the same as a piece."""
    own_window, windows = every.windows_xyxy[piece], every.windows_xyxy[others]
    low = np.maximum(own_window[:2], windows[:, :2])
    high = np.maximum(np.minimum(own_window[2:], windows[:, 2:]), low)
    limits = np.tile(low, 2), np.tile(high, 2)  # nothing is left where the views do not meet
    own, theirs = (np.clip(every.boxes_xyxy[i], *limits) for i in (piece, others))
    return np.asarray(
        (iou_of_pairs(own, theirs) >= _AGREE)
        & (windows != own_window).any(axis=1)
        & (every.class_ids[others] == every.class_ids[piece])
    )


def _singles(detections: Detections) -> Iterator[Masks]:
    assert detections.masks is not None
    for i in range(len(detections)):
        yield detections.masks[i : i + 1]


def _around(boxes_xyxy: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.concatenate((boxes_xyxy[:, :2].min(axis=0), boxes_xyxy[:, 2:].max(axis=0)))
