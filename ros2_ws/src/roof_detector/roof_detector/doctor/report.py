# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The findings as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from roof_detector.doctor.finding import Finding, Verdict
from roof_detector.inputs.plain_text import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def as_text(finding: Finding) -> str:
    """Return a finding as one line, followed by a line with its remedy."""
    line = f'{finding.verdict.value:4}  {finding.subject:13}  {plain_text(finding.message)}'
    remedy = plain_text(finding.remedy)
    return f'{line}\n{"":21}fix: {remedy}' if remedy else line


def as_json(findings: Sequence[Finding]) -> str:
    """Return all findings as a JSON object."""
    return json.dumps(
        {
            'ready': not any(finding.verdict is Verdict.FAIL for finding in findings),
            'findings': [
                {
                    'subject': finding.subject,
                    'verdict': finding.verdict.value,
                    'message': finding.message,
                    'remedy': finding.remedy,
                }
                for finding in findings
            ],
        },
        indent=2,
    )


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line, which says whether to take off."""
    count = {verdict: sum(f.verdict is verdict for f in findings) for verdict in Verdict}
    if count[Verdict.FAIL]:
        return (
            f'Not ready for take-off: {count[Verdict.FAIL]} failed, {count[Verdict.WARN]} warned.'
        )
    if count[Verdict.WARN]:
        return f'Nothing failed, {count[Verdict.WARN]} warned: read them before take-off.'
    return 'Ready for take-off.'
