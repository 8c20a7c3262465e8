# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An OpenVINO export whose convolutions compute in INT8."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.inference.openvino_core import openvino_core
from roof_detector.inference.provenance import METADATA_KEY
from training.quantization.calibration import calibration_blobs, quantized_provenance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

_LAYER = re.compile(r'__module\.model\.(\d+)')  # as OpenVINO names what torch traced


def write_openvino(export: Path, folder: Path, frames: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Write the export's network in INT8 into a new folder, with metadata.

    `frames` (height, width, 3) uint8 BGR show which values occur in each layer: they are
    preprocessed as in the node. Weights have a scale for each output channel; NNCF chooses
    symmetric or asymmetric values by the activation (its preset "mixed", which it advises for
    SiLU). The first convolution, which reads the image, and the last ones of the head stay as they
    are: on photographs INT8 lost 1 to 2 points of mAP50 with them in INT8 and none without, for
    8 % of its time (docs/decisions/precision.md).
    """
    import nncf  # noqa: PLC0415  (takes seconds, and says much)
    import openvino  # noqa: PLC0415

    logging.getLogger('nncf').setLevel(logging.ERROR)
    (graph,) = export.glob('*.xml')
    model = openvino_core().read_model(graph)
    blobs = calibration_blobs(export, frames)
    quantized = nncf.quantize(
        model,
        nncf.Dataset(blobs),
        ignored_scope=nncf.IgnoredScope(patterns=_left_alone(model), validate=False),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(blobs),
    )
    folder.mkdir()
    openvino.save_model(quantized, folder / graph.name)
    metadata = _metadata(export)
    metadata[METADATA_KEY] = quantized_provenance(metadata[METADATA_KEY])
    _write(folder, metadata)


def _left_alone(model: Any) -> list[str]:
    """Return patterns of the operations that stay as they are.

    Beside the outermost convolutions these decode boxes from the head's: their values are pixels
    of the whole image, which INT8 would round to steps of several pixels.
    """
    layers = (_LAYER.match(operation.get_friendly_name()) for operation in model.get_ops())
    head = rf'__module\.model\.{max((int(layer[1]) for layer in layers if layer), default=0)}'
    return [
        r'__module\.model\.0[./].*',
        rf'{head}\.cv[234]\.\d+\.2/.*',
        rf'{head}(\.dfl[^/]*)?/.*',
    ]


def add_openvino_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add the loss by quantization to an export's metadata."""
    _write(folder, {**_metadata(folder), 'quantization': dict(facts)})


def _metadata(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((folder / 'metadata.yaml').read_text())
    return content


def _write(folder: Path, metadata: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(metadata), sort_keys=False, allow_unicode=True)
    (folder / 'metadata.yaml').write_text(text)
