# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The result of evaluating one model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from training.evaluation.bootstrap import LEAST_IMAGES, Interval, interval

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.detector import Detector
    from roof_detector.inference.options import BackendName, Task
    from roof_detector.vision.tiles import Tiling
    from training.evaluation.calibration import Calibration
    from training.evaluation.confusion import Confusion
    from training.evaluation.image_comparison import ImageComparison
    from training.evaluation.labelled_split import LabelledSplit
    from training.evaluation.metrics import ClassMetrics, ShapeMetrics
    from training.evaluation.speed import Speed


@dataclass(frozen=True, kw_only=True)
class EvaluatedModel:
    """The model that was run, and how."""

    path: Path
    sha256: str
    task: Task
    backend: BackendName
    device: str
    precision: str
    image_size: tuple[int, int]

    @classmethod
    def of(cls, detector: Detector) -> EvaluatedModel:
        """Return the description of an open detector."""
        return cls(
            path=detector.model_path,
            sha256=detector.model_hash,
            task=detector.task,
            backend=detector.backend,
            device=detector.device,
            precision=detector.precision,
            image_size=detector.image_size,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; of the path, only the name."""
        return {
            'file': self.path.name,
            'sha256': self.sha256,
            'task': self.task,
            'backend': self.backend,
            'device': self.device,
            'precision': self.precision,
            'image_size': list(self.image_size),
        }


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options besides model and data.

    `confidence` is that of the node: confusion and mistakes are counted at it. Average precision
    considers every prediction above `floor`. With `tiling` all tiles were inferred as well.
    """

    confidence: float
    floor: float
    iou: float
    max_detections: int
    least_precision: float = 0.0
    tiling: Tiling | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values = {key: value for key, value in vars(self).items() if key != 'tiling'}
        tiles = None if self.tiling is None else asdict(self.tiling)
        return {**values, 'tiling': tiles}


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """The metrics of one model at one image size on one data set.

    `names` are the classes compared, those of the data; `notes` say what a reader must know;
    `map50_samples` are the mAP50 of resampled images.
    """

    model: EvaluatedModel
    data: LabelledSplit
    options: Options
    boxes: ShapeMetrics
    masks: ShapeMetrics | None
    confusion: Confusion
    calibration: Calibration
    speed: Speed
    notes: tuple[str, ...]
    images: tuple[ImageComparison, ...]
    map50_samples: npt.NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the classes of the data."""
        return self.data.names

    @property
    def map50(self) -> float | None:
        """Return the mean AP50 of the boxes over classes that occur."""
        return self.boxes.map50

    @property
    def map50_95(self) -> float | None:
        """Return the mean AP50-95 of the boxes over classes that occur."""
        return self.boxes.map50_95

    @property
    def map50_interval(self) -> Interval | None:
        """Return the 95 % interval of the mAP50 of resampled images.

        None where fewer than two images hold a target: redrawing one image says nothing.
        """
        if sum(len(one.true) > 0 for one in self.images) < LEAST_IMAGES:
            return None
        return interval(self.map50_samples)

    @property
    def per_class(self) -> Mapping[str, ClassMetrics]:
        """Return the metrics of the boxes of each class, by name."""
        return self.boxes.per_class

    @property
    def instances(self) -> int:
        """Return the number of targets."""
        return self.boxes.together.instances

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without images."""
        bounds = self.map50_interval
        return {
            'model': self.model.to_dict(),
            'data': {
                'source': self.data.source.name,
                'split': self.data.split,
                'images': len(self.images),
                'empty_images': sum(not len(one.true) for one in self.images),
                'instances': self.instances,
                'names': list(self.names),
            },
            'options': self.options.to_dict(),
            'map50': self.map50,
            'map50_interval': list(bounds) if bounds else None,
            'map50_95': self.map50_95,
            'boxes': self.boxes.to_dict(),
            'masks': self.masks.to_dict() if self.masks else None,
            'confusion': self.confusion.to_dict(),
            'calibration': self.calibration.to_dict(),
            'speed': self.speed.to_dict(),
            'notes': list(self.notes),
        }
