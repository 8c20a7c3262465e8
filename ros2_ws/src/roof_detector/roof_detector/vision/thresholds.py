# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thresholds that decide which boxes are kept as detections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import BadThreshold


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Minimum confidence, NMS IoU, number and classes of the boxes that are kept.

    `classes` names the wanted classes, empty for all; `class_confidence` overrides the confidence
    of single classes, given as a mapping or as pairs of name and value.
    """

    confidence: float = 0.25
    iou: float = 0.45
    max_detections: int = 300
    classes: tuple[str, ...] = ()
    class_confidence: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        overrides: Iterable[tuple[str, float]] = (
            self.class_confidence.items()
            if isinstance(self.class_confidence, Mapping)
            else self.class_confidence
        )
        object.__setattr__(
            self, 'class_confidence', tuple((name, float(value)) for name, value in overrides)
        )
        object.__setattr__(self, 'classes', tuple(self.classes))
        _check_fraction('confidence', self.confidence)
        _check_fraction('iou', self.iou)
        if self.max_detections < 1:
            msg = f'max_detections is {self.max_detections}, expected 1 or more.'
            raise BadThreshold(msg)
        for name, value in self.class_confidence:
            _check_fraction(f'class_confidence of {name!r}', value)
        overridden = [name for name, _ in self.class_confidence]
        if repeated := sorted({name for name in overridden if overridden.count(name) > 1}):
            msg = (
                f'class_confidence names {", ".join(repeated)} more than once, '
                'expected each class once.'
            )
            raise BadThreshold(msg)

    def for_names(self, names: tuple[str, ...]) -> ResolvedThresholds:
        """Resolve class names against those of a model."""
        wanted = (*self.classes, *(name for name, _ in self.class_confidence))
        if unknown := sorted(set(wanted) - set(names)):
            msg = (
                f'The model has no class {", ".join(map(repr, unknown))}, '
                f'it has: {", ".join(names)}.'
            )
            raise BadThreshold(msg)
        overrides = dict(self.class_confidence)
        confidence = np.array([overrides.get(name, self.confidence) for name in names], np.float32)
        enabled = np.array([not self.classes or name in self.classes for name in names], np.bool_)
        return ResolvedThresholds(
            confidence=confidence,
            enabled=enabled,
            iou=self.iou,
            max_detections=self.max_detections,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class ResolvedThresholds:
    """Thresholds by class id: `confidence` (classes,) float32, `enabled` (classes,) bool."""

    confidence: npt.NDArray[np.float32]
    enabled: npt.NDArray[np.bool_]
    iou: float
    max_detections: int

    @property
    def floor(self) -> float:
        """Return the lowest confidence that any wanted class requires."""
        wanted = self.confidence[self.enabled]
        return float(wanted.min()) if len(wanted) else 1.0


def parse_class_confidence(texts: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """Read overrides written as `name:value`, for example `crack:0.4`."""
    pairs = []
    for text in texts:
        name, colon, value = text.rpartition(':')
        try:
            if not (name.strip() and colon):
                raise ValueError
            pairs.append((name.strip(), float(value)))
        except ValueError:
            msg = (
                f'class_confidence entry {text!r} is not of the form name:value, '
                "write for example 'crack:0.4'."
            )
            raise BadThreshold(msg) from None
    return tuple(pairs)


def _check_fraction(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:  # also refuses NaN
        msg = f'{name} is {value}, expected a number from 0 to 1.'
        raise BadThreshold(msg)
