# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check the diagnostics of the running nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from roof_detector.doctor.finding import Finding, Verdict, warn

if TYPE_CHECKING:
    from roof_detector.doctor.graph_snapshot import GraphSnapshot, NodeReport

# Kind of report, its subject here, and the command that starts the node.
_KINDS = (
    ('frames', 'camera', None),
    ('detection', 'detector', 'ros2 launch roof_detector detector.launch.py'),
    ('bag', 'recorder', 'ros2 launch roof_detector record.launch.py record:=true'),
)
# Anybody may publish diagnostics: what is no name of a node stands in no command.
_NODE = re.compile(r'(/[A-Za-z0-9_]+)+')
_VERDICTS = (Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.FAIL)


def check_nodes(snapshot: GraphSnapshot) -> list[Finding]:
    """Return the diagnostics of camera, detector and recorder; warn of those not running."""
    findings = []
    for kind, subject, start in _KINDS:
        reports = snapshot.of_kind(kind)
        findings += [_finding(report, subject) for report in reports]
        if not reports and start is not None:
            findings.append(warn(subject, f'No {subject} is running yet.', start))
    return findings


def _is_recording(report: NodeReport) -> bool:
    """Return whether a recorder is writing, or will at the next event."""
    armed = report.values.get('black_box', 'off') != 'off'
    return armed or report.values.get('recording') != 'false'


def _finding(report: NodeReport, subject: str) -> Finding:
    node = '/' + report.name.partition(':')[0].lstrip('/')
    verdict = _VERDICTS[min(report.level, 3)]
    message = f'{node}: {report.message}'
    if subject == 'recorder' and verdict is Verdict.OK and not _is_recording(report):
        verdict = Verdict.WARN
    return Finding(
        subject=subject,
        verdict=verdict,
        message=message,
        remedy=_remedy(report, subject, node, verdict),
    )


def _remedy(report: NodeReport, subject: str, node: str, verdict: Verdict) -> str:
    """Return the command that fixes what a node reports, or one that shows more."""
    if verdict is Verdict.OK:
        return ''
    if not _NODE.fullmatch(node):
        return 'ros2 topic echo /diagnostics'
    state = report.values.get('state')
    if subject == 'detector' and state in ('unconfigured', 'inactive'):
        step = {'unconfigured': 'configure', 'inactive': 'activate'}[state]
        return f'ros2 lifecycle set {node} {step}'
    on = "std_srvs/srv/SetBool '{data: true}'"
    if subject == 'detector' and report.values.get('enabled') == 'false':
        return f'ros2 service call {node}/enable {on}'
    if subject == 'recorder' and verdict is Verdict.WARN and not _is_recording(report):
        return f'ros2 service call {node}/record {on}'
    return f'ros2 topic echo /diagnostics  # {node}'
