# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""All that a report needs of an inspection's file, read once."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from roof_detector.findings.changes import Inspected
from roof_detector.findings.decisions import Decision, standing
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.roof_finding import FindingState, RoofFinding
from roof_detector.findings.seen_frames import read_seen_frames
from roof_detector.findings.stored_frames import (
    StoredFrame,
    grounded,
    plane_of_frames,
    read_stored_frames,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from roof_detector.findings.stored_frames import GroundedFrame
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane


@dataclass(frozen=True)
class FindingSighting:
    """A detection of a finding: the name of its image, and its confidence."""

    name: str
    confidence: float


@dataclass(frozen=True, eq=False, kw_only=True)
class InspectionContent:
    """Findings after all decisions, frames, sightings by the number of their finding, and more."""

    findings: tuple[RoofFinding, ...]
    decisions: tuple[Decision, ...]
    frames: tuple[StoredFrame, ...]
    sightings: Mapping[int, Sequence[FindingSighting]]
    inputs: Sequence[Mapping[str, Any]]
    software: Mapping[str, str]
    plane: LocalTangentPlane | None
    grounded: Sequence[GroundedFrame]
    inspected: Inspected
    lost_decisions: int = 0

    def of_state(self, state: FindingState) -> list[RoofFinding]:
        """Return the findings of a state, inside the area."""
        return [one for one in self.findings if one.state is state and not one.is_outside]

    @property
    def reported(self) -> list[RoofFinding]:
        """Return the findings that the report is about."""
        return self.of_state(FindingState.CONFIRMED)

    def manifest(self, name: str) -> str:
        """Return a value of the first input's manifest, '' where it has none."""
        values = [str(one[name]) for one in self.inputs if one.get(name)]
        return values[0] if values else ''

    def parameters(self) -> Mapping[str, Any]:
        """Return the thresholds of the detection."""
        try:
            found = json.loads(self.manifest('parameters') or '{}')
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def frame_of(self, finding: RoofFinding) -> StoredFrame | None:
        """Return the frame of the best image of a finding."""
        best = finding.best.frame
        wanted = (best.source, best.topic, best.index, best.name)
        return self._by_reference.get(wanted)

    @cached_property
    def _by_reference(self) -> Mapping[tuple[str, str, int, str], StoredFrame]:
        return {(one.source, one.topic, one.index, one.name): one for one in self.frames}


def read_content(path: Path) -> InspectionContent:
    """Read a store; raise FindingsError."""
    with InspectionStore(path) as store:
        decided = store.decided()
        decisions = store.decisions()
        provenance = store.provenance()
    frames = tuple(read_stored_frames(path))
    plane = plane_of_frames(frames)
    inputs = provenance.get('inputs', [])
    return InspectionContent(
        findings=decided.findings,
        decisions=tuple(standing(decisions)),
        frames=frames,
        sightings=_sightings(path, decided.merged),
        inputs=[one for one in inputs if isinstance(one, dict)],
        software=provenance.get('software', {}),
        plane=plane,
        grounded=[] if plane is None else grounded(frames, plane),
        inspected=Inspected(decided.findings, read_seen_frames(path)),
        lost_decisions=decided.lost,
    )


def _sightings(path: Path, merged: Mapping[int, int]) -> dict[int, list[FindingSighting]]:
    found: dict[int, list[FindingSighting]] = {}
    with closing(sqlite3.connect(f'{path.resolve().as_uri()}?mode=ro', uri=True)) as store:
        rows = store.execute(
            'SELECT finding, name, confidence FROM sightings WHERE finding IS NOT NULL '
            'ORDER BY fid'
        )
        for number, name, confidence in rows:
            whole = number
            while whole in merged:
                whole = merged[whole]
            found.setdefault(whole, []).append(FindingSighting(name, confidence))
    return found
