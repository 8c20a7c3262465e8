# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The labels that an inspection gives to a frame: its sightings, as people decided them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from roof_detector.findings.roof_finding import FindingState
from training.learning.frame_labels import LabelBox, label_box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.history.recorded_inspection import RecordedInspection


def pre_labels(inspection: RecordedInspection, frame: StoredFrame) -> tuple[LabelBox, ...]:
    """Return the boxes of a frame, without what is rejected and under the names people gave.

    Boxes of findings that a person merged are one box around both.
    """
    found: list[LabelBox] = []
    wholes: dict[int, int] = {}
    for sighting in inspection.of_frame(frame):
        finding = inspection.finding_of(sighting)
        if finding is not None and finding.state is FindingState.REJECTED:
            continue
        decided = finding is not None and finding.number in inspection.touched
        box = label_box(
            sighting.class_name if finding is None else finding.class_name,
            sighting.box_xyxy,
            frame.size_wh,
            confidence=1.0 if decided else sighting.confidence,
            finding=sighting.finding,
        )
        if box is None:
            continue
        if decided and sighting.finding in wholes:
            k = wholes[sighting.finding]
            found[k] = _around(found[k], box)
            continue
        wholes[sighting.finding] = len(found)
        found.append(box)
    return tuple(found)


def _around(one: LabelBox, other: LabelBox) -> LabelBox:
    left, top, right, bottom = zip(one.box_xyxy, other.box_xyxy, strict=True)
    return LabelBox(
        class_name=one.class_name,
        box_xyxy=(min(left), min(top), max(right), max(bottom)),
        confidence=one.confidence,
        finding=one.finding,
    )


def class_names(inspections: Iterable[RecordedInspection]) -> tuple[str, ...]:
    """Return the classes of the models in their order, then those that people named."""
    known: dict[str, None] = {}
    others: set[str] = set()
    for one in inspections:
        for given in one.inputs:
            try:
                network = json.loads(str(given.get('network', '{}')))
                known |= dict.fromkeys(str(name) for name in network.get('names', ()))
            except (ValueError, AttributeError, TypeError, RecursionError):
                continue  # its classes are those of its sightings
        others |= {found.class_name for found in one.findings.values()}
        others |= {seen.class_name for listed in one.sightings.values() for seen in listed}
    return (*known, *sorted(others - set(known)))
