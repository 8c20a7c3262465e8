# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one thread that owns the model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import groupby
from math import inf
from time import perf_counter
from typing import Any

from roof_detector.inference.detector import Detector, NetworkOutput
from roof_detector.inference.errors import InferenceError
from roof_detector.ros.detector.camera_channel import CameraChannel
from roof_detector.ros.detector.detector_parameters import DetectorSettings
from roof_detector.ros.detector.frame_relay import FrameRelay
from roof_detector.ros.detector.frame_stages import Arrival, ReadyFrame, Result
from roof_detector.ros.detector.frame_tiles import FrameTiles
from roof_detector.ros.detector.model_opening import OpenedModel
from roof_detector.ros.detector.preparation_worker import PreparationWorker
from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watched_thread import WatchedThread, current_heart
from roof_detector.vision.errors import VisionError

_SMOOTHING = 0.2
# Reading, fusing and warming up take seconds, on a slow disk and a loaded computer a minute.
_OPENING_PATIENCE_S = 180.0


class DetectionWorker:
    """Turn image messages of one or several cameras into results, newest first, in fair turns.

    `open_model` runs in the thread of the model, as all use of the model does. Decoding has a
    thread of its own. Every frame taken is counted in its camera's statistics, or handed on to the
    heir: its result was given to `publish`, or it was dropped for a cause. `settings` is a
    plain attribute, read once for each frame: changing it waits for nothing and holds nothing up.
    `tell` is called from the model's thread when the model is open or has failed to, and at the
    end, and by the watchdog when that thread is dead or hangs: then `problem` says so, nothing
    more comes of this worker, and another one has to take its place.
    """

    def __init__(
        self,
        *,
        open_model: Callable[[], OpenedModel],
        settings: DetectorSettings,
        publish: Callable[[CameraChannel, Result], None],
        age_s: Callable[[Any], float | None],
        report: Callable[[str, str], None],
        tell: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.has_ended = False
        self.problem = ''
        self._open_model = open_model
        self._publish = publish
        self._age_s = age_s
        self._report = report
        self._tell = tell
        self._relay = FrameRelay()
        self._heir: DetectionWorker | None = None
        self._opened: Future[Detector] = Future()
        self._may_begin = False
        self._begins = Doorbell()
        self._forward_s = 0.0
        self._tiles: FrameTiles | None = None
        self._preparation: PreparationWorker | None = None
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
        """Tell whether `wait_until_open` would not wait."""
        return self._opened.done()

    def begin(self) -> None:
        """Detect, once the model is open; until then frames wait, the newest of each camera."""
        self._may_begin = True
        self._begins.ring()

    def take(self, arrival: Arrival) -> None:
        """Take a frame in; the camera's one that still waits is dropped for it."""
        displaced = self._relay.offer(arrival)
        if displaced is None:
            return
        if self._relay.is_closed:
            self._hand_on(displaced)
        else:
            displaced.drop('superseded')

    def retire(self, *, heir: DetectionWorker) -> None:
        """Finish the frame in work, hand those that wait on to the heir and free the model.

        Waits for nothing: `tell` tells of the end.
        """
        self._heir = heir
        self._close_relay()

    def close(self) -> None:
        """Finish the frame in work, drop those that wait and free the model."""
        self._close_relay()
        self._thread.wait_for_end()

    def _lose(self, problem: str) -> None:
        """Account for what the dead thread had in work; belongs to the watchdog's thread."""
        self._thread.abandon()
        self.problem = problem
        with suppress(InvalidStateError):
            self._opened.set_exception(InferenceError(f'{problem}.'))
        for frame in self._relay.in_forward:
            frame.arrival.drop('detection_lost')
        self.has_ended = True
        self._tell()

    def _replace_preparation(self, detector: Detector) -> None:
        if self._preparation is not None:
            self._preparation.abandon('preparation_lost')
        if not self._relay.is_closed:
            self._preparation = self._prepare_with(detector)

    def _close_relay(self) -> None:
        for left in self._relay.close():
            self._hand_on(left)
        self.begin()  # only to end

    def _hand_on(self, arrival: Arrival) -> None:
        if self._heir is None:
            arrival.drop('deactivated')
        else:
            self._heir.take(arrival)

    def _run(self) -> None:
        self._open_and_detect()
        self.has_ended = True
        self._tell()

    def _open_and_detect(self) -> None:
        heart = self._thread.heart
        heart.begin('opening the model', patience_s=_OPENING_PATIENCE_S)
        try:
            model = self._open_model()
        except Exception as failure:  # handed over to whoever waits
            with suppress(InvalidStateError):
                self._opened.set_exception(failure)
            return
        with model.detector as detector:
            self._relay.batch, self._relay.ahead = model.batch, model.ahead
            with suppress(InvalidStateError):  # it was given up meanwhile
                self._opened.set_result(detector)
            self._tell()
            while not self._may_begin:
                self._begins.wait()
            self._tiles = FrameTiles(detector)
            self._preparation = self._prepare_with(detector)
            while frames := self._relay.take_ready(expected_s=self._forward_s):
                if self._thread.is_abandoned:
                    for frame in frames:
                        frame.arrival.drop('detection_lost')
                    break
                heart.begin('detecting')
                self._work(detector, frames)
            self._preparation.join()

    def _prepare_with(self, detector: Detector) -> PreparationWorker:
        return PreparationWorker(
            detector=detector,
            relay=self._relay,
            settings=lambda: self.settings,
            too_old=lambda arrival: self._too_old(arrival, self.settings),
            left_over=self._hand_on,
            report=self._report,
            restart=lambda _: self._replace_preparation(detector),
        )

    def _work(self, detector: Detector, frames: tuple[ReadyFrame, ...]) -> None:
        """Run the network on ready frames, those of one input size as a batch."""
        settings = self.settings
        started_s = perf_counter()
        for _, group in groupby(frames, key=lambda frame: frame.prepared.geometry.input_wh):
            self._forward(detector, list(group), settings)
        self._forward_s += _SMOOTHING * (perf_counter() - started_s - self._forward_s)

    def _forward(
        self, detector: Detector, frames: list[ReadyFrame], settings: DetectorSettings
    ) -> None:
        young = []
        for frame in frames:
            if cause := self._too_old(frame.arrival, settings):
                frame.arrival.drop(cause)
            else:
                young.append(frame)
        if not young:
            return
        started_s = perf_counter()
        try:
            answers = detector.infer(*(frame.prepared for frame in young))
        except Exception as error:  # the errors of the runtimes share no base class
            for frame in young:
                self._drop(frame, 'inference', error)
            return
        for frame, answer in zip(young, answers, strict=True):
            self._finish(detector, frame, answer, settings, began_s=started_s)

    def _finish(
        self,
        detector: Detector,
        frame: ReadyFrame,
        answer: NetworkOutput,
        settings: DetectorSettings,
        *,
        began_s: float,
    ) -> None:
        """Choose, publish and account for one frame's detections.

        In the model's thread: this holds Python's lock nearly all the time, which a torch model
        needs between two of its operations, so that a thread of its own would take as much.
        """
        assert self._tiles is not None
        arrival = frame.arrival
        answered_s = perf_counter()
        try:
            whole = detector.postprocess(answer, settings.thresholds)
            chosen_s = perf_counter()
            detections = self._tiles.look(frame, whole, settings)
        except VisionError as error:
            self._drop(frame, error.cause, error)
            return
        except Exception as error:  # the errors of the runtimes share no base class
            self._drop(frame, 'inference', error)
            return
        if self._thread.is_abandoned:
            return
        found_s = perf_counter()
        try:
            self._publish(
                arrival.camera,
                Result(arrival.message, frame.picture, detections, detector.names, settings),
            )
        except Exception as error:  # one frame that cannot be published is no end of the others
            self._drop(frame, 'publishing', error)
            return
        durations_s = {
            'wait': frame.waited_s,
            'decode': frame.decode_s,
            'letterbox': frame.prepared.letterbox_s,
            'ready': began_s - frame.ready_s,
            'forward': answer.forward_s,
            'suppression': chosen_s - answered_s,
            **({'tiles': found_s - chosen_s} if settings.has_tiles else {}),
            'publish': perf_counter() - found_s,
        }
        age_s = self._age_s(arrival.message.header.stamp)
        found = detections.counts(detector.names)
        if arrival.settle():
            arrival.camera.stats.process(durations_s, age_s=age_s, found=found)

    def _too_old(self, arrival: Arrival, settings: DetectorSettings) -> str:
        """Return the cause to drop a frame that is too old, or may be; '' where it is not."""
        limit_s = settings.max_age_s
        if not limit_s:
            return ''
        age_s = self._age_s(arrival.message.header.stamp)
        if age_s is None:
            return 'age_unknown'
        return 'too_old' if age_s > limit_s else ''

    def _drop(self, frame: ReadyFrame, cause: str, error: Exception) -> None:
        frame.arrival.drop(cause)
        self._report(cause, f'A frame was dropped ({cause}): {error}')
