# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Frames that reviewers have labelled by what they decided of findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.roof_finding import FindingState
from roof_detector.history.frame_reasons import missed_findings

if TYPE_CHECKING:
    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.history.recorded_inspection import RecordedInspection

# As sure as a finding is that is reported as confirmed.
_SURE = 0.9


@dataclass(kw_only=True)
class DecidedFrames:
    """The frames, and how many others were left out, by the reason."""

    frames: list[StoredFrame] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def decided_frames(inspection: RecordedInspection, *, per_finding: int) -> DecidedFrames:
    """Return frames whose labels are known from decisions, a few for each decided finding.

    A frame counts if everything that it shows is settled: decided by a person, or so sure that it
    is reported. One that misses an object which a person confirmed is left out, for it would teach
    that the object is none.
    """
    found = DecidedFrames()
    missed = missed_findings(inspection)
    by_finding: dict[int, list[int]] = {number: [] for number in sorted(inspection.touched)}
    for k, frame in enumerate(inspection.frames):
        sightings = inspection.of_frame(frame)
        decided = {one.finding for one in sightings} & inspection.touched
        if not decided:
            continue
        if not all(_is_settled(inspection, one.finding) for one in sightings):
            found.left_out['show what nobody decided and nothing makes sure'] += 1
            continue
        if any(one.number in inspection.touched for one in missed[k]):
            found.left_out['miss an object that a person decided'] += 1
            continue
        for number in decided:
            by_finding[number].append(k)
    chosen: set[int] = set()
    for listed in by_finding.values():
        if listed:
            places = np.linspace(0, len(listed) - 1, min(per_finding, len(listed)))
            chosen |= {listed[k] for k in places.round().astype(int).tolist()}
    spare = len({k for listed in by_finding.values() for k in listed} - chosen)
    if spare:
        found.left_out['show the same findings as frames that are taken'] += spare
    found.frames = [inspection.frames[k] for k in sorted(chosen)]
    return found


def _is_settled(inspection: RecordedInspection, number: int) -> bool:
    finding = inspection.findings.get(number)
    if finding is None:
        return False
    if number in inspection.touched:
        return finding.state in (FindingState.CONFIRMED, FindingState.REJECTED) or (
            finding.existence >= _SURE
        )
    return finding.state is FindingState.CONFIRMED and finding.existence >= _SURE
