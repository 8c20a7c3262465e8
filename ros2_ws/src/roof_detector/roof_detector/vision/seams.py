# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The merging of detections of a frame and its tiles into one list without duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.detections import Detections
from roof_detector.vision.masks import Index, InstanceMasks, Masks, pixel_window
from roof_detector.vision.matching import box_areas, iou_of_pairs, shared_areas
from roof_detector.vision.suppression import suppress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.vision.tiles import TileGrid

# A box that ends this close to its tile's edge, as a share of the tile's side, may continue beyond
# it: networks end the box of a cut object some pixels before the edge or on it.
_AT_EDGE = 0.01
# A cut box is a piece of a whole one that contains more than this share of it, ...
_INSIDE = 0.5
# ... and two cut boxes are one object if they overlap by this where both tiles see it.
_AGREE = 0.5


@dataclass(frozen=True, eq=False)
class View:
    """The detections of one view of the frame, in pixels of the frame.

    `window_xyxy` (4,) is the part of the frame that the view shows.
    """

    detections: Detections
    window_xyxy: npt.NDArray[np.float32]

    @classmethod
    def of_frame(cls, found: Detections, source_wh: tuple[int, int]) -> View:
        """Return the view of a whole frame."""
        return cls(found, np.array((0, 0, *source_wh), np.float32))

    @classmethod
    def of_tile(cls, found: Detections, grid: TileGrid, position: int) -> View:
        """Return the view of a tile, with detections mapped from tile to frame pixels."""
        origin_xy, masks = grid.corners_xy[position], found.masks
        boxes = found.boxes_xyxy + np.array(origin_xy * 2, np.float32)
        if masks is not None:
            assert isinstance(masks, InstanceMasks)
            masks = masks.placed(boxes, origin_xy=origin_xy, image_wh=grid.source_wh)
        placed = Detections(
            boxes_xyxy=boxes, scores=found.scores, class_ids=found.class_ids, masks=masks
        )
        return cls(placed, grid.tile_xyxy(position))


@dataclass(frozen=True, eq=False, kw_only=True)
class _Found:
    """The boxes of all views in one list, `windows_xyxy` (n, 4) the view of each."""

    boxes_xyxy: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]
    windows_xyxy: npt.NDArray[np.float32]


def merge(
    views: Sequence[View], *, source_wh: tuple[int, int], iou: float, max_detections: int
) -> Detections:
    """Merge the detections of views of one frame, class by class.

    Boxes that no inner edge of a view cuts go through NMS by `iou`. A cut box counts only if no
    whole one contains it: then pieces that agree where their views overlap become one box around
    them, with the highest confidence and all their masks.
    """
    counts = [len(view.detections) for view in views]
    if not sum(counts):
        return views[0].detections if views else Detections.empty()
    every = _Found(
        boxes_xyxy=np.concatenate([view.detections.boxes_xyxy for view in views]),
        scores=np.concatenate([view.detections.scores for view in views]),
        class_ids=np.concatenate([view.detections.class_ids for view in views]),
        windows_xyxy=np.repeat([view.window_xyxy for view in views], counts, axis=0),
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
    return Detections(
        boxes_xyxy=boxes[kept], scores=scores[kept], class_ids=class_ids[kept], masks=masks
    )


def is_cut(
    boxes_xyxy: npt.NDArray[np.float32],
    windows_xyxy: npt.NDArray[np.float32],
    *,
    source_wh: tuple[int, int],
) -> npt.NDArray[np.bool_]:
    """Return which boxes (n, 4) end at an edge of their window (n, 4) inside the frame."""
    sides = windows_xyxy[:, 2:] - windows_xyxy[:, :2]
    near = np.abs(boxes_xyxy - windows_xyxy) <= _AT_EDGE * np.tile(sides, 2)
    inner = windows_xyxy != np.array((0, 0, *source_wh), np.float32)
    return np.asarray((near & inner).any(axis=1))


def _groups(
    every: _Found, *, source_wh: tuple[int, int], iou: float
) -> list[npt.NDArray[np.intp]]:
    """Return the positions that make up each object: one whole box, or its pieces."""
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
    """Group pieces of one object, connected directly or through others."""
    group_of = np.arange(len(pieces))
    for i in range(len(pieces)):
        for j in np.flatnonzero(_agree(every, pieces[i], pieces[:i])):
            group_of[group_of == group_of[j]] = group_of[i]
    return [pieces[group_of == group] for group in dict.fromkeys(group_of.tolist())]


def _agree(every: _Found, piece: np.intp, others: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Return which boxes of other views show the same as a piece where both views overlap."""
    own_window, windows = every.windows_xyxy[piece], every.windows_xyxy[others]
    low = np.maximum(own_window[:2], windows[:, :2])
    high = np.maximum(np.minimum(own_window[2:], windows[:, 2:]), low)
    limits = np.tile(low, 2), np.tile(high, 2)  # nothing is left if the views do not overlap
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


@dataclass(frozen=True, eq=False)
class JoinedMasks(Masks):
    """The masks of instances that are joined from several views of one image.

    `pieces` holds for each instance the masks, one in each view, that make it up; they lie within
    its box, `boxes_xyxy` (n, 4) float32 in pixels of the image.
    """

    pieces: tuple[tuple[Masks, ...], ...]
    boxes_xyxy: npt.NDArray[np.float32]
    image_wh: tuple[int, int]

    @property
    def source_wh(self) -> tuple[int, int]:
        """Return the image's width and height."""
        return self.image_wh

    def __getitem__(self, index: Index) -> JoinedMasks:
        chosen = np.arange(len(self))[index]
        pieces = tuple(self.pieces[i] for i in chosen)
        return JoinedMasks(pieces, self.boxes_xyxy[index], self.image_wh)

    def window(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Return the rows and columns of one instance's box, and its mask within them."""
        size_wh = size_wh or self.image_wh
        rows, columns = pixel_window(
            self.boxes_xyxy[position], source_wh=self.image_wh, size_wh=size_wh
        )
        inside = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
        for piece in self.pieces[position]:
            (own_rows, own_columns), part = piece.window(0, size_wh=size_wh)
            y, x = own_rows.start - rows.start, own_columns.start - columns.start
            inside[y : y + part.shape[0], x : x + part.shape[1]] |= part
        return (rows, columns), inside
