# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A TensorRT engine of a graph with explicit quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.inference.errors import ExportFailed
from roof_detector.inference.quiet_ultralytics import import_quietly
from training.quantization.onnx_int8 import read_metadata, write_onnx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt


def write_engine(export: Path, path: Path, frames: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Build an engine for this machine's CUDA device from the output of `write_onnx`.

    That graph carries its ranges, so TensorRT does not calibrate. Raises ExportFailed.
    """
    import onnx  # noqa: PLC0415

    graph = path.with_suffix('.onnx')
    write_onnx(export, graph, frames)
    metadata = read_metadata(onnx.load(graph))
    height, width = metadata['imgsz']
    build = import_quietly('ultralytics.utils.export.engine').onnx2engine
    try:
        build(
            str(graph),
            path,
            quantize=8,
            dynamic=True,
            shape=(1, 3, height, width),
            metadata=metadata,
        )
    except Exception as error:  # TensorRT's errors share no base class of their own
        first_line = str(error).strip().split('\n', maxsplit=1)[0]
        msg = f'{graph} cannot be built into an engine: {type(error).__name__}: {first_line}'
        raise ExportFailed(msg) from error
