# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs an ONNX export with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from roof_detector.inference.backends.backend import (
    Outputs,
    run_in_batches,
    split_outputs,
)
from roof_detector.inference.errors import BadModel, MissingBackend
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.quiet_runtimes import keep_runtimes_quiet
from roof_detector.vision.letterbox import to_blob


class OnnxRuntimeBackend:
    """Run an ONNX file on the processor, or on CUDA where the runtime has it."""

    name = 'onnxruntime'

    def __init__(self, path: Path, *, device: str = 'auto', threads: int | None = None) -> None:
        keep_runtimes_quiet()
        try:
            import onnxruntime  # noqa: PLC0415  (only who runs ONNX files needs it)
        except ImportError as error:
            raise MissingBackend(
                f'{path} needs ONNX Runtime: pip install onnxruntime, or onnxruntime-gpu.'
            ) from error
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        providers = _choose_providers(device, onnxruntime.get_available_providers())
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # onnxruntime's errors share no base class of their own
            raise BadModel(
                f'{path} is not an ONNX model that ONNX Runtime {onnxruntime.__version__} can '
                f'run, or it is cut short or damaged ({str(error).splitlines()[0]}). '
                'Copy it or export it again.'
            ) from error
        self._session: Any = session
        self._input = session.get_inputs()[0].name
        self._input_dtype = np.float16 if 'float16' in session.get_inputs()[0].type else np.float32
        shape = session.get_inputs()[0].shape
        self._batch = shape[0] if isinstance(shape[0], int) else None
        self.device = 'cuda' if 'CUDA' in session.get_providers()[0] else 'cpu'
        metadata = session.get_modelmeta().custom_metadata_map
        fixed = all(isinstance(side, int) for side in shape[2:])
        if fixed:
            metadata = {**metadata, 'imgsz': list(shape[2:])}
        self.facts = ModelFacts.read(metadata, path=path, fixed=fixed)

    def forward(self, canvases_bgr: npt.NDArray[np.uint8]) -> Outputs:
        """Run the network on letterboxed pictures (n, height, width, 3) uint8 BGR."""
        if self._batch not in (None, len(canvases_bgr)):
            return run_in_batches(canvases_bgr, self._batch, self.forward)
        blob = to_blob(canvases_bgr).astype(self._input_dtype, copy=False)
        return split_outputs(self._session.run(None, {self._input: blob}))

    def close(self) -> None:
        """Free the session."""
        self._session = None


def _choose_providers(device: str, available: list[str]) -> list[str]:
    has_cuda = 'CUDAExecutionProvider' in available
    if device.startswith('cuda') and not has_cuda:
        raise MissingBackend(
            f'Device {device!r} is asked for, but this ONNX Runtime has only '
            f'{", ".join(available)}. Use device cpu or install onnxruntime-gpu.'
        )
    if not (device in ('auto', 'cpu') or device.startswith('cuda')):
        raise MissingBackend(f'{device!r} is not a device of ONNX Runtime, expected cpu or cuda.')
    use_cuda = has_cuda and device != 'cpu'
    return [*(['CUDAExecutionProvider'] if use_cuda else []), 'CPUExecutionProvider']
