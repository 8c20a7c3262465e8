# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs a model over the recorded flights of many inspections and compares each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.history.history_reading import History
from roof_detector.history.model_replay import ModelReplaySettings, replay_model
from roof_detector.history.replay_outcome import ReplayedInspection, ReplayOutcome
from roof_detector.history.replayed_findings import ReplayedKind, compare_replay
from roof_detector.offline.inspection_images import InspectionImages
from roof_detector.offline.reporting.finding_images import finding_images
from roof_detector.results.errors import ExportError
from roof_detector.results.text import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.history.recorded_inspection import FrameKey, RecordedInspection
    from roof_detector.history.replay_gate import ReplayLimits
    from roof_detector.history.replayed_findings import ReplayedFinding
    from roof_detector.inference.detector import Detector
    from roof_detector.results.report.report_model import EncodedImage

_PICTURED = {
    *(ReplayedKind.CONTRADICTED, ReplayedKind.LOST, ReplayedKind.RENAMED),
    *(ReplayedKind.GAINED, ReplayedKind.STILL_RAISED),
}
_MOST_IMAGES = 60
_IMAGE_BYTES = 16_000


def replay_over_history(
    detector: Detector,
    paths: Sequence[Path],
    output: Path,
    *,
    limits: ReplayLimits,
    settings: ModelReplaySettings,
) -> ReplayOutcome:
    """Replay one inspection after another; one that cannot be replayed stops no other.

    What each gives lies in a folder of its name in `output`, and an interrupted replay goes on
    there.
    """
    history = History(paths)
    outcome = ReplayOutcome(
        model=detector.model_path.name, model_sha256=detector.model_hash, limits=limits
    )
    taken: set[str] = set()
    for old in history:
        name, number = file_name(old.name), 1
        while name in taken:
            number += 1
            name = f'{file_name(old.name)}_{number}'
        taken.add(name)
        replay = replay_model(old, detector, output / name, settings)
        outcome.lost += replay.lost
        outcome.notes += replay.notes
        if replay.inspection is None:
            continue
        found = compare_replay(old, replay.inspection, set(replay.flights))
        images = _images(found, old, replay.inspection, settings.images)
        outcome.inspections.append(
            ReplayedInspection(
                name=old.name,
                flights=tuple(replay.flights),
                frames=replay.frames,
                old_model=_model_of(old),
                findings=tuple(found),
                images=images,
            )
        )
    outcome.lost += history.lost
    return outcome


def _model_of(old: RecordedInspection) -> str:
    names = []
    for given in old.inputs:
        try:
            names.append(str(json.loads(str(given.get('network', '{}'))).get('model', '')))
        except (ValueError, AttributeError, RecursionError):
            continue  # a damaged manifest costs the name alone
    return ', '.join(dict.fromkeys(name for name in names if name)) or 'unknown'


def _images(
    found: Sequence[ReplayedFinding],
    old: RecordedInspection,
    new: RecordedInspection,
    moved: Path | None,
) -> dict[int, EncodedImage]:
    """Return crops of what changes, by the place in the list; those not found are left out."""
    wanted = [k for k, one in enumerate(found) if one.kind in _PICTURED][:_MOST_IMAGES]
    images: dict[int, EncodedImage] = {}
    for side in (old, new):
        frames = {(one.flight, one.topic, one.index): one for one in side.frames}
        by_frame: dict[FrameKey, tuple[StoredFrame, list[int]]] = {}
        for k in wanted:
            finding = found[k].old or found[k].new
            if finding is None or (found[k].old is None) != (side is new):
                continue
            best = finding.best.frame
            frame = frames.get((best.flight, best.topic, best.index))
            if frame is not None:
                by_frame.setdefault(frame.key, (frame, []))[1].append(k)
        source = InspectionImages(side.folder, side.inputs, images=moved)
        for frame, image in source.read([frame for frame, _ in by_frame.values()]):
            for k in by_frame[frame.key][1]:
                finding = found[k].old or found[k].new
                if finding is None or not isinstance(image, np.ndarray):
                    continue
                try:
                    cut = finding_images(image, finding.best.box_xyxy, most_bytes=_IMAGE_BYTES)
                except ExportError:
                    continue
                images[k] = cut.context
    return images
