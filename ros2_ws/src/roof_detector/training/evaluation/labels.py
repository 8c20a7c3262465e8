# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is labelled in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.evaluation.errors import EvaluationError

_SLACK = 0.01  # rounding by labelling tools; what lies outside by less is clipped


@dataclass(frozen=True, eq=False)
class TrueThings:
    """Hold what is there: boxes (n, 4) left, top, right, bottom and outlines (k, 2) in pixels.

    An outline is None where the label is a box. `repeated` lines said the same again.
    """

    boxes_xyxy: npt.NDArray[np.float64]
    class_ids: npt.NDArray[np.intp]
    outlines: tuple[npt.NDArray[np.float64] | None, ...]
    repeated: int = 0

    def __len__(self) -> int:
        return len(self.class_ids)

    @property
    def areas(self) -> npt.NDArray[np.float64]:
        """Return the boxes' areas (n,) in square pixels."""
        return (self.boxes_xyxy[:, 2:] - self.boxes_xyxy[:, :2]).prod(axis=1)


def read_labels(path: Path, *, size_wh: tuple[int, int], classes: int) -> TrueThings:
    """Read a YOLO label file of boxes, outlines or both; a missing file means nothing is there."""
    lines = path.read_text().splitlines() if path.is_file() else []
    rows = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    unique = {tuple(values): number for number, values in reversed(rows)}
    boxes, class_ids = [], []
    outlines: list[npt.NDArray[np.float64] | None] = []
    for values, number in sorted(unique.items(), key=lambda item: item[1]):
        class_id, shares = _read_line(values, where=f'{path}:{number}', classes=classes)
        if len(shares) == 4:
            middle, half = shares[:2], shares[2:] / 2
            corners = np.stack((middle - half, middle + half))
        else:
            corners = shares.reshape(-1, 2)
        pixels: npt.NDArray[np.float64] = np.clip(corners, 0, 1) * np.array(size_wh)
        box = np.concatenate((pixels.min(axis=0), pixels.max(axis=0)))
        if (box[2:] <= box[:2]).any():
            raise EvaluationError(
                f'{path}:{number} labels a thing without area, remove the line or correct it.'
            )
        boxes.append(box)
        class_ids.append(class_id)
        outlines.append(None if len(shares) == 4 else pixels)
    return TrueThings(
        boxes_xyxy=np.array(boxes, np.float64).reshape(-1, 4),
        class_ids=np.array(class_ids, np.intp),
        outlines=tuple(outlines),
        repeated=len(rows) - len(unique),
    )


def _read_line(
    values: tuple[str, ...], *, where: str, classes: int
) -> tuple[int, npt.NDArray[np.float64]]:
    try:
        numbers = np.array([float(value) for value in values])
    except ValueError:
        raise EvaluationError(f'{where} reads {" ".join(values)!r}, expected numbers.') from None
    if len(numbers) != 5 and (len(numbers) < 7 or len(numbers) % 2 == 0):
        raise EvaluationError(
            f'{where} has {len(numbers)} values, expected a class and 4 of a box, or a class and '
            'the x and y of 3 points or more.'
        )
    if not (numbers[0].is_integer() and 0 <= numbers[0] < classes):
        raise EvaluationError(
            f'{where} is of class {values[0]}, expected 0 to {classes - 1}: the data names '
            f'{classes} classes.'
        )
    shares = numbers[1:]
    if not ((shares >= -_SLACK) & (shares <= 1 + _SLACK)).all():  # also refuses NaN
        raise EvaluationError(
            f'{where} has a coordinate outside 0 to 1, expected shares of the picture, not pixels.'
        )
    return int(numbers[0]), shares
