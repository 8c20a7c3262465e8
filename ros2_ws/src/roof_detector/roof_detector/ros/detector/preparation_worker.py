# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that decodes, so that the model need not wait for pixels."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from roof_detector.inference.detector import Detector
from roof_detector.ros.detector.detector_parameters import DetectorSettings
from roof_detector.ros.detector.frame_relay import FrameRelay
from roof_detector.ros.detector.frame_stages import Arrival, ReadyFrame
from roof_detector.ros.detector.image_decoder import decode
from roof_detector.supervision.watched_thread import WatchedThread
from roof_detector.vision.errors import VisionError


class PreparationWorker:
    """Decode the newest frames and fit them to the network while it is busy with others.

    `too_old` says why a frame has waited too long and is dropped, before work is spent on it,
    '' where it has not; `left_over` gets one that was ready only after the relay was closed;
    `restart` is asked for another worker when this one's thread is dead.
    """

    def __init__(
        self,
        *,
        detector: Detector,
        relay: FrameRelay,
        settings: Callable[[], DetectorSettings],
        too_old: Callable[[Arrival], str],
        left_over: Callable[[Arrival], None],
        report: Callable[[str, str], None],
        restart: Callable[[str], None],
    ) -> None:
        self._detector = detector
        self._relay = relay
        self._settings = settings
        self._too_old = too_old
        self._left_over = left_over
        self._report = report
        self._thread = WatchedThread(self._run, name='preparation', restart=restart)
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended, after its relay was closed."""
        self._thread.wait_for_end()

    def abandon(self, cause: str) -> None:
        """Leave the thread to itself; the frame that it had in work is dropped for a cause."""
        self._thread.abandon()
        if self._relay.in_preparation is not None:
            self._relay.in_preparation.drop(cause)

    def _run(self) -> None:
        heart = self._thread.heart
        while (arrival := self._relay.take_arrival()) is not None:
            if self._thread.is_abandoned:
                self._give_back(arrival)
                return
            heart.begin('preparing a frame')
            self._take(arrival)

    def _take(self, arrival: Arrival) -> None:
        if cause := self._too_old(arrival):
            arrival.drop(cause)
            return
        try:
            frame = self._prepare(arrival)
        except Exception as error:  # whatever a message holds, it is the end of that one
            cause = error.cause if isinstance(error, VisionError) else 'decoding'
            arrival.drop(cause)
            self._report(cause, f'A frame was dropped ({cause}): {error}')
            return
        if self._thread.is_abandoned:
            return
        displaced = self._relay.hand_over(frame)
        if displaced is frame:
            self._left_over(arrival)
        elif displaced is not None:
            displaced.arrival.drop('superseded')

    def _give_back(self, arrival: Arrival) -> None:
        displaced = self._relay.offer(arrival)
        if displaced is not None:
            displaced.drop('superseded')

    def _prepare(self, arrival: Arrival) -> ReadyFrame:
        started_s = perf_counter()
        settings = self._settings()
        reduced = settings.reduced_decoding and not settings.has_tiles
        picture = decode(arrival.message, needed_wh=self._detector.needed_wh if reduced else None)
        decoded_s = perf_counter()
        prepared = self._detector.preprocess(picture.image_bgr, source_wh=picture.source_wh)
        return ReadyFrame(
            arrival=arrival,
            picture=picture,
            prepared=prepared,
            waited_s=started_s - arrival.arrived_s,
            decode_s=decoded_s - started_s,
            ready_s=perf_counter(),
        )
