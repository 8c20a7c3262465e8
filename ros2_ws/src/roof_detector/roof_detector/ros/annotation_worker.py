# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that draws, so that detection never waits for a picture."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np
from rclpy.publisher import Publisher

from roof_detector.ros.detection_worker import Result
from roof_detector.ros.mailbox import Mailbox
from roof_detector.ros.messages import compressed_message, image_message
from roof_detector.vision.drawing import draw_detections


class AnnotationWorker:
    """Publish annotated images and masks of results, each only while someone listens to it."""

    def __init__(
        self,
        *,
        names: tuple[str, ...],
        image: Publisher,
        compressed: Publisher,
        masks: Publisher | None,
        report: Callable[[str], None],
    ) -> None:
        self.skipped = 0
        self._names = names
        self._image = image
        self._compressed = compressed
        self._masks = masks
        self._report = report
        self._mailbox: Mailbox[Result] = Mailbox()
        self._thread = threading.Thread(target=self._run, name='annotation', daemon=True)
        self._thread.start()

    def offer(self, result: Result) -> None:
        """Take a result in if anyone wants to see it; one that still waits is skipped for it."""
        if not (self._wants_picture(result) or self._wants_masks()):
            return
        if self._mailbox.put(result) is not None:
            self.skipped += 1

    def close(self) -> None:
        """Finish the picture in work and stop."""
        self._mailbox.close()
        self._thread.join()

    def _wants_picture(self, result: Result) -> bool:
        return result.settings.annotate and bool(
            self._image.get_subscription_count() or self._compressed.get_subscription_count()
        )

    def _wants_masks(self) -> bool:
        return self._masks is not None and self._masks.get_subscription_count() > 0

    def _run(self) -> None:
        while (result := self._mailbox.take()) is not None:
            try:
                self._publish(result)
            except (cv2.error, ValueError, RuntimeError) as error:
                self.skipped += 1
                self._report(f'A result could not be drawn: {error}')

    def _publish(self, result: Result) -> None:
        if self._wants_picture(result):
            picture = draw_detections(result.image_bgr, result.detections, self._names)
            if self._compressed.get_subscription_count():
                quality = [cv2.IMWRITE_JPEG_QUALITY, result.settings.jpeg_quality]
                _, jpeg = cv2.imencode('.jpg', picture, quality)
                self._compressed.publish(compressed_message(jpeg, header=result.header))
            if self._image.get_subscription_count():
                self._image.publish(image_message(picture, encoding='bgr8', header=result.header))
        if self._masks is not None and self._wants_masks():
            height, width = result.image_bgr.shape[:2]
            masks = result.detections.masks
            index = np.zeros((height, width), np.uint16) if masks is None else masks.index_image()
            self._masks.publish(image_message(index, encoding='16UC1', header=result.header))
