# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The ground truth of one image, in its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.dataset.instance import Instance

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class GroundTruth:
    """Boxes (n, 4) left, top, right, bottom and the outlines (k, 2) of each target's parts.

    A target that is labelled by a box has no outline. `repeated` counts labels that repeat another
    one and are left out.
    """

    boxes_xyxy: Floats
    class_ids: npt.NDArray[np.intp]
    outlines: tuple[tuple[Floats, ...], ...]
    repeated: int = 0

    @classmethod
    def of(cls, instances: Sequence[Instance], *, size_wh: tuple[int, int]) -> GroundTruth:
        """Return the targets for labels that are given in shares of the image."""
        by_box = {(one.class_id, one.box_xyxy.tobytes()): one for one in reversed(instances)}
        once = list(reversed(by_box.values()))
        size = np.array(size_wh, np.float64)
        boxes = np.array([one.box_xyxy for one in once], np.float64).reshape(-1, 4)
        return cls(
            boxes_xyxy=boxes * np.tile(size, 2),
            class_ids=np.array([one.class_id for one in once], np.intp),
            outlines=tuple(tuple(part * size for part in one.polygons) for one in once),
            repeated=len(instances) - len(once),
        )

    def __len__(self) -> int:
        return len(self.class_ids)

    @property
    def outlined(self) -> bool:
        """Return whether every target has an outline."""
        return all(self.outlines)

    @property
    def areas(self) -> Floats:
        """Return the boxes' areas (n,) in square pixels."""
        return (self.boxes_xyxy[:, 2:] - self.boxes_xyxy[:, :2]).prod(axis=1)
