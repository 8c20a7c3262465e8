# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Puts what was detected in the tiles of an orthophoto together, each object once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely import STRtree, box

from roof_detector.bags.finding_messages import DETECTIONS, detections_bytes, read_detections
from roof_detector.bags.mask_messages import MASKS, masks_bytes, read_masks
from roof_detector.bags.typestore import shared_typestore
from roof_detector.inputs.frame import Frame
from roof_detector.inputs.input import DEFAULT_FRAME_ID
from roof_detector.offline.inference import InferredFrame
from roof_detector.offline.journal import Inferred
from roof_detector.offline.outcome import cap_note
from roof_detector.vision.detections import Detections
from roof_detector.vision.seams import JoinedMasks, View, merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.inputs.raster import RasterInput

_NAMED = 3


class RasterMosaic:
    """Collects the results of a raster's tiles and merges them to those of one frame.

    `blank` counts the tiles without anything to see, `unreadable` the reasons of those that cannot
    be read, and `capped` the tiles of which only the most certain detections were kept.
    """

    def __init__(
        self, source: RasterInput, *, names: tuple[str, ...], iou: float, max_detections: int
    ) -> None:
        self._source = source
        self._max_detections = max_detections
        self._names = names
        self._iou = iou
        self._views: list[View] = []
        self._inference_s = 0.0
        self.blank = 0
        self.capped = 0
        self.unreadable: list[str] = []

    def add(self, index: int, inferred: Inferred) -> None:
        """Add the result of a tile by its index."""
        self._inference_s += inferred.inference_s
        if inferred.error:
            self.unreadable.append(inferred.error)
            return
        if not inferred.detections:
            self.blank += 1
            return
        message = shared_typestore().deserialize_cdr(inferred.detections, DETECTIONS)
        found = read_detections(message, names=self._names)
        self.capped += len(found) >= self._max_detections
        if not len(found):
            return
        left, top, width, height = self._source.tiles[index].window_xywh
        corner = np.array((left, top) * 2, np.float32)
        boxes, masks = found.boxes_xyxy + corner, None
        if inferred.masks:
            message = shared_typestore().deserialize_cdr(inferred.masks, MASKS)
            masks = read_masks(message, found, size_wh=(width, height)).placed(
                boxes, origin_xy=(left, top), image_wh=self._source.raster.size_wh
            )
        placed = Detections(
            boxes_xyxy=boxes, scores=found.scores, class_ids=found.class_ids, masks=masks
        )
        window = np.array((left, top, left + width, top + height), np.float32)
        self._views.append(View(placed, window))

    def frame(self) -> InferredFrame:
        """Return the raster as one frame with what was detected in all of it."""
        source = self._source
        whole = Frame(
            index=0,
            name=source.frame_name,
            stamp_ns=0,
            image=source.tiles[0],
            frame_id=DEFAULT_FRAME_ID,
        )
        return InferredFrame(frame=whole, inferred=self._inferred(), image_bgr=None, is_new=True)

    def _inferred(self) -> Inferred:
        """Return the detections of the whole raster, or the error if no tile could be read."""
        source = self._source
        if len(self.unreadable) == len(source.tiles):
            return Inferred(size_wh=(0, 0), error=self.unreadable[0], name=source.frame_name)
        size_wh = source.raster.size_wh
        merged = merge_views(self._views, source_wh=size_wh, iou=self._iou)
        return Inferred(
            size_wh=size_wh,
            detections=detections_bytes(
                merged, names=self._names, stamp_ns=0, frame_id=DEFAULT_FRAME_ID
            ),
            masks=masks_bytes(merged),
            inference_s=round(self._inference_s, 6),
            name=source.frame_name,
            content=source.content,
        )

    def warnings(self) -> list[str]:
        """Return which tiles could not be read, in one sentence."""
        if not self.unreadable:
            return []
        reasons = ' '.join(dict.fromkeys(self.unreadable[:_NAMED]))
        return [
            f'{len(self.unreadable)} of {len(self._source.tiles)} tiles cannot be read and were '
            f'not searched: {reasons}'
        ]

    def notes(self) -> list[str]:
        """Return how many tiles were searched, were empty, or had more than is kept."""
        searched = len(self._source.tiles) - self.blank - len(self.unreadable)
        empty = f'; {self.blank} are empty and were skipped' if self.blank else ''
        notes = [f'{searched} of {len(self._source.tiles)} tiles were searched{empty}.']
        if self.capped:
            notes.append(cap_note(self.capped, f'of {searched} tiles', self._max_detections))
        return notes

    @property
    def saw_nothing(self) -> bool:
        """Return whether no tile held anything to see."""
        return self.blank == len(self._source.tiles)


def merge_views(views: list[View], *, source_wh: tuple[int, int], iou: float) -> Detections:
    """Merge the views of a frame as `merge` does, in memory that grows with their number alone.

    Only boxes that overlap can be one object, so each group of boxes that are connected by
    overlaps is merged by itself.
    """
    if not views:
        return Detections.empty()
    boxes = np.concatenate([view.detections.boxes_xyxy for view in views])
    owners = np.repeat(np.arange(len(views)), [len(view.detections) for view in views])
    firsts = np.concatenate([[0], np.cumsum([len(view.detections) for view in views])])
    parts = []
    for group in connected(boxes):
        pieces = [
            View(
                views[owner].detections[group[owners[group] == owner] - firsts[owner]],
                views[owner].window_xyxy,
            )
            for owner in dict.fromkeys(owners[group].tolist())
        ]
        parts.append(merge(pieces, source_wh=source_wh, iou=iou, max_detections=len(group)))
    order = np.argsort(-np.concatenate([part.scores for part in parts]), kind='stable')
    boxes = np.concatenate([part.boxes_xyxy for part in parts])[order]
    masks = [part.masks for part in parts if isinstance(part.masks, JoinedMasks)]
    shapes = [shape for mask in masks for shape in mask.pieces]
    return Detections(
        boxes_xyxy=boxes,
        scores=np.concatenate([part.scores for part in parts])[order],
        class_ids=np.concatenate([part.class_ids for part in parts])[order],
        masks=JoinedMasks(tuple(shapes[i] for i in order), boxes, source_wh)
        if len(masks) == len(parts)
        else None,
    )


def connected(boxes_xyxy: NDArray[np.float32]) -> list[NDArray[np.intp]]:
    """Return the positions of the boxes (n, 4) in groups that no overlap connects."""
    shapes = box(*boxes_xyxy.astype(np.float64).T)
    first, second = STRtree(shapes).query(shapes, predicate='intersects')
    parent = np.arange(len(boxes_xyxy))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = int(parent[position])
        return position

    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        if a < b:
            parent[root(b)] = root(a)
    groups: dict[int, list[int]] = {}
    for position in range(len(boxes_xyxy)):
        groups.setdefault(root(position), []).append(position)
    return [np.array(group, dtype=np.intp) for group in groups.values()]
