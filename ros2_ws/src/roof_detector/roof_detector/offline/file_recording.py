# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Footage outside bags: pictures and videos."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from roof_detector.inputs.image_files import DEFAULT_RATE_HZ, pictures_in
from roof_detector.inputs.source import frame_time_ns
from roof_detector.inputs.video import VideoSource
from roof_detector.offline.recording import Frame, PassingTopic, frame_name
from roof_detector.offline.source_files import SourceFile, source_files
from roof_detector.results.text import readable
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The frame that the camera node gives pictures which have none; see its parameter frame_id.
FRAME_ID = 'camera_optical_frame'


class PictureFootage:
    """Give the pictures of a folder in natural order, or one picture.

    They are half a second apart, as the camera node plays them. Every file keeps its number and
    time, whether the ones before it can be read or not.
    """

    image_topics: tuple[str, ...] = ('',)
    passing_topics: tuple[PassingTopic, ...] = ()
    is_annotated = False
    files: tuple[SourceFile, ...] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name if path.is_dir() else path.stem
        self.paths = tuple(pictures_in(path) if path.is_dir() else [path])
        self.frame_count: int | None = len(self.paths)

    def items(self) -> Iterator[Frame]:
        """Yield the pictures, unread."""
        for index, path in enumerate(self.paths):
            time_ns = frame_time_ns(index, rate_hz=DEFAULT_RATE_HZ)
            yield Frame('', index, readable(path.name), time_ns, time_ns, FRAME_ID, path)

    def troubles(self) -> tuple[str, ...]:
        """Return nothing: each picture has its own trouble."""
        return ()

    def close(self) -> None:
        """Do nothing: no file stays open."""


class VideoFootage:
    """Give the frames of a video, each with its time in the video."""

    image_topics: tuple[str, ...] = ('',)
    passing_topics: tuple[PassingTopic, ...] = ()
    is_annotated = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source = VideoSource(path)
        self.name = path.stem
        self.frame_count = self._source.frame_count

    @cached_property
    def files(self) -> tuple[SourceFile, ...]:
        """Return the file, read and hashed once."""
        return source_files(self.path)

    @property
    def content(self) -> ContentIdentity:
        """Return the identity of the file."""
        (file,) = self.files
        return ContentIdentity(file.size_bytes, file.sha256)

    def items(self) -> Iterator[Frame]:
        """Yield the frames."""
        for frame in self._source:
            name = frame_name(self.name, '', frame.index)
            stamp_ns = frame.stamp_ns
            picture = frame.picture
            yield Frame('', frame.index, name, stamp_ns, stamp_ns, FRAME_ID, picture, self.content)

    def troubles(self) -> tuple[str, ...]:
        """Return whether the video ended before its time."""
        trouble = self._source.health().trouble
        return (trouble,) if trouble else ()

    def close(self) -> None:
        """Close the file."""
        self._source.close()
