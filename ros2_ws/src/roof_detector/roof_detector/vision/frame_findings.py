# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detections of one frame with the frame's place in its source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from roof_detector.vision.content_identity import ContentIdentity
    from roof_detector.vision.detections import Detections
    from roof_detector.vision.moment import Moment


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameFindings:
    """One frame's detections with everything that is needed to find the frame again.

    `source` is the input as the user named it and `topic` the image's topic in it, '' for files.
    `index` counts the source's frames from 0. `name` is the file name of an image, else
    `<stem>_<index:06d>`. `stamp_ns` is the header's stamp, for videos the time from the start.
    `inference_s` is None if it was not measured. `content` is the identity of the image file, the
    image message or the video that the frame is from, None if it was not recorded. `moment` is
    when the image was taken, where its file tells it.
    """

    source: str
    topic: str
    index: int
    name: str
    stamp_ns: int
    frame_id: str
    size_wh: tuple[int, int]
    detections: Detections
    class_names: tuple[str, ...]
    inference_s: float | None = None
    content: ContentIdentity | None = None
    moment: Moment | None = None

    @property
    def time_ns(self) -> int:
        """Return when the image was taken in UTC, counted from 1970, else its stamp."""
        taken_ns = None if self.moment is None else self.moment.utc_ns
        return self.stamp_ns if taken_ns is None else taken_ns

    def __post_init__(self) -> None:
        object.__setattr__(self, 'class_names', tuple(self.class_names))
        object.__setattr__(self, 'size_wh', (int(self.size_wh[0]), int(self.size_wh[1])))
        if not self.name:
            msg = (
                f'Frame {self.index} of {self.source!r} has no name; give the file name of the '
                'image or the stem of the source with the number.'
            )
            raise VisionError(msg)
        # A stamp is what the camera reported, which may be before 1970.
        if self.index < 0:
            msg = f'Frame {self.name} has index {self.index}, expected 0 or more.'
            raise VisionError(msg)
        if min(self.size_wh) < 1:
            msg = f'Frame {self.name} has size {self.size_wh}, expected pixels.'
            raise VisionError(msg)
        class_ids = self.detections.class_ids
        if len(class_ids) and int(class_ids.max()) >= len(self.class_names):
            msg = (
                f'Frame {self.name} holds class id {class_ids.max()}, but there are only '
                f'{len(self.class_names)} class names; give the names of the model that ran.'
            )
            raise VisionError(msg)
        if self.inference_s is not None and not (
            math.isfinite(self.inference_s) and self.inference_s >= 0
        ):
            msg = f'Frame {self.name} took {self.inference_s} s, expected 0 or more, or None.'
            raise VisionError(msg)
