# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How good findings are: duplicates, false merges, lost objects, precision, radius, cost.

Two crossing flights over each simulated world, each with an offset of the GPS of its own and
errors of height, tilt and heading (`findings_flights.py`):

    python -m benchmarks.findings --output benchmarks/results/findings.json

With `--pieces` each world is kept in a file of that folder, and those that are there are not
flown again: so 20 worlds can be flown in several runs, or on several machines. `--boxes` leaves
the masks out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from benchmarks.findings_flights import SimulatedFrame, SimulatedWorld
from benchmarks.findings_judge import Tally, judge, summary
from benchmarks.findings_telemetry import ORIGIN, Errors
from roof_detector.findings.register import Register, RegisterResult
from roof_detector.simulation import CLASS_NAMES

FIRST_WORLD = 101
HEIGHTS_M = (12.0, 20.0, 30.0)
HEADINGS_DEG = (None, 70.0)


def fly(
    world: SimulatedWorld, *, seed: int, altitude_m: float, errors: Errors, masks: bool = True
) -> tuple[RegisterResult, list[Any], list[SimulatedFrame], float]:
    """Fly both flights through one register; return result, keys, frames and s per frame."""
    register = Register(CLASS_NAMES, origin=ORIGIN)
    keys: list[Any] = []
    frames: list[SimulatedFrame] = []
    spent_s = 0.0
    for number, heading_deg in enumerate(HEADINGS_DEG):
        for frame in world.flight(
            f'flight{number}',
            seed=1000 * seed + 10 * int(altitude_m) + number,
            altitude_m=altitude_m,
            heading_deg=heading_deg,
            errors=errors,
            masks=masks,
        ):
            began_s = process_time()
            keys += register.add(frame.sightings)
            spent_s += process_time() - began_s
            frames.append(frame)
    return register.finish(), keys, frames, spent_s / max(len(frames), 1)


def fingerprint(result: RegisterResult) -> str:
    """Return a hash of all findings."""
    text = repr([(one.number, str(one.uuid), one.existence, one.place) for one in result.findings])
    return hashlib.sha256(text.encode()).hexdigest()


def fly_world(seed: int, *, masks: bool) -> dict[float, Tally]:
    """Return what both flights over a world find, by height; nothing where it is empty."""
    world = SimulatedWorld(seed)
    tallies = {altitude_m: Tally() for altitude_m in HEIGHTS_M}
    for altitude_m, tally in tallies.items() if len(world.instances) else ():
        flown = fly(world, seed=seed, altitude_m=altitude_m, errors=Errors(), masks=masks)
        judge(tally, world, *flown[:3])
        tally.frame_s.append(flown[3])
    return tallies


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--worlds', type=int, default=20)
    parser.add_argument('--first-world', type=int, default=FIRST_WORLD)
    parser.add_argument('--reruns', type=int, default=10)
    parser.add_argument('--pieces', type=Path, help='folder of the worlds that were flown')
    parser.add_argument('--boxes', action='store_true', help='without masks')
    options = parser.parse_args()
    whole = Tally()
    tallies = {altitude_m: Tally() for altitude_m in HEIGHTS_M}
    prints: set[str] = set()
    run = describe_run()
    first = options.first_world
    for seed in range(first, first + options.worlds):
        name = None if options.pieces is None else options.pieces / f'{seed}.json'
        flown = read_piece(name) or fly_world(seed, masks=not options.boxes)
        write_piece(name, flown)
        for altitude_m, one in flown.items():
            tallies[altitude_m].add(one)
            whole.add(one)
        print(seed, json.dumps(dict(whole.counts)), flush=True)
        if seed == first:
            world = SimulatedWorld(seed)
            for _ in range(options.reruns):
                again = fly(world, seed=seed, altitude_m=HEIGHTS_M[0], errors=Errors())
                prints.add(fingerprint(again[0]))
        if whole.flown:
            _write(options, run, tallies, whole, (seed - first + 1, prints))


def read_piece(path: Path | None) -> dict[float, Tally] | None:
    """Return the tallies of a world by height from a file, None where there is none."""
    if path is None or not path.is_file():
        return None
    content = json.loads(path.read_text(encoding='utf-8'))
    return {float(altitude_m): Tally.of(values) for altitude_m, values in content.items()}


def write_piece(path: Path | None, tallies: dict[float, Tally]) -> None:
    """Write the tallies of a world to a file, whole or not at all."""
    if path is None or path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix('.part')
    content = {altitude_m: tally.as_dict() for altitude_m, tally in tallies.items()}
    part.write_text(json.dumps(content, default=float), encoding='utf-8')
    part.replace(path)


def _write(
    options: argparse.Namespace,
    run: dict[str, Any],
    tallies: dict[float, Tally],
    whole: Tally,
    done: tuple[int, set[str]],
) -> None:
    """Write the result of the worlds so far: a long campaign may be ended early."""
    rows = [
        {'height_m': altitude_m, **summary(tally)}
        for altitude_m, tally in [*tallies.items(), (None, whole)]
        if tally.flown
    ]
    facts = {
        'worlds': done[0],
        'errors': Errors().__dict__,
        'different_results_of_reruns': len(done[1]),
        'reruns': options.reruns,
        'peak_memory_mb': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    write_result(options.output, 'findings', run, {**facts, 'rows': rows})


if __name__ == '__main__':
    main()
