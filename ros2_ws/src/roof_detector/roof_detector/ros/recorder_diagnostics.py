# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the recorder tells about its own health."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roof_detector.ros.recording import RecordingReport


def recorder_status(
    *,
    name: str,
    recording: bool,
    report: RecordingReport | None,
    failure: str,
    free_bytes: int,
) -> DiagnosticStatus:
    """Return the recorder's status: level and message for people, values for plots.

    `report` is that of the present recording or else of the last one, None before the first;
    `failure` says why the last attempt to record failed, empty where it did not.
    """
    values: dict[str, object] = {
        'recording': str(recording).lower(),
        'free_gb': f'{free_bytes / 1e9:.2f}',
    }
    if report is not None:
        values |= {
            'bag': report.path,
            'messages': report.writing.message_count,
            'bytes': report.writing.size_bytes,
            'queued_bytes': report.writing.queued_bytes,
            'dropped': report.dropped,
            'not_published': ', '.join(report.not_published),
        }
        values |= {f'received.{topic}': n for topic, n in sorted(report.received.items())}
        values |= {f'dropped.{topic}': n for topic, n in sorted(report.writing.dropped.items())}
        lost = sorted(report.lost_before_arrival.items())
        values |= {f'lost_before_arrival.{topic}': n for topic, n in lost}
    level, message = _verdict(recording=recording, report=report, failure=failure)
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def _verdict(
    *, recording: bool, report: RecordingReport | None, failure: str
) -> tuple[bytes, str]:
    if failure:
        return DiagnosticStatus.ERROR, f'Not recording: {failure}'
    if not recording or report is None:
        return DiagnosticStatus.OK, 'Not recording.'
    if report.dropped:
        return (
            DiagnosticStatus.WARN,
            f'Recording to {report.path}; {report.dropped} messages lost: the disk or this '
            'computer is too slow for the topics chosen.',
        )
    return DiagnosticStatus.OK, f'Recording to {report.path}.'
