# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detections of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.vision.masks import Index, Masks


@dataclass(frozen=True, eq=False, kw_only=True)
class Detections:
    """The objects detected in one image, as a struct of arrays.

    `boxes_xyxy` (n, 4) float32 in pixels of the source image, x to the right, y down, corners
    left, top, right, bottom; `scores` (n,) float32 in 0..1, the confidences; `class_ids` (n,)
    int32 into the detector's `names`. A detector returns them in descending order of confidence.
    The arrays are read-only.
    """

    boxes_xyxy: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]
    masks: Masks | None = None

    def __post_init__(self) -> None:
        for name, dtype in (
            ('boxes_xyxy', np.float32),
            ('scores', np.float32),
            ('class_ids', np.int32),
        ):
            object.__setattr__(self, name, _read_only(getattr(self, name), dtype))
        count = len(self.scores)
        if self.boxes_xyxy.shape != (count, 4):
            msg = (
                f'boxes_xyxy has shape {self.boxes_xyxy.shape} beside {count} scores, '
                f'expected ({count}, 4).'
            )
            raise VisionError(msg)
        if self.scores.ndim != 1 or self.class_ids.shape != (count,):
            msg = (
                f'scores has shape {self.scores.shape} and class_ids {self.class_ids.shape}, '
                'expected one entry per box in each.'
            )
            raise VisionError(msg)
        if self.masks is not None and len(self.masks) != count:
            msg = f'{len(self.masks)} masks for {count} boxes, expected one per box.'
            raise VisionError(msg)
        if not (np.isfinite(self.boxes_xyxy).all() and np.isfinite(self.scores).all()):
            msg = 'Boxes or scores hold NaN or infinity, drop those rows first.'
            raise VisionError(msg)
        if count and int(self.class_ids.min()) < 0:
            msg = f'class_ids holds {self.class_ids.min()}, expected 0 or more.'
            raise VisionError(msg)

    @classmethod
    def empty(cls) -> Detections:
        """Return the detections of an image without objects."""
        return cls(
            boxes_xyxy=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_ids=np.zeros(0, np.int32),
        )

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Index) -> Detections:
        masks = None if self.masks is None else self.masks[index]
        return Detections(
            boxes_xyxy=self.boxes_xyxy[index],
            scores=self.scores[index],
            class_ids=self.class_ids[index],
            masks=masks,
        )

    def counts(self, names: tuple[str, ...]) -> dict[str, int]:
        """Count the detections of each class that occurs, in the order of `names`."""
        found = np.bincount(self.class_ids, minlength=len(names))
        return {name: int(found[i]) for i, name in enumerate(names) if found[i]}

    def rows(self) -> Iterator[tuple[npt.NDArray[np.float32], float, int]]:
        """Yield box, confidence and class id of each detection."""
        yield from zip(self.boxes_xyxy, self.scores.tolist(), self.class_ids.tolist(), strict=True)

    def message_rows(self) -> Iterator[tuple[float, float, float, float, float, int]]:
        """Yield centre x, centre y, width, height, confidence and class id as in messages."""
        for (x1, y1, x2, y2), score, class_id in self.rows():
            yield (
                float(x1 + x2) / 2,
                float(y1 + y2) / 2,
                float(x2 - x1),
                float(y2 - y1),
                score,
                class_id,
            )


def _read_only(values: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array
