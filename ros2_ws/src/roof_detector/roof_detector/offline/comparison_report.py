# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A comparison as a table for people and as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roof_detector.offline.comparison import ClassAgreement

if TYPE_CHECKING:
    from roof_detector.offline.comparison import Comparison, Difference
    from roof_detector.offline.result_bag import ResultBag

_FACTS = ('model', 'model_sha256', 'parameters')
_HEAD = ('class', 'both', 'only A', 'only B', 'mean IoU', 'confidence B-A')


def as_table(comparison: Comparison, *, min_iou: float) -> str:
    """Return the agreement per class as text, and the warnings about the frames."""
    rows = [
        (
            name,
            str(entry.both),
            str(entry.only_a),
            str(entry.only_b),
            _number(entry.mean_iou, '.3f'),
            _number(entry.mean_confidence_gain, '+.3f'),
        )
        for name, entry in [*sorted(comparison.classes.items()), ('all', total(comparison))]
    ]
    widths = [max(len(row[k]) for row in (_HEAD, *rows)) for k in range(len(_HEAD))]
    lines = [
        '  '.join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (_HEAD, *rows)
    ]
    lines.append(
        f'{comparison.compared} frames compared, {comparison.alike} alike; boxes of one class '
        f'with an IoU of {min_iou:g} or more are one object.'
    )
    return '\n'.join([*lines, *comparison.warnings()])


def as_json(
    comparison: Comparison, *, a: ResultBag, b: ResultBag, min_iou: float
) -> dict[str, Any]:
    """Return the comparison as JSON values, with the frames that differ most."""
    return {
        'a': _run(a),
        'b': _run(b),
        'min_iou': min_iou,
        'frames': {
            'compared': comparison.compared,
            'alike': comparison.alike,
            'only_in_a': comparison.only_in_a,
            'only_in_b': comparison.only_in_b,
            'different_images': comparison.different_images,
        },
        'warnings': comparison.warnings(),
        'classes': {name: _entry(one) for name, one in sorted(comparison.classes.items())},
        'all': _entry(total(comparison)),
        'differences': [_difference(one) for one in comparison.differences],
    }


def total(comparison: Comparison) -> ClassAgreement:
    """Return all classes added up."""
    entries = list(comparison.classes.values())
    return ClassAgreement(
        both=sum(one.both for one in entries),
        only_a=sum(one.only_a for one in entries),
        only_b=sum(one.only_b for one in entries),
        iou_sum=sum(one.iou_sum for one in entries),
        confidence_gain_sum=sum(one.confidence_gain_sum for one in entries),
    )


def _entry(entry: ClassAgreement) -> dict[str, Any]:
    return {
        'both': entry.both,
        'only_a': entry.only_a,
        'only_b': entry.only_b,
        'mean_iou': entry.mean_iou,
        'mean_confidence_b_minus_a': entry.mean_confidence_gain,
    }


def _run(bag: ResultBag) -> dict[str, Any]:
    facts: dict[str, Any] = {'bag': str(bag.path)}
    return facts | {key: bag.manifest[key] for key in _FACTS if key in bag.manifest}


def _difference(one: Difference) -> dict[str, Any]:
    return {
        'name': one.a.name,
        'topic': one.a.topic,
        'frame': one.a.index,
        'stamp_ns': one.a.stamp_ns,
        'disagreement': round(one.agreement.disagreement, 4),
        'both': len(one.agreement.pairs),
        'only_a': len(one.agreement.only_first),
        'only_b': len(one.agreement.only_second),
    }


def _number(value: float | None, form: str) -> str:
    return '-' if value is None else format(value, form)
