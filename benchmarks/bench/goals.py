# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The performance goals on a CPU, and whether measurements reach them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Sequence[Mapping[str, Any]]]
Row = Mapping[str, Any]

# The most used node of its kind (yolo_ros, torch, the same weights, reliable, 64 MB of shared
# memory), measured on another day: frames one after another, results per second.
PEER_RESULTS_PER_S = {'1280x720': 15.3, '3840x2160': 8.1}

# The plain node runs the same checkpoint in f32, whatever ours runs.
_TIMES_THE_BASELINE = 2
_TIMES_THE_BASELINE_QUANTIZED = 3

# What makes rows comparable: the network, and what it has to do.
_LOAD = (
    *('size', 'transport', 'annotated', 'recorder', 'inspector', 'telemetry'),
    *('cameras', 'busy'),
)
_KIND = ('model', 'backend', 'precision', 'threads', 'baseline_model', 'contender', *_LOAD)
# What earlier results do not tell: one camera, and nobody else.
_ALONE = {'inspector': False, 'telemetry': False, 'cameras': 1, 'busy': 0}
_MOST_CPU = 0.7
_LEAST_WITH_EVERYTHING = 0.9


@dataclass(frozen=True, kw_only=True)
class GoalVerdict:
    """A goal, the measured network and value, and whether the goal is met."""

    goal: str
    network: str
    measured: str
    met: bool


def judge(results: Results) -> list[GoalVerdict]:
    """Return a verdict for each goal with results, from the newest result of each kind."""
    detect, graph, plenty, baseline = (
        _newest(results, part) for part in ('detect', 'graph', 'plenty', 'baseline')
    )
    alone = list(_where(graph, **_ALONE))
    return [
        *_detection(detect),
        *_overhead(alone),
        *_annotation(results),
        *_plenty(plenty),
        *_baseline(baseline),
        *_peer(alone),
        *_everything(graph),
    ]


def _newest(results: Results, part: str) -> list[Row]:
    """Return the newest row of each kind, with the network of its result."""
    rows: dict[tuple[Any, ...], Row] = {}
    for result in results.get(part, ()):
        of_all = {key: result.get(key) for key in ('precision', 'threads', 'baseline_model')}
        for row in result['rows']:
            known = {**of_all, **_ALONE, **row, 'run': id(result)}
            rows[tuple(known.get(key) for key in _KIND)] = known
    return list(rows.values())


def _detection(rows: list[Row]) -> Iterator[GoalVerdict]:
    for row in rows:
        ratio = row['throughput_to_predict']
        yield GoalVerdict(
            goal='`Detector.detect` at least 1.2 times as fast as `YOLO.predict`',
            network=f'{row["precision"]}, {row["backend"]}',
            measured=f'{ratio:.2f}',
            met=ratio >= 1.2,
        )


def _overhead(rows: list[Row]) -> Iterator[GoalVerdict]:
    for row in _where(rows, size='1280x720', transport='raw', annotated=False, recorder=False):
        over_ms, forward_ms = row['overhead_ms'], row['bare_forward_ms']['p50']
        yield GoalVerdict(
            goal='age over the bare forward pass at 1280x720 at most 8 ms and 15 %',
            network=_network(row),
            measured=f'{over_ms:.1f} ms, {over_ms / forward_ms:.0%} of {forward_ms:.1f} ms',
            met=over_ms <= 8 and over_ms <= 0.15 * forward_ms,
        )
    for row in _where(
        rows, size='3840x2160', transport='compressed', annotated=False, recorder=False
    ):
        over_ms = row['overhead_ms']
        yield GoalVerdict(
            goal='JPEGs of 3840x2160 at most 20 ms over the forward pass',
            network=_network(row),
            measured=f'{over_ms:.1f} ms',
            met=over_ms <= 20,
        )


def _annotation(results: Results) -> Iterator[GoalVerdict]:
    """Compare within the newest result of each network, because the machines of results differ."""
    wanted = {'size': '1280x720', 'transport': 'raw', 'recorder': False}
    ratios: dict[tuple[str, str], float] = {}
    for result in results.get('graph', ()):
        alone = next(_where(result['rows'], annotated=False, **wanted), None)
        for watched in _where(result['rows'], annotated=True, **wanted):
            rate_hz = watched.get('annotated_rate_hz')
            images = f'annotated images at {rate_hz:g} Hz' if rate_hz else 'annotated images'
            if alone is not None:
                ratio = watched['age_ms']['p50'] / alone['age_ms']['p50']
                ratios[images, _network(result)] = ratio
    for (images, network), ratio in ratios.items():
        yield GoalVerdict(
            goal=f'{images} cost no age of detections (5 % allowed for noise)',
            network=network,
            measured=f'{ratio:.2f} times the age without',
            met=ratio <= 1.05,
        )


def _plenty(rows: list[Row]) -> Iterator[GoalVerdict]:
    for row in _where(rows, size='1280x720', transport='raw'):
        ratio = row['throughput_to_bare']
        yield GoalVerdict(
            goal='as many results as bare forward passes, within 5 %, when frames are plentiful',
            network=_network(row),
            measured=f'{ratio:.2f}',
            met=ratio >= 0.95,
        )


def _baseline(rows: list[Row]) -> Iterator[GoalVerdict]:
    """Compare with the baseline node on a checkpoint, because the export is part of our work."""
    in_torch = [row for row in rows if (row['baseline_model'] or '.pt').endswith('.pt')]
    for ours, theirs in _pairs(in_torch, lambda row: row['size'] == '1280x720'):
        is_quantized = ours['precision'] == 'int8'
        times = _TIMES_THE_BASELINE_QUANTIZED if is_quantized else _TIMES_THE_BASELINE
        node = theirs['contender'].replace('_raw', '').replace('_', ' ')
        of = f'the {node} in f32, raw 1280x720{_beside(ours)}'
        rate = ours['results_per_s'] / theirs['results_per_s']
        age = ours['age_ms']['p50'] / theirs['age_ms']['p50']
        yield GoalVerdict(
            goal=f'at least {times} times the results per second of {of}',
            network=_network(ours),
            measured=f'{rate:.2f}',
            met=rate >= times,
        )
        goal = f'at most half the age p50 of {of}'
        yield GoalVerdict(goal=goal, network=_network(ours), measured=f'{age:.2f}', met=age <= 0.5)
        if 'cpu_ms_per_result' in ours and 'cpu_ms_per_result' in theirs:
            cpu = ours['cpu_ms_per_result'] / theirs['cpu_ms_per_result']
            yield GoalVerdict(
                goal=f'at most {_MOST_CPU} times the CPU time per result of {of}',
                network=_network(ours),
                measured=f'{cpu:.2f}',
                met=cpu <= _MOST_CPU,
            )


def _everything(rows: list[Row]) -> Iterator[GoalVerdict]:
    for row in _where(rows, inspector=True, recorder=True):
        wanted = {**_same(row), 'inspector': False, 'recorder': False}
        alone = next(_where(rows, **wanted), None)
        if alone is not None:
            ratio = row['results_per_s'] / alone['results_per_s']
            yield GoalVerdict(
                goal=f'recorder, tracks, findings and coverage cost at most 10 % of the results, '
                f'{row["size"]}{_beside(row)}',
                network=_network(row),
                measured=f'{ratio:.2f}',
                met=ratio >= _LEAST_WITH_EVERYTHING,
            )


def _same(row: Row) -> dict[str, Any]:
    return {key: row.get(key) for key in ('run', 'contender', *_LOAD)}


def _beside(row: Row) -> str:
    busy = row['busy']
    return f' beside {busy} busy process{"es" if busy > 1 else ""}' if busy else ''


def _peer(rows: list[Row]) -> Iterator[GoalVerdict]:
    for row in _where(rows, transport='raw', annotated=False, recorder=False):
        theirs = PEER_RESULTS_PER_S.get(row['size'])
        if theirs is None:
            continue
        rate = row['results_per_s'] / theirs
        yield GoalVerdict(
            goal=f'at least twice the {theirs} results/s of the most used peer (its figure is of '
            f'another day), {row["size"]}',
            network=_network(row),
            measured=f'{rate:.2f}',
            met=rate >= 2,
        )


def _network(row: Mapping[str, Any]) -> str:
    return f'{row.get("precision")}, threads {row.get("threads")}'


def _pairs(rows: list[Row], wanted: Callable[[Row], bool]) -> Iterator[tuple[Row, Row]]:
    raw = [row for row in rows if wanted(row) and row['transport'] == 'raw']
    for ours in filter(_is_ours, raw):
        for theirs in raw:
            same = theirs['run'] == ours['run'] and theirs['busy'] == ours['busy']
            if not _is_ours(theirs) and same:
                yield ours, theirs


def _is_ours(row: Row) -> bool:
    return bool(row['contender'].startswith('ours'))


def _where(rows: list[Row], **wanted: object) -> Iterator[Row]:
    for row in rows:
        if all(row.get(key) == value for key, value in wanted.items()):
            yield row
