# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings against the true objects of simulated flights, for `benchmarks/findings.py`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.findings.roof_finding import FindingState
from roof_detector.simulation import CLASS_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.findings_flights import SimulatedFrame, SimulatedWorld
    from roof_detector.findings.register import RegisterResult
    from roof_detector.findings.roof_finding import RoofFinding

# A finding of which so many sightings, more than two and a fifth, are of a second object.
_SECOND_SHARE = 0.2
_BINS = (0.0, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99, 1.001)
_WITHIN = 0.05


@dataclass
class Tally:
    """Counts over all worlds, and what is summed up at the end."""

    counts: Counter[str] = field(default_factory=Counter)
    errors_m: list[float] = field(default_factory=list)
    radii_m: list[float] = field(default_factory=list)
    flown: list[tuple[float, float]] = field(default_factory=list)
    """Of each pair of flights: the share of places in their radius, and the squared distance of
    what all places have in common, in standard deviations: 2 on average if these are right."""
    relative_m: list[float] = field(default_factory=list)
    areas: list[tuple[int, float, float]] = field(default_factory=list)
    """Class, area over the true one, and error in standard deviations."""
    existence: list[tuple[float, bool]] = field(default_factory=list)
    frame_s: list[float] = field(default_factory=list)
    single_true: int = 0
    single: int = 0

    def add(self, other: Tally) -> None:
        """Add what was counted elsewhere."""
        for one in fields(self):
            value = getattr(other, one.name)
            if isinstance(value, Counter):
                self.counts.update(value)
            else:
                setattr(self, one.name, getattr(self, one.name) + value)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, from which `of` makes the same again."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Tally:
        """Return the tally of plain values."""
        return cls(**{**values, 'counts': Counter(values['counts'])})


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
    tally.existence += [(one.existence, owner[one.number] >= 0) for one in result.findings]
    tally.single += len(true_ids)
    tally.single_true += int((true_ids >= 0).sum())
    _judge_places(tally, world, [(one, owner[one.number]) for one in confirmed])


def _judge_places(
    tally: Tally, world: SimulatedWorld, confirmed: list[tuple[RoofFinding, int]]
) -> None:
    offsets, inside, covariances = [], [], []
    for one, true_id in confirmed:
        if true_id < 0 or one.place is None:
            continue
        place = world.true.positions_enu[true_id]
        offset = np.array([one.place.east_m, one.place.north_m]) - place[:2]
        offsets.append(offset)
        covariances.append(one.place.covariance)
        tally.errors_m.append(float(np.linalg.norm(offset)))
        tally.radii_m.append(one.place.radius95_m)
        inside.append(tally.errors_m[-1] <= tally.radii_m[-1])
        if one.size is not None:
            true_m2 = float(world.true.areas_m2[true_id])
            class_id = int(world.true.class_ids[true_id])
            error = (one.size.area_m2 - true_m2) / one.size.area_error_m2
            tally.areas.append((class_id, one.size.area_m2 / true_m2, error))
    if len(offsets) > 2:
        common = np.median(offsets, axis=0)
        tally.relative_m += np.linalg.norm(np.array(offsets) - common, axis=1).tolist()
        (ee, en, nn) = np.median(covariances, axis=0).tolist()
        squared = common @ np.linalg.inv([[ee, en], [en, nn]]) @ common
        tally.flown.append((float(np.mean(inside)), float(squared)))


def summary(tally: Tally) -> dict[str, Any]:
    """Return the figures as plain values."""
    counts, objects = tally.counts, tally.counts['objects']
    confirmed = counts['confirmed objects'] + counts['confirmed false'] + counts['duplicates']
    inside = np.array(tally.errors_m) <= np.array(tally.radii_m)
    by_flight = np.array(tally.flown)
    return {
        **{name.replace(' ', '_'): int(number) for name, number in sorted(counts.items())},
        'duplicates_share': round(counts['duplicates'] / objects, 4),
        'false_merges_share': round(counts['false merges'] / objects, 4),
        'lost_share': round(counts['lost'] / objects, 4),
        'recall_of_confirmed': round(counts['confirmed objects'] / objects, 4),
        'precision_of_confirmed': round(1 - counts['confirmed false'] / max(confirmed, 1), 4),
        'precision_of_single_detections': round(tally.single_true / max(tally.single, 1), 4),
        'inside_radius95': round(float(inside.mean()), 4),
        'independent_pairs_of_flights': len(by_flight),
        'inside_radius95_standard_error': round(
            float(by_flight[:, 0].std() / np.sqrt(len(by_flight))), 4
        ),
        'common_error_squared_over_variance': round(float(by_flight[:, 1].mean()), 3),
        'median_error_m': round(float(np.median(tally.errors_m)), 3),
        'median_error_among_each_other_m': round(float(np.median(tally.relative_m)), 3),
        'areas': _areas(tally),
        'reliability_of_existence': _reliability(tally),
        'register_ms_per_frame': round(1e3 * float(np.mean(tally.frame_s)), 3),
    }


def _areas(tally: Tally) -> list[dict[str, Any]]:
    rows = []
    table = np.array(tally.areas)
    for class_id, name in enumerate(CLASS_NAMES):
        own = table[table[:, 0] == class_id]
        if len(own):
            rows.append(
                {
                    'class': name,
                    'objects': len(own),
                    'ratio_p10_p50_p90': np.percentile(own[:, 1], (10, 50, 90)).round(3).tolist(),
                    'within_5_percent': round(float((np.abs(own[:, 1] - 1) < _WITHIN).mean()), 3),
                    'within_2_sigma': round(float((np.abs(own[:, 2]) < 2).mean()), 3),
                }
            )
    return rows


def _reliability(tally: Tally) -> list[dict[str, float]]:
    rows = []
    table = np.array(tally.existence, np.float64)
    for low, high in pairwise(_BINS):
        chosen = (table[:, 0] >= low) & (table[:, 0] < high)
        if chosen.any():
            stated, exist = table[chosen].mean(axis=0).round(3).tolist()
            count = int(chosen.sum())
            rows.append({'from': low, 'findings': count, 'stated': stated, 'exist': exist})
    return rows
