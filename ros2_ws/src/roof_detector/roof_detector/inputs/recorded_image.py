# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An image message of a bag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.inputs.compressed_image import check_format
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import decode_bytes
from roof_detector.inputs.recorded_header import frame_id, stamp_ns
from roof_detector.vision.camera_encodings import CAMERA_ENCODINGS, convert_to_bgr
from roof_detector.vision.encodings import view_bgr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.bags.reader import BagReader
    from roof_detector.bags.topics import BagMessage


@dataclass(frozen=True, eq=False)
class RecordedImage:
    """An image message of a bag, decoded on demand."""

    message: BagMessage
    reader: BagReader

    @property
    def is_compressed(self) -> bool:
        """Return whether it is a sensor_msgs/CompressedImage, not an Image."""
        return self.message.type_name.endswith('/CompressedImage')

    @property
    def is_video(self) -> bool:
        """Return whether the message is a packet of video, and no image alone."""
        return False

    @property
    def stamp_ns(self) -> int:
        """Return the stamp in the recorded header."""
        return stamp_ns(self.message.data)

    @property
    def frame_id(self) -> str:
        """Return the frame in the recorded header."""
        return frame_id(self.message.data)

    def encoded(self) -> bytes:
        """Return the JPEG or PNG of a CompressedImage, b'' for a raw image."""
        return bytes(self.reader.deserialize(self.message).data) if self.is_compressed else b''

    def to_bgr(self) -> NDArray[np.uint8]:
        """Decode to (height, width, 3) BGR, or raise InputError for a damaged image."""
        try:
            image = self.reader.deserialize(self.message)
            if self.is_compressed:
                check_format(str(getattr(image, 'format', '')))
                return decode_bytes(bytes(image.data), turned=False).image_bgr
            width, height, step = int(image.width), int(image.height), int(image.step)
            if image.encoding in CAMERA_ENCODINGS:
                return convert_to_bgr(
                    image.data,
                    height=height,
                    width=width,
                    encoding=image.encoding,
                    step=step,
                    big_endian=bool(image.is_bigendian),
                )
            return view_bgr(
                image.data, height=height, width=width, encoding=image.encoding, step=step
            )
        except Exception as error:  # a bag may define its types, and fill them, as it likes
            msg = (
                f'The image of {self.message.topic} recorded at '
                f'{self.message.log_time_ns / 1e9:.3f} s cannot be read: {error}'
            )
            raise InputError(msg) from error
