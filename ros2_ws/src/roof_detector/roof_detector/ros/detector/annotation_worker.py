# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that draws, so that detection never waits for a picture."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np

from roof_detector.ros.detector.camera_outputs import CameraOutputs
from roof_detector.ros.detector.frame_stages import Result
from roof_detector.ros.detector.image_decoder import decode
from roof_detector.ros.detector.mailbox import Mailbox
from roof_detector.supervision.watched_thread import WatchedThread
from roof_detector.vision.drawing import draw_detections

# Where processors are scarce, the forward pass comes first (setpriority(2): Linux counts niceness
# by thread).
_NICENESS = 10


class AnnotationWorker:
    """Publish annotated images and masks of results, each only while someone listens to it.

    Pictures have the camera's own size: what was decoded smaller for the network is decoded in
    full here. A thread that died or hangs is replaced; what it had in work counts as skipped.
    """

    def __init__(self, *, report: Callable[[str, str], None]) -> None:
        self._report = report
        self._mailbox: Mailbox[tuple[CameraOutputs, Result]] = Mailbox()
        self._in_work: tuple[CameraOutputs, Result] | None = None
        self._closed = False
        self._begin()

    def offer(self, outputs: CameraOutputs, result: Result) -> None:
        """Take a result in if anyone wants to see it; one that still waits is skipped for it."""
        if not (outputs.wants_picture(result.settings) or outputs.wants_masks()):
            return
        if self._mailbox.put((outputs, result), sender=outputs) is not None:
            outputs.skipped += 1

    def close(self) -> None:
        """Finish the picture in work and stop."""
        self._closed = True
        self._mailbox.close()
        self._thread.wait_for_end()

    def _begin(self) -> None:
        self._thread = WatchedThread(self._run, name='annotation', restart=self._replace)
        self._thread.start()

    def _replace(self, _: str) -> None:
        """Go on in another thread, in the watchdog's."""
        self._thread.abandon()
        work, self._in_work = self._in_work, None
        if work is not None:
            work[0].skipped += 1
        if not self._closed:
            self._begin()

    def _run(self) -> None:
        thread = self._thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while not thread.is_abandoned and (work := self._mailbox.take()) is not None:
            outputs, result = work
            if thread.is_abandoned:
                outputs.skipped += 1
                return
            self._in_work = work
            thread.heart.begin('drawing a result')
            try:
                self._publish(outputs, result)
            except Exception as error:  # whatever a message holds, it is the end of that one
                outputs.skipped += 1
                self._report('drawing', f'A result could not be drawn: {error}')
            if not thread.is_abandoned:
                self._in_work = None

    def _publish(self, outputs: CameraOutputs, result: Result) -> None:
        header, settings = result.message.header, result.settings
        if outputs.wants_picture(settings) and outputs.picture_rate.allows(
            settings.annotated_rate_hz, now_s=time.monotonic()
        ):
            picture = result.picture
            if picture.reduced:
                picture = decode(result.message)
            drawn = draw_detections(picture.image_bgr, result.detections, result.names)
            outputs.publish_picture(drawn, header=header, jpeg_quality=settings.jpeg_quality)
        if outputs.wants_masks():
            width, height = result.picture.source_wh
            masks = result.detections.masks
            index = np.zeros((height, width), np.uint16) if masks is None else masks.index_image()
            outputs.publish_masks(index, header=header)
