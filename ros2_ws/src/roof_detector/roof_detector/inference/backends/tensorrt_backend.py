# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs a TensorRT engine, on the CUDA device it was made for."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from roof_detector.inference.backends.backend import (
    RawOutput,
    made_precision,
    run_in_batches,
)
from roof_detector.inference.backends.device_output import DeviceOutput
from roof_detector.inference.backends.device_preprocessor import DevicePreprocessor
from roof_detector.inference.device_name import resolve_device, why_no_cuda
from roof_detector.inference.errors import BadModel, MissingBackend, UnsafeModel
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.quiet_ultralytics import import_quietly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.inference.options import BackendName, PrecisionOption


class TensorRtBackend:
    """Run an engine as ultralytics writes it, through its reader: metadata first, then the plan.

    A plan holds machine code for one kind of device and one version of TensorRT.
    """

    name: BackendName = 'tensorrt'
    lanes = None

    def __init__(
        self,
        path: Path,
        *,
        device: str = 'auto',
        precision: PrecisionOption = 'auto',
        trust_model: bool = False,
    ) -> None:
        if not trust_model:
            msg = (
                f'{path} is refused: a TensorRT engine holds machine code. Load it with '
                'trust_model only if you trust its maker.'
            )
            raise UnsafeModel(msg)
        self.device = resolve_device(device)
        lacks = [] if find_spec('tensorrt') else ['the package tensorrt is not installed']
        lacks += filter(None, [why_no_cuda(self.device)])
        if lacks:
            msg = (
                f'{path} needs the package tensorrt and a CUDA device, but {" and ".join(lacks)} '
                f'(device {device!r} is asked for). Use the .pt, or export to ONNX or OpenVINO.'
            )
            raise MissingBackend(msg)
        self._device = torch.device(self.device)
        reader = import_quietly('ultralytics.nn.backends.tensorrt')
        try:
            self._engine: Any = reader.TensorRTBackend(path, self._device)
        except Exception as error:  # TensorRT's errors share no base class of their own
            msg = (
                f'{path} is not an engine that this device and TensorRT can run '
                f'({type(error).__name__}). Export it again on this machine.'
            )
            raise BadModel(msg) from error
        self._path = path
        self._fixed = not self._engine.dynamic
        # One for any size takes up to so many images at once.
        self._batch = int(self._engine.metadata.get('batch', 1))
        self.facts = ModelFacts.read(self._engine.metadata, path=path, fixed=self._fixed)
        dtype = torch.float16 if self._engine.fp16 else torch.float32
        self.preprocessor = DevicePreprocessor(self._device, dtype)
        self.precision = made_precision(self.facts, precision, path=path)

    def infer(self, batch: torch.Tensor) -> Sequence[RawOutput]:
        """Run the network on a batch that its `preprocessor` stacked."""
        if len(batch) > self._batch or (self._fixed and len(batch) < self._batch):
            return run_in_batches(batch, self._batch, self.infer)
        try:
            # It reads planes from a bare address, and the next pass writes over its outputs.
            outputs = [one.clone() for one in self._engine.forward(batch.contiguous())]
        except ValueError as error:
            msg = (
                f'{self._path} was made for smaller or larger images ({error}). Make it again '
                'with the image_size that is flown.'
            )
            raise BadModel(msg) from error
        torch.cuda.current_stream(self._device).synchronize()
        return DeviceOutput.of_batch(outputs)

    def use_threads(self, threads: int) -> None:
        """Do nothing: an engine runs on the GPU alone."""

    def close(self) -> None:
        """Free the engine and its memory."""
        self._engine = None
        torch.cuda.empty_cache()
