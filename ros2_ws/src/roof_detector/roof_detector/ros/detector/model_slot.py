# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The model in use, and how another one takes its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from rclpy.node import Node

from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import InferenceError
from roof_detector.ros.detector.camera_channel import CameraChannel
from roof_detector.ros.detector.detection_worker import DetectionWorker
from roof_detector.ros.detector.detector_parameters import DetectorSettings
from roof_detector.ros.detector.frame_stages import Arrival
from roof_detector.supervision.watchdog import WATCHDOG


@dataclass(frozen=True, eq=False)
class _Load:
    """Hold a worker that loads a model, and since when."""

    model: str
    worker: DetectionWorker
    started_s: float


class ModelSlot:
    """Hold the worker of the model in use, and change the model between two frames.

    A new model is loaded and warmed up by a worker of its own, beside the one in use. Then that
    one finishes its frame, hands on those that wait and ends, and only then the new one begins:
    no frame is lost or counted twice, results stay in order, and `swapped` may change what
    belongs to the model while none runs. A model that fails leaves the old one in use. A change
    of mind waits for the load in progress, for memory is never to hold three models. Where the
    thread of the model in use dies or hangs, the same model is opened in another one.

    `accept` raises ValueError for a model that does not go with the settings. All methods but
    `offer` and all callbacks but `start_worker`'s second argument belong to the executor's thread;
    none but `open` and `close` waits for a model. `change` says how the last change stands.
    """

    def __init__(
        self,
        node: Node,
        *,
        start_worker: Callable[[str, Callable[[], None]], DetectionWorker],
        accept: Callable[[Detector], None],
        swapped: Callable[[Detector], None],
        refused: Callable[[str], None],
    ) -> None:
        self.detector: Detector | None = None
        self.model = ''
        self.change = ''
        self.enabled = True
        self._start_worker = start_worker
        self._accept = accept
        self._swapped = swapped
        self._refused = refused
        self._wanted = ''
        self._worker: DetectionWorker | None = None
        self._leaving: DetectionWorker | None = None
        self._load: _Load | None = None
        self._reopening: DetectionWorker | None = None
        self._news = node.create_guard_condition(self._go_on)

    def apply(self, settings: DetectorSettings) -> None:
        """Have all models follow these settings, from their next frame on."""
        for worker in self._workers():
            worker.settings = settings

    def open(self, model: str) -> Detector:
        """Load the first model and wait until it is warm; raise what keeps it from being used."""
        self.change, self.enabled = '', True
        self.model = self._wanted = model
        self._worker = self._start_worker(model, self._news.trigger)
        detector = self._worker.wait_until_open()
        self._accept(detector)
        self.detector = detector
        self._worker.begin()
        return detector

    def want(self, model: str) -> None:
        """Have another model loaded; without one in use there is nothing to change."""
        if self._worker is None or model == self._wanted:
            return
        self._wanted = model
        self.change = f'loading {model}'
        if self._load is None:
            self._load_wanted()

    def offer(self, camera: CameraChannel, message: Any, missed: int) -> None:
        """Take an image message in, from any thread; the camera's that waits is dropped for it."""
        arrival = Arrival(camera, message, perf_counter())
        camera.stats.see(missed=missed)
        try:
            worker = self._worker
            if worker is None:
                arrival.drop('deactivated')
            elif not self.enabled:
                arrival.drop('disabled')
            else:
                worker.take(arrival)
        except BaseException:  # the thread of the arrivals dies here: its frame is accounted for
            arrival.drop('arrival_lost')
            raise

    def close(self) -> None:
        """Free the models; one that is being loaded must have come to its end first."""
        for worker in self._workers():
            worker.close()
        self._leaving = self._worker = self._load = self._reopening = self.detector = None

    def _workers(self) -> list[DetectionWorker]:
        loading = None if self._load is None else self._load.worker
        return [one for one in (self._leaving, self._worker, loading) if one is not None]

    def _go_on(self) -> None:
        """Take a change as far as its threads have come."""
        if self._worker is not None and self._worker.problem:
            self._reopen(self._worker)
        if self._reopening is not None and self._reopening.is_open:
            self._take_over(self._reopening)
        if self._load is None:
            return
        if self._leaving is None:
            if self._load.worker.is_open:
                self._decide(self._load)
        elif self._leaving.has_ended:
            self._leaving.close()
            self._leaving = None
            self._begin(self._load)

    def _reopen(self, lost: DetectionWorker) -> None:
        """Have another worker open the model; frames wait for it, and those of the lost one."""
        worker = self._start_worker(self.model, self._news.trigger)
        self._worker = self._reopening = worker
        lost.retire(heir=worker)
        worker.begin()

    def _take_over(self, worker: DetectionWorker) -> None:
        self._reopening = None
        if worker is not self._worker:
            return  # another model has come meanwhile
        try:
            self.detector = worker.wait_until_open()
        except Exception as error:  # the errors of the runtimes share no base class
            WATCHDOG.give_up(f'The model cannot be opened again: {_reason(error)}')

    def _decide(self, load: _Load) -> None:
        if load.model != self._wanted:
            self._discard(load)
            self._load_wanted()
            return
        try:
            detector = load.worker.wait_until_open()
            if load.worker.problem:
                raise InferenceError(f'{load.worker.problem}.')
            self._accept(detector)
        except Exception as error:  # the errors of the runtimes share no base class
            self._discard(load)
            self._wanted = self.model
            self.change = f'refused: {_reason(error)}'
            self._refused(_reason(error))
            return
        assert self._worker is not None
        self._leaving, self._worker = self._worker, load.worker
        self.detector, self.model = detector, load.model
        self._leaving.retire(heir=load.worker)

    def _begin(self, load: _Load) -> None:
        assert self.detector is not None
        self._load = None
        self.change = f'swapped to {load.model} in {perf_counter() - load.started_s:.1f} s'
        self._swapped(self.detector)
        load.worker.begin()
        if self._wanted != self.model:
            self._load_wanted()

    def _discard(self, load: _Load) -> None:
        load.worker.close()
        self._load = None

    def _load_wanted(self) -> None:
        if self._wanted == self.model:
            self.change = f'{self.model} stays'
            return
        self.change = f'loading {self._wanted}'
        worker = self._start_worker(self._wanted, self._news.trigger)
        self._load = _Load(self._wanted, worker, perf_counter())


def _reason(error: Exception) -> str:
    """Return why a model cannot be used: our own errors are sentences, those of runtimes not."""
    if isinstance(error, InferenceError | ValueError):
        return str(error)
    first_line = str(error).strip().partition('\n')[0]
    return f'It fails in its runtime ({type(error).__name__}: {first_line}).'
