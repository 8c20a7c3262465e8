# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs a TensorRT engine, on the CUDA device it was made for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from roof_detector.inference.backends.backend import (
    Outputs,
    made_precision,
    run_in_batches,
    split_outputs,
)
from roof_detector.inference.errors import BadModel, MissingBackend, UnsafeModel
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.vision.letterbox import to_blob


class TensorRtBackend:
    """Run an engine as ultralytics writes it, through its reader: metadata first, then the plan.

    A plan holds machine code for one kind of device and one version of TensorRT.
    """

    name = 'tensorrt'

    def __init__(
        self,
        path: Path,
        *,
        device: str = 'auto',
        precision: str = 'auto',
        trust_model: bool = False,
    ) -> None:
        if not trust_model:
            raise UnsafeModel(
                f'{path} is refused: a TensorRT engine holds machine code. Load it with '
                'trust_model only if you trust whoever made it.'
            )
        if find_spec('tensorrt') is None or not torch.cuda.is_available():
            raise MissingBackend(
                f'{path} needs the package tensorrt and a CUDA device, which are not both here. '
                'Use the .pt, or export to ONNX or OpenVINO.'
            )
        self._device = torch.device('cuda:0' if device in ('auto', 'cuda') else device)
        self.device = str(self._device)
        reader = import_quietly('ultralytics.nn.backends.tensorrt')
        try:
            self._engine: Any = reader.TensorRTBackend(path, self._device)
        except Exception as error:  # TensorRT's errors share no base class of their own
            raise BadModel(
                f'{path} is not an engine that this device and TensorRT can run '
                f'({type(error).__name__}). Export it again on this machine.'
            ) from error
        fixed = not self._engine.dynamic
        self._batch = int(self._engine.metadata.get('batch', 1)) if fixed else None
        self.facts = ModelFacts.read(self._engine.metadata, path=path, fixed=fixed)
        self.precision = made_precision(self.facts, precision, path=path)

    def forward(self, canvases_bgr: npt.NDArray[np.uint8]) -> Outputs:
        """Run the network on letterboxed pictures (n, height, width, 3) uint8 BGR."""
        if self._batch not in (None, len(canvases_bgr)):
            return run_in_batches(canvases_bgr, self._batch, self.forward)
        blob = torch.from_numpy(to_blob(canvases_bgr)).to(self._device)
        if self._engine.fp16:
            blob = blob.half()
        return split_outputs([one.float().cpu().numpy() for one in self._engine.forward(blob)])

    def close(self) -> None:
        """Free the engine and its memory."""
        self._engine = None
        torch.cuda.empty_cache()
