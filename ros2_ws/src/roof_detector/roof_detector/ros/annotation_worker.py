# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that draws, so that detection never waits for a picture."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np

from roof_detector.ros.camera_outputs import CameraOutputs
from roof_detector.ros.frame_stages import Result
from roof_detector.ros.image_decoder import decode
from roof_detector.ros.mailbox import Mailbox
from roof_detector.vision.drawing import draw_detections

# Where processors are scarce, the forward pass comes first (setpriority(2): Linux counts niceness
# by thread).
_NICENESS = 10


class AnnotationWorker:
    """Publish annotated images and masks of results, each only while someone listens to it.

    Pictures have the camera's own size: what was decoded smaller for the network is decoded in
    full here.
    """

    def __init__(self, *, report: Callable[[str], None]) -> None:
        self._report = report
        self._mailbox: Mailbox[tuple[CameraOutputs, Result]] = Mailbox()
        self._thread = threading.Thread(target=self._run, name='annotation', daemon=True)
        self._thread.start()

    def offer(self, outputs: CameraOutputs, result: Result) -> None:
        """Take a result in if anyone wants to see it; one that still waits is skipped for it."""
        if not (outputs.wants_picture(result.settings) or outputs.wants_masks()):
            return
        if self._mailbox.put((outputs, result), sender=outputs) is not None:
            outputs.skipped += 1

    def close(self) -> None:
        """Finish the picture in work and stop."""
        self._mailbox.close()
        self._thread.join()

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while (work := self._mailbox.take()) is not None:
            outputs, result = work
            try:
                self._publish(outputs, result)
            except Exception as error:  # whatever a message holds, it is the end of that one
                outputs.skipped += 1
                self._report(f'A result could not be drawn: {error}')

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
