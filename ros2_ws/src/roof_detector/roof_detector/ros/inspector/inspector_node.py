# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Make findings of the detections of one or several cameras: every object once, in place."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # its home in Humble
from threadpoolctl import threadpool_limits

from roof_detector.bags.errors import BagError
from roof_detector.bags.finding_messages import DETECTIONS, LABELS, label_names
from roof_detector.bags.provenance import software_versions
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.live_inspection import LIVE_SOURCE, LiveInspection, LiveUpdate
from roof_detector.georeference.errors import GeoError
from roof_detector.ros.common.callback_errors import errors_of
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.lifecycle_errors import reports_errors
from roof_detector.ros.common.managed_node import ManagedNode, autostarted
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
from roof_detector.ros.common.node_process import run_node
from roof_detector.ros.common.ros_log_handler import RosLogHandler
from roof_detector.ros.inspector.detection_intake import StampCheck, usable_detections
from roof_detector.ros.inspector.followed_topic import FollowedTopic
from roof_detector.ros.inspector.inspection_file import InspectionFile
from roof_detector.ros.inspector.inspection_worker import InspectedFrame, InspectionWorker
from roof_detector.ros.inspector.inspector_diagnostics import InspectorReport, inspector_status
from roof_detector.ros.inspector.inspector_outputs import InspectorOutputs
from roof_detector.ros.inspector.inspector_parameters import INSPECTOR_TABLE
from roof_detector.ros.inspector.inspector_settings import InspectorSettings
from roof_detector.ros.inspector.inspector_views import InspectorViews
from roof_detector.ros.inspector.telemetry_intake import TelemetryIntake

if TYPE_CHECKING:
    from diagnostic_msgs.msg import DiagnosticStatus
    from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

    from roof_detector.findings.live_inspection import PlacedFrame
    from roof_detector.findings.sightings import FrameSightings
    from roof_detector.ros.detector.camera_topic import CameraTopic

_REFRESH_S = 0.25
_DIAGNOSTICS_S = 1.0
# How often the footprint of a frame is written.
_FOOTPRINT_NS = 500_000_000
_MOST_FOOTPRINTS = 1000


class InspectorNode(ManagedNode):
    """Places what the detector finds by the telemetry, and makes findings of it.

    configure makes the outputs and the thread of the inspection, activate listens, deactivate
    stops listening, cleanup ends the inspection and its file. Detections and telemetry arrive in
    the executor's thread; findings are made in that of `InspectionWorker`, and written in that of
    `InspectionFile`.
    """

    called = 'inspector'

    def __init__(self, **options: Any) -> None:
        super().__init__('inspector', **options)
        self._settings = _settings(INSPECTOR_TABLE.declare(self))  # may refuse them
        self._log_handler = RosLogHandler.install(self)
        INSPECTOR_TABLE.watch(self, check=lambda values: values, apply=lambda _: None)
        self._outputs: InspectorOutputs | None = None
        self._views: InspectorViews | None = None
        self._telemetry: TelemetryIntake | None = None
        self._worker: InspectionWorker | None = None
        self._file: InspectionFile | None = None
        self._topics: dict[str, FollowedTopic] = {}
        self._labels: FollowedTopic | None = None
        self._class_ids: dict[str, int] = {}
        self._stamps: dict[str, StampCheck] = {}
        self._left_out: dict[str, Counter[str]] = {}
        self._labels_warning = ''
        self._footprints: list[FrameSightings] = []
        self._footprint_ns: dict[str, int] = {}
        self._updates = 0
        self._notes: list[str] = []
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_REFRESH_S, self._refresh, clock=steady)
        name = f'{self.get_fully_qualified_name().lstrip("/")}: findings'
        self._diagnostics = NodeDiagnostics(
            self, lambda: [self._status(name)], names=[name], period_s=_DIAGNOSTICS_S
        )

    @reports_errors
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Offer the outputs."""
        settings = self._settings
        self._outputs = InspectorOutputs(self, settings.cameras, frame_id=settings.map_frame_id)
        self._left_out = {}
        if settings.class_names:
            self._begin(settings.class_names)
        return super().on_configure(state)

    @reports_errors
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen for detections and telemetry."""
        settings = self._settings
        self._telemetry = TelemetryIntake(self, settings, on_arrival=self._on_telemetry)
        if self._worker is not None:
            self._worker.cameras = self._telemetry.cameras
        self._stamps = {camera.name: StampCheck() for camera in settings.cameras}
        for camera in settings.cameras:
            topic = f'{settings.detector}/{camera.name}{camera.name and "/"}detections'
            self._topics[camera.name] = FollowedTopic(
                self, topic, DETECTIONS, partial(self._on_detections, camera)
            )
        self._labels = FollowedTopic(self, f'{settings.detector}/labels', LABELS, self._on_labels)
        self._refresh()
        listed = ', '.join(topic.name for topic in self._topics.values())
        self.get_logger().info(f'Listening on {listed}.')
        return super().on_activate(state)

    def on_frame(self, frame: InspectedFrame, placed: PlacedFrame) -> None:
        """Publish the detections of a frame; in the worker's thread."""
        assert self._outputs is not None
        self._outputs.publish_detections(frame, placed)
        if self._views is not None:
            self._views.show_frame(
                frame.camera,
                frame.usable.detections,
                labels=placed.labels,
                sightings=placed.sightings,
                stamp=frame.message.header.stamp,
            )
        last_ns = self._footprint_ns.get(frame.camera)
        is_next = last_ns is None or not 0 <= frame.stamp_ns - last_ns < _FOOTPRINT_NS
        if self._file is not None and placed.sightings.ground is not None and is_next:
            self._footprint_ns[frame.camera] = frame.stamp_ns
            if len(self._footprints) < _MOST_FOOTPRINTS:
                self._footprints.append(placed.sightings)

    def on_update(self, update: LiveUpdate) -> None:
        """Publish and write the findings; in the worker's thread."""
        worker, outputs = self._worker, self._outputs
        assert worker is not None and outputs is not None
        outputs.publish_update(update, plane_up_m=worker.plane_up_m, is_first=not self._updates)
        if self._views is not None:
            self._views.show_findings(
                update.findings, origin=worker.inspection.origin, plane_up_m=worker.plane_up_m
            )
        self._updates += 1
        footprints, self._footprints = self._footprints, []
        if self._file is not None and (update.changed or update.withdrawn or footprints):
            self._file.submit(update, footprints, worker.inspection.origin)

    def on_new_origin(self, ended: LiveInspection, begun: LiveInspection) -> None:
        """End the file of an inspection and begin the next one; in the worker's thread."""
        file, footprints = self._file, self._footprints
        if file is not None and footprints:
            file.submit(LiveUpdate(), footprints, ended.origin)
        self._end_file(ended)
        self._begin_file(begun)
        before = f' What was before is in {file.path}.' if file and file.path.name else ''
        self._notes.append(
            f'{begun.near_fixes} frames in a row were elsewhere than where the inspection began, '
            f'and {ended.near_fixes} there: another one begins at their place.{before}'
        )
        self.get_logger().warning(self._notes[-1])
        self._footprints, self._footprint_ns = [], {}
        if self._views is not None:
            self._views.begin_again()

    def on_failure(self, where: str, error: Exception) -> None:
        """Count what a frame or an update raised; in the worker's thread."""
        errors_of(self).note(f'inspection of a {where}', error)

    def _begin(self, names: tuple[str, ...]) -> None:
        """Begin the inspection, now that the classes are known."""
        assert self._outputs is not None
        settings = self._settings
        self._class_ids = {name: number for number, name in enumerate(names)}
        self._notes = []
        started = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
        inspection = LiveInspection(
            class_names=names,
            flight=f'flight_{started}',
            source=LIVE_SOURCE,
            area=settings.area,
            curves=settings.curves,
            settings=settings.register,
            rate_hz=settings.register_rate_hz,
            network_px=settings.network_px,
        )
        self._begin_file(inspection)
        self._updates = 0
        self._views = InspectorViews(
            self,
            [camera.name for camera in settings.cameras],
            class_names=names,
            frame_id=settings.map_frame_id,
            area=settings.area,
            curves=settings.curves,
        )
        self._worker = InspectionWorker(
            inspection,
            self,
            cameras={},
            wait_s=settings.telemetry_wait_s,
            period_s=settings.update_period_s,
        )
        if self._telemetry is not None:
            self._worker.cameras = self._telemetry.cameras

    def _begin_file(self, inspection: LiveInspection) -> None:
        """Write an inspection, where a folder for it is given."""
        folder = self._settings.folder
        if folder is None:
            return
        provenance = {
            'inputs': [{'flight': inspection.flight, 'source': LIVE_SOURCE}],
            'classes': list(inspection.class_names),
            'software': software_versions(),
        }
        self._file = InspectionFile(folder, provenance=provenance)

    def _refresh(self) -> None:
        """Follow the publishers of everything that is listened to."""
        for topic in self._topics.values():
            topic.refresh()
        if self._labels is not None:
            self._labels.refresh()
        if self._telemetry is not None:
            self._telemetry.refresh()

    def _on_telemetry(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    def _on_labels(self, message: Any) -> bool:
        try:
            names = label_names(message)
        except BagError as error:
            self._labels_warning = str(error)
            return False
        if not names or len(set(names)) < len(names):
            self._labels_warning = 'The labels name no class, or one of them twice.'
            return False
        self._labels_warning = ''
        if self._worker is None:
            self._begin(names)
        elif new := [name for name in names if name not in self._class_ids]:
            self._labels_warning = (
                f'The detector has other classes now ({", ".join(new)}): they are left out. '
                'Clean the inspector up and configure it again to begin another inspection.'
            )
        return True

    def _on_detections(self, camera: CameraTopic, message: Any) -> bool:
        topic = self._topics[camera.name].name
        left_out = self._left_out.setdefault(topic, Counter())
        fault = self._stamps[camera.name].fault(message.header.stamp)
        if not fault and self._worker is None:
            fault = 'before the names of the classes'
        if fault:
            left_out[f'frames {fault}'] += 1
            return False
        assert self._worker is not None
        stamp = message.header.stamp
        frame = InspectedFrame(
            camera=camera.name,
            topic=self.resolve_topic_name(camera.topic),
            stamp_ns=int(stamp.sec) * 10**9 + int(stamp.nanosec),
            message=message,
            usable=usable_detections(message, self._class_ids, left_out),
            arrived_s=time.monotonic(),
        )
        self._worker.submit(frame)
        return True

    def _status(self, name: str) -> DiagnosticStatus:
        telemetry, worker, file = self._telemetry, self._worker, self._file
        report = InspectorReport(
            state=self._state_machine.current_state[1],
            has_labels=worker is not None,
            detections=[topic.delivery('detections') for topic in self._topics.values()],
            telemetry=[]
            if telemetry is None
            else [
                one
                for camera in self._settings.cameras
                for one in telemetry.deliveries(camera.name)
            ],
            missing={} if telemetry is None else dict(telemetry.missing),
            warnings=[
                *([] if telemetry is None else telemetry.warnings()),
                *([self._labels_warning] if self._labels_warning else []),
            ],
            stats=None if worker is None else worker.stats,
            waiting=0 if worker is None else worker.waiting,
            update=None if worker is None else worker.latest,
            left_out={
                **self._left_out,
                **({} if telemetry is None else telemetry.telemetry.causes()),
            },
            received={
                **{topic.name: topic.received for topic in self._topics.values()},
                **({} if telemetry is None else telemetry.received()),
            },
            notes=[
                *([] if telemetry is None else telemetry.notes()),
                *([] if worker is None else worker.latest.notes),
                *self._notes,
            ],
            file='' if file is None else str(file.path),
            file_failure='' if file is None else file.failure,
            file_dropped=0 if file is None else file.dropped,
        )
        return inspector_status(name, report)

    def _stop_listening(self) -> None:
        for topic in self._topics.values():
            topic.close()
        self._topics = {}
        if self._labels is not None:
            self._labels.close()
            self._labels = None
        if self._telemetry is not None:
            telemetry, self._telemetry = self._telemetry, None
            telemetry.close()

    def _release(self) -> None:
        """Stop listening and end the inspection, whatever of that raises."""
        with ExitStack() as last_first:
            last_first.callback(self._withdraw)
            if (worker := self._worker) is not None:
                last_first.callback(self._end, worker)
            last_first.callback(self._stop_listening)

    def _withdraw(self) -> None:
        if (outputs := self._outputs) is not None:
            self._outputs = None
            outputs.close()
        if (views := self._views) is not None:
            self._views = None
            views.close()

    def _end(self, worker: InspectionWorker) -> None:
        worker.close()
        self._worker = None
        self._end_file(worker.inspection)

    def _end_file(self, inspection: LiveInspection) -> None:
        """Write the last of an inspection into its file, and close that."""
        file, self._file = self._file, None
        if file is not None:
            try:
                result = inspection.finish()
            except Exception as error:  # what was written stays
                errors_of(self).note('the end of the inspection', error)
                result = None
            file.close(result, inspection.origin)


def _settings(values: dict[str, Any]) -> InspectorSettings:
    try:
        return InspectorSettings.of(values)
    except (FindingsError, GeoError) as error:
        raise ParameterError(str(error)) from error


def make_node() -> InspectorNode:
    """Make the inspector node, started if the parameters say so."""
    return autostarted(InspectorNode())


def main() -> None:
    """Run the inspector until it is interrupted."""
    # Its products are small: a second thread would only spin beside the detector's network.
    with threadpool_limits(limits=1, user_api='blas'):
        sys.exit(run_node(make_node))


if __name__ == '__main__':
    main()
