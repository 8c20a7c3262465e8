# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The findings of a demo flight against the simulator's true objects."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.findings.inspection_path import STORE_NAME
from roof_detector.findings.roof_finding import FindingState
from roof_detector.georeference.ground import Ground
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results
from roof_detector.simulation import RoofWorld
from roof_detector.vision.matching import assign, pairwise_iou

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.offline.inspection import InspectionOutcome

_GROUND_TRUTH = '/camera/ground_truth'
_LEAST_IOU = 0.3
FOLDER = 'inspection'


@dataclass(frozen=True, kw_only=True)
class FindingSummary:
    """The findings of a flight: how many, and how they compare with the true objects.

    `objects` are those that the camera saw, None without ground truth; `found` those with a
    confirmed finding, `duplicates` the confirmed findings too many of one object, `false` those
    of none, and `missed` the objects without a finding of any state but rejected.
    """

    outcome: InspectionOutcome
    objects: int | None = None
    found: int = 0
    duplicates: int = 0
    false: int = 0
    missed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        values: dict[str, Any] = {
            'states': self.outcome.counts(),
            'confirmed': self.outcome.confirmed(),
        }
        if self.objects is not None:
            values['against_true_objects'] = {
                'objects': self.objects,
                'found': self.found,
                'duplicates': self.duplicates,
                'false': self.false,
                'missed': self.missed,
            }
        return values

    def rows(self) -> list[tuple[str, str]]:
        """Return the rows of the table for people."""
        states = self.outcome.counts()
        listed = ', '.join(f'{count} {state}' for state, count in states.items())
        rows = [('findings', f'{len(self.outcome.findings)}  ({listed or "none"})')]
        if self.objects is not None:
            rows += [
                ('  true objects seen', str(self.objects)),
                ('  of these confirmed', f'{self.found}, {self.duplicates} more than once'),
                ('  without a finding', str(self.missed)),
                ('  confirmed, but false', str(self.false)),
            ]
        return rows


def summarise_findings(bag: Path, output: Path, *, seed: int | None) -> FindingSummary:
    """Make the findings of a flight's bag; `seed` is that of the simulated world, if it is one."""
    ground = None
    if seed is not None:
        # What an operator reads from a plan: how high the roofs are.
        world = RoofWorld.generate(seed=seed)
        heights = [building.footprint.height for building in world.buildings]
        ground = Ground(map_z_m=max(heights), sigma_m=1.0)
    outcome = inspect_results(
        [InspectedResults(bag, 'flight')],
        output / FOLDER,
        georeferencing=GeoreferenceSettings(ground=ground),
    )
    truth = _true_objects(bag)
    if not truth:
        return FindingSummary(outcome=outcome)
    owners = _owners(output / FOLDER / STORE_NAME, truth)
    confirmed = Counter(
        owners.get(one.number) for one in outcome.findings if one.state is FindingState.CONFIRMED
    )
    false = confirmed.pop(None, 0)
    shown = {
        owners.get(one.number)
        for one in outcome.findings
        if one.state is not FindingState.REJECTED
    }
    objects = {name for names, _, _ in truth.values() for name in names}
    return FindingSummary(
        outcome=outcome,
        objects=len(objects),
        found=len(confirmed),
        duplicates=sum(confirmed.values()) - len(confirmed),
        false=false,
        missed=len(objects - shown),
    )


Truth = dict[int, tuple[list[str], list[str], Any]]


def _true_objects(bag: Path) -> Truth:
    """Return ids, classes and boxes (n, 4) of the true objects of each stamp."""
    found: Truth = {}
    with BagReader(bag) as reader:
        for message in reader.messages((_GROUND_TRUTH,)):
            try:
                content = reader.deserialize(message)
            except BagError:
                continue
            stamp = content.header.stamp
            names, classes, boxes = [], [], []
            for one in content.detections:
                centre, box = one.bbox.center.position, one.bbox
                names.append(one.id)
                classes.append(one.results[0].hypothesis.class_id)
                half = box.size_x / 2, box.size_y / 2
                boxes.append(
                    (
                        centre.x - half[0],
                        centre.y - half[1],
                        centre.x + half[0],
                        centre.y + half[1],
                    )
                )
            stamp_ns = int(stamp.sec) * 10**9 + int(stamp.nanosec)
            found[stamp_ns] = names, classes, np.array(boxes, np.float64).reshape(-1, 4)
    return found


def _owners(store: Path, truth: Truth) -> dict[int, str | None]:
    """Return for each finding the true object of most of its sightings, None for none."""
    frames: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    with closing(sqlite3.connect(store)) as connection:
        for stamp_ns, *row in connection.execute(
            'SELECT stamp_ns, finding, "class", left_px, top_px, right_px, bottom_px '
            'FROM sightings ORDER BY stamp_ns, confidence DESC'
        ):
            frames[stamp_ns].append(tuple(row))
    votes: dict[int, Counter[str | None]] = defaultdict(Counter)
    for stamp_ns, rows in frames.items():
        names, classes, boxes = truth.get(stamp_ns, ([], [], np.zeros((0, 4))))
        overlap = pairwise_iou(np.array([row[2:] for row in rows], np.float64), boxes)
        same = np.array([row[1] for row in rows])[:, None] == np.array(classes, np.str_)[None]
        taken = assign(np.where(same, overlap, -1.0), least_iou=_LEAST_IOU)
        for row, position in zip(rows, taken.tolist(), strict=True):
            votes[row[0]][names[position] if position >= 0 else None] += 1
    return {number: found.most_common(1)[0][0] for number, found in votes.items()}
