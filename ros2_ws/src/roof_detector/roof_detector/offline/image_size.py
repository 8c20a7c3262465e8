# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the size of the images of a bag whose detections do not hold it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from roof_detector.bags.errors import BagError
from roof_detector.georeference.lens import calibrated_image_wh
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.recorded_video import RecordedImages

if TYPE_CHECKING:
    from roof_detector.bags.reader import BagReader

_CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
_LARGEST_PX = 65_535  # of a JPEG's side


class ImageSize:
    """The size of a bag's images: of the first one, of the camera info, or of the boxes."""

    def __init__(self, reader: BagReader) -> None:
        self._reader = reader
        self._known: tuple[int, int] | None = None
        self._searched = False

    def of(self, detections: Any) -> tuple[int, int]:
        """Return width and height; without an image, the smallest that contains the boxes."""
        if not self._searched:
            self._searched = True
            self._known = self._search()
        if self._known is not None:
            return self._known
        width = height = 1
        for one in detections.detections:
            centre = one.bbox.center.position
            right, bottom = centre.x + one.bbox.size_x / 2, centre.y + one.bbox.size_y / 2
            if 0 < right <= _LARGEST_PX and 0 < bottom <= _LARGEST_PX:  # not of NaN either
                width, height = max(width, math.ceil(right)), max(height, math.ceil(bottom))
        return width, height

    def _search(self) -> tuple[int, int] | None:
        images = RecordedImages(self._reader)
        # Images first: a camera info holds the size before binning and regions of interest.
        for message in self._reader.messages({t.name for t in self._reader.image_topics()}):
            for image in images.of(message):
                try:
                    height, width = image.to_bgr().shape[:2]
                except InputError:
                    continue
                return width, height
        infos = {t.name for t in self._reader.topics if t.type_name == _CAMERA_INFO}
        for message in self._reader.messages(infos):
            try:
                size_wh = calibrated_image_wh(self._reader.deserialize(message))
            except BagError:
                continue
            if min(size_wh) > 0 and max(size_wh) <= _LARGEST_PX:
                return size_wh
        return None
