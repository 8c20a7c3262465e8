# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What `changes` says of twin flights over worlds in which some objects came, went or grew.

Each new flight is compared as a whole, and as if it had ended after a fifth of its frames, so that
most objects were not looked at:

    python -m benchmarks.findings_changes --output benchmarks/results/findings_changes.json

With `--pieces` each world is kept in a file of that folder, and not flown again.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from benchmarks.findings_flights import SimulatedFrame, SimulatedWorld
from benchmarks.findings_telemetry import ORIGIN, Errors
from roof_detector.findings.changes import ChangeKind, Inspected, changes
from roof_detector.findings.register import Register
from roof_detector.findings.seen_frames import SeenFrame
from roof_detector.simulation import CLASS_NAMES

FIRST_WORLD = 400
HEIGHTS_M = (12.0, 20.0)
_CAME = _WENT = _GREW = 0.12  # shares of the objects
_FACTOR = 1.35  # of the sides of what grew
_PART = 0.2  # of the frames of the flight that ends early
_REPORTED = {ChangeKind.NEW, ChangeKind.GONE, ChangeKind.GROWN, ChangeKind.SHRUNK}


def inspect(frames: list[SimulatedFrame], numbers: list[int]) -> tuple[Inspected, dict[str, int]]:
    """Return an inspection of frames, and the object of each finding by its UUID, -1 for none."""
    register = Register(CLASS_NAMES, origin=ORIGIN)
    votes: dict[object, Counter[int]] = {}
    seen = []
    for frame in frames:
        keys = register.add(frame.sightings)
        for key, one in zip(keys, frame.true_ids.tolist(), strict=True):
            votes.setdefault(key, Counter())[numbers[one] if one >= 0 else -1] += 1
        ground = frame.sightings.ground
        assert ground is not None
        outline = np.column_stack([ground.outline_en, np.zeros(len(ground.outline_en))])
        ring = tuple((float(p[1]), float(p[0])) for p in ORIGIN.to_geodetic(outline))
        seen.append(SeenFrame(ring, ground.height_m, frame.sightings.size_wh))
    result = register.finish()
    of_number: dict[int, Counter[int]] = {}
    for key, found in votes.items():
        of_number.setdefault(result.numbers.get(key, 0), Counter()).update(found)  # type: ignore[call-overload]
    owners = {str(one.uuid): of_number[one.number].most_common(1)[0][0] for one in result.findings}
    return Inspected(result.findings, seen), owners


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--worlds', type=int, default=20)
    parser.add_argument('--first-world', type=int, default=FIRST_WORLD)
    parser.add_argument('--pieces', type=Path, help='folder of the worlds that were flown')
    options = parser.parse_args()
    run = describe_run()
    counts: Counter[str] = Counter()
    for seed in range(options.first_world, options.first_world + options.worlds):
        name = None if options.pieces is None else options.pieces / f'{seed}.json'
        if name is not None and name.is_file():
            found = Counter(json.loads(name.read_text(encoding='utf-8')))
        else:
            found = fly_world(seed)
            if name is not None:
                name.parent.mkdir(parents=True, exist_ok=True)
                name.write_text(json.dumps(dict(found)), encoding='utf-8')
        counts.update(found)
        print(seed, json.dumps(dict(counts)), flush=True)
        _write(options, run, counts, seed - options.first_world + 1)


def fly_world(seed: int) -> Counter[str]:
    """Return what is said of the changes of a world, and what is true."""
    counts: Counter[str] = Counter()
    world = SimulatedWorld(seed)
    count = len(world.instances)
    rng = np.random.default_rng([seed, 9])
    for altitude_m in HEIGHTS_M if count > 4 else ():
        fate = rng.random(count)
        came, went = fate < _CAME, (fate >= _CAME) & (fate < _CAME + _WENT)
        grew = (fate >= _CAME + _WENT) & (fate < _CAME + _WENT + _GREW)
        numbers = np.arange(count)
        before = world.changed(~came, np.ones(count))
        after = world.changed(~went, np.where(grew, _FACTOR, 1.0))
        flights = [
            list(
                one.flight(
                    name,
                    seed=1000 * seed + 10 * int(altitude_m) + k,
                    altitude_m=altitude_m,
                    heading_deg=(None, 70.0)[k],
                    errors=Errors(),
                )
            )
            for k, (name, one) in enumerate((('old', before), ('new', after)))
        ]
        old = inspect(flights[0], numbers[~came].tolist())
        new = inspect(flights[1], numbers[~went].tolist())
        _judge(counts, old, new, {'new': came, 'gone': went, 'grown': grew})
        part = flights[1][: max(int(_PART * len(flights[1])), 1)]
        early = inspect(part, numbers[~went].tolist())
        _judge_unseen(counts, world, old, early, part)
    return counts


def _write(
    options: argparse.Namespace, run: dict[str, Any], counts: Counter[str], worlds: int
) -> None:
    """Write the result of the worlds so far."""
    reported = counts['right'] + counts['wrong']
    facts = {
        'worlds': worlds,
        **dict(sorted(counts.items())),
        'precision': round(counts['right'] / max(reported, 1), 4),
        'recall': round(counts['right'] / max(counts['true changes'], 1), 4),
        'recall_of_new_and_gone': round(
            (counts['right new'] + counts['right gone'])
            / max(counts['true new'] + counts['true gone'], 1),
            4,
        ),
    }
    write_result(options.output, 'findings_changes', run, facts)


def _judge(
    counts: Counter[str],
    old: tuple[Inspected, dict[str, int]],
    new: tuple[Inspected, dict[str, int]],
    fates: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]],
) -> None:
    """Count changes that were confirmed in the inspection that has the object."""
    known = [
        {owners[str(one.uuid)] for one in inspected.reported()} for inspected, owners in (old, new)
    ]
    there = {'gone': known[0], 'new': known[1], 'grown': known[0] & known[1]}
    true = {kind: there[kind] & set(np.flatnonzero(one).tolist()) for kind, one in fates.items()}
    for kind, ids in true.items():
        counts[f'true {kind}'] += len(ids)
        counts['true changes'] += len(ids)
    for change in changes(old[0], new[0])[0]:
        counts[f'said {change.kind.value}'] += 1
        if change.kind not in _REPORTED:
            continue
        finding, owners = (change.new, new[1]) if change.new else (change.old, old[1])
        assert finding is not None
        one = owners[str(finding.uuid)]
        if one < 0:
            counts['of false alarms'] += 1
            continue
        right = one in true.get(change.kind.value, ())
        counts['right' if right else 'wrong'] += 1
        counts[f'{"right" if right else "wrong"} {change.kind.value}'] += 1


def _judge_unseen(
    counts: Counter[str],
    world: SimulatedWorld,
    old: tuple[Inspected, dict[str, int]],
    early: tuple[Inspected, dict[str, int]],
    part: list[SimulatedFrame],
) -> None:
    """Count objects that the part of the new flight did not look at, and what is said of them."""
    for change in changes(old[0], early[0])[0]:
        if change.old is None or old[1][str(change.old.uuid)] < 0:
            continue
        place = world.true.positions_enu[old[1][str(change.old.uuid)]]
        # The footprints have the error of the GPS: the true position of the camera is not kept.
        gaps = [
            frame.sightings.ground.depth_inside(place[None, :2])[0]
            for frame in part
            if frame.sightings.ground is not None
        ]
        if max(gaps) < -8.0:
            counts['unseen'] += 1
            counts['unseen said gone'] += change.kind is ChangeKind.GONE


if __name__ == '__main__':
    main()
