# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The queue of a live pipeline: of each camera the newest frame, and messages left unread."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from roof_detector.pipeline.frame_queue import FrameQueue
from roof_detector.supervision.doorbell import BEAT_S, Doorbell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.pipeline.frame import FrameStream, PipelineFrame, PreprocessedFrame

# Preprocessing begins this much earlier than it should need to, for no two frames take the same
# time: an idle model costs results, a frame that is ready early costs its age.
_HEAD_START = 1.5
_SMOOTHING = 0.2
# An unread message is read after this time at the latest, so that its camera is not taken for
# silent and a listener that stops does not wait.
_LONGEST_HOLD_S = 1.0
# Whose turn it is reads its message within this time, or the next one is served.
_READING_S = 0.1


class LatestFrameQueue(FrameQueue):
    """Keeps the newest frame of each stream, submitted or ready, and serves streams in fair turns.

    Where `ahead`, a frame is preprocessed while the model runs on the one before, but only so
    early that it is ready when the model is free: until then a newer one may take its place, and
    a decoding is not wasted on it. A ready frame keeps its place, so that no decoding is thrown
    away, unless it has waited for longer than a pass should take. Otherwise preprocessing waits
    for the model to be free. Who supersedes a frame gets it back, to count it.

    A message that waits in its reader has a place among them as well, and is read within `turn`,
    just before it is preprocessed: what a newer one replaces in the reader is copied by nobody.
    """

    def __init__(self) -> None:
        super().__init__()
        # In order of turns: a newer frame keeps its stream's place. None is an unread message.
        self._submitted: dict[FrameStream, PipelineFrame | None] = {}
        self._bells: dict[FrameStream, Doorbell] = {}
        self._preprocessed: FrameStream | None = None  # whose frame is in preprocessing
        self._read_s = 0.0
        self._read_due_s = 0.0
        self._expected_since_s: tuple[FrameStream | None, float] = (None, 0.0)
        self._ready: dict[FrameStream, PreprocessedFrame] = {}
        self._preprocess_s = 0.0
        self._due_s = 0.0
        self._expected_s = 0.0
        self._ready_since_s = 0.0  # since when the newest of them waits

    def push(self, frame: PipelineFrame) -> PipelineFrame | None:
        """Queue a frame; return the one that it supersedes, or itself once closed.

        One that is older than what waits, as it may come from another queue, is returned too.
        """
        with self._lock:
            superseded = self._submitted.get(frame.stream)
            is_late = superseded is not None and superseded.submitted_s > frame.submitted_s
            if self._closed or is_late:
                return frame
            self._submitted[frame.stream] = frame
        self._preprocessable.ring()
        return superseded

    @contextmanager
    def turn(self, stream: FrameStream) -> Iterator[None]:
        """Wait until a frame of this stream is wanted next, for a second at most.

        Read the newest message within and push its frame. `was_held` of the stream then tells
        whether that had to wait, so that older messages were superseded unread.
        """
        until_s = perf_counter() + _LONGEST_HOLD_S
        stream.was_held = False
        with self._lock:
            bell = self._bells.setdefault(stream, Doorbell())
        while (wait_s := min(self._wait_s(stream), until_s - perf_counter())) > 0:
            stream.was_held = True
            bell.wait(wait_s)
        began_s = perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._read_s += _SMOOTHING * (perf_counter() - began_s - self._read_s)
                if stream in self._submitted and self._submitted[stream] is None:
                    del self._submitted[stream]  # there was nothing to push
            self._ring()

    def next_frame(self) -> PipelineFrame | None:
        """Wait until it is time to preprocess a frame and return it; None once closed."""
        with self._lock:
            self._preprocessed = None
        self._ring_next()
        while True:
            with self._lock:
                if self._closed:
                    return None
                stream = self._next_stream()
                frame = None if stream is None else self._submitted[stream]
                wait_s = self._due_s - perf_counter()
                if stream is not None and frame is not None and wait_s <= 0:
                    self.in_preprocessing = frame
                    self._preprocessed = stream
                    del self._submitted[stream]
                    return frame
            self._preprocessable.wait(BEAT_S if frame is None else wait_s)

    def push_ready(self, ready: PreprocessedFrame) -> PreprocessedFrame | None:
        """Queue a preprocessed frame; return the one that it supersedes, or itself once closed."""
        with self._lock:
            self._preprocessed = None
            self._preprocess_s += _SMOOTHING * (ready.preprocess_s - self._preprocess_s)
            if self._closed:
                return ready
            superseded = self._ready.get(ready.frame.stream)
            self._ready[ready.frame.stream] = ready
            self._ready_since_s = perf_counter()
        self._inferable.ring()
        self._ring_next()
        return superseded

    def next_ready(self, *, expected_s: float) -> tuple[PreprocessedFrame, ...]:
        """Wait for a frame, or up to `batch` of different streams; none once closed."""
        self._due_s = self._read_due_s = 0.0
        self._ring()
        while not (self._ready or self._closed):
            self._inferable.wait()
        with self._lock:
            self.in_inference = frames = tuple(self._ready.values())[: self.batch]
            for ready in frames:
                del self._ready[ready.frame.stream]
            self._expected_s = expected_s
            free_s = perf_counter() + expected_s
            preprocess_s = self._preprocess_s if self.ahead else 0.0
            head_start_s = _HEAD_START * self.batch
            self._due_s = free_s - head_start_s * preprocess_s if self.ahead else inf
            self._read_due_s = free_s - head_start_s * (preprocess_s + self._read_s)
        self._ring()
        return frames

    def close(self) -> tuple[PipelineFrame, ...]:
        """End all waiting and return the frames that the model has not begun."""
        with self._lock:
            self._closed = True
            submitted = [frame for frame in self._submitted.values() if frame is not None]
            left = (*submitted, *(ready.frame for ready in self._ready.values()))
            self._submitted.clear()
            self._ready.clear()
            bells = list(self._bells.values())
        for bell in (self._preprocessable, self._inferable, *bells):
            bell.ring()
        return left

    def _ring(self) -> None:
        """Wake the threads that can go on now."""
        self._preprocessable.ring()
        self._ring_next()

    def _ring_next(self) -> None:
        """Wake the threads that have unread messages of those whose turn it is."""
        with self._lock:
            bells = [self._bells[one] for one in self._wanted() if one in self._bells]
        for bell in bells:
            bell.ring()

    def _wait_s(self, stream: FrameStream) -> float:
        """Give an unread message its place; return how long it should stay unread by now."""
        with self._lock:
            if self._closed:
                return 0.0
            self._submitted.setdefault(stream, None)  # again where one read before was served
            if stream not in self._wanted():
                return BEAT_S  # it rings when it is
            read = self._submitted.get(stream)
            # One that was read waits for a moment only, unless the model is late by a pass.
            due_s = self._read_due_s if read is None else read.submitted_s + self._expected_s
            return due_s - perf_counter()

    def _wanted(self) -> list[FrameStream]:
        """Return whose frames are preprocessed next, in the order of their turns.

        Of streams without a ready one, while places are free. Where all have one that has waited
        for too long, the first of them.
        """
        free = self.batch - len(self._ready) - (self._preprocessed is not None)
        taken = {*self._ready, self._preprocessed}
        wanted = list(islice((one for one in self._submitted if one not in taken), max(free, 0)))
        if wanted or self._preprocessed is not None:
            return wanted
        is_stale = perf_counter() - self._ready_since_s > self._expected_s
        if is_stale and self._submitted.keys() <= self._ready.keys():
            return list(islice(self._submitted, 1))
        return []

    def _next_stream(self) -> FrameStream | None:
        """Return whose frame is next; it may be unread still.

        A thread that does not read what it has announced keeps its turn for a moment only.
        """
        wanted = next(iter(self._wanted()), None)
        if wanted is None or self._submitted[wanted] is not None:
            return wanted
        now_s = perf_counter()
        expected, since_s = self._expected_since_s
        if expected is not wanted or now_s < self._read_due_s:
            self._expected_since_s = wanted, now_s
        elif now_s - since_s > _READING_S:
            read = (one for one in self._submitted if self._submitted[one] is not None)
            return next((one for one in read if one not in self._ready), wanted)
        return wanted
