# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""ultralytics' own prediction, as a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from roof_detector.inference.package.container import is_package
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.safe_load import load_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.detector import Detector
    from roof_detector.vision.thresholds import Thresholds


class UltralyticsPrediction:
    """`YOLO.predict` with the file, input size and thresholds of a detector.

    It computes in FP32, with `half` in FP16; that is for CUDA devices.
    """

    def __init__(
        self, detector: Detector, thresholds: Thresholds, *, threads: int, half: bool = False
    ) -> None:
        path: Path = detector.model_path
        # Ultralytics would unpickle a .pt, and knows no packages.
        if path.suffix == '.pt' or is_package(path):
            self._yolo: Any = import_quietly().YOLO('yolo11n.yaml', task=detector.task)
            self._yolo.model = load_checkpoint(path)['model'].float()
        else:
            self._yolo = import_quietly().YOLO(path, task=detector.task)
        self._size = detector.image_size[::-1]
        self._thresholds = thresholds
        self._threads = threads
        self._device = detector.device
        # The default is no argument: what is told of it costs time with every frame.
        self._precision = {'quantize': 16} if half else {}

    def warm_up(self, frame: npt.NDArray[np.uint8]) -> None:
        """Predict once, which reduces torch's threads by one, and restore their number."""
        self.predict(frame)
        torch.set_num_threads(self._threads)

    def predict(self, frame: npt.NDArray[np.uint8]) -> Any:
        """Return ultralytics' results for one frame."""
        return self._yolo.predict(
            frame,
            conf=self._thresholds.confidence,
            iou=self._thresholds.iou,
            imgsz=self._size,
            device=self._device,
            verbose=False,
            **self._precision,
        )
