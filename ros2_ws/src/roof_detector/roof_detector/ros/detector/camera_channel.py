# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One camera of the detector: its subscription, its publishers, its stream of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CompressedImage, Image

from roof_detector.pipeline.frame import FrameStream
from roof_detector.ros.common.image_topic_name import image_topic_name
from roof_detector.ros.detector.camera_frame import CameraFrame
from roof_detector.ros.detector.camera_outputs import CameraOutputs
from roof_detector.ros.detector.image_subscription import ImageSubscription

if TYPE_CHECKING:
    from rclpy.node import Node

    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.model_slot import ModelSlot
    from roof_detector.ros.detector.camera_topic import CameraTopic
    from roof_detector.supervision.health import Delivery

_TRANSPORTS = {'raw': (Image, ''), 'compressed': (CompressedImage, '/compressed')}


class CameraChannel:
    """One camera: submits its images as frames of `stream`, and offers its `outputs`."""

    def __init__(self, node: Node, camera: CameraTopic, *, transport: str) -> None:
        self.stream = FrameStream()
        self.outputs: CameraOutputs | None = None
        self._node = node
        self._slot: ModelSlot | None = None
        self._name = camera.name
        self._type, suffix = _TRANSPORTS[transport]
        self._topic = image_topic_name(node, camera.topic, suffix)
        self._images: ImageSubscription | None = None

    @property
    def status_name(self) -> str:
        """Return what its diagnostics are called: the node's name, with several cameras theirs."""
        node = self._node.get_fully_qualified_name().lstrip('/')
        return f'{node}{self._name and "/"}{self._name}: detection'

    @property
    def topic(self) -> str:
        """Return the full name of the topic it listens to, nothing while it does not."""
        return '' if self._images is None else self._images.topic

    @property
    def images(self) -> Delivery | None:
        """Return for how long images have been missing; None while they are not expected."""
        return None if self._images is None else self._images.delivery

    @property
    def has_heard(self) -> bool:
        """Return whether any image has arrived since it began to listen."""
        return self._images is not None and self._images.has_heard

    @property
    def repeated(self) -> int:
        """Return how many images came twice since it began to listen; none of them is a frame."""
        return 0 if self._images is None else self._images.repeated

    def open(self) -> None:
        """Begin a new stream and offer the outputs."""
        self.stream = FrameStream()
        prefix = f'~/{self._name}{self._name and "/"}'
        self.outputs = CameraOutputs(self._node, prefix=prefix)

    def configure(self, detector: Detector) -> None:
        """Offer what this detector gives."""
        if self.outputs is not None:
            self.outputs.configure(masks=detector.task == 'segment')

    def listen(self, slot: ModelSlot) -> None:
        """Subscribe to images and submit each to the slot, from the thread of their arrival."""
        self._slot = slot
        self._images = ImageSubscription(
            self._node, self._type, self._topic, on_image=self._submit
        )

    def refresh(self) -> None:
        """Follow the publishers, and warn of silence."""
        if self._images is not None:
            self._images.refresh()

    def stop_listening(self) -> None:
        """Stop listening; the outputs stay."""
        if self._images is not None:
            self._images.close()
            self._images = None

    def close(self) -> None:
        """Withdraw the outputs."""
        if self.outputs is not None:
            self.outputs.close()
            self.outputs = None

    def _submit(self, message: Any, missed: int) -> None:
        assert self._slot is not None and self.outputs is not None
        frame = CameraFrame(
            message, stream=self.stream, outputs=self.outputs, clock=self._node.get_clock()
        )
        self._slot.submit(frame, missed=missed)
