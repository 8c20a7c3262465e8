# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The diagnostic status of a node that publishes frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roof_detector.supervision import health as rule
from roof_detector.supervision.health import Delivery, Health, Level

if TYPE_CHECKING:
    from roof_detector.inputs.input import InputHealth
    from roof_detector.ros.camera.playback import PlaybackReport


def camera_status(
    *,
    name: str,
    source: str,
    report: PlaybackReport,
    listeners: int,
    health: InputHealth | None = None,
    unreadable_now: bool = False,
) -> DiagnosticStatus:
    """Return the status of a node that publishes frames: a message for people, values for plots.

    `unreadable_now` is whether something could not be read in the last seconds.
    """
    verdict = _verdict(source, report, health, unreadable_now=unreadable_now)
    values: dict[str, object] = {
        'source': source,
        'state': report.state,
        'rate_hz': f'{report.rate_hz:.2f}',
        'frames_published': report.published,
        'frames_late': report.late,
        'messages_not_sent': report.unsent,
        'listeners': listeners,
    }
    if health is not None:
        values |= {
            'connected': health.connected,
            'frames_unreadable': health.unreadable,
            'frames_superseded': health.superseded,
            'reconnects': health.reconnects,
            'source_error': health.warning,
        }
    return DiagnosticStatus(
        level=bytes([verdict.level]),
        name=name,
        message=verdict.message,
        hardware_id=source,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def _verdict(
    source: str,
    report: PlaybackReport,
    source_health: InputHealth | None,
    *,
    unreadable_now: bool,
) -> Health:
    faults = []
    if report.error:
        faults.append(Health(Level.ERROR, report.error))
    if source_health is not None and not source_health.connected:
        faults.append(Health(Level.ERROR, source_health.warning or f'Connecting to {source}.'))
    elif source_health is not None and source_health.warning and unreadable_now:
        faults.append(Health(Level.WARN, source_health.warning))
    if report.state == 'ended':
        all_sent = f'All {report.published} frames are published.'
        frames = Delivery(f'{all_sent} No more frames have come', report.silent_s)
        # All frames have arrived; that no more come is reported later.
        return rule.health(
            working=all_sent,
            faults=faults,
            missing=[frames] if frames.is_lost else (),
            has_arrived=report.published > 0,
        )
    frames = Delivery('No frame was published', report.silent_s, report.usual_s)
    return rule.health(
        working=f'{report.rate_hz:.1f} frames/s.',
        faults=faults,
        missing=[frames],
        has_arrived=report.published > 0,
        pause='Waiting for listeners.' if report.state == 'waiting' else '',
    )
