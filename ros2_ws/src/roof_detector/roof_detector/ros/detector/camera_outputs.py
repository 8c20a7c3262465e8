# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the detector publishes about one camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.common.image_topic_name import image_topic_name
from roof_detector.ros.common.messages import compressed_message, detections_message, image_message
from roof_detector.supervision.health import Delivery
from roof_detector.supervision.rate import Arrivals

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rclpy.node import Node
    from rclpy.publisher import Publisher
    from std_msgs.msg import Header

    from roof_detector.ros.detector.detector_parameters import DetectorSettings
    from roof_detector.vision.detections import Detections

_RESULTS_QOS = QoSProfile(depth=10)
_IMAGES_QOS = QoSProfile(depth=1)


class CameraOutputs:
    """The publishers of one camera: detections, annotated images and masks.

    `skipped` counts results that were not drawn. `image_rate` chooses what is drawn where fewer
    annotated images than frames are wanted. `prefix`
    stands before the topics' names: `~/`, or `~/front/` where several cameras share a node.
    """

    def __init__(self, node: Node, *, prefix: str) -> None:
        self.skipped = 0
        self.image_rate = RateLimit()
        self._sent: Image | None = None
        self._sent_masks: Image | None = None
        self._node = node
        self._prefix = prefix
        self._found = node.create_publisher(Detection2DArray, f'{prefix}detections', _RESULTS_QOS)
        self._image = node.create_publisher(Image, f'{prefix}image_annotated', _IMAGES_QOS)
        self._compressed = node.create_publisher(
            CompressedImage,
            image_topic_name(node, f'{prefix}image_annotated', '/compressed'),
            _IMAGES_QOS,
        )
        self._masks: Publisher | None = None
        self._drawn: Arrivals | None = None

    def configure(self, *, masks: bool) -> None:
        """Offer masks or withdraw them, as the task of a model requires."""
        if masks and self._masks is None:
            topic = f'{self._prefix}masks'
            self._masks = self._node.create_publisher(Image, topic, _IMAGES_QOS)
        elif not masks and self._masks is not None:
            publisher, self._masks = self._masks, None
            self._node.destroy_publisher(publisher)

    def has_image_subscribers(self, settings: DetectorSettings) -> bool:
        """Return whether anyone subscribes to annotated images."""
        return settings.annotate and bool(
            self._image.get_subscription_count() or self._compressed.get_subscription_count()
        )

    def annotated(self, settings: DetectorSettings) -> Delivery | None:
        """Return for how long no annotated image went out, since someone began to listen."""
        if not self.has_image_subscribers(settings):
            self._drawn = None
            return None
        if self._drawn is None:
            self._drawn = Arrivals()
        wanted_s = 1 / settings.annotated_rate_hz if settings.annotated_rate_hz else 0.0
        usual_s = max(self._drawn.usual_s, wanted_s)
        return Delivery('No annotated image went out', self._drawn.silent_s, usual_s)

    def has_mask_subscribers(self) -> bool:
        """Return whether anyone subscribes to masks."""
        masks = self._masks
        return masks is not None and masks.get_subscription_count() > 0

    def publish_detections(
        self, detections: Detections, *, names: tuple[str, ...], header: Header
    ) -> None:
        """Publish the detections of one image."""
        self._found.publish(detections_message(detections, names=names, header=header))

    def publish_image(
        self, drawn_bgr: npt.NDArray[np.uint8], *, header: Header, jpeg_quality: int
    ) -> None:
        """Publish an annotated image on the topics that have subscribers."""
        if self._compressed.get_subscription_count():
            _, jpeg = cv2.imencode('.jpg', drawn_bgr, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
            self._compressed.publish(compressed_message(jpeg, header=header))
        if self._image.get_subscription_count():
            self._sent = image_message(drawn_bgr, encoding='bgr8', header=header, reuse=self._sent)
            self._image.publish(self._sent)
        if (drawn := self._drawn) is not None:
            drawn.note()

    def publish_masks(self, index: npt.NDArray[np.uint16], *, header: Header) -> None:
        """Publish the index image of a segmentation model, if it is still the one in use."""
        masks = self._masks
        if masks is not None:
            self._sent_masks = image_message(
                index, encoding='16UC1', header=header, reuse=self._sent_masks
            )
            masks.publish(self._sent_masks)

    def close(self) -> None:
        """Withdraw the topics."""
        for publisher in (self._found, self._image, self._compressed, self._masks):
            if publisher is not None:
                self._node.destroy_publisher(publisher)


class RateLimit:
    """Chooses evenly, of messages that come at any times, so many per second as are wanted.

    Turns fall due at equal distances. What comes next takes a turn, a late one too, so that 10 of
    the 30 frames of a second are chosen although none comes just when a turn is due.
    """

    def __init__(self) -> None:
        self._due_s = float('-inf')

    def allows(self, rate_hz: float, *, now_s: float) -> bool:
        """Return whether what comes now is chosen; at a rate of 0 everything is."""
        if not rate_hz:
            return True
        period_s = 1 / rate_hz
        # A turn that is farther away than one period is of a former, lower rate.
        if 0 < self._due_s - now_s <= period_s:
            return False
        missed = not 0 <= now_s - self._due_s < period_s
        self._due_s = (now_s if missed else self._due_s) + period_s
        return True
