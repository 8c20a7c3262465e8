# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Messages with packets of video become frames of a camera's stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from std_msgs.msg import Header

from roof_detector.inputs.video_packets import PacketDecoder, packet_of
from roof_detector.pipeline.frame import DecodedImage
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.message_types import message_class
from roof_detector.ros.detector.camera_frame import CameraFrame
from roof_detector.vision.errors import BadPacket, VisionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.inputs.video_packets import VideoPicture
    from roof_detector.pipeline.frame_stats import DropCause
    from roof_detector.ros.common.image_topic_name import ImageTransport

# Message type and the suffix of the topic, as the plugins of image_transport name it.
VIDEO_TRANSPORTS: dict[ImageTransport, tuple[str, str]] = {
    'ffmpeg': ('ffmpeg_image_transport_msgs/msg/FFMPEGPacket', '/ffmpeg'),
    'foxglove': ('foxglove_msgs/msg/CompressedVideo', '/foxglove'),
}
# A second of packets at 30 Hz: none may be left out, and they are small.
QUEUE_DEPTH = 30


def video_message_class(transport: ImageTransport) -> type:
    """Return the class of a transport's messages; raise ParameterError where it is missing."""
    type_name, _ = VIDEO_TRANSPORTS[transport]
    found = message_class(type_name)
    if found is None:
        package = type_name.partition('/')[0]
        msg = (
            f'image_transport {transport} needs the package {package}: sudo apt install '
            f'ros-$ROS_DISTRO-{package.replace("_", "-")}.'
        )
        raise ParameterError(msg)
    return found


@dataclass(frozen=True)
class _Stamped:
    """What the message of a picture is to the outputs: its header."""

    header: Header


class VideoFrame(CameraFrame):
    """A decoded picture of a camera's video; its colours are converted when it is its turn."""

    def __init__(self, picture: VideoPicture[Header], **options: Any) -> None:
        super().__init__(_Stamped(picture.token), **options)
        self._picture = picture

    def decode(self, *, needed_wh: object) -> DecodedImage:
        """Return all pixels: a picture of video has one size alone."""
        return DecodedImage(self._picture.to_bgr(), self._picture.size_wh)


class VideoIntake:
    """Decodes every packet of a camera in its order; of the pictures the newest wins.

    `submit` takes a picture and how many packets were missed before it, `drop` the cause and the
    reason for each packet that gives no picture.
    """

    def __init__(
        self,
        *,
        submit: Callable[[VideoPicture[Header], int], None],
        drop: Callable[[DropCause, str, int], None],
    ) -> None:
        self._submit = submit
        self._drop = drop
        self._decoder: PacketDecoder[Header] = PacketDecoder()

    @property
    def report(self) -> dict[str, str]:
        """Return what the diagnostics tell of the stream."""
        waits = str(self._decoder.is_waiting).lower()
        return {'video_codec': self._decoder.codec, 'video_waits_for_keyframe': waits}

    @staticmethod
    def frame(picture: VideoPicture[Header], **belongings: Any) -> VideoFrame:
        """Return a picture as a frame; `belongings` are those of a CameraFrame."""
        return VideoFrame(picture, **belongings)

    def take(self, message: Any, missed: int) -> None:
        """Decode a message; `missed` ones were lost before it, on which its picture may rest."""
        if missed:
            self._decoder.lose()
        data, encoding, is_keyframe = packet_of(message)
        try:
            pictures = self._decoder.decode(
                data, encoding=encoding, token=_header_of(message), is_keyframe=is_keyframe
            )
        except VisionError as error:
            self._drop(error.cause, str(error), missed)
            pictures, missed = [], 0
        for picture in pictures:
            self._submit(picture, missed)
            missed = 0
        for _ in range(self._decoder.take_lost()):
            self._drop(BadPacket.cause, 'Pictures of the video rested on lost packets.', missed)
            missed = 0


def _header_of(message: Any) -> Header:
    if hasattr(message, 'header'):
        header: Header = message.header
        return header
    return Header(stamp=message.timestamp, frame_id=message.frame_id)
