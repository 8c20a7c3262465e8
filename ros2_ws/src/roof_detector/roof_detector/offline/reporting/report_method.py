# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a report says of its own method: model, measured recall, errors and limits."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.changes import ChangeKind, changes, counted
from roof_detector.findings.measured_recall import PHOTOGRAPHS, measured_recall
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.manifest import NETWORK
from roof_detector.offline.settings import NetworkFacts
from roof_detector.results.report.report_model import ReportTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.findings.changes import Inspected
    from roof_detector.findings.measured_recall import PublishedRecall
    from roof_detector.findings.severity import SeverityRules
    from roof_detector.offline.reporting.inspection_content import InspectionContent


def method_texts(
    content: InspectionContent, words: Mapping[str, str], *, severity_file: str
) -> tuple[tuple[str, str], ...]:
    """Return the headings with their paragraphs."""
    parameters, unknown = content.parameters(), words['method_model_unknown']
    model = words['method_model_text'].format(
        model=content.manifest('model') or unknown,
        sha=content.manifest('model_sha256') or unknown,
        confidence=parameters.get('confidence', unknown),
        iou=parameters.get('iou', unknown),
    )
    version = content.software.get('roof_detector_version', unknown)
    recall = words['method_recall_none']
    if measured_recall(content.manifest('model_sha256')):
        recall = words['method_recall_text'].format(resolution=_resolution(content, words))
    radii = sorted(one.place.radius95_m for one in content.reported if one.place is not None)
    error = words['method_error_none']
    if radii:
        error = words['method_error_text'].format(
            median=f'{statistics.median(radii):.1f}', worst=f'{radii[-1]:.1f}'
        )
    return (
        (words['method_how'], words['method_how_text'].format(version=version)),
        (words['method_model'], model),
        (words['method_recall'], recall),
        (words['method_error'], error),
        (
            words['method_severity'],
            words['method_severity_text'].format(
                file=severity_file or words['method_severity_shipped']
            ),
        ),
        (words['method_limits'], words['method_limits_text']),
    )


def recall_table(
    content: InspectionContent, rules: SeverityRules, words: Mapping[str, str], language: str
) -> tuple[ReportTable, ...]:
    """Return how many objects of each class the model finds, none for an unknown model."""
    measured = measured_recall(content.manifest('model_sha256'))
    rows = [] if measured else _unproven_rows(content, rules, words, language)
    if not measured and not rows:
        return ()
    for name in dict.fromkeys(one.class_name for one in measured):
        own = [one for one in measured if one.class_name == name]
        called = rules.called(name, language)
        called = called[:1].upper() + called[1:]
        rows += [
            (
                called if one is own[0] else '',
                _measured_on(one, words),
                f'{100 * one.recall:.0f} %',
                f'{100 * one.precision:.0f} %',
                str(one.objects),
            )
            for one in own
        ]
        if not any(one.measured_on == PHOTOGRAPHS for one in own):
            unknown = words['unknown']
            rows.append(('', words['not_proven'], unknown, unknown, unknown))
    columns = ('col_class', 'col_measured_on', 'col_recall', 'col_precision', 'col_objects')
    return (
        ReportTable(
            title=words['recall_table'],
            columns=tuple(words[key] for key in columns),
            rows=tuple(rows),
            align='llrrr',
        ),
    )


def _unproven_rows(
    content: InspectionContent, rules: SeverityRules, words: Mapping[str, str], language: str
) -> list[tuple[str, ...]]:
    """Return the classes of which the model's own package has no figure on photographs."""
    try:
        network = NetworkFacts.read(content.manifest(NETWORK))
    except (ReplayError, ValueError, KeyError, TypeError):
        return []
    unknown = words['unknown']
    names = [rules.called(name, language) for name in network.unproven]
    rest = (words['not_proven'], unknown, unknown, unknown)
    return [(name[:1].upper() + name[1:], *rest) for name in names]


def change_table(
    before: Inspected, content: InspectionContent, rules: SeverityRules,
    words: Mapping[str, str], language: str, *, name: str,
) -> tuple[ReportTable | None, str]:  # fmt: skip
    """Return what changed since an earlier inspection, and a sentence with all counts."""
    found, notes = changes(before, content.inspected, language=language)
    kinds = {kind.value: words[f'change_{kind.value.replace(" ", "_")}'] for kind in ChangeKind}
    counts = words['between'].join(
        f'{count} {kinds[kind]}' for kind, count in counted(found).items()
    )
    sentence = (
        words['changes_note']
        .format(name=name, counts=counts or words['changes_nothing'], notes=' '.join(notes))
        .strip()
    )
    found = [one for one in found if one.kind is not ChangeKind.UNCHANGED]
    if not found:
        return None, sentence
    unknown, rows = words['unknown'], []
    for one in found:
        end = one.new or one.old
        assert end is not None
        rows.append(
            (
                kinds[one.kind.value],
                rules.called(end.class_name, language),
                unknown if one.old is None else str(one.old.number),
                unknown if one.new is None else str(one.new.number),
                one.reason,
            )
        )
    columns = ('col_change', 'col_class', 'col_old', 'col_new', 'col_reason')
    table = ReportTable(
        title='',
        columns=tuple(words[key] for key in columns),
        rows=tuple(rows),
        align='llrrl',
    )
    return table, sentence


def _resolution(content: InspectionContent, words: Mapping[str, str]) -> str:
    found = [one.metres_per_pixel for one in content.grounded]
    return f'{100 * float(np.median(found)):.1f}' if found else words['unknown']


def _measured_on(one: PublishedRecall, words: Mapping[str, str]) -> str:
    resolution = words['recall_resolution_unknown']
    if one.finest_m is not None and one.coarsest_m is not None:
        low, high = f'{100 * one.finest_m:.1f}', f'{100 * one.coarsest_m:.1f}'
        key = 'recall_resolution_one' if low == high else 'recall_resolution'
        resolution = words[key].format(low=low, high=high)
    return words[f'recall_{one.measured_on}'].format(resolution=resolution)
