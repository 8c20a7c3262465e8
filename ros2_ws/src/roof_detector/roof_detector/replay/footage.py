# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a recorded flight holds, each frame once and in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from roof_detector.sources.pictures import read_picture
from roof_detector.sources.recorded_picture import RecordedPicture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.schemas import MessageSchema
    from roof_detector.bags.topics import BagMessage


@dataclass(frozen=True, eq=False)
class Frame:
    """Hold one picture of the footage and its place there.

    `topic` is the image topic, '' outside bags; `index` counts the topic's pictures from 0, those
    that cannot be read too. `picture` is the picture itself, or where it is read from.
    """

    topic: str
    index: int
    name: str
    stamp_ns: int
    log_time_ns: int
    frame_id: str
    picture: NDArray[np.uint8] | RecordedPicture | Path

    def image_bgr(self) -> NDArray[np.uint8]:
        """Decode the picture, or raise SourceError."""
        if isinstance(self.picture, RecordedPicture):
            return self.picture.to_bgr()
        if isinstance(self.picture, Path):
            return read_picture(self.picture)
        return self.picture


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

    name: str
    image_topics: tuple[str, ...]
    passing_topics: tuple[PassingTopic, ...]
    frame_count: int | None
    is_annotated: bool  # only pictures that boxes were drawn into already

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
