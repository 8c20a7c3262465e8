# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frame pipeline: submitted frames are decoded, preprocessed, inferred and postprocessed."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import groupby
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from roof_detector.inference.errors import InferenceError
from roof_detector.pipeline.frame import FrameResult
from roof_detector.pipeline.frame_queue import FrameQueue
from roof_detector.pipeline.preprocessing import Preprocessing
from roof_detector.pipeline.settings import FramePolicy
from roof_detector.pipeline.tiles import FrameTiles
from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watched_thread import WatchedThread, current_heart
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from roof_detector.inference.detector import Detector, NetworkOutput
    from roof_detector.pipeline.frame import PipelineFrame, PreprocessedFrame
    from roof_detector.pipeline.frame_stats import DropCause
    from roof_detector.pipeline.model_opening import OpenedModel
    from roof_detector.pipeline.settings import PipelineSettings

_SMOOTHING = 0.2
# Reading, fusing and warming up take seconds, on a slow disk and a loaded computer a minute.
_OPENING_PATIENCE_S = 180.0


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
        self._queue = FrameQueue.of(policy)
        self._successor: FramePipeline | None = None
        self._opened: Future[Detector] = Future()
        self._may_start = False
        self._starts = Doorbell()
        self._infer_s = 0.0
        self._tiles: FrameTiles | None = None
        self._preprocessing: Preprocessing | None = None
        self._thread = WatchedThread(self._run, name='detection', restart=self._lose)
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
        self._drop(ready, cause, ready.error)

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
            self._queue.batch, self._queue.ahead = model.batch, model.ahead
            with suppress(InvalidStateError):  # it was given up meanwhile
                self._opened.set_result(detector)
            self._listener.on_pipeline_changed()
            while not self._may_start:
                self._starts.wait()
            self._tiles = FrameTiles(detector)
            self._preprocessing = Preprocessing(self, detector=detector, queue=self._queue)
            while frames := self._queue.next_ready(expected_s=self._infer_s):
                if self._thread.is_abandoned:
                    for ready in frames:
                        ready.frame.drop('detection_lost')
                    break
                heart.begin('detecting')
                self._process(detector, frames)
            self._preprocessing.join()

    def _process(self, detector: Detector, frames: tuple[PreprocessedFrame, ...]) -> None:
        """Run the network on ready frames, those of one input size as a batch."""
        settings = self.settings
        started_s = perf_counter()
        for _, group in groupby(frames, key=_input_wh):
            self._infer(detector, list(group), settings)
        self._infer_s += _SMOOTHING * (perf_counter() - started_s - self._infer_s)

    def _infer(
        self, detector: Detector, frames: list[PreprocessedFrame], settings: PipelineSettings
    ) -> None:
        fresh = [ready for ready in frames if not self.is_expired(ready.frame)]
        if not fresh:
            return
        images = [ready.preprocessed for ready in fresh if ready.preprocessed is not None]
        if not images:
            for ready in fresh:
                self._deliver(
                    ready, FrameResult(frame=ready.frame, cause='decoding', error=ready.error)
                )
            return
        started_s = perf_counter()
        try:
            outputs = detector.infer(*images)
        except Exception as error:  # the errors of the runtimes share no base class
            for ready in fresh:
                self._drop(ready, 'inference', error)
            return
        for ready, output in zip(fresh, outputs, strict=True):
            self._postprocess(detector, ready, output, settings, began_s=started_s)

    def _postprocess(
        self,
        detector: Detector,
        ready: PreprocessedFrame,
        output: NetworkOutput,
        settings: PipelineSettings,
        *,
        began_s: float,
    ) -> None:
        """Choose, deliver and count one frame's detections.

        In the model's thread: this holds Python's lock nearly all the time, which a torch model
        needs between two of its operations, so that a thread of its own would take as much.
        """
        assert self._tiles is not None and ready.image is not None
        turns = ready.frame.stream.tiles
        inferred_s = perf_counter()
        try:
            detections = detector.postprocess(output, settings.thresholds)
            chosen_s = perf_counter()
            if not settings.has_tiles:
                turns.reset()
            elif not ready.image.is_reduced:  # decoded smaller before tiles were asked for
                detections = self._tiles.infer(
                    ready.image.image_bgr, detections, settings, turns=turns
                )
            floor = settings.candidate_floor
            candidates = None if floor is None else detector.candidates(output, floor=floor)
        except VisionError as error:
            self._drop(ready, error.cause, error)
            return
        except Exception as error:  # the errors of the runtimes share no base class
            self._drop(ready, 'inference', error)
            return
        done_s = perf_counter()
        durations_s = {
            'wait': ready.waited_s,
            'decode': ready.decode_s,
            'letterbox': output.letterbox_s,
            'ready': began_s - ready.ready_s,
            'forward': output.forward_s,
            'suppression': chosen_s - inferred_s,
        }
        if settings.has_tiles:
            durations_s['tiles'] = done_s - chosen_s
        result = FrameResult(
            frame=ready.frame,
            image=ready.image,
            detections=detections,
            names=detector.names,
            candidates=candidates,
            durations_s=durations_s,
        )
        if self._deliver(ready, result):
            durations_s['publish'] = perf_counter() - done_s
            age_s = ready.frame.age_s()
            if ready.frame.settle():
                ready.frame.stream.stats.process(
                    durations_s, age_s=age_s, found=detections.counts(detector.names)
                )

    def _deliver(self, ready: PreprocessedFrame, result: FrameResult) -> bool:
        """Give a result to the listener, unless this thread is lost; return whether it took it."""
        if self._thread.is_abandoned:
            return False
        try:
            self._listener.on_result(result)
        except Exception as error:  # one frame that cannot be published is no end of the others
            self._drop(ready, 'publishing', error)
            return False
        return True

    def _drop(self, ready: PreprocessedFrame, cause: DropCause, error: Exception) -> None:
        if self._queue.keeps_every and cause != 'publishing':
            self._deliver(
                ready, FrameResult(frame=ready.frame, image=ready.image, cause=cause, error=error)
            )
            return
        ready.frame.drop(cause)
        self._listener.on_dropped(cause, f'A frame was dropped ({cause}): {error}')


def _input_wh(ready: PreprocessedFrame) -> tuple[int, int] | None:
    return None if ready.preprocessed is None else ready.preprocessed.geometry.input_wh
