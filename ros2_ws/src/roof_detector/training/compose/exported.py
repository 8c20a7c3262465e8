# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A variant as ONNX, and what ONNX Runtime and OpenVINO make of it on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch

from roof_detector.inference.openvino_core import openvino_core

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_OPSET: Final = 17  # sampling of maps is an operator from 16 on


def export_onnx(network: Any, image: torch.Tensor, path: Path) -> Path:
    """Write a network for images of one size; its input is named images."""
    torch.onnx.export(
        network, (image,), str(path), opset_version=_OPSET, input_names=['images'], dynamo=False
    )
    return path


def onnx_session(path: Path) -> Any:
    """Return a session of ONNX Runtime."""
    import onnxruntime  # noqa: PLC0415  (a second)

    return onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])


def openvino_model(path: Path) -> Any:
    """Return a network compiled by OpenVINO for one thread, in float32.

    Half precision, the default on some CPUs, moves sampled coordinates by pixels.
    """
    hints = {
        'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_PRECISION_HINT': 'f32',
        'INFERENCE_NUM_THREADS': 1,
    }
    return openvino_core().compile_model(str(path), 'CPU', hints)


def openvino_outputs(compiled: Any, images: Array) -> list[Array]:
    """Return all outputs for images (b, 3, h, w), in order."""
    answer = compiled([images])
    return [answer[output] for output in compiled.outputs]
