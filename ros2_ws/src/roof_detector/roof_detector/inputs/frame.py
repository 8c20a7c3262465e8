# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A frame of an input, and the messages that a bag holds beside its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import DecodedFile, decode_file, image_bytes
from roof_detector.inputs.raster_tile import RasterTile
from roof_detector.inputs.recorded_image import RecordedImage
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.schemas import MessageSchema
    from roof_detector.bags.topics import BagMessage
    from roof_detector.vision.moment import Moment


@dataclass(frozen=True)
class Companion:
    """A message that a bag holds for a frame; `role` is camera_info, fix, pose or ground_truth."""

    role: str
    message: BagMessage


@dataclass(frozen=True)
class PassthroughMessages:
    """Messages that are copied unchanged to the results, in the order of the bag."""

    messages: tuple[BagMessage, ...]


@dataclass(frozen=True)
class PassthroughTopic:
    """A topic whose messages are copied unchanged to the results."""

    name: str
    schema: MessageSchema
    offered_qos: tuple[OfferedQos, ...]


@dataclass(frozen=True, eq=False)
class LoadedFrame:
    """An image that was read from its file or message, and is not decoded yet.

    `content` identifies the image file, the image message, or the video that the frame is from.
    `data` holds the bytes of an image file. `moment` is when the image was taken, where known.
    """

    image: NDArray[np.uint8] | RecordedImage | RasterTile | Path
    content: ContentIdentity | None
    data: bytes = b''
    moment: Moment | None = None

    def image_bgr(self) -> NDArray[np.uint8]:
        """Decode the image to (height, width, 3), or raise InputError."""
        return self.decoded().image_bgr

    def decoded(self) -> DecodedFile:
        """Decode the image with notes on its file, or raise InputError."""
        if isinstance(self.image, RecordedImage):
            return DecodedFile(self.image.to_bgr())
        if isinstance(self.image, Path):
            return decode_file(self.data, self.image)
        return DecodedFile(_pixels(self.image))

    def encoded(self) -> bytes:
        """Return the JPEG, PNG or other file that the image is encoded in, b'' if it is raw."""
        if isinstance(self.image, RecordedImage):
            return self.image.encoded()
        return self.data


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame:
    """One frame of an input: its image, decoded or not, its time and its name.

    Recorded once: `index` counts the frames of the image topic from 0, unreadable ones included.
    Played: `index` counts the frames that were handed out, over all passes of a loop.

    `stamp_ns` is the time in the input: from 0 for videos, as recorded for bags, the wall clock at
    the grab for live cameras; for image files when they were taken, or from 0 where they do not
    all tell it. `log_time_ns` is when a bag received the frame.
    `due_ns` is when to show a played frame, counted from the first one; None means at once.
    `topic` is the image topic of a bag. `content` identifies the video that a frame is from;
    `load` computes that of image files and messages. `has_odd_stamp` is True where a recorded
    stamp cannot be the moment of the image. `companions` are the messages that a bag holds for
    this frame. `moment` is when the frame was taken, where that is known.
    """

    index: int
    name: str
    stamp_ns: int
    image: NDArray[np.uint8] | RecordedImage | RasterTile | Path
    due_ns: int | None = None
    topic: str = ''
    log_time_ns: int = 0
    frame_id: str = ''
    content: ContentIdentity | None = None
    has_odd_stamp: bool = False
    companions: tuple[Companion, ...] = ()
    moment: Moment | None = None

    def load(self) -> LoadedFrame:
        """Read the image and hash what was read, or raise InputError."""
        if isinstance(self.image, RecordedImage):
            return LoadedFrame(self.image, ContentIdentity.of(self.image.message.data))
        if isinstance(self.image, Path):
            data = image_bytes(self.image)
            return LoadedFrame(self.image, ContentIdentity.of(data), data, moment=self.moment)
        return LoadedFrame(self.image, self.content, moment=self.moment)

    @property
    def image_bgr(self) -> NDArray[np.uint8]:
        """Read and decode the image to (height, width, 3), or raise InputError.

        The array may be a read-only view of a recorded message. Each call decodes again.
        """
        if isinstance(self.image, RecordedImage):
            return self.image.to_bgr()
        if isinstance(self.image, Path):
            return decode_file(image_bytes(self.image), self.image).image_bgr
        return _pixels(self.image)


def _pixels(image: NDArray[np.uint8] | RasterTile) -> NDArray[np.uint8]:
    if not isinstance(image, RasterTile):
        return image
    tile_bgr = image.read()
    if tile_bgr is None:
        msg = f'{image.raster.path} holds no data at {image.window_xywh}.'
        raise InputError(msg)
    return tile_bgr


def frame_name(stem: str, topic: str, index: int) -> str:
    """Return the name of a frame that has no file of its own."""
    where = f'_{topic.strip("/").replace("/", "_")}' if topic else ''
    return f'{stem}{where}_{index:06d}'
