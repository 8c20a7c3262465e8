# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The proof of one variant: built, run forward and backward, fused, exported and compared."""

from __future__ import annotations

import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from training.compose.build import build_network

if TYPE_CHECKING:
    from training.compose.description import Description

_OPSET = 17  # sampling of maps is an operator from 16 on
_SIDE = 128


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found of a variant; `problem` is '' if all went well.

    `onnx_error` and `fuse_error` are the largest differences to the network before, in shares of
    the largest value.
    """

    description: Description
    problem: str
    parameters: int = 0
    fuse_error: float = 0.0
    onnx_error: float = 0.0
    took_s: float = 0.0


def prove(description: Description, *, side: int = _SIDE, tolerance: float = 1e-3) -> Proof:
    """Build a variant and try what training and flying do with it, on the CPU.

    Inputs and weights are random, of a fixed seed. No error is raised for a variant that fails: it
    stands in the proof.
    """
    begin = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the tracer's, about sizes that are constants
            facts = _facts(description, side)
    except Exception as error:
        problem = f'{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ""}'
        return Proof(description=description, problem=problem, took_s=time.monotonic() - begin)
    problems = [
        f'{key} differs by {facts[key]:.1e}'
        for key in ('fuse_error', 'onnx_error')
        if not facts[key] <= tolerance
    ]
    return Proof(
        description=description,
        problem='; '.join(problems),
        took_s=time.monotonic() - begin,
        **facts,
    )


def _facts(description: Description, side: int) -> dict[str, Any]:
    torch.manual_seed(0)
    network = build_network(description, class_count=3)
    images = torch.rand(2, 3, side, side)
    network.train()
    total = sum(one.float().square().mean() for one in _tensors(network(images)))
    total.backward()  # type: ignore[union-attr]
    _check_gradients(network)
    network.zero_grad()
    network.eval()
    for weights in network.parameters():
        weights.requires_grad_(requires_grad=False)
    network.model[-1].export = True
    image = images[:1]
    with torch.inference_mode():
        before = _first(network(image))
        parameters = sum(weights.numel() for weights in network.parameters())
        fused = network.fuse(verbose=False)
        after = _first(fused(image))
    exported = _onnx_output(fused, image)
    return {
        'parameters': parameters,
        'fuse_error': _difference(before, after),
        'onnx_error': _difference(after, exported),
    }


def _check_gradients(network: Any) -> None:
    """Raise ValueError unless all weights but those of unused branches have finite gradients."""
    found = [one.grad for one in network.parameters() if one.grad is not None]
    if not found or not all(bool(torch.isfinite(one).all()) for one in found):
        msg = 'the gradients are not finite'
        raise ValueError(msg)


def _onnx_output(network: Any, image: torch.Tensor) -> torch.Tensor:
    import onnxruntime as ort  # noqa: PLC0415  (a second)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'variant.onnx'
        torch.onnx.export(
            network,
            (image,),
            str(path),
            opset_version=_OPSET,
            input_names=['images'],
            dynamo=False,
        )
        session = ort.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        return torch.from_numpy(np.asarray(session.run(None, {'images': image.numpy()})[0]))


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value] if value.is_floating_point() and value.requires_grad else []
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list | tuple):
        return []
    return [one for part in value for one in _tensors(part)]


def _first(value: Any) -> torch.Tensor:
    while not isinstance(value, torch.Tensor):
        value = value[0]
    return value


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    if one.shape != other.shape:
        return float('inf')
    return float((one - other).abs().max() / one.abs().max().clamp(min=1e-9))
