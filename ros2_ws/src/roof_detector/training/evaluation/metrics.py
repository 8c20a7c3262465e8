# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The metrics of one model, by class and over all classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluation.confidence_curve import ConfidenceCurve
from training.evaluation.ranking import IOUS, Ranking, rank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.evaluation.image_comparison import ImageComparison
    from training.evaluation.operating_point import OperatingPoint

_AP75 = int(np.argmin(abs(IOUS - 0.75)))


@dataclass(frozen=True, kw_only=True)
class AveragePrecision:
    """COCO's average precisions and the number of targets; None without targets."""

    ap50: float | None
    ap75: float | None
    ap50_95: float | None
    instances: int

    @classmethod
    def of(cls, ranking: Ranking) -> AveragePrecision:
        """Return the values of a ranking."""
        values = ranking.average_precisions()
        if values is None:
            return cls(ap50=None, ap75=None, ap50_95=None, instances=0)
        return cls(
            ap50=float(values[0]),
            ap75=float(values[_AP75]),
            ap50_95=float(values.mean()),
            instances=ranking.instances,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'ap50': self.ap50,
            'ap75': self.ap75,
            'ap50_95': self.ap50_95,
            'instances': self.instances,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassMetrics:
    """The metrics of one class; precision and recall are those at its best confidence."""

    average: AveragePrecision
    by_size: Mapping[str, AveragePrecision]
    best: OperatingPoint | None
    at_confidence: OperatingPoint
    curve: ConfidenceCurve

    @property
    def ap50(self) -> float | None:
        """Return the average precision at IoU 0.5; None without targets."""
        return self.average.ap50

    @property
    def ap75(self) -> float | None:
        """Return the average precision at IoU 0.75."""
        return self.average.ap75

    @property
    def ap50_95(self) -> float | None:
        """Return the mean of the average precisions at IoU 0.5 to 0.95."""
        return self.average.ap50_95

    @property
    def instances(self) -> int:
        """Return the number of targets."""
        return self.average.instances

    @property
    def precision(self) -> float | None:
        """Return the precision at the best confidence."""
        return self.best.precision if self.best else None

    @property
    def recall(self) -> float | None:
        """Return the recall at the best confidence."""
        return self.best.recall if self.best else None

    @property
    def best_confidence(self) -> float | None:
        """Return the confidence of highest F1; None if nothing right was predicted."""
        return self.best.confidence if self.best else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the curve."""
        return {
            **self.average.to_dict(),
            'by_size': {size: average.to_dict() for size, average in self.by_size.items()},
            'best': self.best.to_dict() if self.best else None,
            'at_confidence': self.at_confidence.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class ShapeMetrics:
    """The metrics of boxes or of masks: each class, and all classes together.

    `rankings` are those of the classes, in order of `per_class`.
    """

    per_class: Mapping[str, ClassMetrics]
    together: ClassMetrics
    rankings: tuple[Ranking, ...]

    @property
    def map50(self) -> float | None:
        """Return the mean of the classes' AP50, over classes that occur."""
        return _mean([one.ap50 for one in self.per_class.values()])

    @property
    def map75(self) -> float | None:
        """Return the mean of the classes' AP75."""
        return _mean([one.ap75 for one in self.per_class.values()])

    @property
    def map50_95(self) -> float | None:
        """Return the mean of the classes' AP50-95."""
        return _mean([one.ap50_95 for one in self.per_class.values()])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'map50': self.map50,
            'map75': self.map75,
            'map50_95': self.map50_95,
            'per_class': {name: one.to_dict() for name, one in self.per_class.items()},
            'together': self.together.to_dict(),
        }


def measure(
    images: Sequence[ImageComparison],
    names: tuple[str, ...],
    *,
    masks: bool = False,
    confidence: float,
    floor: float = 0.0,
    least_precision: float = 0.0,
) -> ShapeMetrics:
    """Measure boxes or masks.

    `confidence` is that of the node, `floor` the lowest one that is considered, `least_precision`
    the minimum precision at the best confidence.
    """
    whole, by_size = rank(images, classes=len(names), masks=masks)

    def metrics(ranking: Ranking, sizes: Mapping[str, Ranking]) -> ClassMetrics:
        curve = ConfidenceCurve.of(ranking)
        return ClassMetrics(
            average=AveragePrecision.of(ranking),
            by_size={size: AveragePrecision.of(one) for size, one in sizes.items()},
            best=curve.best(least_precision=least_precision, floor=floor),
            at_confidence=curve.at(confidence),
            curve=curve,
        )

    return ShapeMetrics(
        per_class={
            name: metrics(whole[i], {size: own[i] for size, own in by_size.items()})
            for i, name in enumerate(names)
        },
        together=metrics(
            Ranking.join(whole), {size: Ranking.join(own) for size, own in by_size.items()}
        ),
        rankings=tuple(whole),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
