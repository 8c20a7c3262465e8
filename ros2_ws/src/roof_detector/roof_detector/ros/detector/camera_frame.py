# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An image message as a frame of the pipeline, and its decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cv_bridge import CvBridge
from sensor_msgs.msg import CompressedImage, Image

from roof_detector.inputs.compressed_image import decode_compressed
from roof_detector.pipeline.frame import DecodedImage, PipelineFrame
from roof_detector.ros.detector.stamp_age import age_s
from roof_detector.vision.camera_encodings import CAMERA_ENCODINGS, convert_to_bgr
from roof_detector.vision.encodings import ENCODINGS, view_bgr
from roof_detector.vision.errors import UnsupportedEncoding

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    from rclpy.clock import Clock

    from roof_detector.pipeline.frame import FrameStream
    from roof_detector.ros.detector.camera_info_check import CameraInfoCheck
    from roof_detector.ros.detector.camera_outputs import CameraOutputs

_bridge = CvBridge()


class CameraFrame(PipelineFrame):
    """An image message of one camera, with the outputs that its result is published on.

    `calibration` compares its size with camera_info.
    """

    def __init__(
        self,
        message: Image | CompressedImage,
        *,
        stream: FrameStream,
        outputs: CameraOutputs,
        calibration: CameraInfoCheck,
        clock: Clock,
    ) -> None:
        super().__init__(stream)
        self.message = message
        self.outputs = outputs
        self.calibration = calibration
        self._clock = clock

    def decode(
        self, *, needed_wh: Callable[[tuple[int, int]], tuple[int, int]] | None
    ) -> DecodedImage:
        """Return the pixels of the message; raise VisionError with the cause to count."""
        return decode(self.message, needed_wh=needed_wh)

    def age_s(self) -> float | None:
        """Return how old the message's stamp is, None where it cannot be an age."""
        return age_s(self.message.header.stamp, now_ns=self._clock.now().nanoseconds)


def decode(
    message: Image | CompressedImage,
    *,
    needed_wh: Callable[[tuple[int, int]], tuple[int, int]] | None = None,
) -> DecodedImage:
    """Return the pixels of an image message, a JPEG no larger than `needed_wh` asks for.

    `needed_wh` tells from the full size the least that is of use; without it all is decoded. A
    bgr8 image is a view of the message's own bytes. What is neither a plain nor a camera's
    encoding is left to cv_bridge: the one on PyPI knows fewer than the one from apt and ignores
    `step`, so it comes last. Raises VisionError with the cause to count.
    """
    if isinstance(message, CompressedImage):
        return DecodedImage(*decode_compressed(message.data, message.format, needed_wh=needed_wh))
    image_bgr = _pixels(message)
    return DecodedImage(image_bgr, (image_bgr.shape[1], image_bgr.shape[0]))


def _pixels(message: Image) -> npt.NDArray[np.uint8]:
    layout = {
        'height': message.height,
        'width': message.width,
        'encoding': message.encoding,
        'step': message.step,
    }
    if message.encoding in ENCODINGS:
        return view_bgr(message.data, **layout)
    if message.encoding in CAMERA_ENCODINGS:
        return convert_to_bgr(message.data, **layout, big_endian=bool(message.is_bigendian))
    try:
        image: npt.NDArray[np.uint8] = _bridge.imgmsg_to_cv2(message, desired_encoding='bgr8')
    except Exception as refusal:  # each cv_bridge raises what it meets
        msg = (
            f'Encoding {message.encoding!r} of the image cannot be read, '
            f'expected one of {", ".join((*ENCODINGS, *CAMERA_ENCODINGS))}.'
        )
        raise UnsupportedEncoding(msg) from refusal
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        msg = (
            f'Encoding {message.encoding!r} gives an image of shape {image.shape}, '
            'expected rows and columns of three colours.'
        )
        raise UnsupportedEncoding(msg)
    return image
