# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From an image message to pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cv_bridge import CvBridge
from sensor_msgs.msg import CompressedImage, Image

from roof_detector.vision.camera_encodings import CAMERA_ENCODINGS, convert_to_bgr
from roof_detector.vision.encodings import ENCODINGS, decode_for, decode_jpeg, view_bgr
from roof_detector.vision.errors import UnsupportedEncoding

_bridge = CvBridge()


@dataclass(frozen=True, eq=False)
class Picture:
    """Hold pixels (height, width, 3) in the order blue, green, red, and the camera's own size.

    The two differ where a JPEG was decoded smaller than it is.
    """

    image_bgr: npt.NDArray[np.uint8]
    source_wh: tuple[int, int]

    @property
    def reduced(self) -> bool:
        """Tell whether there is more to see in the message than in the pixels."""
        height, width = self.image_bgr.shape[:2]
        return (width, height) != self.source_wh


def decode(
    message: Image | CompressedImage,
    *,
    needed_wh: Callable[[tuple[int, int]], tuple[int, int]] | None = None,
) -> Picture:
    """Return the picture of an image message, a JPEG no larger than `needed_wh` asks for.

    `needed_wh` tells from the full size the least that is of use; without it all is decoded. A
    bgr8 image is a view of the message's own bytes. What is neither a plain nor a camera's
    encoding is left to cv_bridge: the one on PyPI knows fewer than the one from apt and ignores
    `step`, so it comes last. Raises VisionError with the cause to count.
    """
    if isinstance(message, CompressedImage) and needed_wh is not None:
        return Picture(*decode_for(message.data, needed_wh))
    image_bgr = (
        decode_jpeg(message.data) if isinstance(message, CompressedImage) else _pixels(message)
    )
    return Picture(image_bgr, (image_bgr.shape[1], image_bgr.shape[0]))


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
        raise UnsupportedEncoding(
            f'Encoding {message.encoding!r} gives an image of shape {image.shape}, '
            'expected rows and columns of three colours.'
        )
    return image
