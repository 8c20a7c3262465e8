# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The writing of a package's model.onnx: the network as trained, neither fused nor rounded.

An export for speed folds normalisations into convolutions, and the folded weights need FP32. Here
both stay as they are: weights that FP16 holds exactly are stored in FP16 and cast when the file is
opened, where every runtime folds for itself.
"""

from __future__ import annotations

import io
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from roof_detector.inference.errors import ExportFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.inference.model_facts import ModelFacts

_OPSET = 18
_LEAST_VALUES = 16  # below that, a cast costs more than it saves
# Any size works, since the graph accepts all. The sides differ, so that none is mistaken for the
# other.
_TRACED_LEVELS = (4, 6)


def write_onnx(network: Any, facts: ModelFacts, *, metadata: Mapping[str, Any]) -> bytes:
    """Return the network as ONNX for any size and batch, with metadata as ultralytics writes it.

    Raises ExportFailed.
    """
    import onnx  # noqa: PLC0415  (only who makes a package needs it)

    module = _for_export(network)
    sizes = [facts.stride * level for level in _TRACED_LEVELS]
    image = torch.zeros(1, 3, *sizes)
    has_masks = facts.task == 'segment'
    axes = {
        'images': {0: 'batch', 2: 'height', 3: 'width'},
        'output0': {0: 'batch', 2: 'anchors'},
        **({'output1': {0: 'batch', 2: 'mask_height', 3: 'mask_width'}} if has_masks else {}),
    }
    written = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter('ignore')
            module(image)
            torch.onnx.export(
                module,
                (image,),
                written,  # type: ignore[arg-type]
                input_names=['images'],
                output_names=['output0', 'output1'] if has_masks else ['output0'],
                dynamic_axes=axes,
                opset_version=_OPSET,
                dynamo=False,
                # Otherwise normalisations are folded into convolutions.
                training=torch.onnx.TrainingMode.PRESERVE,
                do_constant_folding=False,
            )
    except Exception as error:  # the exporter raises errors of many kinds
        first_line = str(error).strip().split('\n', maxsplit=1)[0]
        msg = (
            f'The network cannot be written as ONNX ({type(error).__name__}: {first_line[:300]}).'
        )
        raise ExportFailed(msg) from error
    model = onnx.load_from_string(written.getvalue())
    _store_in_16_bits(model.graph)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    return model.SerializeToString()


def _for_export(network: Any) -> Any:
    module = deepcopy(network).float().eval().requires_grad_(False)  # noqa: FBT003
    from ultralytics.nn.modules import C2f  # noqa: PLC0415  (quietly: the network was built first)

    head = module.model[-1]
    head.export, head.format, head.dynamic = True, 'onnx', True
    for layer in module.modules():
        if isinstance(layer, C2f):
            setattr(layer, 'forward', layer.forward_split)  # noqa: B010  # chunks are split, which runtimes know better
    return module


def _store_in_16_bits(graph: Any) -> None:
    """Store each constant that FP16 holds exactly as FP16, and cast it where it is used."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    casts = []
    for stored in graph.initializer:
        if stored.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(stored)
        with np.errstate(over='ignore'):
            half = values.astype(np.float16)
        if values.size < _LEAST_VALUES or not np.array_equal(half.astype(np.float32), values):
            continue
        name = stored.name
        stored.CopyFrom(numpy_helper.from_array(half, f'{name}.f16'))
        casts.append(
            helper.make_node(
                'Cast', [f'{name}.f16'], [name], to=TensorProto.FLOAT, name=f'{name}.cast'
            )
        )
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
