# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page of variants, from the proofs that `training.compose check` wrote."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parents[1]
PROOFS = ROOT / 'benchmarks' / 'results' / 'variants.jsonl'
_HEAD: Final = """\
# Variants that were built and proven

What the parts of [a description](../how-to/compose.md) cost, and that they can be trained and
exported. Each variant was built with random weights, run forward and backward with its losses on
two images of 64 pixels, fused, exported to ONNX, and run in ONNX Runtime and in OpenVINO
(float32), whose answers are compared with the fused network's. Which variant finds more on roofs
is a question of training: no figure here answers it.
"""
_READING: Final = """\
Weights are in millions, for three classes. GFLOPs are those of the fused network on one image of
{side} pixels, counted as in [the models](models.md). Time is a pass in OpenVINO on one core, in
float32, beside stock YOLO11, the two interleaved. The stock network's own row would be 1.00 on an
idle machine: its distance from that tells how far single rows may be off. Errors are the largest
differences in shares of the largest value of a channel: what fusing changes, and what ONNX
Runtime and OpenVINO answer otherwise than the fused network.
"""
_COLUMNS: Final = (
    '| variant | weights | GFLOPs | time | fused | ONNX Runtime | OpenVINO |\n'
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |'
)
_AGAIN: Final = """\
```
cd ros2_ws/src/roof_detector
python -m training.compose check --output ../../../benchmarks/results/variants.jsonl --side {side}
```

proves what is lacking and adds it; `make generate` writes this page.
"""
_TITLES: Final = {
    'backbone': 'Backbones',
    'stages': 'Stages',
    'attention': 'Attention',
    'neck': 'Necks',
    'upsampling': 'Upsampling',
    'backbone_downsampling': 'Downsampling in the backbone',
    'neck_downsampling': 'Downsampling in the neck',
    'head': 'Heads',
    'scale': 'Scales',
    'box_loss': 'Losses of boxes',
    'class_loss': 'Losses of classes',
}


def variants_page(path: Path = PROOFS) -> str:
    """Return the page as Markdown; raise ValueError if the file does not hold proofs."""
    head, rows = _read(path)
    failed = [row for row in rows if row['problem']]
    stock = next((row for row in rows if row['title'] == 'stock'), None)
    if stock is None:
        msg = f'{path} has no proof of the stock network, beside which all others are shown.'
        raise ValueError(msg)
    parts = [_HEAD, _summary(head, rows, failed), _READING.format(side=head['side'])]
    single: dict[str, list[dict[str, Any]]] = {key: [] for key in _TITLES}
    combined = []
    for row in sorted(rows, key=lambda row: row['title']):
        differing = _differing(row, stock)
        if row is stock or row['problem']:
            continue
        if len(differing) == 1 and differing[0] in single:
            single[differing[0]].append(row)
        else:
            combined.append(row)
    parts.append('## Each part by itself\n\nIn the stock network.\n')
    parts.append(_table([stock]))
    for key, title in _TITLES.items():
        if single[key]:
            parts.append(f'### {title}\n\n{_table(single[key])}')
    if combined:
        parts.append(f'## Combinations\n\n{_table(combined)}')
    if failed:
        lines = [f'| {row["title"]} | {row["problem"]} |' for row in failed]
        parts.append(
            '\n'.join(['## What fails\n', '| variant | why |', '| --- | --- |', *lines, ''])
        )
    parts.append('## Again\n\n' + _AGAIN.format(side=head['side']))
    return '\n'.join(parts)


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head, *lines = path.read_text(encoding='utf-8').splitlines()
    facts = json.loads(head)
    if facts.get('kind') != 'compose proofs':
        msg = f'{path} holds no proofs of variants.'
        raise ValueError(msg)
    rows = {}
    for line in lines:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue  # cut off when a run was killed; its variant was proven again
        rows[row['title']] = row
    return facts, list(rows.values())


def _summary(
    head: dict[str, Any], rows: list[dict[str, Any]], failed: list[dict[str, Any]]
) -> str:
    passed = [row for row in rows if not row['problem']]
    largest = {key: max(row[f'{key}_error'] for row in passed) for key in ('onnx', 'openvino')}
    networks = {
        json.dumps({k: v for k, v in row['description'].items() if not k.endswith('_loss')})
        for row in passed
    }
    machine = head['machine']
    versions = ', '.join(
        f'{name} {machine[name]}'
        for name in ('torch', 'timm', 'ultralytics', 'onnxruntime', 'openvino')
    )
    return (
        f'**{len(passed)} variants pass, {len(failed)} fail.** They are {len(networks)} networks; '
        'variants that differ in losses alone share one. The largest difference is '
        f'{largest["onnx"]:.0e} in ONNX Runtime and {largest["openvino"]:.0e} in OpenVINO, where '
        f'1e-03 is allowed. {_devices(head, rows)}, with other work beside it; {versions}.\n'
    )


def _devices(head: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Return the machines, with how many variants each proved where there are several."""
    counts = Counter(row.get('device', head['machine']['device']) for row in rows)
    if len(counts) == 1:
        return next(iter(counts))
    return ' and '.join(f'{name} ({count} variants)' for name, count in counts.items())


def _differing(row: dict[str, Any], stock: dict[str, Any]) -> list[str]:
    own, other = row['description'], stock['description']
    return [key for key in own if own[key] != other[key]]


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        f'| {row["title"]} | {row["parameters"] / 1e6:.2f} | {row["gflops"]:.2f} | '
        f'{row["time_ratio"]:.2f} | {row["fuse_error"]:.0e} | {row["onnx_error"]:.0e} | '
        f'{row["openvino_error"]:.0e} |'
        for row in rows
    ]
    return '\n'.join([_COLUMNS, *lines, ''])
