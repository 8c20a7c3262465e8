# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One camera of the detector: its subscription, its publishers, its stream of frames."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CompressedImage, Image

from roof_detector.pipeline.frame import FrameStream
from roof_detector.ros.common.image_topic_name import image_topic_name
from roof_detector.ros.detector.camera_frame import CameraFrame
from roof_detector.ros.detector.camera_info_check import CameraInfoCheck
from roof_detector.ros.detector.camera_outputs import CameraOutputs
from roof_detector.ros.detector.detector_diagnostics import detector_status
from roof_detector.ros.detector.image_subscription import ImageSubscription

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from diagnostic_msgs.msg import DiagnosticStatus
    from rclpy.node import Node
    from std_msgs.msg import Header

    from roof_detector.inference.detector import Detector
    from roof_detector.inputs.video_packets import VideoPicture
    from roof_detector.pipeline.frame_stats import DropCause
    from roof_detector.pipeline.listener import PipelineListener
    from roof_detector.pipeline.model_slot import ModelSlot
    from roof_detector.ros.common.image_topic_name import ImageTransport
    from roof_detector.ros.detector.camera_topic import CameraTopic
    from roof_detector.ros.detector.detector_degradation import DetectorDegradation
    from roof_detector.ros.detector.detector_parameters import DetectorSettings
    from roof_detector.ros.detector.video_intake import VideoIntake

_TRANSPORTS: dict[ImageTransport, tuple[type, str]] = {
    'raw': (Image, ''),
    'compressed': (CompressedImage, '/compressed'),
}


class CameraChannel:
    """One camera: submits its images as frames of `stream`, and offers its `outputs`.

    `calibration` compares them with camera_info; None while it does not listen.
    """

    def __init__(
        self,
        node: Node,
        camera: CameraTopic,
        *,
        transport: ImageTransport,
        listener: PipelineListener,
    ) -> None:
        self.stream = FrameStream()
        self.outputs: CameraOutputs | None = None
        self.calibration: CameraInfoCheck | None = None
        self._node = node
        self._listener = listener
        self._slot: ModelSlot | None = None
        self._name = camera.name
        self._intake: VideoIntake | None = None
        self._is_video = transport not in _TRANSPORTS
        if self._is_video:
            # PyAV is loaded by who flies with video alone.
            from roof_detector.ros.detector.video_intake import (  # noqa: PLC0415
                VIDEO_TRANSPORTS,
                video_message_class,
            )

            self._type, suffix = video_message_class(transport), VIDEO_TRANSPORTS[transport][1]
        else:
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
        self.calibration = CameraInfoCheck(self._node, self._topic)
        on_image, depth = self._submit, 1
        turn: Callable[[], AbstractContextManager[None]] = self._turn
        if self._is_video:
            from roof_detector.ros.detector.video_intake import (  # noqa: PLC0415
                QUEUE_DEPTH,
                VideoIntake,
            )

            depth = QUEUE_DEPTH
            self._intake = VideoIntake(submit=self._submit_picture, drop=self._drop_packet)
            on_image, turn = self._intake.take, nullcontext  # each packet is decoded
        self._images = ImageSubscription(
            self._node,
            self._type,
            self._topic,
            on_image=on_image,
            depth=depth,
            turn=turn,
        )

    def refresh(self) -> None:
        """Follow the publishers, and warn of silence."""
        if self._images is not None:
            self._images.refresh()
        if self.calibration is not None:
            self.calibration.refresh()

    def is_watched(self, settings: DetectorSettings) -> bool:
        """Return whether anyone subscribes to annotated images."""
        return self.outputs is not None and self.outputs.has_image_subscribers(settings)

    def status(
        self,
        slot: ModelSlot,
        *,
        state: str,
        settings: DetectorSettings,
        degradation: DetectorDegradation,
    ) -> DiagnosticStatus:
        """Return how the camera is doing, after a look at its publishers."""
        self.refresh()
        images, outputs = self._images, self.outputs
        return detector_status(
            name=self.status_name,
            state=state,
            topic=self.topic,
            images=None if images is None else images.delivery,
            has_heard=images is not None and images.has_heard,
            enabled=slot.enabled,
            annotated=None if outputs is None else outputs.annotated(settings),
            detector=slot.detector,
            model_change=slot.change,
            stats=self.stream.stats.snapshot(),
            repeated=0 if images is None else images.repeated,
            calibration=self.calibration,
            annotations_skipped=0 if outputs is None else outputs.skipped,
            tiles=self.stream.tiles.report,
            degradation=degradation,
            video={} if self._intake is None else self._intake.report,
        )

    def stop_listening(self) -> None:
        """Stop listening; the outputs stay."""
        if self._images is not None:
            self._images.close()
            self._images = None
        if self.calibration is not None:
            self.calibration.close()
            self.calibration = None

    def close(self) -> None:
        """Withdraw the outputs."""
        if self.outputs is not None:
            self.outputs.close()
            self.outputs = None

    def _turn(self) -> AbstractContextManager[None]:
        assert self._slot is not None
        return self._slot.turn(self.stream)

    def _submit(self, message: Any, missed: int) -> None:
        assert self._slot is not None
        self._slot.submit(CameraFrame(message, **self._belongings), missed=missed)

    def _submit_picture(self, picture: VideoPicture[Header], missed: int) -> None:
        assert self._slot is not None and self._intake is not None
        frame = self._intake.frame(picture, **self._belongings)
        self._slot.submit(frame, missed=missed)

    def _drop_packet(self, cause: DropCause, message: str, missed: int) -> None:
        self.stream.stats.see(missed=missed)
        self.stream.stats.drop(cause)
        self._listener.on_dropped(cause, f'{self._topic}: {message}')

    @property
    def _belongings(self) -> dict[str, Any]:
        assert self.outputs is not None and self.calibration is not None
        return {
            'stream': self.stream,
            'outputs': self.outputs,
            'calibration': self.calibration,
            'clock': self._node.get_clock(),
        }
