# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The model card for people: what a model is, how it was made and how good it is."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TASKS = {'detect': 'detection', 'segment': 'detection with masks'}


def model_card(record: Mapping[str, Any], *, name: str) -> str:
    """Return the card as Markdown; its author completes what only they know.

    It begins by saying that no class is proven on photographs: `roof_detector evaluate --suite
    --card` replaces that by what is measured.
    """
    config = record['config']
    classes = ', '.join(f'`{one}`' for one in record['class_names'])
    parts = [
        f'# {name}',
        f'**Not proven on photographs: {", ".join(record["class_names"])}.**',
        f'{PurePath(config["model"]).stem}, {_TASKS[record["task"]]}, '
        f'{config["image_size"]} pixels. Classes: {classes}. AGPL-3.0-only.',
        '## Data',
        data_section(record),
        '## How it was made',
        _making(record),
        '## What it reaches',
        *_reached(record),
        '## On photographs',
        f'*To be measured: `roof_detector evaluate {name}.zip --suite real.yaml '
        f'--card {name}.md`.*',
        '## Limits',
        '*To be written by the author: what it was not tried on, what it confuses, from which '
        'height and in which light the images were taken.*',
        '## Licence',
        'AGPL-3.0-only, because the networks of ultralytics are. The data set has its own.',
    ]
    return '\n\n'.join(parts) + '\n'


def data_section(record: Mapping[str, Any]) -> str:
    """Return the data's name, its content hash and a table of its splits."""
    data = record['data']
    rows = [['split', 'images', 'of these without a label', 'instances']]
    rows += [
        [name, str(_images(count)), str(count['backgrounds']), str(count['instances'])]
        for name, count in data['splits'].items()
    ]
    return f'`{data["name"]}`, content hash `{data["hash"]}`.\n\n{_table(rows)}'


def _images(count: Mapping[str, Any]) -> int:
    """Return the number of images of a split; records before 1.0.0 call them pictures."""
    return int(count['images'] if 'images' in count else count['pictures'])


def _making(record: Mapping[str, Any]) -> str:
    config, git = record['config'], record['git']
    changed = ', with changes that are not committed' if git['dirty'] else ''
    versions = ', '.join(f'{name} {version}' for name, version in record['versions'].items())
    lines = [
        f'`roof_detector train`, commit `{git["commit"]}`{changed}; {versions}.',
        f'{record.get("epochs_done", "?")} of at most {config["epochs"]} epochs{_best(record)}; '
        f'batch {record.get("batch", config["batch"])}, seed {record["seed"]}.',
        _start(record.get('transfer')),
    ]
    settings = [['option', 'value'], *_settings(config)]
    return '\n\n'.join([*lines, _table(settings)])


def _best(record: Mapping[str, Any]) -> str:
    if 'mean_of' not in record:
        return f', the best of them epoch {record.get("best_epoch", "?")}'
    parts = ', '.join(f'`{one["name"]}`' for one in record['mean_of'])
    return f', then averaged: the weights are the mean of {parts}'


def _reached(record: Mapping[str, Any]) -> list[str]:
    if 'mean_of' in record:
        return ['*To be measured: `roof_detector evaluate`.*']
    return ['On the validation images, with the best checkpoint:', _table(_rows(record))]


def _settings(config: Mapping[str, Any]) -> list[list[str]]:
    """Return the options with the names of paths only: folders of the workstation are private."""
    plain = {
        name: PurePath(value).name if name in ('data', 'weights', 'model') else value
        for name, value in config.items()
    }
    return [[name, f'`{value}`'] for name, value in plain.items()]


def _start(transfer: Mapping[str, Any] | None) -> str:
    if transfer is None:
        return 'It began with random weights.'
    taken, layers = transfer['layers']
    return (
        f'It began with `{transfer["source"]}`: {taken} of {layers} layers, '
        f'{transfer["share"]:.2%} of the parameters, were taken over.'
    )


def _rows(record: Mapping[str, Any]) -> list[list[str]]:
    by_class = record.get('metrics_per_class', {})
    names: list[str] = []
    for values in by_class.values():
        names += [name for name in values if name not in (*names, 'instances')]
    rows = [['class', 'instances', *names]]
    for one, values in by_class.items():
        numbers = [f'{values[name]:.3f}' if name in values else '-' for name in names]
        rows.append([one, f'{values["instances"]:.0f}', *numbers])
    return rows


def _table(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, ['---'] * len(head), *body]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
