# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A live camera or stream, which may be absent, disappear and come back."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import cv2

from roof_detector.inputs.errors import CaptureError
from roof_detector.inputs.frame import Frame
from roof_detector.inputs.input import Input
from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

# Waits between attempts to open a camera: doubled each time, from the first to the last.
FIRST_WAIT_S, LAST_WAIT_S = 0.5, 8.0
# How long `close` waits for a grab that hangs in the driver or the network.
_CLOSE_WAIT_S = 2.0
# Drivers and FFmpeg give up by themselves after 5 to 10 s; until its rate is known a camera may
# take that long for a frame.
_OPEN_PATIENCE_S, _READ_PATIENCE_S = 20.0, 11.0
_RATE_KNOWN_AFTER = 10
# Longer than a watchdog takes, so that only one of both replaces a dead thread.
_DEAD_FOR_S = 2.0


class Capture(Protocol):
    """An open camera or stream, as cv2.VideoCapture is one."""

    def read(self) -> tuple[bool, Any]:
        """Return whether there is a next frame, and its image (height, width, 3) in BGR."""

    def get(self, prop: int, /) -> float:
        """Return a property of OpenCV, 0 where it is unknown."""

    def release(self) -> None:
        """Close it."""


class CaptureDevice(Protocol):
    """A camera or stream that can be opened again and again."""

    @property
    def name(self) -> str:
        """Return the name of the camera for people."""

    def open(self) -> Capture:
        """Open the camera, or raise CaptureError."""


class LiveInput(Input):
    """The newest frames of a live camera or stream.

    A thread grabs all the time; frames that a newer one replaced are counted. An absent or lost
    camera is opened again, with growing waits, until `stop`, and `health` reports it. A camera
    whose thread died or hangs in its driver is opened again by another thread, a dead one also
    where no watchdog runs.
    """

    live = True

    def __init__(self, camera: CaptureDevice, *, rate_hz: float | None = None) -> None:
        super().__init__(camera.name, rate_hz=rate_hz)
        self._camera = camera
        self._lock = threading.Lock()
        self._arrived, self._ended = Doorbell(), Doorbell()
        self._newest: tuple[NDArray[np.uint8], int] | None = None
        self._health = replace(self._health, connected=False)
        self._ever_connected = False
        self._own_rate: float | None = None
        self._size_wh: tuple[int, int] | None = None
        self._dead_since_s: float | None = None
        self._start_grabbing()

    @property
    def rate_hz(self) -> float | None:
        """Return the rate asked for, or the rate of the camera once it is open."""
        return self._rate_hz or self._own_rate

    @property
    def size_wh(self) -> tuple[int, int] | None:
        """Return (width, height) of the latest frame; None before the first one."""
        return self._size_wh

    def __iter__(self) -> Iterator[Frame]:
        started = time.monotonic()
        ticks = 0
        while True:
            if self._rate_hz is not None:
                # The next tick of an even clock: a slow frame delays no frame but itself.
                ticks = max(ticks + 1, math.ceil((time.monotonic() - started) * self._rate_hz))
                self._wait_until(started + ticks / self._rate_hz, self._arrived)
            while self._newest is None and not self._stopped:
                self._arrived.wait()
                self._replace_dead()
            with self._lock:
                if self._stopped or self._newest is None:
                    return
                (image_bgr, stamp_ns), self._newest = self._newest, None
                index = self._health.delivered
                self._count_delivered()
            yield Frame(
                index=index, name=f'{self.name} frame {index}', stamp_ns=stamp_ns, image=image_bgr
            )

    def stop(self) -> None:
        """End the iteration, even one that waits for a frame."""
        super().stop()
        self._arrived.ring()
        self._ended.ring()

    def close(self) -> None:
        """Close the camera."""
        super().close()
        self._grabber.join(_CLOSE_WAIT_S)
        self._grabber.abandon()

    def _start_grabbing(self) -> None:
        self._grabber = WatchedThread(self._grab, name='grab', restart=self._replace)
        self._grabber.start()

    def _replace(self, problem: str) -> None:
        """Grab in another thread; called by the watchdog, which drops what the lost one reads."""
        self._grabber.abandon()
        if not self._stopped:
            self._report_lost(f'{problem}. Opening {self.name} again.')
            self._start_grabbing()

    def _replace_dead(self) -> None:
        """Replace a thread that has been dead for a while: no watchdog runs in this process."""
        death = self._grabber.death
        if not death:
            self._dead_since_s = None
        elif self._dead_since_s is None:
            self._dead_since_s = time.monotonic()
        elif time.monotonic() - self._dead_since_s > _DEAD_FOR_S:
            self._dead_since_s = None
            self._replace(f'The grab thread died ({death})')

    def _grab(self) -> None:
        grabber = self._grabber
        wait_s = FIRST_WAIT_S
        while not (self._stopped or grabber.is_abandoned):
            try:
                grabber.heart.begin('opening the camera', patience_s=_OPEN_PATIENCE_S)
                capture = self._camera.open()
            except CaptureError as error:
                self._report_lost(f'{error} Trying again in {wait_s:g} s.')
                self._wait_until(time.monotonic() + wait_s, self._ended)
                wait_s = min(2 * wait_s, LAST_WAIT_S)
                continue
            if self._grab_until_lost(capture, grabber):
                wait_s = FIRST_WAIT_S
            if not (self._stopped or grabber.is_abandoned):
                self._report_lost(
                    f'{self.name} gives no more images. Trying again in {wait_s:g} s.'
                )
                self._wait_until(time.monotonic() + wait_s, self._ended)
                wait_s = min(2 * wait_s, LAST_WAIT_S)

    def _grab_until_lost(self, capture: Capture, grabber: WatchedThread) -> bool:
        """Keep the newest frame until the camera gives none; return whether it gave any."""
        count = 0
        try:
            while not self._stopped:
                patience_s = 0.0 if count > _RATE_KNOWN_AFTER else _READ_PATIENCE_S
                grabber.heart.begin('reading a frame', patience_s=patience_s)
                began_s = time.monotonic()
                found, image_bgr = capture.read()
                stamp_ns = time.time_ns()
                if not found or grabber.is_abandoned:
                    break
                if count == 0:
                    self._report_connected(capture.get(cv2.CAP_PROP_FPS))
                count += 1
                if patience_s:
                    grabber.heart.learn(time.monotonic() - began_s)
                self._put(image_bgr, stamp_ns)
        finally:
            capture.release()
        return count > 0

    def _put(self, image_bgr: NDArray[np.uint8], stamp_ns: int) -> None:
        with self._lock:
            if self._newest is not None:
                self._health = replace(self._health, superseded=self._health.superseded + 1)
            self._newest = (image_bgr, stamp_ns)
            self._size_wh = (image_bgr.shape[1], image_bgr.shape[0])
        self._arrived.ring()

    def _report_connected(self, rate_hz: float) -> None:
        with self._lock:
            reconnected = int(self._ever_connected)
            self._health = replace(
                self._health,
                connected=True,
                reconnects=self._health.reconnects + reconnected,
                warning='',
            )
            self._ever_connected = True
            self._own_rate = rate_hz if math.isfinite(rate_hz) and 0 < rate_hz <= 1000 else None

    def _report_lost(self, warning: str) -> None:
        with self._lock:
            self._health = replace(self._health, connected=False, warning=warning)

    def _wait_until(self, moment: float, bell: Doorbell) -> None:
        while not self._stopped and (left_s := moment - time.monotonic()) > 0:
            bell.wait(left_s)
