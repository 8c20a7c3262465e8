# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The owner of a pipeline, and what it hears of each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from roof_detector.pipeline.frame import FrameResult

if TYPE_CHECKING:
    from roof_detector.pipeline.frame import PreprocessedFrame
    from roof_detector.pipeline.frame_stats import DropCause
    from roof_detector.pipeline.model_opening import OpenedModel
    from roof_detector.supervision.watched_thread import WatchedThread


class PipelineListener(Protocol):
    """The owner of a pipeline, which opens its model and receives its results."""

    def open_model(self, model: str) -> OpenedModel:
        """Open and warm up a model, in the thread that will own it; raise what prevents that."""

    def on_result(self, result: FrameResult) -> None:
        """Receive the result of a frame, in the model's thread."""

    def on_dropped(self, cause: DropCause, message: str) -> None:
        """Hear that a frame was dropped for an error, in any thread."""

    def on_pipeline_changed(self) -> None:
        """Hear that a model is open, has failed to open or has ended, in any thread."""


class FrameDelivery:
    """Gives the end of each frame to the listener: its result, or why it was dropped.

    `thread` is the model's: once it is lost, no more results of it go out. If `keeps_every`, a
    frame that fails gets a result with its error in place of being dropped.
    """

    def __init__(
        self, listener: PipelineListener, *, thread: WatchedThread, keeps_every: bool
    ) -> None:
        self._listener = listener
        self._thread = thread
        self._keeps_every = keeps_every

    def deliver(self, ready: PreprocessedFrame, result: FrameResult) -> bool:
        """Give a result to the listener, unless the thread is lost; return whether it took it."""
        if self._thread.is_abandoned:
            return False
        try:
            self._listener.on_result(result)
        except Exception as error:  # one frame that cannot be published is no end of the others
            self.drop(ready, 'publishing', error)
            return False
        return True

    def drop(self, ready: PreprocessedFrame, cause: DropCause, error: Exception) -> None:
        """Drop a frame for an error."""
        if self._keeps_every and cause != 'publishing':
            self.deliver(
                ready, FrameResult(frame=ready.frame, image=ready.image, cause=cause, error=error)
            )
            return
        ready.frame.drop(cause)
        self._listener.on_dropped(cause, f'A frame was dropped ({cause}): {error}')
