# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The queue of a pipeline: frames that wait for preprocessing, and for the model."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from roof_detector.supervision.doorbell import Doorbell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.pipeline.frame import FrameStream, PipelineFrame, PreprocessedFrame

# Frames that wait before each stage where every frame is processed: enough to even out a slow
# image, little memory at 4K.
_DEPTH = 4


class FrameQueue(ABC):
    """Frames between the threads of a pipeline; one thread preprocesses, one runs the model.

    `in_preprocessing` and `in_inference` are what the two threads took last, so that it can be
    counted when a thread dies with it. `batch` is the most frames that the model takes at once.
    `keeps_every` is True where no frame may be dropped, one that fails neither.
    """

    keeps_every = False

    def __init__(self) -> None:
        self.batch = 1
        self.ahead = True
        self.in_preprocessing: PipelineFrame | None = None
        self.in_inference: tuple[PreprocessedFrame, ...] = ()
        self._lock = threading.Lock()
        self._preprocessable = Doorbell()
        self._inferable = Doorbell()
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Return whether no frame is queued any more."""
        return self._closed

    @property
    def has_ready(self) -> bool:
        """Return whether `next_ready` would not wait."""
        return False

    @contextmanager
    def turn(self, stream: FrameStream) -> Iterator[None]:
        """Wait until it is time to read a message of this stream; read and push it within."""
        stream.was_held = False
        yield

    @abstractmethod
    def push(self, frame: PipelineFrame) -> PipelineFrame | None:
        """Queue a frame; return the one that it supersedes, or itself once closed."""

    @abstractmethod
    def next_frame(self) -> PipelineFrame | None:
        """Wait for the next frame to preprocess and return it; None once closed."""

    @abstractmethod
    def push_ready(self, ready: PreprocessedFrame) -> PreprocessedFrame | None:
        """Queue a preprocessed frame; return the one that it supersedes, or itself once closed."""

    @abstractmethod
    def next_ready(self, *, expected_s: float) -> tuple[PreprocessedFrame, ...]:
        """Wait for a frame, or up to `batch` of different streams; none once closed.

        `expected_s` is how long the model will run on them.
        """

    @abstractmethod
    def close(self) -> tuple[PipelineFrame, ...]:
        """End all waiting and return the frames that the model has not begun."""


class EveryFrameQueue(FrameQueue):
    """Keeps every frame in order; who pushes waits while a few frames wait already."""

    keeps_every = True

    def __init__(self) -> None:
        super().__init__()
        self._submitted: deque[PipelineFrame] = deque()
        self._ready: deque[PreprocessedFrame] = deque()
        self._submittable = Doorbell()
        self._placeable = Doorbell()

    def push(self, frame: PipelineFrame) -> PipelineFrame | None:
        """Queue a frame once there is room; return it once closed."""
        while len(self._submitted) >= _DEPTH and not self._closed:
            self._submittable.wait()
        with self._lock:
            if self._closed:
                return frame
            self._submitted.append(frame)
        self._preprocessable.ring()
        return None

    def next_frame(self) -> PipelineFrame | None:
        """Wait for the next frame to preprocess and return it; None once closed."""
        while not (self._submitted or self._closed):
            self._preprocessable.wait()
        with self._lock:
            if self._closed:
                return None
            self.in_preprocessing = frame = self._submitted.popleft()
        self._submittable.ring()
        return frame

    def push_ready(self, ready: PreprocessedFrame) -> PreprocessedFrame | None:
        """Queue a preprocessed frame once there is room; return it once closed."""
        while len(self._ready) >= _DEPTH and not self._closed:
            self._placeable.wait()
        with self._lock:
            if self._closed:
                return ready
            self._ready.append(ready)
        self._inferable.ring()
        return None

    @property
    def has_ready(self) -> bool:
        """Return whether `next_ready` would not wait."""
        return bool(self._ready)

    def next_ready(self, *, expected_s: float) -> tuple[PreprocessedFrame, ...]:
        """Wait for the next frame; none once closed. A batch has one frame."""
        while not (self._ready or self._closed):
            self._inferable.wait()
        with self._lock:
            self.in_inference = frames = (self._ready.popleft(),) if self._ready else ()
        self._placeable.ring()
        return frames

    def close(self) -> tuple[PipelineFrame, ...]:
        """End all waiting and return the frames that the model has not begun."""
        with self._lock:
            self._closed = True
            left = (*(ready.frame for ready in self._ready), *self._submitted)
            self._submitted.clear()
            self._ready.clear()
        for bell in (self._submittable, self._preprocessable, self._placeable, self._inferable):
            bell.ring()
        return left
