# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a recorded flight holds, each frame once and in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from roof_detector.inputs.image_files import decode_picture, picture_bytes
from roof_detector.inputs.recorded_image import RecordedPicture
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.schemas import MessageSchema
    from roof_detector.bags.topics import BagMessage
    from roof_detector.offline.source_files import SourceFile


@dataclass(frozen=True, eq=False)
class LoadedFrame:
    """An image as it was read, with the identity of what was read, and not decoded yet.

    `content` is that of the image file, the image message, or the video that the frame is from.
    """

    picture: NDArray[np.uint8] | RecordedPicture | Path
    content: ContentIdentity | None
    data: bytes = b''  # of an image file

    def image_bgr(self) -> NDArray[np.uint8]:
        """Decode the image, or raise SourceError."""
        if isinstance(self.picture, RecordedPicture):
            return self.picture.to_bgr()
        if isinstance(self.picture, Path):
            return decode_picture(self.data, self.picture)
        return self.picture

    def encoded(self) -> bytes:
        """Return the image as a JPEG, PNG or other file, b'' where it was none."""
        if isinstance(self.picture, RecordedPicture):
            return self.picture.encoded()
        return self.data


@dataclass(frozen=True, eq=False)
class Frame:
    """Hold one picture of the footage and its place there.

    `topic` is the image topic, '' outside bags; `index` counts the topic's pictures from 0, those
    that cannot be read too. `picture` is the picture itself, or where it is read from; `content`
    the identity of the video that a frame is from. `has_odd_stamp` tells of a recorded stamp that
    cannot be the moment of the image.
    """

    topic: str
    index: int
    name: str
    stamp_ns: int
    log_time_ns: int
    frame_id: str
    picture: NDArray[np.uint8] | RecordedPicture | Path
    content: ContentIdentity | None = None
    has_odd_stamp: bool = False

    def load(self) -> LoadedFrame:
        """Read the image and hash what was read; raise SourceError where that fails."""
        picture = self.picture
        if isinstance(picture, RecordedPicture):
            return LoadedFrame(picture, ContentIdentity.of(picture.message.data))
        if isinstance(picture, Path):
            data = picture_bytes(picture)
            return LoadedFrame(picture, ContentIdentity.of(data), data)
        return LoadedFrame(picture, self.content)


@dataclass(frozen=True)
class Passing:
    """Hold messages that go through unchanged, in the order of the bag."""

    messages: tuple[BagMessage, ...]


@dataclass(frozen=True)
class PassingTopic:
    """Say how a topic is announced whose messages go through unchanged."""

    name: str
    schema: MessageSchema
    offered_qos: tuple[OfferedQos, ...]


class Footage(Protocol):
    """Give frames once, in order; `close` ends it."""

    path: Path
    name: str
    image_topics: tuple[str, ...]
    passing_topics: tuple[PassingTopic, ...]
    frame_count: int | None
    is_annotated: bool  # only pictures that boxes were drawn into already

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """Return what the footage lies in, read and hashed once; nothing for image files.

        Those are hashed frame by frame, as they are loaded.
        """

    def items(self) -> Iterator[Frame | Passing]:
        """Yield all that there is; raise SourceError where it cannot be read any further."""

    def troubles(self) -> Sequence[str]:
        """Return what is wrong with the footage as a whole, a sentence each."""

    def close(self) -> None:
        """Let go of the files."""


def frame_name(stem: str, topic: str, index: int) -> str:
    """Return the name of a frame that has no file of its own."""
    where = f'_{topic.strip("/").replace("/", "_")}' if topic else ''
    return f'{stem}{where}_{index:06d}'


def one_line(error: Exception) -> str:
    """Return an error as one line."""
    return ' '.join(str(error).split())
