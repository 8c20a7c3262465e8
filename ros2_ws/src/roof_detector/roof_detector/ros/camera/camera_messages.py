# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The messages of a camera, made from the frames of a source."""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Any

import cv2
import yaml
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from roof_detector.inference.plain_yaml import parse_plain_yaml
from roof_detector.inputs.recorded_header import stamp_ns as recorded_stamp_ns
from roof_detector.inputs.recorded_image import RecordedImage
from roof_detector.ros.common.errors import RosError
from roof_detector.ros.common.messages import compressed_message, image_message
from roof_detector.ros.common.outgoing import Outgoing, OutgoingFrame
from roof_detector.supervision.throttle import Throttle, cause_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inputs.frame import Companion, Frame
    from roof_detector.ros.camera.stream_parameters import StreamSettings

_log = logging.getLogger(__name__)


class CameraMessages:
    """Converts the frames of a source into the messages of a camera.

    Messages of a bag are published as recorded except for their stamps; images are encoded or
    decoded only for a transport in which they were not recorded. camera_info comes from the
    calibration, else from the bag; other sources get one marked as uncalibrated (K all zero).
    `left_out` counts messages of a bag, other than images, that could not be published.
    """

    def __init__(self, settings: StreamSettings, *, calibration: CameraInfo | None) -> None:
        self.settings = settings
        self._calibration = calibration
        self._warn_once = Throttle(_log.warning, period_s=inf)
        self.left_out = 0

    def of(self, frame: Frame) -> OutgoingFrame:
        """Return a frame's messages, images first; raise InputError for a damaged image."""
        if isinstance(frame.image, RecordedImage):
            messages = self._recorded(frame, frame.image)
        else:
            image_bgr = frame.image_bgr
            messages = [
                *image_messages(image_bgr, self.settings, frame_id=self.settings.frame_id),
                *self._camera_info(image_bgr.shape[1], image_bgr.shape[0]),
            ]
        return OutgoingFrame(frame.stamp_ns, frame.due_ns, tuple(messages))

    def _recorded(self, frame: Frame, recorded: RecordedImage) -> list[Outgoing]:
        recorded_as = 'compressed' if recorded.is_compressed else 'image'
        wanted = {'image': self.settings.raw, 'compressed': self.settings.compressed}
        messages = []
        if not recorded.is_video and wanted.pop(recorded_as):
            messages.append(Outgoing(recorded_as, recorded.message.data))
        if any(wanted.values()):
            made = image_messages(recorded.to_bgr(), self.settings, frame_id=recorded.frame_id)
            messages += [one for one in made if recorded.is_video or one.role != recorded_as]
        if self._calibration is not None:
            self._calibration.header.frame_id = recorded.frame_id
            messages.append(Outgoing('camera_info', self._calibration))
        for companion in frame.companions:
            if companion.role == 'camera_info' and self._calibration is not None:
                continue
            try:
                messages.append(_companion(companion, image_ns=recorded.stamp_ns))
            except Exception as error:  # a damaged message does not affect the image
                self.left_out += 1
                message = f'A message of {companion.message.topic} cannot be published: {error}'
                self._warn_once(cause_of(message), message)
        return messages

    def _camera_info(self, width: int, height: int) -> list[Outgoing]:
        header = Header(frame_id=self.settings.frame_id)
        if self._calibration is None:
            return [Outgoing('camera_info', CameraInfo(header=header, width=width, height=height))]
        if (self._calibration.width, self._calibration.height) != (width, height):
            self._warn_once(
                'calibration',
                f'The calibration is for {self._calibration.width}x{self._calibration.height} '
                f'pixels but the frames have {width}x{height}: camera_info is not published. '
                'Calibrate at the size that the camera uses.',
            )
            return []
        self._calibration.header = header
        return [Outgoing('camera_info', self._calibration)]


def _companion(companion: Companion, *, image_ns: int) -> Outgoing:
    data = companion.message.data
    message = data
    if companion.role == 'ground_truth':  # each of its detections has a header, too
        message = deserialize_message(data, Detection2DArray)
    return Outgoing(companion.role, message, recorded_stamp_ns(data) - image_ns)


def image_messages(
    image_bgr: npt.NDArray[np.uint8], settings: StreamSettings, *, frame_id: str
) -> list[Outgoing]:
    """Return the messages of an image in the transports of the settings."""
    messages = []
    if settings.raw:
        header = Header(frame_id=frame_id)
        message = image_message(image_bgr, encoding='bgr8', header=header)
        messages.append(Outgoing('image', message))
    if settings.compressed:
        header = Header(frame_id=frame_id)
        options = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
        _, jpeg = cv2.imencode('.jpg', image_bgr, options)
        message = compressed_message(jpeg, header=header)
        messages.append(Outgoing('compressed', message))
    return messages


def read_calibration(path: Path) -> CameraInfo:
    """Return the CameraInfo from a YAML file in the format of camera_calibration.

    Raises RosError if the file is missing or has another format.
    """
    try:
        content = parse_plain_yaml(path.read_text(encoding='utf-8'))
        return CameraInfo(
            width=int(content['image_width']),
            height=int(content['image_height']),
            distortion_model=str(content['distortion_model']),
            d=_numbers(content['distortion_coefficients']),
            k=_numbers(content['camera_matrix'], count=9),
            r=_numbers(content['rectification_matrix'], count=9),
            p=_numbers(content['projection_matrix'], count=12),
        )
    except (OSError, UnicodeDecodeError) as error:
        msg = f'The calibration {path} cannot be read: {error}.'
        raise RosError(msg) from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AssertionError) as error:
        reason = ' '.join(str(error).split())
        msg = (
            f'The calibration {path} is not the YAML that camera_calibration writes ({reason}); '
            'it needs image_width, image_height, camera_matrix, distortion_model and so on.'
        )
        raise RosError(msg) from error


def _numbers(matrix: dict[str, Any], *, count: int | None = None) -> list[float]:
    values = [float(value) for value in matrix['data']]
    if count is not None and len(values) != count:
        msg = f'a matrix has {len(values)} numbers, expected {count}'
        raise ValueError(msg)
    return values
