# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The table of a suite: for a terminal, a model card and JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from training.evaluation.comparison import shown_interval
from training.evaluation.errors import EvaluationError
from training.evaluation.table import Column, Table
from training.suites.suite import TILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.suites.suite_rows import ClassRow, SuiteResult

REPORT = 'suite.json'
_MARKS = {'train': ' (may be trained on)', 'validate': '', 'evaluate': ''}
_LENGTH, _AREA = ('crack',), ('rust',)


def found_table(result: SuiteResult) -> Table:
    """Return a row for each set, way of showing and class that has labelled objects."""
    columns = (
        Column('class'), Column('set'), Column('shown'), Column('m/pixel', 4), Column('images'),
        Column('objects'), Column('AP50'), Column('95 % interval'), Column('precision', 2),
        Column('recall', 2), Column('touched', 2), Column('length or area', 2),
    )  # fmt: skip
    rows = [
        (
            row.class_name, row.set_name + _MARKS[row.role], row.shown, row.metres_per_pixel,
            row.images, row.objects, row.ap50, shown_interval(row.ap50_interval),
            row.at.precision, row.at.recall, row.touch.touched_share, _of_kind(row),
        )
        for row in _by_class(result)
        if row.objects
    ]  # fmt: skip
    return Table(columns, tuple(rows))


def alarm_table(result: SuiteResult) -> Table:
    """Return the false alarms an image of each class, on images without an object of it.

    A row for each set as it is shown first, and with tiles. A dash is a class that nobody looked
    for in the set, or that is in every image.
    """
    columns = (
        Column('set'), Column('shown'), Column('images'),
        *(Column(name, 2) for name in result.names),
    )  # fmt: skip
    rows: dict[tuple[str, str], dict[str, ClassRow]] = {}
    for row in result.rows:
        if row.alarms.images and (row.is_first or row.shown == TILES):
            key = row.set_name + _MARKS[row.role], row.shown
            rows.setdefault(key, {})[row.class_name] = row
    return Table(
        columns,
        tuple(
            (
                *key,
                max(row.alarms.images for row in own.values()),
                *(own[name].alarms.per_image if name in own else None for name in result.names),
            )
            for key, own in rows.items()
        ),
    )


def class_table(result: SuiteResult) -> Table:
    """Return one row for each class: false alarms, recall by resolution, calibration error."""
    columns = (
        Column('class'), Column('false alarms on 1000 m2'),
        Column('recall (touched) by m/pixel of the input'), Column('calibration error'),
        Column('detections'),
    )  # fmt: skip
    rows = []
    for name in result.names:
        by = '; '.join(
            f'{_range(*one["metres_per_pixel"])}: {one["recall"]:.2f} ({one["touched"]:.2f}, '
            f'n = {one["objects"]})'
            for one in result.by_resolution(name)
        )
        calibration = result.calibration(name)
        alarms = result.alarms(name)
        rows.append(
            (
                name, alarms.per_1000_m2, by or '-', calibration.error,
                int(calibration.counts.sum()),
            )
        )  # fmt: skip
    return Table(columns, tuple(rows))


def first_line(unproven: Sequence[str]) -> str:
    """Return the sentence that a card begins with, empty where every class has a figure."""
    return f'Not proven on photographs: {", ".join(unproven)}.' if unproven else ''


def suite_markdown(result: SuiteResult, *, with_first_line: bool = True) -> str:
    """Return the tables as Markdown, without a title."""
    line = first_line(result.unproven) if with_first_line else ''
    parts = [
        *([f'**{line}**'] if line else []),
        f'`roof_detector evaluate --suite {result.suite.path.name} {result.model}`, '
        f'{result.how}; sha256 {result.sha256[:12]}. '
        'Precision and recall at IoU 0.5 and the default confidence; an object is touched if a '
        'detection has a quarter of its area on it; "length or area" is the covered length of '
        'cracks and the IoU of all rusted area.',
        found_table(result).markdown(),
        'False alarms an image, on images without an object of the class:',
        alarm_table(result).markdown(),
        'By class: false alarms and calibration on sets that nothing is trained on, as they are '
        'shown first; recall by resolution over every set and way of showing. The calibration '
        'error is the mean gap between confidence and the share that is right, of detections '
        'above 0.05.',
        class_table(result).markdown(),
    ]
    if result.left_out:
        reasons: dict[str, list[str]] = {}
        for name, why in result.left_out.items():
            reasons.setdefault(why, []).append(name)
        parts += [f'Not measured, {why}: {", ".join(own)}.' for why, own in reasons.items()]
    return '\n\n'.join(part.rstrip('\n') for part in parts) + '\n'


def suite_text(result: SuiteResult) -> str:
    """Return the tables for a terminal."""
    parts = [
        f'{result.model} on {result.suite.title} ({result.how})',
        first_line(result.unproven),
        found_table(result).text(),
        alarm_table(result).text(),
        class_table(result).text(),
        *(f'not measured: {name}, {why}' for name, why in result.left_out.items()),
    ]
    return '\n\n'.join(part for part in parts if part)


def write_suite(results: Sequence[SuiteResult], output: Path, *, overwrite: bool = False) -> None:
    """Write suite.md and suite.json into a folder; replace them only with `overwrite`."""
    report = output / REPORT
    if report.exists() and not overwrite:
        msg = f'{report} exists already, not overwritten. Add --overwrite.'
        raise EvaluationError(msg)
    output.mkdir(parents=True, exist_ok=True)
    text = '\n'.join(f'# {one.model}\n\n{suite_markdown(one)}' for one in results)
    report.with_suffix('.md').write_text(text, encoding='utf-8')
    content = {'results': [one.to_dict() for one in results]}
    report.write_text(json.dumps(content, indent=1, allow_nan=False) + '\n', encoding='utf-8')


def _by_class(result: SuiteResult) -> list[ClassRow]:
    return sorted(result.rows, key=lambda row: result.names.index(row.class_name))


def _of_kind(row: ClassRow) -> float | None:
    if row.class_name in _LENGTH:
        return row.touch.covered_share
    return row.area_iou if row.class_name in _AREA else None


def _range(low_m: float, high_m: float | None) -> str:
    if not low_m:
        return f'below {high_m:g}'
    return f'{low_m:g} to {high_m:g}' if high_m and math.isfinite(high_m) else f'from {low_m:g}'
