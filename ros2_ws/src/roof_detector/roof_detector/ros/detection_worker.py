# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one thread that owns the model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import groupby
from time import perf_counter
from typing import Any

from roof_detector.inference.detector import Detector, Forwarded
from roof_detector.ros.camera_channel import CameraChannel
from roof_detector.ros.detector_parameters import DetectorSettings
from roof_detector.ros.frame_relay import FrameRelay
from roof_detector.ros.frame_stages import Arrival, ReadyFrame, Result
from roof_detector.ros.frame_tiles import FrameTiles
from roof_detector.ros.model_opening import OpenedModel
from roof_detector.ros.preparation_worker import PreparationWorker
from roof_detector.vision.errors import VisionError

_SMOOTHING = 0.2


class DetectionWorker:
    """Turn image messages of one or several cameras into results, newest first, in fair turns.

    `open_model` runs in the thread of the model, as all use of the model does. Decoding has a
    thread of its own. Every frame taken is accounted for in its camera's ledger, or handed on to
    the heir: its result was given to `publish`, or it was dropped for a cause. `settings` is a
    plain attribute, read once for each frame: changing it waits for nothing and holds nothing up.
    `tell` is called from the model's thread when the model is open or has failed to, and at the
    end.
    """

    def __init__(
        self,
        *,
        open_model: Callable[[], OpenedModel],
        settings: DetectorSettings,
        publish: Callable[[CameraChannel, Result], None],
        age_s: Callable[[Any], float | None],
        report: Callable[[str], None],
        tell: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.has_ended = False
        self._open_model = open_model
        self._publish = publish
        self._age_s = age_s
        self._report = report
        self._tell = tell
        self._relay = FrameRelay()
        self._heir: DetectionWorker | None = None
        self._opened: Future[Detector] = Future()
        self._may_begin = threading.Event()
        self._forward_s = 0.0
        self._tiles: FrameTiles | None = None
        self._thread = threading.Thread(target=self._run, name='detection', daemon=True)
        self._thread.start()

    def wait_until_open(self) -> Detector:
        """Return the detector once it is warm; raise what kept it from opening.

        Only its facts (names, task, device) are for other threads.
        """
        return self._opened.result()

    @property
    def is_open(self) -> bool:
        """Tell whether `wait_until_open` would not wait."""
        return self._opened.done()

    def begin(self) -> None:
        """Detect, once the model is open; until then frames wait, the newest of each camera."""
        self._may_begin.set()

    def take(self, arrival: Arrival) -> None:
        """Take a frame in; the camera's one that still waits is dropped for it."""
        displaced = self._relay.offer(arrival)
        if displaced is None:
            return
        if self._relay.is_closed:
            self._hand_on(displaced)
        else:
            displaced.camera.ledger.drop('superseded')

    def retire(self, *, heir: DetectionWorker) -> None:
        """Finish the frame in work, hand those that wait on to the heir and free the model.

        Waits for nothing: `tell` tells of the end.
        """
        self._heir = heir
        self._close_relay()

    def close(self) -> None:
        """Finish the frame in work, drop those that wait and free the model."""
        self._close_relay()
        self._thread.join()

    def _close_relay(self) -> None:
        for left in self._relay.close():
            self._hand_on(left)
        self._may_begin.set()  # only to end

    def _hand_on(self, arrival: Arrival) -> None:
        if self._heir is None:
            arrival.camera.ledger.drop('deactivated')
        else:
            self._heir.take(arrival)

    def _run(self) -> None:
        try:
            self._open_and_detect()
        finally:
            self.has_ended = True
            self._tell()

    def _open_and_detect(self) -> None:
        try:
            model = self._open_model()
        except BaseException as failure:  # handed over to whoever waits
            self._opened.set_exception(failure)
            return
        with model.detector as detector:
            self._relay.batch, self._relay.ahead = model.batch, model.ahead
            self._opened.set_result(detector)
            self._tell()
            self._may_begin.wait()
            self._tiles = FrameTiles(detector)
            preparation = PreparationWorker(
                detector=detector,
                relay=self._relay,
                settings=lambda: self.settings,
                too_old=lambda arrival: self._too_old(arrival, self.settings),
                left_over=self._hand_on,
                report=self._report,
            )
            while frames := self._relay.take_ready(expected_s=self._forward_s):
                self._work(detector, frames)
            preparation.join()

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
                frame.arrival.camera.ledger.drop(cause)
            else:
                young.append(frame)
        if not young:
            return
        started_s = perf_counter()
        try:
            answers = detector.forward(*(frame.prepared for frame in young))
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
        answer: Forwarded,
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
            whole = detector.finish(answer, settings.thresholds)
            chosen_s = perf_counter()
            detections = self._tiles.look(frame, whole, settings)
        except VisionError as error:
            self._drop(frame, error.cause, error)
            return
        except Exception as error:  # the errors of the runtimes share no base class
            self._drop(frame, 'inference', error)
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
        arrival.camera.ledger.process(
            {
                'wait': frame.waited_s,
                'decode': frame.decode_s,
                'letterbox': frame.prepared.letterbox_s,
                'ready': began_s - frame.ready_s,
                'forward': answer.forward_s,
                'suppression': chosen_s - answered_s,
                **({'tiles': found_s - chosen_s} if settings.has_tiles else {}),
                'publish': perf_counter() - found_s,
            },
            age_s=self._age_s(arrival.message.header.stamp),
            found=detections.counts(detector.names),
        )

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
        frame.arrival.camera.ledger.drop(cause)
        self._report(f'A frame was dropped ({cause}): {error}')
