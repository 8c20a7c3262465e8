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
    """Return the false alarms on images without an object of a class."""
    columns = (
        Column('class'), Column('set'), Column('shown'), Column('images'), Column('false alarms'),
        Column('an image', 2), Column('on 1000 m2', 3),
    )  # fmt: skip
    rows = [
        (
            row.class_name, row.set_name + _MARKS[row.role], row.shown, row.alarms.images,
            row.alarms.alarms, row.alarms.per_image, row.alarms.per_1000_m2,
        )
        for row in _by_class(result)
        if row.alarms.images
    ]  # fmt: skip
    return Table(columns, tuple(rows))


def class_table(result: SuiteResult) -> Table:
    """Return one row for each class: recall by resolution, and the calibration error."""
    columns = (
        Column('class'), Column('recall (touched) by m/pixel of the input'),
        Column('calibration error'), Column('detections'),
    )  # fmt: skip
    rows = []
    for name in result.names:
        by = '; '.join(
            f'{_range(*one["metres_per_pixel"])}: {one["recall"]:.2f} ({one["touched"]:.2f}, '
            f'n = {one["objects"]})'
            for one in result.by_resolution(name)
        )
        calibration = result.calibration(name)
        rows.append((name, by or '-', calibration.error, int(calibration.counts.sum())))
    return Table(columns, tuple(rows))


def first_line(unproven: Sequence[str]) -> str:
    """Return the sentence that a card begins with, empty where every class has a figure."""
    return f'Not proven on photographs: {", ".join(unproven)}.' if unproven else ''


def suite_markdown(result: SuiteResult) -> str:
    """Return the tables as Markdown, without a title."""
    parts = [
        *([f'**{line}**'] if (line := first_line(result.unproven)) else []),
        f'`roof_detector evaluate --suite {result.suite.path.name} {result.model}`, '
        f'{result.how}; sha256 {result.sha256[:12]}. '
        'Precision and recall at IoU 0.5 and the default confidence; an object is touched if a '
        'detection has a quarter of its area on it; "length or area" is the covered length of '
        'cracks and the IoU of all rusted area.',
        found_table(result).markdown(),
        'False alarms on images without an object of the class:',
        alarm_table(result).markdown(),
        'Recall by resolution counts every set and way of showing; the calibration error is the '
        'mean gap between confidence and the share that is right, of detections above 0.05 on '
        'sets that nothing is trained on.',
        class_table(result).markdown(),
    ]
    if result.left_out:
        named = '; '.join(f'{name} ({why})' for name, why in result.left_out.items())
        parts.append(f'Not measured: {named}.')
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
