# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is recorded when: on command, and around events that the black box is opened for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.records import MARK, PARAMETER_CHANGE, TRIGGER
from roof_detector.ros.recorder.bag_manifest import BagManifest
from roof_detector.ros.recorder.detection_trigger import reason_to_trigger
from roof_detector.ros.recorder.listening import Listening, ListeningReport
from roof_detector.ros.recorder.recorder_state import RecorderState
from roof_detector.ros.recorder.recording import FOREVER_S
from roof_detector.ros.recorder.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rclpy.node import Node

    from roof_detector.ros.recorder.recorder_parameters import RecorderSettings

_NOTHING_HEARD = ListeningReport(received={}, lost_before_arrival={}, not_published=())
# A bag that cannot be begun, for want of disk space say, is not tried at every detection.
_TRY_AGAIN_AFTER_S = 5.0
# How long the service waits for a disk that is tried at its request.
_TRY_NOW_S = 2.0


class FlightRecorder:
    """Write bags on command; between them keep the last seconds in memory, if asked to."""

    def __init__(self, node: Node, settings: RecorderSettings) -> None:
        self._node = node
        self._settings = settings
        self._manifest = BagManifest(node, settings.manifest_nodes, journal=self._journal)
        self._bags = Recordings(node, settings)
        self._listening: Listening | None = None
        self._not_before_s = 0.0
        self._wanted = self._began_late = False
        self._events = self._marks = 0
        self._last_trigger = ''
        self._rest()

    def take_over(self, settings: RecorderSettings) -> None:
        """Take other settings for the next bag; one in progress keeps its own."""
        before, self._settings = self._settings, settings
        self._bags.take_over(settings)
        if self._bags.present is None and settings.listening != before.listening:
            self._rest()

    def begin(self) -> None:
        """Record as soon as that is possible: nobody waits for an answer."""
        opened, _ = self._open(duration_s=FOREVER_S, gives_way=True)
        self._wanted = not opened

    def start(self) -> tuple[bool, str]:
        """Record until `stop`; return whether that worked, and the bag's path or the reason."""
        recording = self._bags.present
        if recording is None:
            return self._open(duration_s=FOREVER_S)
        if recording.interruption and not recording.writer.try_now(within_s=_TRY_NOW_S):
            return False, recording.interruption or recording.failure
        if recording.interruptions and not recording.is_event:
            return True, str(recording.path)
        if self._began_late:
            self._began_late = False
            return True, str(recording.path)
        if not recording.is_event:
            return False, f'Already recording to {recording.path}.'
        recording.go_on_for(FOREVER_S)
        return True, str(recording.path)

    def stop(self) -> tuple[bool, str]:
        """Finish the bag; return whether it is whole, and its path or the reason."""
        self._wanted = False
        if self._bags.present is None:
            return False, 'Not recording.'
        recording = self._bags.end(self._heard())
        self._rest()
        report = self._bags.wait_for(recording)
        return not report.writing.failure, report.writing.failure or str(report.path)

    def trigger(self, reason: str) -> tuple[bool, str]:
        """Open the black box; return whether it is written, and the bag's path or the reason."""
        recording = self._bags.present
        if recording is not None:
            if recording.is_event:
                recording.go_on_for(self._settings.post_roll_s)
                self._last_trigger = reason
            return True, str(recording.path)
        if not self._settings.black_box:
            return False, 'The black box is off: set black_box to true, or record with ~/record.'
        opened, answer = self._open(duration_s=self._settings.post_roll_s)
        if opened:
            self._events += 1
            self._last_trigger = reason
            self._add_record(TRIGGER, {'time_ns': str(self._now_ns()), 'reason': reason})
        return opened, answer

    def mark(self, note: str, data: bytes, *, times_ns: tuple[int, int]) -> tuple[bool, str]:
        """Put a mark into the bag, as a message and a record, and protect the bag for it."""
        if self._listening is not None:
            self._listening.write_mark(data, times_ns=times_ns)
        recorded, answer = self.trigger(f'mark: {note}')
        if recorded and self._bags.present is not None:
            self._marks += 1
            self._add_record(MARK, {'time_ns': str(times_ns[0]), 'note': note})
            self._bags.present.writer.keep(reason=note)
        return recorded, answer

    def look_after(self) -> None:
        """Find new topics and nodes, end what is over, and tell what happened meanwhile."""
        self._manifest.refresh()
        if self._listening is not None:
            self._listening.refresh()
        recording = self._bags.present
        if recording is None and self._wanted and time.monotonic() >= self._not_before_s:
            self.begin()
            self._began_late = not self._wanted
        if recording is not None:
            if recording.failure:
                self._not_before_s = time.monotonic() + _TRY_AGAIN_AFTER_S
                self.stop()
            elif recording.is_over:
                self._bags.end(self._heard())
                self._rest()
            elif news := self._manifest.news():
                recording.writer.update_manifest(news)
        self._bags.look_after()

    def state(self) -> RecorderState:
        """Return how the recorder is doing."""
        recording = self._bags.present
        has_box = self._settings.black_box and self._listening is not None
        deletions = self._bags.retention_policy
        report = recording.report(self._heard()) if recording else self._bags.last_report
        interruption = report.interruption if recording and report else ''
        return RecorderState(
            is_recording=recording is not None and not interruption,
            is_event=recording is not None and recording.is_event,
            report=report,
            failure=interruption or self._bags.failure,
            finishing=self._bags.finishing,
            box=self._listening.box.state() if self._listening and has_box else None,
            events=self._events,
            last_trigger=self._last_trigger,
            marks=self._marks,
            deleted_recordings=deletions.deleted_recordings,
            deleted_files=deletions.deleted_files,
            deleted_bytes=deletions.deleted_bytes,
            heard=None if self._listening is None else self._heard(),
        )

    def close(self) -> None:
        """Finish every bag."""
        self.stop()
        self._bags.close()

    def save_all(self) -> None:
        """Write every bag to its end; for a thread beside the executor's, which hangs."""
        self._bags.save_all()

    def _open(self, *, duration_s: float, gives_way: bool = False) -> tuple[bool, str]:
        """Begin a bag with what the box holds."""
        self._began_late = False
        try:
            recording = self._bags.open(
                self._settings,
                facts=self._manifest.values(),
                heard=self._heard(),
                duration_s=duration_s,
                gives_way=gives_way,
            )
        except BagError as error:
            self._not_before_s = time.monotonic() + _TRY_AGAIN_AFTER_S
            return False, str(error)
        self._wanted = False
        if self._listening is None:
            self._listening = Listening(
                self._node,
                self._settings,
                writer=recording.writer,
                look_at_detections=self._look_at,
            )
        else:
            self._listening.box.attach(recording.writer)
            for change in self._manifest.changes(within_s=self._settings.pre_roll_s):
                self._journal(change)
        return True, str(recording.path)

    def _rest(self) -> None:
        """Listen for the black box alone, or not at all, as the settings want it."""
        if self._listening is not None:
            self._listening.box.detach()
            if self._settings.black_box and self._settings.listening == self._listening.asked_for:
                return
            self._listening.close()
            self._listening = None
        if self._settings.black_box:
            self._listening = Listening(
                self._node, self._settings, writer=None, look_at_detections=self._look_at
            )

    def _look_at(self, data: bytes) -> None:
        """Open the box, or keep it open, for detections that matter."""
        recording = self._bags.present
        waiting = recording is None and time.monotonic() >= self._not_before_s
        if self._settings.black_box and (waiting or (recording and recording.is_event)):
            reason = reason_to_trigger(
                data,
                classes=self._settings.trigger_classes,
                confidence=self._settings.trigger_confidence,
            )
            if reason:
                self.trigger(reason)

    def _heard(self) -> ListeningReport:
        return self._listening.report() if self._listening is not None else _NOTHING_HEARD

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    def _journal(self, change: Mapping[str, str]) -> None:
        self._add_record(PARAMETER_CHANGE, change)

    def _add_record(self, name: str, values: Mapping[str, str]) -> None:
        if self._bags.present is not None:
            self._bags.present.writer.add_record(name, values)
