# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the recorder tells about its own health."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roof_detector.ros.recorder_state import RecorderState


def recorder_status(*, name: str, state: RecorderState, free_bytes: int) -> DiagnosticStatus:
    """Return the recorder's status: level and message for people, values for plots."""
    level, message = _verdict(state)
    values = {'free_gb': f'{free_bytes / 1e9:.2f}', **_values(state)}
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def _values(state: RecorderState) -> dict[str, object]:
    values: dict[str, object] = {
        'recording': str(state.is_recording).lower(),
        'black_box': _box_mode(state),
        'finishing': state.finishing,
        'marks': state.marks,
        'deleted_recordings': state.deleted_recordings,
        'deleted_files': state.deleted_files,
        'deleted_gb': f'{state.deleted_bytes / 1e9:.2f}',
    }
    if state.box is not None:
        values |= {
            'events': state.events,
            'last_trigger': state.last_trigger,
            'pre_roll_s': f'{state.box.held_s:.1f}',
            'pre_roll_bytes': state.box.held_bytes,
            'pre_roll_messages': state.box.held_messages,
            'pre_roll_forgotten_early': state.box.forgotten_early,
        }
    report = state.report
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
        values |= {f'repeated.{topic}': n for topic, n in sorted(report.repeated.items())}
    return values


def _box_mode(state: RecorderState) -> str:
    if state.box is None:
        return 'off'
    if not state.is_recording:
        return 'armed'
    return 'triggered' if state.is_event else 'recording'


def _verdict(state: RecorderState) -> tuple[bytes, str]:
    report = state.report
    if state.failure:
        return DiagnosticStatus.ERROR, f'Not recording: {state.failure}'
    if not state.is_recording or report is None:
        if state.box is None:
            return DiagnosticStatus.OK, 'Not recording.'
        return DiagnosticStatus.OK, f'The black box holds the last {state.box.held_s:.0f} s.'
    if report.dropped:
        return (
            DiagnosticStatus.WARN,
            f'Recording to {report.path}; {report.dropped} messages lost: the disk or this '
            'computer is too slow for the topics chosen.',
        )
    why = f' of an event ({state.last_trigger})' if state.is_event else ''
    return DiagnosticStatus.OK, f'Recording{why} to {report.path}.'
