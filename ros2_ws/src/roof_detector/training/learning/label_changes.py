# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What annotators changed of the pre-labels, which says how good these were."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.vision.matching import pairwise_iou

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.learning.frame_labels import FrameLabels, LabelBox
    from training.learning.selection_folder import Selection

_SAME = 0.5


@dataclass(frozen=True, kw_only=True)
class LabelChanges:
    """Frames by whether they came back, and boxes by what became of them."""

    labelled_frames: int = 0
    unlabelled_frames: int = 0
    kept: int = 0
    moved: int = 0
    renamed: int = 0
    added: int = 0
    removed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def line(self) -> str:
        """Return the line to print for the user."""
        return (
            f'Of the pre-labels {self.kept} were kept, {self.moved} moved, {self.renamed} renamed '
            f'and {self.removed} removed; {self.added} are new. {self.unlabelled_frames} frames '
            'of the selection have no labels yet.'
        )


def label_changes(selection: Selection, returned: Mapping[str, FrameLabels]) -> LabelChanges:
    """Compare the labels of each frame with its pre-labels."""
    kept = moved = renamed = added = removed = 0
    for one in selection.frames:
        after = returned.get(one.labelled.name)
        if after is None:
            continue
        before, now = list(one.labelled.boxes), list(after.boxes)
        stated = [box.stated for box in now]
        for box in list(before):
            if box.stated in stated:
                now.pop(stated.index(box.stated))
                stated.remove(box.stated)
                before.remove(box)
                kept += 1
        pairs = _pairs(before, now)
        same = sum(before[i].class_name == now[j].class_name for i, j in pairs)
        moved, renamed = moved + same, renamed + len(pairs) - same
        added, removed = added + len(now) - len(pairs), removed + len(before) - len(pairs)
    return LabelChanges(
        labelled_frames=len(returned),
        unlabelled_frames=len(selection.frames) - len(returned),
        kept=kept,
        moved=moved,
        renamed=renamed,
        added=added,
        removed=removed,
    )


def _pairs(before: list[LabelBox], now: list[LabelBox]) -> list[tuple[int, int]]:
    if not (before and now):
        return []
    first, second = (np.array([one.box_xyxy for one in boxes]) for boxes in (before, now))
    overlap = pairwise_iou(first, second)
    found: list[tuple[int, int]] = []
    while overlap.max() >= _SAME:
        i, j = (int(one) for one in np.unravel_index(overlap.argmax(), overlap.shape))
        found.append((i, j))
        overlap[i], overlap[:, j] = 0.0, 0.0
    return found
