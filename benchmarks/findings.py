# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How good findings are: duplicates, false merges, lost objects, precision, radius, cost.

Two crossing flights over each simulated world, each with an offset of the GPS of its own and
errors of height, tilt and heading (`findings_flights.py`):

    python -m benchmarks.findings --output benchmarks/results/findings.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from benchmarks.findings_flights import ORIGIN, Errors, SimulatedFrame, SimulatedWorld
from roof_detector.findings.register import Register, RegisterResult
from roof_detector.findings.roof_finding import FindingState
from roof_detector.simulation import CLASS_NAMES

FIRST_WORLD = 100
HEIGHTS_M = (12.0, 20.0, 30.0)
HEADINGS_DEG = (None, 70.0)
# A finding of which so many sightings, more than two and a fifth, are of a second object.
_SECOND_SHARE = 0.2


@dataclass
class Tally:
    """Counts over all worlds, and what is summed up at the end."""

    counts: Counter[str] = field(default_factory=Counter)
    errors_m: list[float] = field(default_factory=list)
    radii_m: list[float] = field(default_factory=list)
    relative_m: list[float] = field(default_factory=list)
    area_ratios: list[float] = field(default_factory=list)
    frame_s: list[float] = field(default_factory=list)
    single_true: int = 0
    single: int = 0


def fly(
    world: SimulatedWorld, *, seed: int, altitude_m: float, errors: Errors
) -> tuple[RegisterResult, list[Any], list[SimulatedFrame], float]:
    """Fly both flights through one register; return result, keys, frames and s per frame."""
    register = Register(CLASS_NAMES, origin=ORIGIN)
    keys: list[Any] = []
    frames: list[SimulatedFrame] = []
    spent_s = 0.0
    for number, heading_deg in enumerate(HEADINGS_DEG):
        for frame in world.flight(
            f'flight{number}',
            seed=10 * seed + number,
            altitude_m=altitude_m,
            heading_deg=heading_deg,
            errors=errors,
        ):
            began_s = process_time()
            keys += register.add(frame.sightings)
            spent_s += process_time() - began_s
            frames.append(frame)
    return register.finish(), keys, frames, spent_s / max(len(frames), 1)


def judge(
    tally: Tally,
    world: SimulatedWorld,
    result: RegisterResult,
    keys: list[Any],
    frames: list[SimulatedFrame],
) -> None:
    """Compare findings with the true objects that were detected in any frame."""
    true_ids = np.concatenate([frame.true_ids for frame in frames])
    votes: dict[int, Counter[int]] = {}
    for key, true_id in zip(keys, true_ids.tolist(), strict=True):
        votes.setdefault(result.numbers.get(key, 0), Counter())[true_id] += 1
    owner = {number: found.most_common(1)[0][0] for number, found in votes.items()}
    detected = set(true_ids[true_ids >= 0].tolist())
    confirmed = [one for one in result.findings if one.state is FindingState.CONFIRMED]
    shown = [one for one in result.findings if one.state is not FindingState.REJECTED]
    counts = tally.counts
    counts['objects'] += len(detected)
    counts['detections'] += len(true_ids)
    counts['confirmed'] += len(confirmed)
    of_confirmed = Counter(owner[one.number] for one in confirmed if owner[one.number] >= 0)
    of_shown = Counter(owner[one.number] for one in shown if owner[one.number] >= 0)
    counts['duplicates'] += sum(of_confirmed.values()) - len(of_confirmed)
    counts['tentative duplicates'] += sum(of_shown.values()) - len(of_shown)
    counts['lost'] += len(detected - set(of_shown))
    counts['confirmed objects'] += len(of_confirmed)
    counts['confirmed false'] += sum(owner[one.number] < 0 for one in confirmed)
    for one in shown:
        found = votes[one.number]
        second = [n for i, n in found.items() if i >= 0 and i != owner[one.number]]
        limit = max(2, _SECOND_SHARE * sum(found.values()))
        counts['false merges'] += owner[one.number] >= 0 and max(second, default=0) > limit
    offsets = []
    for one in confirmed:
        true_id = owner[one.number]
        if true_id < 0 or one.place is None:
            continue
        place = world.true.positions_enu[true_id]
        offset = np.array([one.place.east_m, one.place.north_m]) - place[:2]
        offsets.append(offset)
        tally.errors_m.append(float(np.linalg.norm(offset)))
        tally.radii_m.append(one.place.radius95_m)
        if one.size is not None and one.size.is_from_mask and not world.instances[true_id].solid:
            tally.area_ratios.append(one.size.area_m2 / world.true.areas_m2[true_id])
    if len(offsets) > 2:
        spread = np.array(offsets) - np.median(offsets, axis=0)
        tally.relative_m += np.linalg.norm(spread, axis=1).tolist()
    tally.single += len(true_ids)
    tally.single_true += int((true_ids >= 0).sum())


def summary(tally: Tally) -> dict[str, Any]:
    """Return the figures as plain values."""
    counts, objects = tally.counts, tally.counts['objects']
    confirmed = counts['confirmed objects'] + counts['confirmed false'] + counts['duplicates']
    inside = np.array(tally.errors_m) <= np.array(tally.radii_m)
    return {
        **{name.replace(' ', '_'): int(number) for name, number in sorted(counts.items())},
        'duplicates_share': round(counts['duplicates'] / objects, 4),
        'false_merges_share': round(counts['false merges'] / objects, 4),
        'lost_share': round(counts['lost'] / objects, 4),
        'recall_of_confirmed': round(counts['confirmed objects'] / objects, 4),
        'precision_of_confirmed': round(1 - counts['confirmed false'] / max(confirmed, 1), 4),
        'precision_of_single_detections': round(tally.single_true / max(tally.single, 1), 4),
        'inside_radius95': round(float(inside.mean()), 4),
        'median_error_m': round(float(np.median(tally.errors_m)), 3),
        'median_error_among_each_other_m': round(float(np.median(tally.relative_m)), 3),
        'area_ratio_p10_p50_p90': np.round(
            np.percentile(tally.area_ratios, (10, 50, 90)), 3
        ).tolist(),
        'register_ms_per_frame': round(1e3 * float(np.mean(tally.frame_s)), 3),
    }


def fingerprint(result: RegisterResult) -> str:
    """Return a hash of all findings."""
    text = repr([(one.number, str(one.uuid), one.existence, one.place) for one in result.findings])
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--worlds', type=int, default=20)
    parser.add_argument('--reruns', type=int, default=10)
    options = parser.parse_args()
    rows, whole = [], Tally()
    tallies = {altitude_m: Tally() for altitude_m in HEIGHTS_M}
    prints: set[str] = set()
    run = describe_run()
    for seed in range(FIRST_WORLD, FIRST_WORLD + options.worlds):
        world = SimulatedWorld(seed)
        for altitude_m in HEIGHTS_M if len(world.instances) else ():
            flown = fly(world, seed=seed, altitude_m=altitude_m, errors=Errors())
            for tally in (tallies[altitude_m], whole):
                judge(tally, world, *flown[:3])
                tally.frame_s.append(flown[3])
            print(seed, altitude_m, json.dumps(dict(whole.counts)), flush=True)
        if seed == FIRST_WORLD + 1:
            for _ in range(options.reruns):
                again = fly(world, seed=seed, altitude_m=HEIGHTS_M[0], errors=Errors())
                prints.add(fingerprint(again[0]))
    for altitude_m, tally in tallies.items():
        rows.append({'height_m': altitude_m, **summary(tally)})
    rows.append({'height_m': None, **summary(whole)})
    facts = {
        'worlds': options.worlds,
        'errors': Errors().__dict__,
        'different_results_of_reruns': len(prints),
        'reruns': options.reruns,
        'peak_memory_mb': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    write_result(options.output, 'findings', run, {**facts, 'rows': rows})
    print(json.dumps(rows[-1], indent=1))


if __name__ == '__main__':
    main()
