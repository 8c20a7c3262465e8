# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a model reaches on a suite: a row for each set, way of showing and class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training.evaluation.calibration import Calibration
from training.suites.class_measures import Alarms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.evaluation.bootstrap import Interval
    from training.evaluation.operating_point import OperatingPoint
    from training.suites.class_measures import Touch
    from training.suites.suite import Suite

# Calibration is judged on what might be reported at a low threshold, the same before and after it.
CALIBRATION_FLOOR = 0.05
# Metres per pixel of the network's input, each class of resolution up to the next.
RESOLUTIONS = (0.0, 0.0015, 0.003, 0.006, 0.012, 0.025, 0.05, 0.1, 0.2, math.inf)


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassRow:
    """One class on one set, shown in one way.

    `at` are the counts at IoU 0.5 and the confidence of the class, `scores` (n,) and `hits` (n,)
    all predictions in descending order of confidence and which are right at IoU 0.5.
    `image_ids` (n,) are the images they are in. `metres_per_pixel` is that of the network's input.
    Models are judged by rows with `is_first`.
    """

    set_name: str
    role: str
    shown: str
    is_first: bool
    class_name: str
    images: int
    metres_per_pixel: float | None
    ap50: float | None
    ap50_interval: Interval | None
    at: OperatingPoint
    touch: Touch
    area_iou: float | None
    alarms: Alarms
    scores: npt.NDArray[np.float64]
    hits: npt.NDArray[np.bool_]
    image_ids: npt.NDArray[np.intp]

    @property
    def objects(self) -> int:
        """Return the number of labelled objects."""
        return self.at.right + self.at.missed

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        bounds = self.ap50_interval
        return {
            'set': self.set_name,
            'role': self.role,
            'shown': self.shown,
            'first': self.is_first,
            'class': self.class_name,
            'images': self.images,
            'objects': self.objects,
            'metres_per_pixel': self.metres_per_pixel,
            'ap50': self.ap50,
            'ap50_interval': list(bounds) if bounds else None,
            'at_confidence': self.at.to_dict(),
            'touched': self.touch.touched_share,
            'covered_length': self.touch.covered_share,
            'stray_predictions': self.touch.stray,
            'area_iou': self.area_iou,
            'images_without_objects': self.alarms.images,
            'false_alarms_per_image': self.alarms.per_image,
            'false_alarms_per_1000_m2': self.alarms.per_1000_m2,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class SuiteResult:
    """All rows of a model, and the sets that were left out with the reason."""

    model: str
    sha256: str
    names: tuple[str, ...]
    how: str
    suite: Suite
    rows: tuple[ClassRow, ...]
    left_out: Mapping[str, str]

    @property
    def unproven(self) -> tuple[str, ...]:
        """Return the model's classes of which no labelled object was in any image."""
        seen = {row.class_name for row in self.rows if row.objects}
        return tuple(name for name in self.names if name not in seen)

    def judged(self, name: str) -> list[ClassRow]:
        """Return the rows of a class on sets that nothing is trained on, as they are shown first.

        Where there is none, those of sets that may be trained on.
        """
        rows = [row for row in self.rows if row.class_name == name and row.is_first]
        return [row for row in rows if row.role != 'train'] or rows

    def alarms(self, name: str) -> Alarms:
        """Return the false alarms of a class over the sets it is judged by."""
        return Alarms.join([row.alarms for row in self.judged(name)])

    def calibration(self, name: str) -> Calibration:
        """Return how far the confidences of a class are from the share that is right."""
        return calibration_of(self.judged(name))

    def by_resolution(self, name: str) -> list[dict[str, Any]]:
        """Return objects, recall and touched share of a class for each resolution it was shown at.

        Sets that may be trained on are counted too: a class has few sets and many resolutions.
        """
        found = []
        for low_m, high_m in pairwise(RESOLUTIONS):
            rows = [
                row
                for row in self.rows
                if row.class_name == name
                and row.metres_per_pixel is not None
                and low_m <= row.metres_per_pixel < high_m
            ]
            if objects := sum(row.objects for row in rows):
                found.append(
                    {
                        'metres_per_pixel': [low_m, high_m if math.isfinite(high_m) else None],
                        'objects': objects,
                        'recall': sum(row.at.right for row in rows) / objects,
                        'touched': sum(row.touch.touched for row in rows) / objects,
                    }
                )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'suite': self.suite.title,
            'model': self.model,
            'sha256': self.sha256,
            'how': self.how,
            'not_proven': list(self.unproven),
            'left_out': dict(self.left_out),
            'rows': [row.to_dict() for row in self.rows],
            'false_alarms': {name: self.alarms(name).to_dict() for name in self.names},
            'calibration': {name: self.calibration(name).to_dict() for name in self.names},
            'recall_by_resolution': {name: self.by_resolution(name) for name in self.names},
        }


def calibration_of(rows: Sequence[ClassRow]) -> Calibration:
    """Return the calibration of all predictions of some rows above CALIBRATION_FLOOR."""
    scores = np.concatenate([np.zeros(0), *(row.scores for row in rows)])
    hits = np.concatenate([np.zeros(0, np.bool_), *(row.hits for row in rows)])
    return Calibration.of_hits(scores, hits, confidence=CALIBRATION_FLOOR)
