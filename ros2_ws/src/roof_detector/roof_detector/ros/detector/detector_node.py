# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Find roof anomalies in the images of one or several cameras."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # its home in Humble
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header
from std_srvs.srv import SetBool
from vision_msgs.msg import LabelInfo

from roof_detector.inference.errors import InferenceError
from roof_detector.inference.model_file import backend_for
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.pipeline.model_opening import OpenedModel, open_model
from roof_detector.pipeline.model_slot import ModelSlot
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.large_blocks import release_free_blocks
from roof_detector.ros.common.lifecycle_errors import reports_errors
from roof_detector.ros.common.managed_node import ManagedNode, autostarted
from roof_detector.ros.common.messages import labels_message
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
from roof_detector.ros.common.node_process import run_node
from roof_detector.ros.common.ros_log_handler import RosLogHandler
from roof_detector.ros.detector.annotation_worker import AnnotationWorker
from roof_detector.ros.detector.camera_channel import CameraChannel
from roof_detector.ros.detector.camera_frame import CameraFrame
from roof_detector.ros.detector.camera_topic import parse_cameras
from roof_detector.ros.detector.detector_degradation import PERIOD_S, DetectorDegradation
from roof_detector.ros.detector.detector_parameters import (
    DETECTOR_TABLE,
    DetectorSettings,
    detector_settings,
    reduced_settings,
)
from roof_detector.supervision.throttle import Throttle

if TYPE_CHECKING:
    from diagnostic_msgs.msg import DiagnosticStatus
    from rclpy.publisher import Publisher

    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.frame import FrameResult
    from roof_detector.pipeline.frame_stats import DropCause

_log = logging.getLogger(__name__)
_LATCHED_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class DetectorNode(ManagedNode):
    """Runs a model on every image there is time for, and publishes the detections.

    configure loads and warms up the model, activate subscribes to images, deactivate unsubscribes,
    cleanup frees the model. Images arrive in threads of their own, which submit them to the frame
    pipeline of the model in `_slot`; annotated images are drawn by the annotation worker. Cameras
    share the model; each has its own channel. Another model takes its place while it runs.
    """

    called = 'detector'

    def __init__(self, **options: Any) -> None:
        super().__init__('detector', **options)
        self._values = DETECTOR_TABLE.declare(self)
        # What the parameters ask for, and what the degradation leaves of it.
        self._wanted = self._settings = detector_settings(self._values)
        self._degradation = DetectorDegradation()
        self._cameras = tuple(
            CameraChannel(self, camera, transport=self._values['image_transport'], listener=self)
            for camera in parse_cameras(self._values['cameras'])
        )
        self._log_handler = RosLogHandler.install(self)
        # Trust was given to one file, and not by a client that sets parameters later.
        self._trusted = self._values['model'] if self._values['trust_model'] else None
        self._slot = ModelSlot(self, settings=self._settings)
        self._changes = self.create_guard_condition(self._slot.update)
        self._annotations: AnnotationWorker | None = None
        self._labels: Publisher | None = None
        self._warn = Throttle(_log.warning)
        DETECTOR_TABLE.watch(self, check=self._check_settings, apply=self._apply_settings)
        self.create_service(SetBool, '~/enable', self._enable)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(PERIOD_S, self._degrade, clock=steady)
        names = [camera.status_name for camera in self._cameras]
        self._diagnostics = NodeDiagnostics(self, self._statuses, names=names)

    @reports_errors
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, warm it up and offer the outputs."""
        try:
            detector = self._slot.open(self._values['model'])
        except (InferenceError, ValueError) as error:
            self.get_logger().error(str(error))
            self._release()
            return TransitionCallbackReturn.FAILURE
        self._labels = self.create_publisher(LabelInfo, '~/labels', _LATCHED_QOS)
        self._annotations = AnnotationWorker(self)
        for camera in self._cameras:
            camera.open()
        self.on_model_changed(detector)
        return super().on_configure(state)

    @reports_errors
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen for images."""
        self._listen()
        return super().on_activate(state)

    def open_model(self, model: str) -> OpenedModel:
        """Open and warm up a model as the parameters ask, in the thread that will own it."""
        values = {**self._values, 'model': model, 'trust_model': model == self._trusted}
        return open_model(values, cameras=len(self._cameras))

    def on_result(self, result: FrameResult) -> None:
        """Publish the detections of a frame, and have it drawn; in the model's thread."""
        frame, detections = result.frame, result.detections
        assert isinstance(frame, CameraFrame) and detections is not None
        assert self._annotations is not None
        frame.outputs.publish_detections(
            detections, names=result.names, header=frame.message.header
        )
        self._annotations.submit(frame, result, settings=self._settings)
        assert result.image is not None
        frame.calibration.check(frame.message.header.stamp, result.image.source_wh)
        self._degradation.note(frame.age_s())

    def on_dropped(self, cause: DropCause | Literal['drawing'], message: str) -> None:
        """Log that a frame was dropped for an error, each cause now and then."""
        self._warn(cause, message)

    def on_pipeline_changed(self) -> None:
        """Have the executor's thread update the slot."""
        self._changes.trigger()

    def check_model(self, detector: Detector) -> None:
        """Raise ValueError for a model that does not go with the parameters."""
        detector_settings(self._values, names=detector.names)

    def on_model_changed(self, detector: Detector) -> None:
        """Adapt the outputs to another model and announce it."""
        for camera in self._cameras:
            camera.configure(detector)
        release_free_blocks()  # those of the model before
        self._publish_labels()
        self._diagnostics.publish()
        self.get_logger().info(
            f'{detector.model_path.name} finds {", ".join(detector.names)} '
            f'({detector.task}, {detector.backend} on {detector.device}).'
        )

    def on_model_refused(self, reason: str) -> None:
        """Log why the model in use stays, and set the parameter back to it."""
        self.get_logger().error(f'The model stays {self._slot.model}: {reason}')
        DETECTOR_TABLE.set(self, 'model', self._slot.model)

    def _publish_labels(self) -> None:
        detector = self._slot.detector
        assert detector is not None and self._labels is not None
        header = Header(stamp=self.get_clock().now().to_msg())
        self._labels.publish(
            labels_message(
                detector.names,
                threshold=self._settings.thresholds.confidence,
                header=header,
            )
        )

    def _check_settings(self, values: dict[str, Any]) -> DetectorSettings:
        if values['model'] not in (self._values['model'], self._slot.model):
            try:
                backend_for(resolve_model(values['model']))
            except InferenceError as error:
                raise ParameterError(str(error)) from error
        detector = self._slot.detector
        return detector_settings(values, names=None if detector is None else detector.names)

    def _apply_settings(self, settings: DetectorSettings) -> None:
        self._values = DETECTOR_TABLE.values(self)
        self._wanted = settings
        self._configure()
        if self._labels is not None:
            self._publish_labels()

    def _degrade(self) -> None:
        """Give up quality, or take it back, as old as results are."""
        detector = self._slot.detector
        if detector is None or self._annotations is None:
            return
        changed = self._degradation.update(
            self._wanted,
            values=self._values,
            detector=detector,
            too_old=sum(camera.stream.stats.dropped('too_old') for camera in self._cameras),
            is_watched=any(camera.is_watched(self._wanted) for camera in self._cameras),
        )
        if changed:
            self._configure()
            sentence = self._degradation.sentence or 'Quality is whole again.'
            self.get_logger().warning(sentence)
            self._diagnostics.publish()

    def _configure(self) -> None:
        """Have the pipeline and the model follow the parameters and the degradation."""
        steps = self._degradation.steps
        self._settings = reduced_settings(self._wanted, steps)
        self._slot.configure(self._settings)
        lighter = self._values['lighter_model'] if 'model' in steps else ''
        self._slot.request(lighter or self._values['model'])

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if self._slot.detector is None:
            response.message = 'The detector is not configured, configure and activate it first.'
            return response
        self._slot.enabled = request.data
        response.success = True
        response.message = 'Detecting.' if request.data else 'Paused; frames are counted only.'
        return response

    def _statuses(self) -> list[DiagnosticStatus]:
        state = self._state_machine.current_state[1]
        return [
            camera.status(
                self._slot,
                state=state,
                settings=self._settings,
                degradation=self._degradation,
            )
            for camera in self._cameras
        ]

    def _listen(self) -> None:
        for camera in self._cameras:
            camera.listen(self._slot)
        topics = ', '.join(camera.topic for camera in self._cameras)
        self.get_logger().info(f'Listening on {topics}.')

    def _stop_listening(self) -> None:
        with ExitStack() as cameras:
            for camera in self._cameras:
                cameras.callback(camera.stop_listening)

    def _release(self) -> None:
        """Stop listening and free the model and the outputs, whatever of that raises."""
        self._degradation.reset()
        self._settings = self._wanted
        self._slot.configure(self._settings)
        with ExitStack() as last_first:
            if (labels := self._labels) is not None:
                self._labels = None
                last_first.callback(self.destroy_publisher, labels)
            for camera in self._cameras:
                last_first.callback(camera.close)
            if (annotations := self._annotations) is not None:
                self._annotations = None
                last_first.callback(annotations.close)
            last_first.callback(self._slot.close)
            last_first.callback(self._stop_listening)


def make_node() -> DetectorNode:
    """Make the detector node, started if the parameters say so."""
    return autostarted(DetectorNode())


def main() -> None:
    """Run the detector node until it is interrupted."""
    sys.exit(run_node(make_node))


if __name__ == '__main__':
    main()
