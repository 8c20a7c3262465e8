# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""JPEGs of sightings: thumbnail, crop, and the whole image with the box."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from roof_detector.findings.live_inspection import LIVE_SOURCE
from roof_detector.station.preview import encoded_jpeg
from roof_detector.station.review.frame_files import FrameFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from roof_detector.station.live_frames import LiveFrames
    from roof_detector.station.review.sightings import StoredSighting

ImageKind = Literal['thumbnail', 'crop', 'context']
THUMBNAIL_BYTES = 4096  # half a second at 64 kbit/s
_THUMBNAIL_WH = (96, 72)
_CROP_PX, _CONTEXT_PX = 480, 960
# A crop shows as much around the box on each side as this share of it.
_AROUND, _LEAST_CROP_PX = 0.75, 64
_YELLOW = (0, 215, 255)
_KEPT = 600
_KEPT_FRAMES = 2


class SightingImages:
    """Makes and keeps JPEGs; one frame is decoded at a time, for all who ask."""

    def __init__(self, roots: Sequence[Path], *, live: LiveFrames | None = None) -> None:
        self._files = FrameFiles(roots)
        self._live = live
        self._lock = threading.Lock()
        self._jpegs: OrderedDict[tuple[int, str], tuple[StoredSighting, bytes]] = OrderedDict()
        self._frames: OrderedDict[tuple[str, str, int], NDArray[np.uint8]] = OrderedDict()

    def jpeg(self, sighting: StoredSighting, kind: ImageKind) -> bytes:
        """Return a JPEG; raise StationError that names an image which is missing."""
        key = (sighting.fid, kind)
        with self._lock:
            known = self._jpegs.get(key)
            # A rerun may have given the number to another sighting.
            if known is not None and known[0] == sighting:
                self._jpegs.move_to_end(key)
                return known[1]
            made = _MADE_BY[kind](self._frame(sighting), sighting)
            self._jpegs[key] = (sighting, made)
            if len(self._jpegs) > _KEPT:
                self._jpegs.popitem(last=False)
            return made

    def close(self) -> None:
        """Close the recordings."""
        with self._lock:
            self._files.close()

    def _frame(self, sighting: StoredSighting) -> NDArray[np.uint8]:
        key = (sighting.source, sighting.topic, sighting.index)
        if key not in self._frames:
            self._frames[key] = self._read(sighting)
            if len(self._frames) > _KEPT_FRAMES:
                self._frames.popitem(last=False)
        return self._frames[key]

    def _read(self, sighting: StoredSighting) -> NDArray[np.uint8]:
        if self._live is not None and sighting.source == LIVE_SOURCE:
            image = self._live.image(sighting.stamp_ns, sighting.box_xyxy)
            if image is not None:
                return image
        return self._files.read(sighting)


def _thumbnail(image_bgr: NDArray[np.uint8], sighting: StoredSighting) -> bytes:
    window, _ = _window(image_bgr, sighting, aspect=_THUMBNAIL_WH[0] / _THUMBNAIL_WH[1])
    small = cv2.resize(window, _THUMBNAIL_WH, interpolation=cv2.INTER_AREA)
    for quality in (70, 50, 30, 15):
        jpeg = encoded_jpeg(small, width=0, quality=quality)
        if len(jpeg) <= THUMBNAIL_BYTES:
            return jpeg
    return encoded_jpeg(small, width=_THUMBNAIL_WH[0] // 2, quality=15)


def _crop(image_bgr: NDArray[np.uint8], sighting: StoredSighting) -> bytes:
    window, corner = _window(image_bgr, sighting, aspect=4 / 3)
    scale = min(_CROP_PX / window.shape[1], 4.0)
    size = (max(1, round(window.shape[1] * scale)), max(1, round(window.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = cv2.resize(window, size, interpolation=how)
    _draw_box(shown, (np.array(sighting.box_xyxy) - np.tile(corner, 2)) * scale)
    return encoded_jpeg(shown, width=0, quality=70)


def _context(image_bgr: NDArray[np.uint8], sighting: StoredSighting) -> bytes:
    scale = min(1.0, _CONTEXT_PX / image_bgr.shape[1])
    size = (max(1, round(image_bgr.shape[1] * scale)), max(1, round(image_bgr.shape[0] * scale)))
    shown = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA)
    _draw_box(shown, np.array(sighting.box_xyxy) * scale)
    return encoded_jpeg(shown, width=0, quality=60)


_MADE_BY = {'thumbnail': _thumbnail, 'crop': _crop, 'context': _context}


def _window(
    image_bgr: NDArray[np.uint8], sighting: StoredSighting, *, aspect: float
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return the part of an image around a box, of this width over height, and its corner."""
    height, width = image_bgr.shape[:2]
    low = np.clip(sighting.box_xyxy[:2], 0, (width - 1, height - 1))
    high = np.clip(sighting.box_xyxy[2:], low + 1, (width, height))
    sides = np.maximum((high - low) * (1 + 2 * _AROUND), _LEAST_CROP_PX)
    wanted = np.array([max(sides[0], sides[1] * aspect), max(sides[1], sides[0] / aspect)])
    wanted = np.minimum(wanted, (width, height))
    first = np.clip((low + high - wanted) / 2, 0, (width, height) - wanted).astype(int)
    last = np.minimum(first + np.maximum(wanted, 1).astype(int), (width, height))
    left, top = first.tolist()
    return image_bgr[top : last[1], left : last[0]], (left, top)


def _draw_box(image_bgr: NDArray[Any], box_xyxy: NDArray[np.float64]) -> None:
    left, top, right, bottom = (round(edge) for edge in box_xyxy.tolist())
    cv2.rectangle(image_bgr, (left, top), (right, bottom), (0, 0, 0), 4)
    cv2.rectangle(image_bgr, (left, top), (right, bottom), _YELLOW, 2)
