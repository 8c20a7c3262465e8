# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The model's work on ready frames: infer, postprocess, deliver."""

from __future__ import annotations

from collections import deque
from itertools import groupby
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from roof_detector.pipeline.frame import FrameResult
from roof_detector.pipeline.tiles import FrameTiles
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from roof_detector.inference.detector import Detector, NetworkOutput, PendingOutput
    from roof_detector.pipeline.frame import PipelineFrame, PreprocessedFrame
    from roof_detector.pipeline.listener import FrameDelivery
    from roof_detector.pipeline.settings import PipelineSettings

_SMOOTHING = 0.2


class DetectionOwner(Protocol):
    """The pipeline whose frames are detected."""

    settings: PipelineSettings

    def is_expired(self, frame: PipelineFrame) -> bool:
        """Return whether a frame is too old to be worth the work; it is dropped then."""


class FrameDetection:
    """Runs a model on ready frames and delivers their results; all in the model's thread.

    `usual_s` is how long the frames that were ready together took of late.
    """

    def __init__(
        self, owner: DetectionOwner, *, detector: Detector, delivery: FrameDelivery
    ) -> None:
        self.usual_s = 0.0
        self._owner = owner
        self._detector = detector
        self._delivery = delivery
        self._tiles = FrameTiles(detector)
        # Frames whose passes were started side by side, in order; no pass for one without pixels.
        self._started: deque[tuple[PreprocessedFrame, PendingOutput | None, float]] = deque()

    def run(self, frames: tuple[PreprocessedFrame, ...]) -> None:
        """Run the network on ready frames, those of one input size as a batch."""
        settings = self._owner.settings
        if self._detector.lanes > 1:
            for ready in frames:
                self._start(ready)
            return
        started_s = perf_counter()
        for _, group in groupby(frames, key=_input_wh):
            self._infer(list(group), settings)
        taken_s = perf_counter() - started_s
        self.usual_s += (_SMOOTHING if self.usual_s else 1.0) * (taken_s - self.usual_s)

    def finish(self) -> None:
        """Wait for the passes that were started, and deliver their results in order."""
        while self._started:
            self._finish_oldest()

    def _start(self, ready: PreprocessedFrame) -> None:
        """Start a frame's pass beside those before it; finish the oldest if all lanes have one."""
        if self._owner.is_expired(ready.frame):
            return
        image = ready.preprocessed
        pending = None if image is None else self._detector.start(image)
        self._started.append((ready, pending, perf_counter()))
        while len(self._started) > self._detector.lanes + 1:
            self._finish_oldest()

    def _finish_oldest(self) -> None:
        ready, pending, began_s = self._started.popleft()
        if pending is None:
            self._deliver_without_pixels(ready)
            return
        try:
            output = pending.result()
        except Exception as error:  # the errors of the runtimes share no base class
            self._delivery.drop(ready, 'inference', error)
            return
        self._postprocess(ready, output, self._owner.settings, began_s=began_s)

    def _deliver_without_pixels(self, ready: PreprocessedFrame) -> None:
        self._delivery.deliver(
            ready, FrameResult(frame=ready.frame, cause='decoding', error=ready.error)
        )

    def _infer(self, frames: list[PreprocessedFrame], settings: PipelineSettings) -> None:
        fresh = [ready for ready in frames if not self._owner.is_expired(ready.frame)]
        if not fresh:
            return
        images = [ready.preprocessed for ready in fresh if ready.preprocessed is not None]
        if not images:
            for ready in fresh:
                self._deliver_without_pixels(ready)
            return
        started_s = perf_counter()
        try:
            outputs = self._detector.infer(*images)
        except Exception as error:  # the errors of the runtimes share no base class
            for ready in fresh:
                self._delivery.drop(ready, 'inference', error)
            return
        self._detector.adapt(outputs[0].forward_s)
        for ready, output in zip(fresh, outputs, strict=True):
            self._postprocess(ready, output, settings, began_s=started_s)

    def _postprocess(
        self,
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
        assert ready.image is not None
        detector = self._detector
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
            self._delivery.drop(ready, error.cause, error)
            return
        except Exception as error:  # the errors of the runtimes share no base class
            self._delivery.drop(ready, 'inference', error)
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
        if self._delivery.deliver(ready, result):
            durations_s['publish'] = perf_counter() - done_s
            age_s = ready.frame.age_s()
            if ready.frame.settle():
                ready.frame.stream.stats.process(
                    durations_s,
                    age_s=age_s,
                    found=detections.counts(detector.names),
                    limit_s=settings.max_age_s,
                )


def _input_wh(ready: PreprocessedFrame) -> tuple[int, int] | None:
    return None if ready.preprocessed is None else ready.preprocessed.geometry.input_wh
