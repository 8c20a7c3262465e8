# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The images of a bag's topics, those of video decoded packet after packet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.topics import VIDEO_TYPES
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.recorded_image import RecordedImage
from roof_detector.inputs.video_packets import PacketDecoder, packet_of
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.bags.reader import BagReader
    from roof_detector.bags.topics import BagMessage
    from roof_detector.inputs.video_packets import VideoPicture


@dataclass(frozen=True, eq=False)
class RecordedPicture(RecordedImage):
    """A picture of a recorded video; `message` is the packet that it came in.

    Without a `picture`, `problem` says why the packet gave none.
    """

    picture: VideoPicture[BagMessage] | None = None
    problem: str = ''

    @property
    def is_video(self) -> bool:
        """Return True: the message alone is no image."""
        return True

    def encoded(self) -> bytes:
        """Return b'': a packet is no file."""
        return b''

    def to_bgr(self) -> NDArray[np.uint8]:
        """Convert to (height, width, 3) BGR; raise InputError where the packet gave no picture."""
        if self.picture is None:
            msg = (
                f'The packet of {self.message.topic} recorded at '
                f'{self.message.log_time_ns / 1e9:.3f} s gives no picture: {self.problem}'
            )
            raise InputError(msg)
        return self.picture.to_bgr()


class RecordedImages:
    """Turns the messages of image topics into images, each topic's in the order of the bag.

    `lost` counts, by topic, pictures of video that were begun and never came.
    """

    def __init__(self, reader: BagReader) -> None:
        self._reader = reader
        self._decoders: dict[str, PacketDecoder[BagMessage]] = {}
        self.lost: dict[str, int] = {}

    def of(self, message: BagMessage) -> list[RecordedImage]:
        """Return the images that a message completes; a packet of video may complete none yet."""
        if message.type_name not in VIDEO_TYPES:
            return [RecordedImage(message, self._reader)]
        decoder = self._decoders.setdefault(message.topic, PacketDecoder())
        try:
            data, encoding, is_keyframe = packet_of(self._reader.deserialize(message))
            pictures = decoder.decode(
                data, encoding=encoding, token=message, is_keyframe=is_keyframe
            )
        except (VisionError, BagError) as error:
            return [RecordedPicture(message, self._reader, problem=str(error))]
        finally:
            self._count(message.topic, decoder)
        return [RecordedPicture(one.token, self._reader, picture=one) for one in pictures]

    def rest(self) -> list[RecordedImage]:
        """Return the images that the decoders still hold after the last message."""
        found: list[RecordedImage] = []
        for topic, decoder in self._decoders.items():
            found += [
                RecordedPicture(one.token, self._reader, picture=one) for one in decoder.flush()
            ]
            self._count(topic, decoder)
        self._decoders.clear()
        return found

    def _count(self, topic: str, decoder: PacketDecoder[BagMessage]) -> None:
        if lost := decoder.take_lost():
            self.lost[topic] = self.lost.get(topic, 0) + lost
