# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The report of one or more evaluations, as text and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.evaluation.comparison import compare, shown_interval
from training.evaluation.ranking import SIZES
from training.evaluation.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from training.evaluation.evaluation import Evaluation
    from training.evaluation.metrics import ClassMetrics, ShapeMetrics

_FEW_IMAGES = 30  # below that a bootstrap's interval is itself a guess
_FEW_OBJECTS = 30


def class_table(metrics: ShapeMetrics) -> Table:
    """Return a row for each class, then the mean AP, and all classes at one confidence."""
    columns = (
        Column('class'), Column('objects'), Column('AP50'), Column('AP75'), Column('AP50-95'),
        Column('best confidence', 4), Column('precision', 2), Column('recall', 2),
        Column('F1', 2), Column('precision flown', 2), Column('recall flown', 2),
    )  # fmt: skip
    rows = [
        (
            name, one.instances, one.ap50, one.ap75, one.ap50_95, *_at_best_and_default(one)
        )
        for name, one in metrics.per_class.items()
    ]  # fmt: skip
    if len(rows) > 1:
        whole = metrics.together
        means = metrics.map50, metrics.map75, metrics.map50_95
        rows.append(('mean, all objects', whole.instances, *means, *_at_best_and_default(whole)))
    return Table(columns, tuple(rows))


def _at_best_and_default(one: ClassMetrics) -> tuple[float | None, ...]:
    return (
        one.best_confidence, one.precision, one.recall, one.best.f1 if one.best else None,
        one.at_confidence.precision, one.at_confidence.recall,
    )  # fmt: skip


def size_table(metrics: ShapeMetrics) -> Table:
    """Return number, AP50 and AP50-95 of each class by size."""
    columns = [Column('class')]
    for size in SIZES:
        columns += [Column(size), Column(f'AP50 {size}'), Column(f'AP50-95 {size}')]
    rows = []
    for name, one in metrics.per_class.items():
        values = [
            value
            for size in SIZES
            for value in (
                one.by_size[size].instances, one.by_size[size].ap50, one.by_size[size].ap50_95
            )
        ]  # fmt: skip
        rows.append((name, *values))
    return Table(tuple(columns), tuple(rows))


def speed_table(evaluation: Evaluation) -> Table:
    """Return the median milliseconds of each stage."""
    speed = evaluation.speed
    columns = (
        Column('letterbox ms', 2), Column('network ms', 2), Column('suppression ms', 2),
        Column('together ms', 2), Column('images/s', 2),
    )  # fmt: skip
    row = (speed.letterbox_ms, speed.forward_ms, speed.suppression_ms, speed.total_ms,
           speed.images_per_second)  # fmt: skip
    return Table(columns, (row,))


def notes_of(evaluation: Evaluation) -> list[str]:
    """Return notes that a reader of the numbers must know."""
    notes = list(evaluation.notes)
    options = evaluation.options
    if len(evaluation.images) < _FEW_IMAGES:
        notes.append(
            f'{len(evaluation.images)} images are a hint, not a proof: the interval is wide, '
            'and itself a guess.'
        )
    few = [name for name, one in evaluation.per_class.items() if 0 < one.instances < _FEW_OBJECTS]
    if few:
        notes.append(
            f'Fewer than {_FEW_OBJECTS} objects of {", ".join(few)}: their best confidence is '
            'chosen by few, and looks better on these images than it will on others.'
        )
    for name, one in evaluation.per_class.items():
        if one.best and (one.precision or 0.0) < options.least_precision:
            notes.append(
                f'{name} never reaches precision {options.least_precision:g}: '
                f'{one.precision:.2f} at confidence {one.best_confidence:g} is its highest.'
            )
    return notes


def report_text(
    labelled: Mapping[str, Evaluation],
    *,
    folders: Mapping[str, str],
    mistakes: Mapping[str, dict[str, int]],
) -> str:
    """Return the report in Markdown; images lie in `folders`, relative to it."""
    first = next(iter(labelled.values()))
    empty = sum(not len(image.true) for image in first.images)
    lines = [
        '# Evaluation',
        '',
        f'{len(first.images)} images of `{first.data.source.name}`, split '
        f'{first.data.split}, {empty} of them empty; {first.instances} objects of '
        f'{", ".join(first.names)}. Letterbox, suppression and thresholds are those of the node: '
        f'IoU {first.options.iou:g} between kept boxes, at most {first.options.max_detections} '
        f'in an image. Average precision is COCO\'s, over everything that scores above '
        f'{first.options.floor:g}.',
    ]  # fmt: skip
    if len(labelled) > 1:
        lines += [
            '',
            '## Comparison',
            '',
            compare(labelled).markdown(),
            'Precision, recall and F1 are those of one confidence for all classes, the best one. '
            'The interval holds 95 % of the mAP50 of images redrawn at random (bootstrap); '
            '"behind the best by" that of the differences on the same drawings: where it holds 0, '
            'these images cannot tell which is better.',
            '',
            '![curves](curves.png)',
        ]
    for label, evaluation in labelled.items():
        lines += ['', *_section(label, evaluation, folders[label], mistakes[label])]
    return '\n'.join(lines) + '\n'


def _section(
    label: str, evaluation: Evaluation, folder: str, mistakes: dict[str, int]
) -> list[str]:
    model, flown = evaluation.model, evaluation.options.confidence
    machine = ', '.join(f'{key} {value}' for key, value in evaluation.speed.machine.items())
    lines = [
        f'## {label}',
        '',
        f'`{model.path.name}` ({model.task}, sha256 {model.sha256[:12]}), {model.backend} on '
        f'{model.device} in {model.precision}, input {model.image_size[0]}x{model.image_size[1]}. '
        f'mAP50 {evaluation.map50 or 0:.3f}, 95 % interval '
        f'{shown_interval(evaluation.map50_interval)}.',
        '',
        *(f'- {note}' for note in notes_of(evaluation)),
        '',
        f'Flown is confidence {flown:g}; best is the confidence of highest F1'
        + (
            f' with precision {evaluation.options.least_precision:g} or more.'
            if evaluation.options.least_precision
            else '.'
        ),
    ]
    for title, metrics in (('Boxes', evaluation.boxes), ('Masks', evaluation.masks)):
        if metrics is None:
            continue
        lines += [
            '', f'### {title}', '', class_table(metrics).markdown(),
            'By size: small below 32x32, large above 96x96 pixels of the image.', '',
            size_table(metrics).markdown(),
        ]  # fmt: skip
    lines += [
        '### Curves and confusion', '',
        f'![curves]({folder}curves.png)', '',
        f'![confusion]({folder}confusion.png)', '',
        '### Mistakes', '',
        f'At confidence {flown:g}: {mistakes["missed"]} missed, {mistakes["false_alarm"]} false '
        'alarms. A red arrow points at the mistake, white dashes are what is '
        'labelled, coloured boxes what was found.', '',
    ]  # fmt: skip
    for kind, order in (('missed', 'the largest'), ('false_alarm', 'the most confident')):
        if mistakes[kind]:
            lines += [f'![{kind}]({folder}gallery/{kind}.jpg)', '', f'{kind.replace("_", " ")}, '
                      f'{order} first', '']  # fmt: skip
    lines += ['### Speed', '', speed_table(evaluation).markdown(), f'Medians on {machine}.']
    return lines


def terminal_text(labelled: Mapping[str, Evaluation], *, output: Path) -> str:
    """Return the text that the command prints at its end."""
    parts, notes = [], dict[str, None]()
    for label, evaluation in labelled.items():
        bounds = shown_interval(evaluation.map50_interval)
        parts += [
            f'{label}: mAP50 {evaluation.map50 or 0:.3f} ({bounds}), '
            f'{evaluation.speed.images_per_second:.1f} images/s on {evaluation.model.device}',
            class_table(evaluation.boxes).text(),
            '',
        ]
        if evaluation.masks:
            parts += ['masks', class_table(evaluation.masks).text(), '']
        notes.update(dict.fromkeys(notes_of(evaluation)))
    if len(labelled) > 1:
        parts += [compare(labelled).text(), '']
    parts += [*(f'note: {note}' for note in notes), str(output / 'report.md')]
    return '\n'.join(parts)
