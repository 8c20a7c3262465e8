# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The kinds of INT8 models, by runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.quantization.engine_int8 import write_engine
from training.quantization.onnx_int8 import add_onnx_facts, write_onnx
from training.quantization.openvino_int8 import add_openvino_facts, write_openvino

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How an INT8 model is made of an FP32 export, and where both run.

    `write` makes it of the export, which has the format `made_of`, calibrated on frames (height,
    width, 3) uint8 BGR. `add_facts` adds its loss to its metadata; None if the file cannot be
    changed any more.
    """

    made_of: str
    write: Callable[[Path, Path, Sequence[npt.NDArray[np.uint8]]], None]
    add_facts: Callable[[Path, Mapping[str, Any]], None] | None
    device: str = 'cpu'


KINDS = {
    'openvino': Kind(made_of='openvino', write=write_openvino, add_facts=add_openvino_facts),
    'onnx': Kind(made_of='onnx', write=write_onnx, add_facts=add_onnx_facts),
    'engine': Kind(made_of='onnx', write=write_engine, add_facts=None, device='cuda'),
}
