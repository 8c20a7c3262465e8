# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""ROS messages from arrays: images, masks and detections."""

from __future__ import annotations

import array
import sys
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

if TYPE_CHECKING:
    from std_msgs.msg import Header

    from roof_detector.vision.detections import Detections

_BYTES_PER_PIXEL = {'bgr8': 3, 'rgb8': 3, 'mono8': 1, 'mono16': 2, '16UC1': 2}


def image_message(
    image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    *,
    encoding: str,
    header: Header,
    reuse: Image | None = None,
) -> Image:
    """Return the Image message of an array of shape (height, width) or (height, width, 3).

    If the sizes match, the pixels are copied into the data of `reuse`, a message that is no longer
    needed.
    """
    height, width = image.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(sys.byteorder == 'big'),
        step=width * _BYTES_PER_PIXEL[encoding],
        data=byte_array(image, reuse=None if reuse is None else reuse.data),
    )


def compressed_message(jpeg: bytes | npt.NDArray[np.uint8], *, header: Header) -> CompressedImage:
    """Return the CompressedImage message of JPEG bytes."""
    return CompressedImage(header=header, format='jpeg', data=byte_array(jpeg))


def byte_array(
    values: bytes | npt.NDArray[np.generic], *, reuse: array.array[int] | None = None
) -> array.array[int]:
    """Return bytes as an array.array, which a uint8[] field accepts without checking elements.

    rosidl_python#156: assigning bytes or a NumPy array checks each element, 0.7 s at 1920x1080.
    An array of the same length may be reused: NumPy copies into it without holding the GIL, and
    the kernel has no new pages to clear.
    """
    if reuse is not None and not isinstance(values, bytes) and len(reuse) == values.nbytes:
        flat = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        np.copyto(np.frombuffer(reuse, dtype=np.uint8), flat)
        return reuse
    data = array.array('B')
    if isinstance(values, bytes):
        data.frombytes(values)
    else:
        data.frombytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return data


def detections_message(
    detections: Detections, *, names: tuple[str, ...], header: Header
) -> Detection2DArray:
    """Return the Detection2DArray: boxes in pixels of the source image, `class_id` a class name.

    Its `detections` are empty for an image in which nothing was found.
    """
    found = []
    for x, y, width, height, score, class_id in detections.message_rows():
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = names[class_id]
        result.hypothesis.score = score
        detection = Detection2D(header=header, results=[result])
        detection.bbox.center.position.x, detection.bbox.center.position.y = x, y
        detection.bbox.size_x, detection.bbox.size_y = width, height
        found.append(detection)
    return Detection2DArray(header=header, detections=found)


def labels_message(names: tuple[str, ...], *, threshold: float, header: Header) -> LabelInfo:
    """Return the LabelInfo message that maps class ids to class names."""
    classes = [VisionClass(class_id=i, class_name=name) for i, name in enumerate(names)]
    return LabelInfo(header=header, class_map=classes, threshold=threshold)
