# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The build of a model package from a network, its facts and its outputs."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
import yaml

import roof_detector
from roof_detector.inference.backends.onnxruntime_backend import OnnxRuntimeBackend
from roof_detector.inference.backends.torch_backend import TorchBackend
from roof_detector.inference.errors import BadModel
from roof_detector.inference.importing.architecture import check_architecture
from roof_detector.inference.importing.network import load_network
from roof_detector.inference.package.golden import (
    check_golden,
    golden_as_bytes,
    record_golden,
    stored_images,
    stored_inputs,
)
from roof_detector.inference.package.manifest import (
    ARCHITECTURE,
    GOLDEN,
    MANIFEST,
    ONNX,
    WEIGHTS,
    FileRecord,
    Manifest,
)
from roof_detector.inference.package.onnx_writing import write_onnx
from roof_detector.inference.provenance import METADATA_KEY, Provenance
from roof_detector.inference.torch_threads import torch_threads

LICENCE = 'AGPL-3.0-only'  # of ultralytics, whose network every package contains
_PACKAGES = ('torch', 'ultralytics', 'onnx')
_MOST_DEPTH = 16
# The same layers in FP32, twice: only the order of sums may differ.
_TOLERANCE = 1e-3


def build_package(
    architecture: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
    *,
    name: str,
    class_names: tuple[str, ...],
    image_size_wh: tuple[int, int],
    licence: str = LICENCE,
    source: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    answers: Sequence[Sequence[npt.NDArray[np.float32]]] = (),
) -> dict[str, bytes]:
    """Return the files of a package by name; the same network gives the same bytes.

    `source` says what the network was read from (its file's name and sha256), `training` how it
    was trained, `answers` the outputs there for `stored_inputs`, which must be the same here. The
    outputs for the golden images are computed with torch in FP32, and model.onnx must agree with
    them. Raises InferenceError.
    """
    architecture = check_architecture(architecture)
    network = load_network(architecture, tensors).eval()
    network.names = dict(enumerate(class_names))
    _check_answers(network, answers, name=name)
    strides = tuple(int(one) for one in network.model[-1].stride.tolist())
    halves = all(
        torch.equal(one.half().to(one.dtype), one)
        for one in tensors.values()
        if one.is_floating_point()
    )
    source = {**(source or {}), 'versions': _versions()}
    manifest = Manifest(
        name=name,
        task='segment' if 'Segment' in type(network.model[-1]).__name__ else 'detect',
        class_names=class_names,
        strides=strides,
        image_size_wh=image_size_wh,
        precision='f16' if halves else 'f32',
        licence=licence,
        source=_plain(source),
        training=_plain(training or {}),
    )
    images = stored_images()
    reference = TorchBackend(
        Path(name), device='cpu', precision='f32', model=(deepcopy(network), manifest.facts)
    )
    with torch_threads(1):  # the same bytes on machines of more cores
        golden = record_golden(reference, images)
    files = {
        ONNX: write_onnx(network, manifest.facts, metadata=_metadata(manifest)),
        WEIGHTS: safetensors.torch.save(
            {key: _stored(one, halves=halves) for key, one in sorted(tensors.items())}
        ),
        ARCHITECTURE: _as_yaml(architecture),
        GOLDEN: golden_as_bytes(golden),
        **images,
    }
    exported = OnnxRuntimeBackend(Path(name), device='cpu', content=files[ONNX])
    check_golden(exported, golden, images, where=f'The {ONNX} made of {name}')
    return finish_package(files, manifest)


def _as_yaml(architecture: Mapping[str, Any]) -> bytes:
    text: str = yaml.safe_dump(dict(architecture), sort_keys=False, default_flow_style=None)
    return text.encode()


def finish_package(files: Mapping[str, bytes], manifest: Manifest) -> dict[str, bytes]:
    """Return the files with the manifest that names and hashes them all."""
    records = {
        name: FileRecord(hashlib.sha256(content).hexdigest(), len(content))
        for name, content in files.items()
    }
    content = replace(manifest, files=records).as_bytes()
    Manifest.read(content)  # nothing is written that cannot be read
    return {MANIFEST: content, **files}


def _check_answers(
    network: Any, answers: Sequence[Sequence[npt.NDArray[np.float32]]], *, name: str
) -> None:
    """Compare a network with the one it was rebuilt from; raise BadModel if they differ.

    It was read with one thread. A network that was hardly trained can answer with several by 0.4
    pixels otherwise, so that it has one here as well.
    """
    if not answers:
        return
    for image, expected in zip(stored_inputs(), answers, strict=True):
        with torch.inference_mode(), torch_threads(1):
            output = network(torch.from_numpy(image))[0]
        outputs = output if isinstance(output, tuple) else (output,)
        for ours, theirs in zip(outputs, expected, strict=False):
            if ours.shape != theirs.shape or not np.allclose(
                ours.numpy(), theirs, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True
            ):
                msg = (
                    f'The network built again from {name} answers otherwise than the one in it, '
                    'so it was changed after it was made from its architecture. Save it with '
                    'ultralytics or roof_detector train.'
                )
                raise BadModel(msg)


def _stored(tensor: torch.Tensor, *, halves: bool) -> torch.Tensor:
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.to(torch.float16 if halves else torch.float32)
    return tensor.contiguous().clone()


def _metadata(manifest: Manifest) -> dict[str, Any]:
    """Return the metadata of model.onnx, for its use without its package."""
    provenance = Provenance(
        source=str(manifest.source.get('name', manifest.name)),
        source_sha256=str(manifest.source.get('sha256', '')),
        precision='f32',  # the precision in which it computes
        licence=manifest.licence,
        versions=tuple(manifest.source['versions'].items()),
    )
    width, height = manifest.image_size_wh
    return {
        'task': manifest.task,
        'names': dict(enumerate(manifest.class_names)),
        'stride': max(manifest.strides),
        'imgsz': [height, width],
        'license': manifest.licence,
        METADATA_KEY: provenance.as_metadata(),
    }


def _versions() -> dict[str, str]:
    found = {'roof_detector': roof_detector.__version__}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _plain(value: Any, *, depth: int = 0) -> Any:
    """Return values for JSON: numbers that are not finite become null, other objects text."""
    if isinstance(value, Mapping) and depth < _MOST_DEPTH:
        return {str(key): _plain(one, depth=depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple) and depth < _MOST_DEPTH:
        return [_plain(one, depth=depth + 1) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
