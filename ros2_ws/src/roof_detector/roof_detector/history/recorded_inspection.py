# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the file of an inspection recorded: frames, sightings, and findings as people left them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.findings.inspection_path import (
    STORE_NAME,
    inspection_path,
    inspections_in,
)
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.store_reader import open_reader
from roof_detector.findings.stored_frames import read_stored_frames
from roof_detector.history.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.store_reader import StoreReader
    from roof_detector.findings.stored_frames import StoredFrame

FrameKey = tuple[str, str, int]
_SIGHTINGS = (
    'SELECT f.fid, s.finding, s.class, s.confidence, s.left_px, s.top_px, s.right_px, s.bottom_px '
    'FROM sightings s JOIN frames f ON s.flight = f.flight AND s.topic = f.topic '
    'AND s.frame = f.frame ORDER BY s.fid'
)


@dataclass(frozen=True, kw_only=True)
class RecordedSighting:
    """One detection: its class, confidence, box in pixels, and the number of its finding or 0."""

    finding: int
    class_name: str
    confidence: float
    box_xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class RecordedInspection:
    """One file with its frames, their sightings, and its findings.

    `findings` are by number, with all decisions of people; `computed` are those before them.
    Numbers of sightings follow merges. `touched` are the numbers of findings that a person
    confirmed, rejected, renamed or merged something into.
    """

    file: Path
    frames: tuple[StoredFrame, ...]
    sightings: Mapping[FrameKey, tuple[RecordedSighting, ...]]
    findings: Mapping[int, RoofFinding]
    computed: Mapping[int, RoofFinding]
    touched: frozenset[int]
    provenance: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Return the folder of the inspection."""
        return self.file.parent

    @property
    def name(self) -> str:
        """Return what people call it: its folder, or its file where that has a name of its own."""
        own = self.file.resolve()
        return own.parent.name if own.name == STORE_NAME else f'{own.parent.name}/{own.stem}'

    @property
    def inputs(self) -> tuple[Mapping[str, Any], ...]:
        """Return what the provenance says of each flight."""
        listed = self.provenance.get('inputs')
        return tuple(one for one in listed if isinstance(one, dict)) if listed else ()

    def of_frame(self, frame: StoredFrame) -> tuple[RecordedSighting, ...]:
        """Return the sightings of a frame."""
        return self.sightings.get(frame.key, ())

    def finding_of(self, sighting: RecordedSighting) -> RoofFinding | None:
        """Return the finding of a sighting as people left it, None where it has none."""
        return self.findings.get(sighting.finding)

    def is_rejected(self, sighting: RecordedSighting) -> bool:
        """Return whether a person rejected what a sighting shows."""
        finding = self.finding_of(sighting)
        return finding is not None and finding.decided and finding.state is FindingState.REJECTED


def read_inspection(path: Path) -> RecordedInspection:
    """Read a folder or file of an inspection; raise FindingsError or HistoryError."""
    file = inspection_path(path)
    with open_reader(file) as store:
        frames = tuple(read_stored_frames(file))
        if not frames:
            msg = (
                f'{file} holds no frames: it was made while flying, or by another program. Make '
                'it again from the recording with "roof_detector inspect".'
            )
            raise HistoryError(msg)
        decided = store.decided()
        computed = {one.number: one for one in store.computed()}
        findings = {one.number: one for one in decided.findings}
        renamed = {
            number
            for number, one in findings.items()
            if number in computed and computed[number].class_name != one.class_name
        }
        touched = {number for number, one in findings.items() if one.decided} | renamed
        return RecordedInspection(
            file=file,
            frames=frames,
            sightings=_sightings(store, frames, decided.merged),
            findings=findings,
            computed=computed,
            touched=frozenset(touched | set(decided.merged.values())),
            provenance=store.provenance(),
        )


def _sightings(
    store: StoreReader, frames: tuple[StoredFrame, ...], merged: Mapping[int, int]
) -> dict[FrameKey, tuple[RecordedSighting, ...]]:
    fids = [row[0] for row in store.rows('SELECT fid FROM frames ORDER BY fid')]
    keys = {fid: frame.key for fid, frame in zip(fids, frames, strict=True)}
    found: dict[FrameKey, list[RecordedSighting]] = {}
    for fid, number, class_name, confidence, *box in store.stream(_SIGHTINGS):
        values = [float(one) for one in (confidence, *box) if one is not None]
        if len(values) < 5 or not all(map(math.isfinite, values)):
            msg = (
                f'{store.path} has a sighting without a box or confidence; restore it from a copy.'
            )
            raise HistoryError(msg)
        whole = number or 0
        while whole in merged:
            whole = merged[whole]
        left, top, right, bottom = values[1:]
        found.setdefault(keys[fid], []).append(
            RecordedSighting(
                finding=whole,
                class_name=str(class_name),
                confidence=values[0],
                box_xyxy=(left, top, right, bottom),
            )
        )
    return {key: tuple(listed) for key, listed in found.items()}


def inspection_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files of the inspections that are named, or lie anywhere below a folder.

    Raises HistoryError where a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = inspections_in(path) or sorted(path.rglob('inspection*.gpkg'))
        if not below:
            msg = (
                f'{path} holds no inspection.gpkg; name the folder of an inspection, or one with '
                'inspections in it.'
            )
            raise HistoryError(msg)
        found += below
    return list(dict.fromkeys(found))
