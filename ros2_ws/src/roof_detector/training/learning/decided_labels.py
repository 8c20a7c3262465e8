# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A training set of what reviewers decided: confirmed, renamed, merged, and rejected findings."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.history.frame_reasons import FrameReasons
from roof_detector.history.frame_selection import Candidate, ChosenFrame
from roof_detector.history.history_reading import History
from training.learning.decided_frames import decided_frames
from training.learning.errors import LearningError
from training.learning.frame_export import CandidateImages, selected_frames
from training.learning.label_set import write_label_set
from training.learning.pre_labels import class_names
from training.learning.selection_folder import IMAGES, write_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.learning.label_set import LabelSetOutcome


@dataclass(kw_only=True)
class DecidedOutcome:
    """The set, how many frames are not in it by the reason, and what was lost."""

    written: LabelSetOutcome
    left_out: Counter[str]
    lost: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        others = [f'{count} frames {reason}.' for reason, count in self.left_out.items()]
        return [self.written.line(), *others, *self.lost]


def write_decided(
    paths: Sequence[Path],
    output: Path,
    *,
    per_finding: int = 3,
    images: Path | None = None,
    overwrite: bool = False,
) -> DecidedOutcome:
    """Write the frames that decisions label; raise LearningError where there are none.

    `images` is where recordings are now, if they were moved.
    """
    if per_finding < 1:
        msg = f'{per_finding} frames of a finding are wanted; give 1 or more.'
        raise LearningError(msg)
    history = History(paths)
    inspections = list(history)
    left_out: Counter[str] = Counter()
    candidates: list[Candidate] = []
    for k, inspection in enumerate(inspections):
        found = decided_frames(inspection, per_finding=per_finding)
        left_out += found.left_out
        candidates += [
            Candidate(inspection=k, frame=frame, reasons=FrameReasons()) for frame in found.frames
        ]
    reader = CandidateImages(inspections, images)
    with tempfile.TemporaryDirectory(prefix='roof_detector-decided-') as folder:
        place = Path(folder)
        (place / IMAGES).mkdir()
        names = {
            one.order: frame.labelled
            for one, frame in zip(
                candidates,
                selected_frames([ChosenFrame(one, 1.0) for one in candidates], inspections),
                strict=True,
            )
        }
        frames = []
        for one, image_bgr in reader.read(candidates):
            write_image(place, names[one.order].name, image_bgr)
            frames.append(names[one.order])
        lost = [*reader.lost, *history.lost]
        if not frames:
            reasons = ' '.join([*(f'{n} frames {why}.' for why, n in left_out.items()), *lost])
            msg = f'No frame is labelled by decisions of people. {reasons}'.rstrip()
            raise LearningError(msg)
        written = write_label_set(
            output,
            frames,
            class_names(inspections),
            place / IMAGES,
            record={
                'inspections': [one.name for one in inspections],
                'left_out': dict(left_out),
                'lost': lost,
            },
            overwrite=overwrite,
        )
    return DecidedOutcome(written=written, left_out=left_out, lost=lost)
