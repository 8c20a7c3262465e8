# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a camera tells about its own health."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roof_detector.ros.playback import PlaybackReport
from roof_detector.sources.health import SourceHealth


def camera_status(
    *,
    name: str,
    source: str,
    report: PlaybackReport,
    listeners: int,
    health: SourceHealth | None = None,
) -> DiagnosticStatus:
    """Return the status of a node that publishes frames: words for people, values for plots."""
    level, message = _verdict(source, report, health)
    values: dict[str, object] = {
        'source': source,
        'state': report.state,
        'rate_hz': f'{report.rate_hz:.2f}',
        'frames_published': report.published,
        'frames_late': report.late,
        'listeners': listeners,
    }
    if health is not None:
        values |= {
            'connected': health.connected,
            'frames_unreadable': health.unreadable,
            'frames_superseded': health.superseded,
            'reconnects': health.reconnects,
            'trouble': health.trouble,
        }
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=source,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def _verdict(
    source: str, report: PlaybackReport, health: SourceHealth | None
) -> tuple[bytes, str]:
    if report.error:
        return DiagnosticStatus.ERROR, report.error
    if health is not None and not health.connected:
        return DiagnosticStatus.ERROR, health.trouble or f'Connecting to {source}.'
    if health is not None and health.trouble:
        return DiagnosticStatus.WARN, health.trouble
    if report.state == 'waiting':
        return DiagnosticStatus.OK, 'Waiting for listeners.'
    if report.state == 'ended':
        return DiagnosticStatus.OK, f'All {report.published} frames are sent.'
    return DiagnosticStatus.OK, f'{report.rate_hz:.1f} frames/s.'
