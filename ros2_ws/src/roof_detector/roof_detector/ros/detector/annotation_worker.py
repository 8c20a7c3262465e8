# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that draws, so that detection never waits for an annotated image."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

import numpy as np

from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watched_thread import WatchedThread
from roof_detector.vision.drawing import draw_detections

if TYPE_CHECKING:
    from collections.abc import Hashable

    from roof_detector.pipeline.frame import FrameResult
    from roof_detector.ros.detector.camera_frame import CameraFrame
    from roof_detector.ros.detector.detector_parameters import DetectorSettings

T = TypeVar('T')
# Where cores are scarce, the forward pass comes first (setpriority(2): Linux counts niceness by
# thread).
_NICENESS = 10


class AnnotationListener(Protocol):
    """The owner of an annotation worker."""

    def on_dropped(self, cause: Literal['drawing'], message: str) -> None:
        """Hear that a result could not be drawn."""


@dataclass(frozen=True, eq=False)
class _Drawing:
    """A result to draw: the frame that it belongs to, and the settings of that moment."""

    frame: CameraFrame
    result: FrameResult
    settings: DetectorSettings


class AnnotationWorker:
    """Publishes annotated images and masks of results, each only while someone subscribes to it.

    Images have the camera's own size: what was decoded smaller for the network is decoded in full
    here. A thread that died or hangs is replaced; what it had in work counts as skipped.
    """

    def __init__(self, listener: AnnotationListener) -> None:
        self._listener = listener
        self._mailbox: Mailbox[_Drawing] = Mailbox()
        self._in_work: _Drawing | None = None
        self._closed = False
        self._start()

    def submit(
        self, frame: CameraFrame, result: FrameResult, *, settings: DetectorSettings
    ) -> None:
        """Draw a result if anyone subscribes; one that still waits is skipped for it."""
        outputs = frame.outputs
        if not (outputs.has_image_subscribers(settings) or outputs.has_mask_subscribers()):
            return
        drawing = _Drawing(frame, result, settings)
        if self._mailbox.put(drawing, sender=outputs) is not None:
            outputs.skipped += 1

    def close(self) -> None:
        """Finish the image in work and stop."""
        self._closed = True
        self._mailbox.close()
        self._thread.wait_for_end()

    def _start(self) -> None:
        self._thread = WatchedThread(self._run, name='annotation', restart=self._replace)
        self._thread.start()

    def _replace(self, _: str) -> None:
        """Start another thread, in the watchdog's."""
        self._thread.abandon()
        drawing, self._in_work = self._in_work, None
        if drawing is not None:
            drawing.frame.outputs.skipped += 1
        if not self._closed:
            self._start()

    def _run(self) -> None:
        thread = self._thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while not thread.is_abandoned and (drawing := self._mailbox.take()) is not None:
            outputs = drawing.frame.outputs
            if thread.is_abandoned:
                outputs.skipped += 1
                return
            self._in_work = drawing
            thread.heart.begin('drawing a result')
            try:
                _publish(drawing)
            except Exception as error:  # whatever a message holds, it is the end of that one
                outputs.skipped += 1
                self._listener.on_dropped('drawing', f'A result could not be drawn: {error}')
            if not thread.is_abandoned:
                self._in_work = None


def _publish(drawing: _Drawing) -> None:
    frame, result, settings = drawing.frame, drawing.result, drawing.settings
    outputs, header = frame.outputs, frame.message.header
    image, detections = result.image, result.detections
    assert image is not None and detections is not None
    if outputs.has_image_subscribers(settings) and outputs.image_rate.allows(
        settings.annotated_rate_hz, now_s=time.monotonic()
    ):
        if image.is_reduced:
            image = frame.decode(needed_wh=None)
        drawn = draw_detections(image.image_bgr, detections, result.names)
        outputs.publish_image(drawn, header=header, jpeg_quality=settings.jpeg_quality)
    if outputs.has_mask_subscribers():
        width, height = image.source_wh
        masks = detections.masks
        index = np.zeros((height, width), np.uint16) if masks is None else masks.index_image()
        outputs.publish_masks(index, header=header)


class Mailbox(Generic[T]):
    """Hold at most one item of each sender between threads: the newest wins.

    Senders are served in the order in which they began to wait: a newer item takes the place of
    the older one, which is handed back, and whoever was served goes to the end. One thread takes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = Doorbell()
        self._items: dict[Hashable, T] = {}
        self._closed = False

    def put(self, item: T, *, sender: Hashable = None) -> T | None:
        """Leave an item and return the one it displaces, or the item itself once closed."""
        with self._lock:
            if self._closed:
                return item
            displaced = self._items.get(sender)
            self._items[sender] = item
        self._filled.ring()
        return displaced

    def take(self) -> T | None:
        """Wait for an item and take it out; return None once the mailbox is closed."""
        while True:
            with self._lock:
                if self._items:
                    return self._items.pop(next(iter(self._items)))
                if self._closed:
                    return None
            self._filled.wait()

    def close(self) -> tuple[T, ...]:
        """Wake the taker for good and return the items that nobody took."""
        with self._lock:
            self._closed = True
            items = tuple(self._items.values())
            self._items.clear()
        self._filled.ring()
        return items
