# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The grades that people gave to findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.findings.decisions import DecisionKind, standing
from roof_detector.findings.severity import Action, Grade, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from roof_detector.findings.decisions import Decision
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.severity import SeverityRules

_ACTIONS = {
    Severity.LOW: Action.MONITOR,
    Severity.MEDIUM: Action.REPAIR,
    Severity.HIGH: Action.REPAIR,
}


def decided_grades(
    findings: Sequence[RoofFinding], decisions: Iterable[Decision], rules: SeverityRules
) -> Mapping[UUID, Grade]:
    """Return the grades of the findings whose severity a person set.

    The action is the mildest that a grade of the class has with this severity.
    """
    who: dict[UUID, str] = {}
    for decision in standing(decisions):
        if decision.kind is DecisionKind.SEVERITY:
            who[decision.uuid] = decision.who
    found = {}
    for one in findings:
        if not one.severity:
            continue
        severity = Severity(one.severity)
        actions = [
            rule.action for rule in rules.of(one.class_name).grades if rule.severity is severity
        ]
        names = [who[uuid] for uuid in (one.uuid, *one.aliases) if uuid in who]
        found[one.uuid] = Grade(
            severity=severity,
            action=actions[-1] if actions else _ACTIONS[severity],
            decided_by=names[0] if names else '?',
        )
    return found
