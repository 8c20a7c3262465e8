# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The table of detection probabilities, measured with the shipped model on rendered flights.

Reads the flights of `benchmarks.findings_rendered`, writes the table that the register uses, and
how well its probabilities of existence hold in worlds that were left out of the fit:

    python -m benchmarks.findings_curves --flights /tmp/rendered \
        --output benchmarks/results/findings_curves.json --table detection_curves.csv

With `--most-priors TABLE` no prior is above that table's: a network that has fewer false alarms on
rendered roofs need not have fewer on real ones.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from benchmarks.bench.machine import describe_run
from benchmarks.bench.result_file import write_result
from benchmarks.findings_flights import SimulatedWorld
from benchmarks.findings_rendered import SIZE_WH, RenderedFlight, read_flights
from benchmarks.findings_telemetry import ORIGIN, Errors, Telemetry, without_errors
from roof_detector.findings.detection_curves import seen_again
from roof_detector.findings.ground_view import ErrorSplit, ground_view
from roof_detector.findings.register import Register
from roof_detector.findings.sightings import FrameReference, FrameSightings
from roof_detector.georeference.pose import CameraPose
from roof_detector.simulation import CLASS_NAMES, PinholeCamera

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.evidence import Evidence

REDUCTION = 2.0  # frames of 1280 pixels, a network of 640
BINS = (0.0, 0.05, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99, 1.001)
_PRIOR_SIGMA = 1.0  # of the log odds of a class around those of all: few of a class say little
_EDGE_PX = 8.0
# Coarser than any flight: not measured, but what is a tenth of its pixels is not found either.
_COARSEST = {'metres_per_pixel': 0.2, 'detected': 0.05, 'false_alarm': 0.03}


@dataclass(frozen=True, kw_only=True)
class FoundOnce:
    """A finding of one flight: its evidence, and whether it is an object."""

    world: int
    altitude_m: float
    evidence: Evidence
    existence: float
    is_true: bool


def findings_of(flight: RenderedFlight, world: SimulatedWorld) -> list[FoundOnce]:
    """Return the findings of a flight whose telemetry is right: here only detection counts."""
    camera = PinholeCamera.centred(SIZE_WH, focal_px=0.8 * SIZE_WH[0])
    rng = np.random.default_rng(flight.seed)
    telemetry = Telemetry(without_errors(Errors()), rng, world.plane_m, camera)
    register = Register(CLASS_NAMES, origin=ORIGIN)
    true_ids: dict[Any, Counter[int]] = {}
    evidence: dict[Any, Evidence] = {}
    for index, frame in enumerate(flight.frames):
        stamp_ns = 1_700_000_000_000_000_000 + int(frame.stamp_s * 1e9)
        pose = CameraPose(frame.position_enu, frame.rotation)
        ground = ground_view(
            telemetry.fix(pose, stamp_ns, 1 / flight.rate_hz),
            frame.boxes_xyxy,
            mask_areas_px=frame.mask_areas_px,
            size_wh=SIZE_WH,
            origin=ORIGIN,
            split=ErrorSplit(),
            reduction=REDUCTION,
        )
        reference = FrameReference(
            flight='flight', source='', topic='/camera', index=index, name=str(index),
            stamp_ns=stamp_ns,
        )  # fmt: skip
        sightings = FrameSightings(
            frame=reference,
            size_wh=SIZE_WH,
            boxes_xyxy=frame.boxes_xyxy,
            class_ids=frame.class_ids,
            confidences=frame.scores,
            track_ids=np.zeros(len(frame.scores), np.int64),
            ground=ground,
        )
        for key, one in zip(register.add(sightings), frame.true_ids.tolist(), strict=True):
            true_ids.setdefault(key, Counter())[one] += 1
    rows = register.finish()
    flights = register._flights  # the evidence is not part of a finding
    found: dict[int, FoundOnce] = {}
    votes: dict[int, Counter[int]] = {}
    for key, counts in true_ids.items():
        votes.setdefault(rows.numbers.get(key, 0), Counter()).update(counts)
    for key in true_ids:
        number, kept = rows.numbers.get(key, 0), flights['flight'].evidence[key[2]]
        if number and kept is not None:
            evidence[number] = kept
            found[number] = FoundOnce(
                world=flight.world,
                altitude_m=flight.altitude_m,
                evidence=kept,
                existence=rows.findings[number - 1].existence,
                is_true=votes[number].most_common(1)[0][0] >= 0,
            )
    return list(found.values())


def opportunities(flight: RenderedFlight, world: SimulatedWorld) -> list[tuple[int, float, bool]]:
    """Return class, metres per pixel of the network and detection of objects in frames.

    Of each object in each frame that shows it whole: also of those that no frame detects.
    """
    camera = PinholeCamera.centred(SIZE_WH, focal_px=0.8 * SIZE_WH[0])
    found = []
    for frame in flight.frames:
        pose, seen = CameraPose(frame.position_enu, frame.rotation), set(frame.true_ids.tolist())
        for number, one in enumerate(world.instances):
            points = pose.to_optical(one.outline)
            if points[:, 2].min() < 0.5:
                continue
            pixels = camera.project(points)
            if (pixels < _EDGE_PX).any() or (pixels > np.array(SIZE_WH) - _EDGE_PX).any():
                continue
            resolution = float(points[:, 2].mean()) / camera.fx * REDUCTION
            found.append((one.class_id, resolution, number in seen))
    return found


def rates(seen: list[tuple[int, float, bool]], found: list[FoundOnce]) -> list[dict[str, Any]]:
    """Return rows of the table: by class, and by height over all classes."""
    rows = []
    table = np.array(seen)
    for class_id, name in [*enumerate(CLASS_NAMES), (-1, '*')]:
        own = table if class_id < 0 else table[table[:, 0] == class_id]
        again, frames = again_of(
            [one for one in found if class_id in (-1, one.evidence.class_id)], is_true=False
        )
        edges = np.quantile(own[:, 1], (0, 0.25, 0.5, 0.75, 1))
        edges[-1] += 1e-6
        for low, high in pairwise(edges.tolist()):
            part = own[(own[:, 1] >= low) & (own[:, 1] < high)]
            detected = (part[:, 2].sum() + 1) / (len(part) + 2)
            rows.append(
                {
                    'class': name,
                    'metres_per_pixel': round(float(np.exp(np.log(part[:, 1]).mean())), 4),
                    'detected': round(float(detected), 3),
                    # Of few false alarms of a class the rate is that of all, in part.
                    'false_alarm': round(min((again + 8) / (frames + 20), 0.9 * detected), 3),
                    'opportunities': len(part),
                    'false_alarm_frames': int(frames),
                }
            )
        rows.append({'class': name, **_COARSEST, 'opportunities': 0, 'false_alarm_frames': 0})
    return rows


def again_of(found: list[FoundOnce], *, is_true: bool) -> tuple[int, int]:
    """Return in how many frames findings were seen after the first one, and of how many."""
    looks = [one.evidence.looks.values() for one in found if one.is_true == is_true]
    hits = sum(sum(look.hits for look in one) - 1 for one in looks)
    return max(hits, 0), max(sum(sum(look.frames for look in one) - 1 for one in looks), 0)


def features(found: list[FoundOnce], rows: list[dict[str, Any]]) -> npt.NDArray[np.float64]:
    """Return class (one-hot, and all), confidence and likelihood of the looks of findings."""
    false_rate = {row['class']: row['false_alarm'] for row in rows if row['opportunities']}
    true_rate = {
        name: (again_of(own, is_true=True)[0] + 9) / (again_of(own, is_true=True)[1] + 10)
        for k, name in enumerate(CLASS_NAMES)
        for own in [[one for one in found if one.evidence.class_id == k]]
    }
    lines = []
    for one in found:
        name, hits, misses = CLASS_NAMES[one.evidence.class_id], 0.0, 0.0
        for look in one.evidence.looks.values():
            weight = 1 / (1 + 0.5 * (look.frames - 1))
            hits, misses = hits + look.hits * weight, misses + (look.frames - look.hits) * weight
        again = max(hits - 1, 0.0), misses
        ratio = seen_again(*again, true_rate[name]) - seen_again(*again, false_rate[name])
        confidence = float(logit(np.clip(one.evidence.best_confidence, 0.02, 0.98)))
        lines.append([*np.eye(len(CLASS_NAMES))[one.evidence.class_id], 1.0, confidence, ratio])
    return np.array(lines)


def fit(table: npt.NDArray[np.float64], is_true: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Return the weights of the features under which the findings are likeliest."""

    def cost(weights: npt.NDArray[np.float64]) -> float:
        wrong = np.logaddexp(0, -(table @ weights) * (2 * is_true - 1)).sum()
        return float(wrong + (weights[:-3] ** 2).sum() / (2 * _PRIOR_SIGMA**2))

    return np.asarray(minimize(cost, np.zeros(table.shape[1])).x)


def reliability(
    stated: npt.NDArray[np.float64], is_true: npt.NDArray[np.float64]
) -> list[dict[str, float]]:
    """Return how many findings of each stated probability exist."""
    rows = []
    for low, high in pairwise(BINS):
        chosen = (stated >= low) & (stated < high)
        if chosen.any():
            rows.append(
                {
                    'from': low,
                    'to': min(high, 1.0),
                    'findings': int(chosen.sum()),
                    'stated': round(float(stated[chosen].mean()), 3),
                    'exist': round(float(is_true[chosen].mean()), 3),
                }
            )
    return rows


def main() -> None:
    """Measure, and write table and result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--flights', type=Path, required=True)
    parser.add_argument('--first-world', type=int, default=700_100)
    parser.add_argument('--worlds', type=int, default=40)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--table', type=Path, required=True)
    parser.add_argument('--most-priors', type=Path, help='table of earlier weights')
    options = parser.parse_args()
    run = describe_run()
    seen: list[tuple[int, float, bool]] = []
    found: list[FoundOnce] = []
    worlds: dict[int, SimulatedWorld] = {}
    frames = 0
    for flight in read_flights(options.flights, options.first_world, options.worlds):
        world = worlds.setdefault(flight.world, SimulatedWorld(flight.world))
        seen += opportunities(flight, world)
        found += findings_of(flight, world)
        frames += len(flight.frames)
    is_true = np.array([one.is_true for one in found], np.float64)
    of_world = np.array([one.world for one in found])
    rows = rates(seen, found)
    table = features(found, rows)
    weights = fit(table, is_true)
    left_out = np.zeros(len(found))
    for one in worlds:
        other = of_world != one
        if other.any():
            left_out[~other] = expit(table[~other] @ fit(table[other], is_true[other]))
    priors = expit(weights[: len(CLASS_NAMES)] + weights[-3])
    prior = dict(zip([*CLASS_NAMES, '*'], [*priors, expit(weights[-3])], strict=True))
    if options.most_priors is not None:
        with options.most_priors.open(encoding='utf-8', newline='') as file:
            for row in csv.DictReader(file):
                prior[row['class']] = min(prior[row['class']], float(row['prior']))
    with options.table.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['class', 'metres_per_pixel', 'detected', 'false_alarm', 'prior'])
        for row in rows:
            values = [row['class'], row['metres_per_pixel'], row['detected'], row['false_alarm']]
            writer.writerow([*values, round(float(prior[row['class']]), 3)])
    facts = {
        'worlds': len(worlds),
        'frames': frames,
        'findings': len(found),
        'of_objects': int(is_true.sum()),
        'seen_again_of_objects': again_of(found, is_true=True),
        'seen_again_of_false_alarms': again_of(found, is_true=False),
        'confidence_weight': round(float(weights[-2]), 3),
        'look_weight': round(float(weights[-1]), 3),
        'reliability_of_worlds_left_out': reliability(left_out, is_true),
        'reliability_of_the_register': reliability(
            np.array([one.existence for one in found]), is_true
        ),
        'rows': rows,
    }
    write_result(options.output, 'findings_curves', run, facts)
    for row in facts['reliability_of_worlds_left_out'] + facts['reliability_of_the_register']:
        print(row)
    print({name: round(float(one), 3) for name, one in prior.items()}, weights[-2:])


if __name__ == '__main__':
    main()
