# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the recorder tells about its own health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roof_detector.supervision.health import LOST_S, Delivery, Health, Level, health

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.ros.recorder.listening import ListeningReport
    from roof_detector.ros.recorder.recorder_state import RecorderState


def recorder_status(
    *, name: str, state: RecorderState, free_bytes: int, loses: bool = False
) -> DiagnosticStatus:
    """Return the recorder's status: level and message for people, values for plots.

    `loses` tells whether messages were lost in the last seconds.
    """
    verdict = _verdict(state, loses=loses)
    values = {'free_gb': f'{free_bytes / 1e9:.2f}', **_values(state)}
    return DiagnosticStatus(
        level=bytes([verdict.level]),
        name=name,
        message=verdict.message,
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
            'interruptions': report.writing.interruptions,
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


def _verdict(state: RecorderState, *, loses: bool) -> Health:
    if state.failure:
        return Health(Level.ERROR, f'Not recording: {state.failure}')
    report, heard = state.report, state.heard
    is_recording = state.is_recording and report is not None
    if heard is None or not (is_recording or state.box is not None):
        return Health(Level.WARN, 'Not recording.')
    if report is not None and state.is_recording:
        why = f' of an event ({state.last_trigger})' if state.is_event else ''
        working = f'Recording{why} to {report.path}.'
    else:
        held_s = 0.0 if state.box is None else state.box.held_s
        working = f'The black box holds the last {held_s:.0f} s.'
    faults = list(_silence(heard))
    if loses and report is not None:
        faults.append(
            Health(
                Level.WARN,
                f'{report.dropped} messages lost: the disk or this computer is too slow for the '
                'topics chosen.',
            )
        )
    has_arrived = not heard.expected or heard.has_arrived
    verdict = health(working=working, faults=faults, has_arrived=has_arrived)
    if verdict.message.startswith(working):
        return verdict
    return Health(verdict.level, f'{working} {verdict.message}')


def _silence(heard: ListeningReport) -> Iterator[Health]:
    """Yield what does not arrive of what is listened to, the worst first."""
    if heard.timeless_s:
        level = Level.ERROR if heard.timeless_s > LOST_S else Level.WARN
        yield Health(
            level,
            f'Nothing is recorded for {heard.timeless_s:.1f} s: use_sim_time is set, and no time '
            'has come on /clock.',
        )
        return
    missing = [one for one in heard.expected if not one.is_fresh]
    if missing and len(missing) == len(heard.expected):
        silent_s = min(one.silent_s for one in missing)
        level = Level.ERROR if all(one.is_lost for one in missing) else Level.WARN
        yield Health(level, f'Nothing arrives for {silent_s:.1f} s. {_named(heard, missing)}')
    elif missing:
        yield Health(Level.WARN, _named(heard, missing))


def _named(heard: ListeningReport, missing: Sequence[Delivery]) -> str:
    """Return which topics are missing: those without a publisher, then those without messages."""
    absent = [name for name in heard.not_published if name not in heard.optional]
    silent = [one for one in missing if one.what.rpartition(' ')[2] not in absent]
    sentences = [f'Nobody publishes {", ".join(absent)}.'] if absent else []
    sentences += [f'{one.what} for {one.silent_s:.1f} s.' for one in silent]
    return ' '.join(sentences)
