# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frame pipeline: submitted frames are decoded, preprocessed, inferred and postprocessed."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from roof_detector.inference.errors import InferenceError
from roof_detector.pipeline.frame_detection import FrameDetection
from roof_detector.pipeline.frame_queue import EveryFrameQueue, FrameQueue
from roof_detector.pipeline.latest_frame_queue import LatestFrameQueue
from roof_detector.pipeline.listener import FrameDelivery
from roof_detector.pipeline.preprocessing import Preprocessing
from roof_detector.pipeline.settings import FramePolicy
from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watched_thread import WatchedThread, current_heart
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.frame import FrameStream, PipelineFrame, PreprocessedFrame
    from roof_detector.pipeline.listener import PipelineListener
    from roof_detector.pipeline.settings import PipelineSettings

# Reading, fusing and warming up take seconds, on a slow disk and a loaded computer a minute.
_OPENING_PATIENCE_S = 180.0


def new_queue(policy: FramePolicy) -> FrameQueue:
    """Return an empty queue of this policy."""
    return LatestFrameQueue() if policy is FramePolicy.LATEST else EveryFrameQueue()


class FramePipeline:
    """Runs one model on submitted frames; `policy` decides which ones where they come too fast.

    `submit(frame)` -> decode -> preprocess -> infer -> postprocess -> `on_result(result)`.
    Decoding and preprocessing have a thread of their own; all use of the model is in another one,
    which opens it first. Every frame ends in exactly one way: with a result, dropped for a cause,
    or forwarded to a successor. With FramePolicy.EVERY none is dropped: a frame that fails gets a
    result with its error, in its place.

    `settings` is a plain attribute, read once for each frame: setting it never waits. The watchdog
    finds a thread that died or hangs. It replaces that of preprocessing; where it is the model's,
    `problem` says so, no more results come and another pipeline has to succeed this one.
    """

    def __init__(
        self,
        listener: PipelineListener,
        *,
        model: str,
        settings: PipelineSettings,
        policy: FramePolicy = FramePolicy.LATEST,
    ) -> None:
        self.settings = settings
        self.has_ended = False
        self.problem = ''
        self._listener = listener
        self._model = model
        self._queue = new_queue(policy)
        self._successor: FramePipeline | None = None
        self._opened: Future[Detector] = Future()
        self._may_start = False
        self._starts = Doorbell()
        self._preprocessing: Preprocessing | None = None
        self._thread = WatchedThread(self._run, name='detection', restart=self._lose)
        self._delivery = FrameDelivery(
            listener, thread=self._thread, keeps_every=self._queue.keeps_every
        )
        self._thread.start()

    def wait_until_open(self) -> Detector:
        """Return the detector once it is warm; raise what kept it from opening.

        Only its facts (names, task, device) are for other threads.
        """
        with current_heart().patient('waiting for the model to open', patience_s=inf):
            return self._opened.result()

    @property
    def is_open(self) -> bool:
        """Return whether `wait_until_open` would not wait."""
        return self._opened.done()

    @property
    def death(self) -> str:
        """Return what one of the threads died of, empty while both live or ended in order."""
        own = self.problem or self._thread.death
        return own or ('' if self._preprocessing is None else self._preprocessing.death)

    def start(self) -> None:
        """Process frames once the model is open; until then they wait in the queue."""
        self._may_start = True
        self._starts.ring()

    def turn(self, stream: FrameStream) -> AbstractContextManager[None]:
        """Wait until a frame of this stream is wanted, and submit it within."""
        return self._queue.turn(stream)

    def submit(self, frame: PipelineFrame) -> None:
        """Queue a frame; with FramePolicy.LATEST the one that it supersedes is dropped."""
        superseded = self._queue.push(frame)
        if superseded is None:
            return
        if self._queue.is_closed:
            self.forward(superseded)
        else:
            superseded.drop('superseded')

    def drain(self, *, successor: FramePipeline) -> None:
        """Finish the frame in work, forward those that wait and free the model.

        Does not wait: the listener hears of the end.
        """
        self._successor = successor
        self._close_queue()

    def close(self) -> None:
        """Finish the frame in work, drop those that wait and free the model."""
        self._close_queue()
        self._thread.wait_for_end()

    def is_expired(self, frame: PipelineFrame) -> bool:
        """Drop a frame that is too old, or may be; return whether it was."""
        limit_s = self.settings.max_age_s
        if not limit_s:
            return False
        age_s = frame.age_s()
        if age_s is not None and age_s <= limit_s:
            return False
        frame.drop('age_unknown' if age_s is None else 'too_old')
        return True

    def forward(self, frame: PipelineFrame) -> None:
        """Submit a frame that came too late to the successor, or drop it where there is none."""
        if self._successor is None:
            frame.drop('deactivated')
        else:
            self._successor.submit(frame)

    def fail(self, ready: PreprocessedFrame) -> None:
        """Drop a frame that could not be decoded or preprocessed."""
        assert ready.error is not None
        cause = ready.error.cause if isinstance(ready.error, VisionError) else 'decoding'
        self._delivery.drop(ready, cause, ready.error)

    def replace_preprocessing(self, reason: str) -> None:
        """Start another preprocessing thread; the frame that the lost one had is dropped.

        With FramePolicy.EVERY none may be: there it is a `problem`.
        """
        if self._preprocessing is not None:
            self._preprocessing.abandon()
        if self._queue.keeps_every:
            self.problem = reason
            self._listener.on_pipeline_changed()
            return
        if not self._queue.is_closed:
            self._preprocessing = Preprocessing(
                self, detector=self._opened.result(), queue=self._queue
            )

    def _lose(self, problem: str) -> None:
        """Drop what the dead thread had in work; belongs to the watchdog's thread."""
        self._thread.abandon()
        self.problem = problem
        with suppress(InvalidStateError):
            self._opened.set_exception(InferenceError(f'{problem}.'))
        for ready in self._queue.in_inference:
            ready.frame.drop('detection_lost')
        self.has_ended = True
        self._listener.on_pipeline_changed()

    def _close_queue(self) -> None:
        for frame in self._queue.close():
            self.forward(frame)
        self.start()  # only to end

    def _run(self) -> None:
        self._open_and_detect()
        self.has_ended = True
        self._listener.on_pipeline_changed()

    def _open_and_detect(self) -> None:
        heart = self._thread.heart
        heart.begin('opening the model', patience_s=_OPENING_PATIENCE_S)
        try:
            model = self._listener.open_model(self._model)
        except Exception as failure:  # raised again where somebody waits for the model
            with suppress(InvalidStateError):
                self._opened.set_exception(failure)
            return
        with model as detector:
            self._queue.batch, self._queue.ahead = model.batch, model.is_ahead
            with suppress(InvalidStateError):  # it was given up meanwhile
                self._opened.set_result(detector)
            self._listener.on_pipeline_changed()
            while not self._may_start:
                self._starts.wait()
            detection = FrameDetection(self, detector=detector, delivery=self._delivery)
            self._preprocessing = Preprocessing(self, detector=detector, queue=self._queue)
            while frames := self._next_ready(detection):
                if self._thread.is_abandoned:
                    for ready in frames:
                        ready.frame.drop('detection_lost')
                    break
                heart.begin('detecting')
                detection.run(frames)
                self._queue.ahead = model.is_ahead  # its threads may have changed
            detection.finish()
            self._preprocessing.join()

    def _next_ready(self, detection: FrameDetection) -> tuple[PreprocessedFrame, ...]:
        """Wait for the next frames; none once closed. Passes in work are not kept waiting."""
        if not self._queue.has_ready:
            detection.finish()
        return self._queue.next_ready(expected_s=detection.usual_s)
