# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page `docs/benchmarks.md`, made of the files in `benchmarks/results`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench.goals import judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESULTS = Path(__file__).resolve().parent / 'results'
_LINK = '../benchmarks/results'
_PARTS = ('detect', 'graph', 'plenty', 'baseline')

_HEAD = """# Benchmarks

Written by `make generate` from the newest files in `benchmarks/results`; the causes behind the
figures are in the decisions. Machines are virtual, with 2 cores, and shared: a neighbour on the
same core makes a pass of the network 1.4 times as long for minutes. So figures are medians of
alternating rounds, and ratios within one run are what holds. One of them had a GPU for a quarter
of an hour, and 16 cores: where a table is about CUDA it says so.

An age is from the stamp, which the publisher sets just before it sends, to the callback of a
listener in another process. *Bare forward* is the network alone, between the measurements of the
nodes; *overhead* is the age's median less that. Times are medians (p50) in milliseconds.

`make bench` measures all of it on your machine, `python -m benchmarks.bench <part>` one part;
parts are `forward`, `detect`, `device`, `graph`, `plenty`, `baseline`, `soak` and `report`.
"""

# What each file holds, in the order of the page.
_FILES = {
    'detect': '`Detector.detect` beside `YOLO.predict`',
    'detect_bf16': '`Detector.detect` beside `YOLO.predict`, in BF16',
    'device': 'A detector on a CUDA device, with and without graphs, beside `YOLO.predict`',
    'device_node': 'The detector node on a CUDA device beside a plain node',
    'baseline': 'The detector node beside a plain node',
    'baseline_bf16': 'The detector node in BF16 beside a plain node',
    'baseline_int8': 'The detector node in INT8 beside a plain node',
    'baseline_epyc': 'The detector node beside a plain node, alone and beside a busy process',
    'graph_everything': 'Recorder, tracks, findings and coverage beside detection',
    'graph_cameras': 'One and eight cameras in one process',
    'graph_sizes': 'The whole graph, by image size',
    'graph_sizes_bf16': 'The whole graph in BF16, by image size',
    'plenty': 'More frames than the network can do, network on one core of two',
    'plenty_all_cores': 'More frames than the network can do, network on all cores',
    'overload': 'Frames at 30 Hz for a minute, torch',
    'tiles': 'Small roofs in large frames: tiles',
    'masks': 'Masks',
    'large_blocks': 'Large blocks kept by the allocator',
    'soak': 'Half an hour of changes',
    'long_flight': '20,000 frames offline',
    'recorder_rate': 'The recorder',
    'kill_recorder': 'The recorder killed',
    'amx/detect': '`Detector.detect` beside `YOLO.predict`, Xeon with AMX',
    'amx/detect_bf16': '`Detector.detect` beside `YOLO.predict` in BF16, Xeon with AMX',
    'amx/graph_sizes': 'The whole graph, by image size, Xeon with AMX',
}
# Of a row: how it was measured in detail, which the file holds.
_LEFT_OUT = (
    'each_round',
    'stages_ms',
    'stages_ms_p50',
    'found',
    'found_by_predict',
    'rounds',
    'results',
)


def benchmarks_page() -> str:
    """Return the page as Markdown."""
    lines = [_HEAD, '## Goals on a CPU\n', *_goals()]
    for name, title in _FILES.items():
        result = json.loads((RESULTS / f'{name}.json').read_text())
        lines += [f'\n## {title}\n', _origin(result, name)]
        rows = result.get('rows')
        lines += _rows(rows) if rows else _values(result)
    return '\n'.join(lines) + '\n'


def _goals() -> list[str]:
    results: dict[str, list[Any]] = {part: [] for part in _PARTS}
    for path in sorted(RESULTS.glob('*.json')):
        result = json.loads(path.read_text())
        if result.get('part') in results:
            results[result['part']].append(result)
    rows = [
        {
            'goal': verdict.goal,
            'network': verdict.network,
            'measured': verdict.measured,
            '': 'met' if verdict.met else '**not met**',
        }
        for verdict in judge(results)
    ]
    return _table(rows, list(rows[0]))


def _origin(result: Mapping[str, Any], name: str) -> str:
    machine = result.get('machine', {})
    said = [
        machine.get('processor') or machine.get('cpu'),
        machine.get('gpu'),
        f'{machine["cores"]} cores' if 'cores' in machine else None,
        result.get('model'),
        result.get('precision'),
        f'beside {result["beside"]}' if 'beside' in result else None,
        f'{result["threads"]} threads' if 'threads' in result else None,
        result.get('date', '')[:10],
    ]
    known = ', '.join(str(one) for one in said if one)
    return f'{known + ": " if known else ""}[{name}.json]({_LINK}/{name}.json)\n'


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table of what differs between rows, below what they have in common."""
    plain = [_plain(row) for row in rows]
    names = list(dict.fromkeys(name for row in plain for name in row))
    same = [n for n in names if len({str(row.get(n)) for row in plain}) == 1 and len(plain) > 1]
    text = ', '.join(f'{_words(name)} {_text(plain[0][name])}' for name in same)
    head = [f'Everywhere: {text}.\n'] if text else []
    return head + _table(plain, [name for name in names if name not in same])


def _values(result: Mapping[str, Any]) -> list[str]:
    left_out = ('machine', 'versions', 'part', 'date', 'commit', 'samples', 'model')
    plain = _plain({k: v for k, v in result.items() if k not in left_out})
    return _table([{'': _words(name), ' ': value} for name, value in plain.items()], ['', ' '])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers and words among values; of a distribution its median."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in _LEFT_OUT or isinstance(value, list):
            continue
        if not isinstance(value, dict):
            found[name] = value
        elif 'p50' in value:
            found[name] = value['p50']
        else:
            found |= {f'{name}: {inner}': one for inner, one in _plain(value).items()}
    return found


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    return [
        f'| {" | ".join(map(_words, names))} |',
        f'| {" | ".join("---" for _ in names)} |',
        *(f'| {" | ".join(_text(row.get(name, "")) for name in names)} |' for row in rows),
    ]


def _words(name: str) -> str:
    return name.replace('_', ' ')


def _text(value: object) -> str:
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, float):
        return f'{value:,.1f}' if abs(value) >= 10 else f'{value:.3g}'
    return str(value).replace('|', '\\|')


if __name__ == '__main__':
    print(benchmarks_page(), end='')
