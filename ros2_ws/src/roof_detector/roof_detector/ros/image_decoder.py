# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From an image message to pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from cv_bridge import CvBridge, CvBridgeError
from sensor_msgs.msg import CompressedImage, Image

from roof_detector.vision.camera_encodings import CAMERA_ENCODINGS, convert_to_bgr
from roof_detector.vision.encodings import ENCODINGS, decode_jpeg, view_bgr
from roof_detector.vision.errors import UnsupportedEncoding

_bridge = CvBridge()


def decode(message: Image | CompressedImage) -> npt.NDArray[np.uint8]:
    """Return the picture (height, width, 3) in the order blue, green, red.

    A bgr8 image is a view of the message's own bytes. What is neither a plain nor a camera's
    encoding is left to cv_bridge: the one on PyPI knows fewer than the one from apt and ignores
    `step`, so it comes last. Raises VisionError with the cause to count.
    """
    if isinstance(message, CompressedImage):
        return decode_jpeg(message.data)
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
    except (CvBridgeError, ValueError, TypeError, KeyError) as refusal:
        msg = (
            f'Encoding {message.encoding!r} of the image cannot be read, '
            f'expected one of {", ".join((*ENCODINGS, *CAMERA_ENCODINGS))}.'
        )
        raise UnsupportedEncoding(msg) from refusal
    return image
