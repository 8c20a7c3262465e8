# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The bags of one run of the recorder, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.provenance import RECORDER, provenance
from roof_detector.bags.retention_policy import RetentionPolicy
from roof_detector.ros.recorder.recording import Recording, RecordingReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rclpy.node import Node

    from roof_detector.ros.recorder.listening import ListeningReport
    from roof_detector.ros.recorder.recorder_parameters import RecorderSettings


class Recordings:
    """Open bags, see each to its end, and say in the log how it ended and what was deleted."""

    def __init__(self, node: Node, settings: RecorderSettings) -> None:
        self._log = node.get_logger()
        self._ending: list[Recording] = []
        self._told_bytes = 0
        self._told_problems = (0, '', '')
        self.present: Recording | None = None
        self.last_report: RecordingReport | None = None
        self.failure = ''
        self.retention_policy = RetentionPolicy(settings.output_directory)

    @property
    def finishing(self) -> int:
        """Return how many bags were ended and are not whole yet."""
        return len(self._ending)

    def take_over(self, settings: RecorderSettings) -> None:
        """Take other settings for the next bag."""
        if settings.output_directory != self.retention_policy.folder:
            self.retention_policy, self._told_bytes = RetentionPolicy(settings.output_directory), 0

    def open(
        self,
        settings: RecorderSettings,
        *,
        facts: Mapping[str, str],
        heard: ListeningReport,
        duration_s: float,
        gives_way: bool = False,
    ) -> Recording:
        """Begin a bag with a manifest that says these facts; raise BagError where it cannot be."""
        try:
            recording = Recording(
                settings,
                manifest={**provenance(written_by=RECORDER), **facts},
                retention_policy=self.retention_policy,
                before=heard,
                duration_s=duration_s,
                gives_way=gives_way,
            )
        except BagError as error:
            if self.failure != str(error):
                self._log.error(f'Not recording: {error}')
            self.failure = str(error)
            raise
        self.present, self.failure = recording, ''
        self._told_problems = (0, '', '')
        self._log.info(f'Recording to {recording.path}.')
        return recording

    def end(self, heard: ListeningReport) -> Recording:
        """End the present bag; it is written to its end while others begin."""
        assert self.present is not None
        recording, self.present = self.present, None
        recording.end(heard)
        self._ending.append(recording)
        self.last_report = recording.report()
        return recording

    def wait_for(self, recording: Recording) -> RecordingReport:
        """Wait until a bag that was ended is whole, and return what it holds."""
        recording.writer.close()
        self.look_after()
        return recording.report()

    def look_after(self) -> None:
        """Tell of the bags that are whole by now, of interruptions, and of what was deleted."""
        if self.present is not None:
            self._tell_problems(self.present.report())
        for recording in [ending for ending in self._ending if ending.writer.is_finished]:
            self._ending.remove(recording)
            self._tell(recording.report())
        retention_policy = self.retention_policy
        if retention_policy.deleted_bytes != self._told_bytes:
            self._told_bytes = retention_policy.deleted_bytes
            self._log.warning(
                f'Deleted to make room since the start: {retention_policy.deleted_recordings} '
                f'recordings, {retention_policy.deleted_files} files, '
                f'{retention_policy.deleted_bytes / 1e9:.2f} GB.'
            )

    def close(self) -> None:
        """Wait for every bag that was ended."""
        for recording in list(self._ending):
            self.wait_for(recording)

    def save_all(self) -> None:
        """Write every bag to its end, the present one too, without a word or another change."""
        present = self.present
        unfinished = [*self._ending, *([] if present is None else [present])]
        for recording in unfinished:
            recording.writer.finish()
        for recording in unfinished:
            recording.writer.close()

    def _tell_problems(self, report: RecordingReport) -> None:
        """Tell that the disk refused, that it does no longer, and of what cannot be written."""
        writing, before = report.writing, self._told_problems
        now = (writing.interruptions, writing.interruption, writing.problem)
        if now == before:
            return
        self._told_problems = now
        lost = sum(writing.dropped.values())
        if writing.interruption:
            if not before[1]:
                self._log.error(
                    f'Recording is interrupted: {writing.interruption} Messages wait in memory; '
                    'it goes on in a new file as soon as the disk takes one.'
                )
        elif before[1] or writing.interruptions != before[0]:
            self._log.warning(
                f'Recording goes on in a new file in {report.path} after this: '
                f'{before[1] or writing.problem} {lost} messages were lost so far.'
            )
        else:
            self._log.error(f'Something is not recorded: {writing.problem}')

    def _tell(self, report: RecordingReport) -> None:
        if self.present is None:
            self.last_report = report
        if report.writing.failure:
            self.failure = report.writing.failure
            self._log.error(f'Recording stopped: {self.failure}')
            return
        lost = f', {report.dropped} lost' if report.dropped else ''
        self._log.info(
            f'Recorded {report.writing.message_count} messages '
            f'({report.writing.size_bytes / 1e6:.1f} MB{lost}) to {report.path}.'
        )
