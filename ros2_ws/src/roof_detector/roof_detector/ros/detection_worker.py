# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one thread that owns the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import InferenceError
from roof_detector.ros.detector_parameters import DetectorSettings
from roof_detector.ros.frame_ledger import FrameLedger
from roof_detector.ros.image_decoder import decode
from roof_detector.ros.mailbox import Mailbox
from roof_detector.vision.detections import Detections
from roof_detector.vision.errors import VisionError


@dataclass(frozen=True, eq=False)
class Result:
    """Hold what was found in one image message: the message's own header and its picture."""

    header: Any
    image_bgr: npt.NDArray[np.uint8]
    detections: Detections
    settings: DetectorSettings


@dataclass(frozen=True, eq=False)
class _Arrival:
    message: Any
    arrived_s: float


class DetectionWorker:
    """Turn image messages into results, newest first, in a thread of its own.

    `open_detector` runs in that thread, as all use of the model does. Every message offered is
    accounted for in the ledger: its result was given to `publish`, or it was dropped for a cause.
    """

    def __init__(
        self,
        *,
        open_detector: Callable[[], Detector],
        settings: DetectorSettings,
        publish: Callable[[Result], None],
        age_s: Callable[[Any], float],
        ledger: FrameLedger,
        report: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.enabled = True
        self._open_detector = open_detector
        self._publish = publish
        self._age_s = age_s
        self._ledger = ledger
        self._report = report
        self._mailbox: Mailbox[_Arrival] = Mailbox()
        self._opened: Future[Detector] = Future()
        self._thread = threading.Thread(target=self._run, name='detection', daemon=True)
        self._thread.start()

    def wait_until_open(self) -> Detector:
        """Return the detector once it is warm; raise what kept it from opening.

        Only its facts (names, task, device) are for other threads.
        """
        return self._opened.result()

    def offer(self, message: Any, missed: int) -> None:
        """Take an image message in; the one that still waits is dropped for it."""
        self._ledger.see(missed=missed)
        if not self.enabled:
            self._ledger.drop('disabled')
            return
        if self._mailbox.put(_Arrival(message, time.perf_counter())) is not None:
            self._ledger.drop('superseded')

    def close(self) -> None:
        """Finish the frame in work, drop the one that waits and free the model."""
        if self._mailbox.close() is not None:
            self._ledger.drop('deactivated')
        self._thread.join()

    def _run(self) -> None:
        try:
            detector = self._open_detector()
        except BaseException as failure:  # handed over to whoever waits
            self._opened.set_exception(failure)
            return
        with detector:
            self._opened.set_result(detector)
            while (arrival := self._mailbox.take()) is not None:
                self._work(detector, arrival)

    def _work(self, detector: Detector, arrival: _Arrival) -> None:
        settings = self.settings
        message = arrival.message
        waited_s = time.perf_counter() - arrival.arrived_s
        if settings.max_age_s and self._age_s(message.header.stamp) > settings.max_age_s:
            self._ledger.drop('too_old')
            return
        started_s = time.perf_counter()
        try:
            image_bgr = decode(message)
            decoded_s = time.perf_counter() - started_s
            detections = detector.detect(image_bgr, settings.thresholds)
        except VisionError as error:
            self._drop(error.cause, error)
            return
        except (InferenceError, RuntimeError) as error:
            self._drop('inference', error)
            return
        published_s = time.perf_counter()
        self._publish(Result(message.header, image_bgr, detections, settings))
        finished_s = time.perf_counter()
        self._ledger.process(
            {
                'wait': waited_s,
                'decode': decoded_s,
                'letterbox': detector.times.letterbox_s,
                'forward': detector.times.forward_s,
                'suppression': detector.times.suppression_s,
                'publish': finished_s - published_s,
                'age': self._age_s(message.header.stamp),
            },
            found=detections.counts(detector.names),
        )

    def _drop(self, cause: str, error: Exception) -> None:
        self._ledger.drop(cause)
        self._report(f'A frame was dropped ({cause}): {error}')
