# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An ONNX export with explicit INT8 quantization of its convolutions."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.inference.model_facts import read_literal
from roof_detector.inference.provenance import METADATA_KEY
from training.quantization.calibration import calibration_blobs, quantized_provenance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LAYER = re.compile(r'/model\.(\d+)/')  # as torch names what it traced
_PAIR = ('QuantizeLinear', 'DequantizeLinear')


def write_onnx(export: Path, path: Path, frames: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Write the export's graph with pairs of QuantizeLinear and DequantizeLinear, and metadata.

    `frames` as for `calibration_blobs`. All scales are symmetric and all values signed, weights
    have a scale for each output channel: TensorRT takes no other ("Working with Quantized Types"
    in NVIDIA's developer guide), ONNX Runtime takes these too.
    """
    import nncf  # noqa: PLC0415  (takes seconds, and says much)
    import onnx  # noqa: PLC0415

    logging.getLogger('nncf').setLevel(logging.ERROR)
    model = onnx.load(export)
    name = model.graph.input[0].name
    blobs = calibration_blobs(export, frames)
    quantized = nncf.quantize(
        model,
        nncf.Dataset([{name: blob} for blob in blobs]),
        ignored_scope=nncf.IgnoredScope(patterns=[_decoding(model)], validate=False),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        subset_size=len(blobs),
    )
    _make_signed(quantized)
    provenance = read_metadata(quantized)[METADATA_KEY]
    _set_metadata(quantized, METADATA_KEY, quantized_provenance(provenance))
    onnx.save(quantized, path)


def add_onnx_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Add the loss by quantization to an export's metadata."""
    import onnx  # noqa: PLC0415

    model = onnx.load(path)
    _set_metadata(model, 'quantization', dict(facts))
    onnx.save(model, path)


def read_metadata(model: Any) -> dict[str, Any]:
    """Return a graph's metadata, with its texts converted back to values."""
    return {one.key: read_literal(one.value) for one in model.metadata_props}


def _set_metadata(model: Any, key: str, value: Any) -> None:
    for one in model.metadata_props:
        if one.key == key:
            one.value = str(value)
            return
    model.metadata_props.add(key=key, value=str(value))


def _decoding(model: Any) -> str:
    """Return a pattern of the operations that decode boxes from the head's convolutions.

    Their values are pixels of the whole image, which INT8 would round to steps of several pixels.
    """
    layers = (_LAYER.match(node.name) for node in model.graph.node)
    head = max((int(layer[1]) for layer in layers if layer), default=0)
    return rf'/model\.{head}/(dfl/.*|[^/]*)'


def _make_signed(model: Any) -> None:
    """Change values that are never negative, quantized to 0..255, to -127..127 like the others."""
    from onnx import numpy_helper  # noqa: PLC0415

    constants = {one.name: one for one in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in _PAIR:
            continue
        scale, zero = (numpy_helper.to_array(constants[name]) for name in node.input[1:3])
        if zero.dtype != np.uint8:
            continue
        wider = (scale * np.float32(255 / 127)).astype(np.float32)
        for place, array in ((1, wider), (2, np.zeros_like(zero, dtype=np.int8))):
            name = f'{node.name}_signed_{place}'
            model.graph.initializer.append(numpy_helper.from_array(array, name))
            node.input[place] = name
    del model.graph.value_info[:]  # types recorded before; they follow from the nodes
