# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Detect rooftop equipment and defects in drone images: on board, live, and after the flight.

from roof_detector import Detector, Thresholds

with Detector.open('roof_anomalies') as detector:
    detections = detector.detect(image_bgr, Thresholds(confidence=0.4))
    for box_xyxy, score, class_id in detections.rows():
        print(detector.names[class_id], score, box_xyxy)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.inference.detector import Detector
    from roof_detector.vision.detections import Detections
    from roof_detector.vision.thresholds import Thresholds

__version__ = '1.0.0'
__all__ = ['Detections', 'Detector', 'Thresholds', '__version__']

# Imported when they are first asked for: the version and `--help` need no torch.
_HOMES = {
    'Detections': 'roof_detector.vision.detections',
    'Detector': 'roof_detector.inference.detector',
    'Thresholds': 'roof_detector.vision.thresholds',
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f'roof_detector has no {name!r}; it offers {", ".join(__all__)}.'
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOMES[name]), name)
