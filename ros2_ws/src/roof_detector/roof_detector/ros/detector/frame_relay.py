# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How frames get from their arrival through preparation to the model."""

from __future__ import annotations

import threading
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from roof_detector.ros.detector.frame_stages import Arrival, ReadyFrame
from roof_detector.supervision.doorbell import BEAT_S, Doorbell

if TYPE_CHECKING:
    from roof_detector.ros.detector.camera_channel import CameraChannel

# Preparation begins this much earlier than it should need to, for no two frames take the same
# time: an idle model costs results, a frame that is ready early costs its age.
_HEAD_START = 1.5
_SMOOTHING = 0.2


class FrameRelay:
    """Keep the newest frame of each camera, arrived or ready, and hand them on in fair turns.

    Where `ahead`, a frame is prepared while the model is busy with the one before, but only so
    early that it is ready when the model is free: until then a newer one may take its place, and
    a decoding is not wasted on it. A ready frame that the model does not take in time is
    replaced as well. Otherwise preparation waits for the model to be free. Whoever displaces a
    frame gets it back, to account for it.
    """

    def __init__(self) -> None:
        self.batch = 1
        self.ahead = True
        self._lock = threading.Lock()
        self._preparable = Doorbell()
        self._forwardable = Doorbell()
        # In order of turns: a newer frame keeps its camera's place.
        self._arrived: dict[CameraChannel, Arrival] = {}
        self._ready: dict[CameraChannel, ReadyFrame] = {}
        self._prepare_s = 0.0
        self._due_s = 0.0
        self._closed = False
        # What was taken last, so that it can be accounted for when its thread dies with it.
        self.in_preparation: Arrival | None = None
        self.in_forward: tuple[ReadyFrame, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Tell whether no frame is taken any more."""
        return self._closed

    def offer(self, arrival: Arrival) -> Arrival | None:
        """Take a frame in; return the one it displaces, or itself once closed.

        One that is older than what waits, as it may come from another relay, is returned too.
        """
        with self._lock:
            displaced = self._arrived.get(arrival.camera)
            is_late = displaced is not None and displaced.arrived_s > arrival.arrived_s
            if self._closed or is_late:
                return arrival
            self._arrived[arrival.camera] = arrival
        self._preparable.ring()
        return displaced

    def take_arrival(self) -> Arrival | None:
        """Wait until it is time to prepare a frame and return it; None once closed."""
        while True:
            with self._lock:
                if self._closed:
                    return None
                camera = self._next_camera()
                wait_s = self._due_s - perf_counter()
                if camera is not None and wait_s <= 0:
                    self.in_preparation = self._arrived[camera]
                    return self._arrived.pop(camera)
            self._preparable.wait(BEAT_S if camera is None else wait_s)

    def hand_over(self, frame: ReadyFrame) -> ReadyFrame | None:
        """Take a prepared frame; return the one it displaces, or itself once closed."""
        with self._lock:
            self._prepare_s += _SMOOTHING * (frame.prepare_s - self._prepare_s)
            if self._closed:
                return frame
            displaced = self._ready.get(frame.arrival.camera)
            self._ready[frame.arrival.camera] = frame
        self._forwardable.ring()
        return displaced

    def take_ready(self, *, expected_s: float) -> tuple[ReadyFrame, ...]:
        """Wait for a frame, or up to `batch` of different cameras; none once closed.

        `expected_s` is how long the model will be busy with them.
        """
        self._due_s = 0.0
        self._preparable.ring()
        while not (self._ready or self._closed):
            self._forwardable.wait()
        with self._lock:
            self.in_forward = frames = tuple(self._ready.values())[: self.batch]
            for frame in frames:
                del self._ready[frame.arrival.camera]
            head_start_s = _HEAD_START * self._prepare_s * self.batch
            self._due_s = perf_counter() + expected_s - head_start_s if self.ahead else inf
        self._preparable.ring()
        return frames

    def close(self) -> tuple[Arrival, ...]:
        """Let everyone go and return the frames that the model has not begun."""
        with self._lock:
            self._closed = True
            left = (*self._arrived.values(), *(frame.arrival for frame in self._ready.values()))
            self._arrived.clear()
            self._ready.clear()
        self._preparable.ring()
        self._forwardable.ring()
        return left

    def _next_camera(self) -> CameraChannel | None:
        """Return whose frame to prepare: a place is free, or there is only a newer one to put."""
        if len(self._ready) < self.batch or self._arrived.keys() <= self._ready.keys():
            return next(iter(self._arrived), None)
        return None
