# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that decodes and letterboxes frames while the model runs on others."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from roof_detector.pipeline.frame import PreprocessedFrame
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.frame import PipelineFrame
    from roof_detector.pipeline.frame_queue import FrameQueue
    from roof_detector.pipeline.settings import PipelineSettings


class PreprocessingOwner(Protocol):
    """The pipeline that the preprocessing belongs to."""

    settings: PipelineSettings

    def is_expired(self, frame: PipelineFrame) -> bool:
        """Return whether a frame is too old to be worth the work; it is dropped then."""

    def forward(self, frame: PipelineFrame) -> None:
        """Pass on a frame that came after the queue was closed."""

    def fail(self, ready: PreprocessedFrame) -> None:
        """Drop a frame whose `error` kept it from being preprocessed."""

    def replace_preprocessing(self, reason: str) -> None:
        """Start another thread in place of one that died or hangs; in the watchdog's thread."""


class Preprocessing:
    """Decodes queued frames and turns them into input tensors, in a thread of its own."""

    def __init__(
        self, owner: PreprocessingOwner, *, detector: Detector, queue: FrameQueue
    ) -> None:
        self._owner = owner
        self._detector = detector
        self._queue = queue
        self._thread = WatchedThread(
            self._run, name='preprocessing', restart=owner.replace_preprocessing
        )
        self._thread.start()

    @property
    def death(self) -> str:
        """Return what the thread died of, empty while it lives or where it ended in order."""
        return self._thread.death

    def join(self) -> None:
        """Wait until the thread has ended, after its queue was closed."""
        self._thread.wait_for_end()

    def abandon(self) -> None:
        """Leave a lost thread to itself and drop the frame that it had in work."""
        self._thread.abandon()
        if self._queue.in_preprocessing is not None:
            self._queue.in_preprocessing.drop('preprocessing_lost')

    def _run(self) -> None:
        heart = self._thread.heart
        while (frame := self._queue.next_frame()) is not None:
            if self._thread.is_abandoned:
                self._return(frame)
                return
            heart.begin('preprocessing a frame')
            if not self._owner.is_expired(frame):
                self._process(frame)

    def _process(self, frame: PipelineFrame) -> None:
        try:
            ready = self._preprocess(frame)
        except Exception as error:  # whatever an image holds, it is the end of that one
            ready = PreprocessedFrame(frame=frame, error=error)
            if not self._queue.keeps_every:
                self._owner.fail(ready)
                return
        if not self._thread.is_abandoned:
            self._push(ready)

    def _push(self, ready: PreprocessedFrame) -> None:
        """Queue a frame for the model; one that it supersedes is dropped."""
        superseded = self._queue.push_ready(ready)
        if superseded is ready:
            self._owner.forward(ready.frame)
        elif superseded is not None:
            superseded.frame.drop('superseded')

    def _return(self, frame: PipelineFrame) -> None:
        """Queue a frame again that was taken by an abandoned thread."""
        superseded = self._queue.push(frame)
        if superseded is not None:
            superseded.drop('superseded')

    def _preprocess(self, frame: PipelineFrame) -> PreprocessedFrame:
        started_s = perf_counter()
        settings = self._owner.settings
        is_reduced = settings.reduced_decoding and not settings.has_tiles
        image = frame.decode(needed_wh=self._detector.needed_wh if is_reduced else None)
        if image is None:
            return PreprocessedFrame(frame=frame)
        decoded_s = perf_counter()
        preprocessed = self._detector.preprocess(
            image.image_bgr, source_wh=image.source_wh, scale=settings.input_scale
        )
        return PreprocessedFrame(
            frame=frame,
            image=image,
            preprocessed=preprocessed,
            waited_s=started_s - frame.submitted_s,
            decode_s=decoded_s - started_s,
            ready_s=perf_counter(),
        )
