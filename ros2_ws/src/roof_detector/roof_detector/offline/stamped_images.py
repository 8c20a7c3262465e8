# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the images of results in a bag or video, by time and content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import Frame
from roof_detector.inputs.video import VideoInput
from roof_detector.offline.errors import one_line
from roof_detector.offline.frame_images import FrameImages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.inputs.frame import LoadedFrame
    from roof_detector.inputs.input import RecordedInput
    from roof_detector.offline.frame_record import FrameRecord
    from roof_detector.vision.content_identity import ContentIdentity
    from roof_detector.vision.frame_findings import FrameFindings

_MOST_WAITING = 32  # frames of one stamp that wait for the results they belong to


class StampedImages(FrameImages):
    """Reads the frames in step with results in the same order; either may lack some.

    Frames of one stamp wait until one has the requested content. Where stamps go back, as when a
    simulation starts again, frames and results are taken to go back together. A frame of another
    topic than that of the results (the same camera, compressed) is identified by its stamp alone;
    where the topic of the results is unknown, the content counts.
    """

    def __init__(self, source: RecordedInput, *, is_own: bool = False) -> None:
        super().__init__(source, is_own=is_own)
        self._frames: Iterator[Frame] = (
            item for item in source.recorded() if isinstance(item, Frame)
        )
        self._round = self._requested_round = 0
        self._last_ns = self._requested_ns = -1
        self._next: Frame | None = None
        self._waiting: list[tuple[Frame, LoadedFrame]] = []
        self._skipped: list[str] = []
        self._end = ''  # why the input cannot be read to its end
        self._has_hashes = False  # results have hashes, so they hold every frame
        self._is_other_video = False
        self._step()

    def end(self) -> str:
        """Return why the input cannot be read to its end, '' where it can."""
        return self._end

    def skip(self, record: FrameRecord) -> None:
        """Skip a frame that could not be read."""
        self._seek(record.stamp_ns, record.topic, record.content)

    def _find(self, findings: FrameFindings) -> LoadedFrame | None:
        self._has_hashes = self._has_hashes or findings.content is not None
        if self._is_other_video:
            self._refused.append(findings.name)
            return None
        loaded = self._seek(findings.stamp_ns, findings.topic, findings.content)
        if loaded is not None:
            if loaded.content != findings.content and findings.content is not None:
                self._unproven.append(findings.name)
            return loaded
        (self._refused if self._waiting else self._missing).append(findings.name)
        self._is_other_video = bool(self._waiting) and isinstance(self._source, VideoInput)
        return None

    def _added(self) -> list[str]:
        if not self._has_hashes or isinstance(self._source, VideoInput):
            return []
        self._forget_waiting()
        while self._next is not None:
            self._skipped.append(self._next.name)
            self._step()
        return self._skipped

    def _seek(
        self, stamp_ns: int, topic: str, content: ContentIdentity | None
    ) -> LoadedFrame | None:
        """Return the frame of a stamp and content; others of that stamp keep waiting."""
        if stamp_ns != self._requested_ns:
            self._forget_waiting()
        self._requested_round += stamp_ns < self._requested_ns
        self._requested_ns = stamp_ns
        wanted = (self._requested_round, stamp_ns)
        while self._next is not None and (self._round, self._next.stamp_ns) < wanted:
            self._skipped.append(self._next.name)
            self._step()
        for index, (frame, loaded) in enumerate(self._waiting):
            if content in (None, loaded.content) or (topic and frame.topic != topic):
                del self._waiting[index]
                return loaded
        while self._next is not None and (self._round, self._next.stamp_ns) == wanted:
            frame, loaded = self._next, self._next.load()
            self._step()
            if content in (None, loaded.content) or (topic and frame.topic != topic):
                return loaded
            self._waiting.append((frame, loaded))
            if len(self._waiting) > _MOST_WAITING:
                self._skipped.append(self._waiting.pop(0)[0].name)
        return None

    def _forget_waiting(self) -> None:
        self._skipped += [frame.name for frame, _ in self._waiting]
        self._waiting.clear()

    def _step(self) -> None:
        try:
            self._next = next(self._frames, None)
        except InputError as error:
            self._next = None
            self._end = one_line(error)
        if self._next is not None:
            self._round += self._next.stamp_ns < self._last_ns
            self._last_ns = self._next.stamp_ns
