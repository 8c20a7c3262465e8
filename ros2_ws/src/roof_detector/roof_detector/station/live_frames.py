# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Annotated images of a flight that show its findings, for the review while it lasts."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.vision.encodings import decode_jpeg
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from roof_detector.station.finding import LiveFinding

Box = tuple[float, float, float, float]

# An inspector reports a finding some seconds after the frame that shows it best.
_RECENT_BYTES = 32_000_000
_KEPT_BYTES = 64_000_000
_WANTED_S = 20.0
# The same detection goes through two messages as centre and size.
_SAME_PX = 0.5


@dataclass(frozen=True, eq=False)
class _Frame:
    jpeg: bytes
    boxes_xyxy: tuple[Box, ...]

    def has(self, box_xyxy: Box) -> bool:
        return any(
            max(abs(a - b) for a, b in zip(box, box_xyxy, strict=True)) < _SAME_PX
            for box in self.boxes_xyxy
        )


class LiveFrames:
    """The newest annotated images, and those that show a finding best, in bounded memory.

    Cameras may take images at the same moment: the one that has the box is meant. Any thread may
    call it.
    """

    def __init__(
        self, *, recent_bytes: int = _RECENT_BYTES, kept_bytes: int = _KEPT_BYTES
    ) -> None:
        self._recent = _Frames(recent_bytes)
        self._kept = _Frames(kept_bytes)
        self._wanted_at_s = -_WANTED_S
        self._lock = threading.Lock()

    @property
    def is_wanted(self) -> bool:
        """Return whether somebody looked at a live inspection in the last seconds."""
        return time.monotonic() - self._wanted_at_s < _WANTED_S

    def want(self) -> None:
        """Have the cameras listen to annotated images for some seconds."""
        self._wanted_at_s = time.monotonic()

    def add(self, camera: str, findings: tuple[LiveFinding, ...], jpeg: bytes) -> None:
        """Add the annotated image of a frame, all of whose findings have its stamp."""
        frame = _Frame(jpeg, tuple(one.box_xyxy for one in findings))
        with self._lock:
            self._recent.put((camera, findings[0].stamp_ns), frame)

    def keep(self, best: Iterable[tuple[int, Box]]) -> None:
        """Keep the images that show these boxes, by the stamps of their frames."""
        with self._lock:
            for stamp_ns, box_xyxy in best:
                found = self._recent.find(stamp_ns, box_xyxy)
                if found is not None:
                    self._kept.put(*found)

    def image(self, stamp_ns: int, box_xyxy: Box) -> npt.NDArray[np.uint8] | None:
        """Return the image (height, width, 3) in BGR that shows a box, None without one."""
        with self._lock:
            found = self._kept.find(stamp_ns, box_xyxy) or self._recent.find(stamp_ns, box_xyxy)
        if found is None:
            return None
        try:
            return decode_jpeg(found[1].jpeg)
        except VisionError:
            return None


class _Frames:
    """Frames by camera and stamp, the oldest of which go."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._frames: OrderedDict[tuple[str, int], _Frame] = OrderedDict()
        self._cameras: dict[str, None] = {}

    def put(self, key: tuple[str, int], frame: _Frame) -> None:
        old = self._frames.pop(key, None)
        self._bytes += len(frame.jpeg) - (0 if old is None else len(old.jpeg))
        self._frames[key] = frame
        self._cameras[key[0]] = None
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._frames.popitem(last=False)[1].jpeg)

    def find(self, stamp_ns: int, box_xyxy: Box) -> tuple[tuple[str, int], _Frame] | None:
        for camera in self._cameras:
            frame = self._frames.get((camera, stamp_ns))
            if frame is not None and frame.has(box_xyxy):
                return (camera, stamp_ns), frame
        return None
