# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that makes findings of detections, once the telemetry of their stamp is there."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from roof_detector.findings.live_inspection import LiveFrame, LiveUpdate
from roof_detector.findings.tracked_stream import without_numbers
from roof_detector.georeference.errors import GeoError
from roof_detector.supervision.rate import Arrivals, RecentFaults
from roof_detector.supervision.watched_thread import WatchedThread, current_heart

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.findings.live_inspection import LiveInspection, PlacedFrame
    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.ros.inspector.detection_intake import UsableDetections
    from roof_detector.telemetry.live_camera import LiveCamera

_MOST_WAITING = 200
_LOOK_S = 0.05
# What summing up may take of the thread's time: where it takes long, it is done more rarely.
_UPDATE_SHARE = 0.1
BEYOND_IMAGE = 'Boxes lie beyond the image that camera_info describes.'
JUMPS = 'The position jumps, or is far from all others.'
NO_TELEMETRY = 'No telemetry tells where the camera is.'
ELSEWHERE = 'The positions are elsewhere than where the inspection began.'
SUPERSEDED, FAILED = 'superseded', 'failed'


@dataclass(frozen=True, eq=False, kw_only=True)
class InspectedFrame:
    """A message of detections on its way: of which camera, what of it counts, since when."""

    camera: str
    topic: str
    stamp_ns: int
    message: Any
    usable: UsableDetections
    arrived_s: float


class InspectionOutput(Protocol):
    """Takes what the worker makes, in the worker's thread."""

    def on_frame(self, frame: InspectedFrame, placed: PlacedFrame) -> None:
        """Take a frame with its labels."""

    def on_update(self, update: LiveUpdate) -> None:
        """Take the findings as they are now."""

    def on_new_origin(self, ended: LiveInspection, begun: LiveInspection) -> None:
        """Take the inspection that ended because the flight is elsewhere, and the next one."""

    def on_failure(self, where: str, error: Exception) -> None:
        """Take an error that cost one frame or one update."""


@dataclass
class WorkerStats:
    """What became of the frames, and how long they took; any thread may read."""

    placed: int = 0
    tracked: int = 0
    unplaced: RecentFaults = field(default_factory=RecentFaults)
    dropped: RecentFaults = field(default_factory=RecentFaults)
    begun_again: RecentFaults = field(default_factory=RecentFaults)
    done: Arrivals = field(default_factory=Arrivals)
    took_s: deque[float] = field(default_factory=lambda: deque(maxlen=300))
    waited_s: deque[float] = field(default_factory=lambda: deque(maxlen=300))
    update_s: float = 0.0


class InspectionWorker:
    """Places each frame in its turn, and sums the findings up every `period_s`.

    A frame waits up to `wait_s` for telemetry on both sides of its stamp; then it is taken with
    what there is, without a place where that is too old. Of more than 200 waiting frames the
    oldest are dropped and counted. `cameras` is the telemetry by the camera's name.
    """

    def __init__(
        self,
        inspection: LiveInspection,
        output: InspectionOutput,
        *,
        cameras: dict[str, LiveCamera],
        wait_s: float,
        period_s: float,
    ) -> None:
        self.stats = WorkerStats()
        self.latest = LiveUpdate()
        self.inspection = inspection
        self.plane_up_m = 0.0
        self._output = output
        self.cameras = cameras
        self._wait_s = wait_s
        self._period_s = period_s
        self._changed = threading.Condition()
        self._waiting: deque[InspectedFrame] = deque()
        self._closed = False
        self._update_at_s = time.monotonic() + period_s
        self._thread = self._make_thread()

    @property
    def waiting(self) -> int:
        """Return how many frames wait."""
        return len(self._waiting)

    def submit(self, frame: InspectedFrame) -> None:
        """Take a frame."""
        with self._changed:
            self._waiting.append(frame)
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self.stats.dropped.note(SUPERSEDED)
            self._changed.notify()

    def wake(self) -> None:
        """Look again whether frames can be placed: telemetry has come."""
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def close(self) -> None:
        """Place what waits, sum up once more and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.wait_for_end()

    def _make_thread(self) -> WatchedThread:
        thread = WatchedThread(self._run, name='inspection', restart=self._replace)
        thread.start()
        return thread

    def _replace(self, _: str) -> None:
        self._thread.abandon()
        self.stats.dropped.note(FAILED)
        self._thread = self._make_thread()

    def _run(self) -> None:
        thread = threading.current_thread()
        assert isinstance(thread, WatchedThread)
        while not thread.is_abandoned:
            thread.heart.idle()
            frame = self._next()
            if frame is not None:
                thread.heart.begin('inspecting a frame')
                self._guarded('frame', partial(self._inspect, frame))
            if time.monotonic() >= self._update_at_s or (self._closed and frame is None):
                thread.heart.begin('summing up findings', patience_s=10.0)
                self._guarded('update', self._update)
            if self._closed and frame is None:
                return

    def _next(self) -> InspectedFrame | None:
        """Return the next frame whose time has come, None where there is none for a while."""
        with self._changed:
            if not self._is_due() and not self._closed:
                self._changed.wait(self._look_s())
            if self._waiting and (self._closed or self._is_due()):
                return self._waiting.popleft()
        return None

    def _look_s(self) -> float:
        until_update_s = max(self._update_at_s - time.monotonic(), 0.001)
        return min(_LOOK_S, until_update_s)

    def _is_due(self) -> bool:
        if not self._waiting:
            return False
        frame = self._waiting[0]
        camera = self.cameras.get(frame.camera)
        if camera is None or time.monotonic() - frame.arrived_s >= self._wait_s:
            return True
        if not self.inspection.is_registered(frame.topic, frame.stamp_ns):
            return True
        camera.frame_id = str(frame.message.header.frame_id).lstrip('/')
        return camera.is_ready(frame.stamp_ns)

    def _inspect(self, frame: InspectedFrame) -> None:
        begun_s = time.perf_counter()
        self.stats.waited_s.append(time.monotonic() - frame.arrived_s)
        camera = self.cameras.get(frame.camera)
        detections = frame.usable.detections
        size_wh = _size_of(camera, detections.boxes_xyxy)
        fix = None
        if self.inspection.is_registered(frame.topic, frame.stamp_ns):
            fix = self._fix(frame, camera, size_wh)
        live = LiveFrame(
            topic=frame.topic, stamp_ns=frame.stamp_ns, size_wh=size_wh, detections=detections
        )
        placed = self.inspection.add(live, fix)
        self._output.on_frame(frame, placed)
        if not placed.is_registered:
            self.stats.tracked += 1
        elif placed.sightings.ground is not None:
            self.stats.placed += 1
        elif fix is not None:
            self.stats.unplaced.note(JUMPS)
        if fix is not None and camera is not None and self.inspection.is_elsewhere:
            self._begin_again(fix, camera)
        self.stats.done.note()
        self.stats.took_s.append(time.perf_counter() - begun_s)

    def _fix(
        self, frame: InspectedFrame, camera: LiveCamera | None, size_wh: tuple[int, int]
    ) -> CameraFix | None:
        if camera is None:
            self.stats.unplaced.note(NO_TELEMETRY)
            return None
        boxes = frame.usable.detections.boxes_xyxy
        if len(boxes) and (boxes.max(axis=0)[2:] > [side + 2 for side in size_wh]).any():
            self.stats.unplaced.note(BEYOND_IMAGE)
            return None
        try:
            fix = camera.at(frame.stamp_ns)
        except GeoError as error:
            self.stats.unplaced.note(without_numbers(str(error)))
            return None
        if self.inspection.origin is None:
            self._begin_at(fix, camera)
        return fix

    def _begin_at(self, fix: CameraFix, camera: LiveCamera) -> None:
        """Let positions count from the origin of the map, or from below the camera."""
        place = camera.place_at(fix.stamp_ns)
        self.inspection.begin_at(fix, place)
        self.plane_up_m = 0.0 if place is None else place[2] - fix.height_m

    def _begin_again(self, fix: CameraFix, camera: LiveCamera) -> None:
        """End the inspection, whose origin the flight is far from, and begin another one here."""
        ended = self.inspection
        self.inspection = ended.begun_again()
        self.stats.begun_again.note(ELSEWHERE)
        # It waits for the thread of the file, which is watched itself.
        with current_heart().patient('beginning another inspection', patience_s=math.inf):
            self._output.on_new_origin(ended, self.inspection)
        self._begin_at(fix, camera)

    def _update(self) -> None:
        begun_s = time.monotonic()
        try:
            self.latest = self.inspection.update()
            self._output.on_update(self.latest)
        finally:
            took_s = time.monotonic() - begun_s
            self.stats.update_s = took_s
            self._update_at_s = begun_s + max(self._period_s, took_s / _UPDATE_SHARE)

    def _guarded(self, where: str, work: Callable[[], None]) -> None:
        """Do a piece of work; what it raises costs that piece alone."""
        try:
            work()
        except Exception as error:  # of any kind: the flight goes on
            if where == 'frame':
                self.stats.dropped.note(FAILED)
            self._output.on_failure(where, error)


def _size_of(camera: LiveCamera | None, boxes_xyxy: Any) -> tuple[int, int]:
    """Return the size of the image, at least around its boxes where nothing tells it."""
    lens = None if camera is None else camera.lens
    if lens is not None:
        return lens.size_wh
    if not len(boxes_xyxy):
        return 1, 1
    right, bottom = boxes_xyxy[:, 2:].max(axis=0).tolist()
    return max(int(right) + 1, 1), max(int(bottom) + 1, 1)
